#!/usr/bin/env bash
# demo: run the topology of the guide on the embedded log, replay a few minutes of orders in a few seconds,
# show what comes out while it comes out. Ends by itself; leaves nothing behind.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

streamd=${STREAMD_BIN:-build/streamd}
example=${STREAMD_DEMO:-examples/order_revenue.stream}
outputs=(orders-enriched revenue-per-minute)
steps=12        # each is 30 seconds of orders
pause_s=0.35    # between two steps

[ -x "$streamd" ] || { echo "demo: $streamd is not there; ./dev demo builds it" >&2; exit 1; }
[ -f "$example" ] || { echo "demo: $example is not there" >&2; exit 1; }

work=$(mktemp -d)
: >"$work/run.log"
pids=()
finish() {
  local pid
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

give_up() {
  echo "demo: $1; what streamd said:" >&2
  tail -n 20 "$work/run.log" >&2
  exit 1
}

# Each call has an end of its own, so that the demo has one whatever happens.
tool() { timeout -k 2 20 "$streamd" "$@" --data-dir "$work/data" 2>>"$work/run.log"; }

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

echo "== $example"
cat "$example"
echo
echo "== streamd run $example    (embedded log, nothing else needed)"
customers | tool produce customers || give_up "the customers could not be written"
timeout -k 5 90 "$streamd" run "$example" --data-dir "$work/data" --http 127.0.0.1:0 >"$work/run.log" 2>&1 &
pids+=($!)
engine=$!
for _ in $(seq 100); do
  [ -S "$work/data/streamd.sock" ] && break
  kill -0 "$engine" 2>/dev/null || give_up "streamd ended"
  sleep 0.1
done
[ -S "$work/data/streamd.sock" ] || give_up "streamd is not ready after 10 seconds"

for topic in "${outputs[@]}"; do
  : >"$work/$topic"
  timeout -k 2 60 "$streamd" consume "$topic" --from earliest --follow --data-dir "$work/data" \
    >"$work/$topic" 2>>"$work/run.log" &
  pids+=($!)
done

# show: what came out of each topic since the last call; of the many enriched orders only two a step.
declare -A shown
show() {
  local topic from count
  for topic in "${outputs[@]}"; do
    from=${shown[$topic]:-0}
    count=$(wc -l <"$work/$topic")
    if [ "$count" -gt "$from" ]; then
      if [ "$topic" = orders-enriched ]; then
        sed -n "$((from + 1)),${count}p" "$work/$topic" | head -n 2 | sed 's/^/  /'
      else
        sed -n "$((from + 1)),${count}p" "$work/$topic" | sed 's/^/  => /'
      fi
      shown[$topic]=$count
    fi
  done
}

echo "== orders go in; enriched orders come out at once, => the revenue of a minute when the minute is over"
for step in $(seq 0 $((steps - 1))); do
  orders "$step" | tool produce orders || give_up "an order could not be written"
  kill -0 "$engine" 2>/dev/null || give_up "streamd ended"
  sleep "$pause_s"
  show
done
for _ in $(seq 20); do
  [ "$(wc -l <"$work/revenue-per-minute")" -gt 0 ] && break
  sleep 0.25
done
sleep 0.5
show
[ "${shown[revenue-per-minute]:-0}" -gt 0 ] || give_up "no minute came out"

cat <<TEXT
== ${shown[orders-enriched]:-0} enriched orders, ${shown[revenue-per-minute]} minutes of revenue. Now try:
  $streamd check $example                 compile it; make a mistake in it first
  $streamd describe $example              its tasks, topics and stores
  $streamd test $example                  its tests, if it has some
  $streamd run $example                   run it for good; then, in other terminals:
  $streamd consume revenue-per-minute --follow
  echo '{"key": "o1", "value": {"order_id": "o1", "customer": "c1", "amount": 9.5, "status": "paid",
         "items": [], "placed_at": 1769853600000}}' | tr -d '\\n' | $streamd produce orders
  curl -s 127.0.0.1:9464/metrics          what it counts
  ./dev kafka start                       the same on Kafka: add --bootstrap 127.0.0.1:19092
TEXT
