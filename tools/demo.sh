#!/usr/bin/env bash
# demo: run the topology of the guide on the embedded log over a few minutes of orders, in rounds: new orders
# are written, streamd processes them and stops, the results are shown. Every round goes on where the last one
# stopped: stopping and starting loses nothing. Ends by itself; leaves nothing behind.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

streamd=${STREAMD_BIN:-build/streamd}
example=${STREAMD_DEMO:-examples/order_revenue.stream}
rounds=3
steps=4 # of 30 seconds of orders, in each round

[ -x "$streamd" ] || { echo "demo: $streamd is not there; ./dev demo builds it" >&2; exit 1; }
[ -f "$example" ] || { echo "demo: $example is not there" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# Each call has an end of its own, so that the demo has one whatever happens.
tool() { timeout -k 2 60 "$streamd" "$@" --data-dir "$work/data" 2>>"$work/log"; }

give_up() {
  echo "demo: $1; what streamd said:" >&2
  tail -n 20 "$work/log" >&2
  exit 1
}

customers() {
  printf '{"key": "%s", "value": {"name": "%s", "tier": "%s"}, "timestamp": 0}\n' \
    c1 Ada gold c2 Grace silver c3 Edsger gold c4 Barbara bronze
}

# orders STEP: eight orders of 30 seconds, as NDJSON; every sixth is not paid and is filtered out.
orders() {
  awk -v step="$1" 'BEGIN {
    start = 1769853600000 + step * 30000
    for (i = 0; i < 8; i++) {
      n = step * 8 + i
      printf "{\"key\": \"o%d\", \"value\": {\"order_id\": \"o%d\", \"customer\": \"c%d\", \"amount\": %d.%02d, ", n, n,
             n * 7 % 4 + 1, n * 37 % 90 + 5, n * 13 % 100
      printf "\"status\": \"%s\", \"items\": [], \"placed_at\": %.0f}, \"timestamp\": %.0f}\n",
             n % 6 == 5 ? "pending" : "paid", start + i * 3700, start + i * 3700
    }
  }'
}

# show TOPIC MOST: what came out since the last call, at most so many lines of it.
declare -A shown
show() {
  local topic=$1 most=$2 new
  tool consume "$topic" --topology "$example" >"$work/$topic" || give_up "$topic could not be read"
  sort -t: -k2 -o "$work/$topic" "$work/$topic"
  new=$(comm -13 <(sort "$work/$topic.seen" 2>/dev/null) <(sort "$work/$topic") | head -n "$most")
  [ -z "$new" ] || sed "s/^/  $topic  /" <<<"$new"
  cp "$work/$topic" "$work/$topic.seen"
  shown[$topic]=$(wc -l <"$work/$topic")
}

echo "== $example"
cat "$example"
: >"$work/log"
customers | tool produce customers --topology "$example" || give_up "the customers could not be written"
for ((round = 0; round < rounds; round++)); do
  echo
  echo "== round $((round + 1)): two minutes of orders, then: streamd run $example --until-end"
  for ((step = round * steps; step < (round + 1) * steps; step++)); do orders "$step"; done |
    tool produce orders --topology "$example" || give_up "the orders could not be written"
  tool run "$example" --until-end || give_up "the run failed"
  show orders-enriched 3
  show revenue-per-minute 8
done
[ "${shown[revenue-per-minute]}" -gt 0 ] || give_up "no minute was closed"
cat <<END

${shown[orders-enriched]} enriched orders and ${shown[revenue-per-minute]} minutes of revenue, through the embedded log.

Try next:
  build/streamd describe $example      the DAG, its topics and stores
  build/streamd check FILE             mistakes, with a caret under each
  build/streamd pipe $example          records in, records out, by hand
  ./dev test                           every test, real Kafka included
END
