#!/usr/bin/env bash
# demo: run a topology on the embedded log over six minutes of orders, replayed in some seconds, and show what comes
# out as it comes. Half-way streamd is stopped and started again. Ends by itself; leaves nothing behind.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

streamd=${STREAMD_BIN:-build/streamd}
example=examples/order_revenue.stream
sinks=(orders-enriched revenue-per-minute)
steps=12 # of 30 seconds of orders each
first=5  # of them before the stop, which so is in the middle of a minute
pause=0.4

[ -x "$streamd" ] || { echo "demo: $streamd is not there; ./dev demo builds it" >&2; exit 1; }
work=$(mktemp -d)
running=
watching=()

# Ends what is still running, by its id, whatever way the demo ends.
leave() {
  [ -z "$running" ] || kill "$running" 2>/dev/null || true
  [ ${#watching[@]} -eq 0 ] || kill "${watching[@]}" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT TERM

# Each call has an end of its own, so that the demo has one whatever happens.
tool() { timeout -k 2 60 "$streamd" "$@" --data-dir "$work/data" 2>>"$work/log"; }

give_up() {
  echo "demo: $1; what streamd said:" >&2
  tail -qn 20 "$work"/*log >&2
  exit 1
}

customers() {
  printf '{"key": "%s", "value": {"name": "%s", "tier": "%s"}, "timestamp": 0}\n' \
    c1 Ada gold c2 Grace silver c3 Edsger gold c4 Barbara bronze
}

# orders STEP: eight orders of 30 seconds, as NDJSON; every sixth is not paid and is filtered out. Amounts are quarters,
# whose sums are the same in any order.
orders() {
  awk -v step="$1" 'BEGIN {
    start = 1769853600000 + step * 30000
    for (i = 0; i < 8; i++) {
      n = step * 8 + i
      printf "{\"key\": \"o%d\", \"value\": {\"order_id\": \"o%d\", \"customer\": \"c%d\", \"amount\": %d.%02d, ", n, n,
             n * 7 % 4 + 1, n * 37 % 90 + 5, n * 13 % 4 * 25
      printf "\"status\": \"%s\", \"items\": [], \"placed_at\": %.0f}, \"timestamp\": %.0f}\n",
             n % 6 == 5 ? "pending" : "paid", start + i * 3700, start + i * 3700
    }
  }'
}

# wait_for WORD FILE PID: until the process has said it, has ended, or ten seconds are over.
wait_for() {
  for ((i = 0; i < 200; i++)); do
    if grep -q "$1" "$2"; then break; fi
    kill -0 "$3" 2>/dev/null || break
    sleep 0.05
  done
}

# watch TOPIC EVERY: show what comes into a topic from now on, of so many records one, without its place in the log.
watch() {
  exec 3> >(awk -v topic="$1" -v every="$2" 'NR % every == 1 || every == 1 {
    sub(/,"timestamp":[0-9]*,"partition":[0-9]*,"offset":[0-9]*}$/, "}"); printf "  %-18s  %s\n", topic, $0; fflush()
  }')
  : >"$work/$1.log"
  timeout -k 2 60 "$streamd" consume "$1" --topology "$example" --data-dir "$work/data" --follow --from latest \
    >&3 2>>"$work/$1.log" &
  watching+=($!)
  exec 3>&-
  wait_for following "$work/$1.log" $!
}

# Runs until it is told to stop; the topics are there when `run` says that it serves.
start() {
  : >"$work/run.log"
  timeout -k 2 60 "$streamd" run "$example" --data-dir "$work/data" --http 127.0.0.1:0 >>"$work/run.log" 2>&1 &
  running=$!
  wait_for serving "$work/run.log" "$running"
  watch "${sinks[0]}" 4
  watch "${sinks[1]}" 1
  sleep "$pause"
}

stop() {
  sleep "$pause"
  kill "${watching[@]}" 2>/dev/null || true
  kill -TERM "$running" 2>/dev/null || true
  wait "$running" || { cat "$work/run.log" >>"$work/log"; running=; give_up "the run failed"; }
  running=
  wait "${watching[@]}" || true
  watching=()
}

replay() {
  for ((step = $1; step < $2; step++)); do
    orders "$step" | tool produce orders --topology "$example" || give_up "the orders could not be written"
    sleep "$pause"
  done
}

cat <<END
A shop: a topic of orders, a topic of customers. The topology below makes two topics of them: paid orders with the
customer's name (${sinks[0]}), and each customer's revenue per minute (${sinks[1]}).

== $example
$(cat "$example")

== streamd run $example
Six minutes of orders are replayed, half a minute at a time. Results as they come (of ${sinks[0]} one in four);
a minute comes when it is over, ten seconds of grace included:

END
: >"$work/log"
customers | tool produce customers --topology "$example" || give_up "the customers could not be written"
start
replay 0 "$first"
stop
cat <<END

== stopped, in the middle of a minute, and started again: what was counted is kept, so it goes on where it was

END
start
replay "$first" "$steps"
stop
count() { tool consume "$1" --topology "$example" | wc -l; }
enriched=$(count "${sinks[0]}")
minutes=$(count "${sinks[1]}")
[ $((enriched * minutes)) -gt 0 ] || give_up "too little came out"
cat <<END

$((steps * 8)) orders went in; $enriched enriched orders and $minutes rows of revenue came out.
The last minute is still open: event time stopped with the last order.

Try next:
  build/streamd describe $example    the DAG, its topics and stores
  build/streamd pipe $example < ${example%.stream}.ndjson
                                                          records in, records out, no log at all
  build/streamd test examples/login_flood.stream          tests that live beside a topology
  docs/guide/first-topology.md                            write your own, in ten minutes
  ./dev test                                              every test, real Kafka included
END
