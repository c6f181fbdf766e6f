"""Rows that expire, run for real: what comes is what `streamd pipe` says of each partition, though the run is killed
half-way, and on Kafka its state directory deleted.

A partition has a stream time of its own, so the lines go through `pipe` one partition at a time.
"""
import json
import random
import shutil
import signal
import unittest

import common

ROWS = 4000
KEYS = 300


class Ttl(common.Case):
    maxDiff = None

    TEXT = """
application {name}
stream moves from topic "{name}-moves" {{ key string  value json {{ room string, n int }} }}
table places from topic "{name}-moves" {{ key string  value json {{ room string, n int }} }}
table seen = moves | group by key | aggregate {{ times: count(), sum: sum(n) }} | ttl 400ms
table rooms = moves | latest delete when room == "out" | ttl 400ms
table here = places | filter room != "out" | map {{ n }} | ttl 1s
seen | emit all | to topic "{name}-seen"
rooms | emit all | to topic "{name}-rooms"
here | emit all | to topic "{name}-here"
"""
    OUTPUTS = ("seen", "rooms", "here")

    def rows(self):
        rng = random.Random(11)
        for at in range(ROWS):
            value = {"room": rng.choice(["hall", "attic", "out"]), "n": rng.randrange(9)}
            late = rng.choice([0, 0, 0, rng.randrange(600)])
            jump = 2000 if at > ROWS * 3 // 4 else 0
            yield {"key": f"k{rng.randrange(KEYS)}", "value": None if rng.random() < 0.05 else value,
                   "timestamp": max(at - late, 0) + jump}

    def by_key(self, records):
        rows = {}
        for r in records:
            rows.setdefault((r["topic"], r["key"]), []).append((r["timestamp"], r["value"]))
        return rows

    def check(self):
        got = self.by_key({**r, "topic": self.topic(name)} for name in self.OUTPUTS for r in self.consume(name))
        parts = {}
        for r in self.consume("moves"):
            line = {"topic": self.topic("moves"), **{k: r[k] for k in ("key", "value", "timestamp")}}
            parts.setdefault(r["partition"], []).append(json.dumps(line) + "\n")
        want = self.by_key(json.loads(line) for lines in parts.values()
                           for line in self.streamd("pipe", self.file, stdin="".join(lines)).splitlines())
        self.assertGreater(sum(v is None for rows in want.values() for _, v in rows), KEYS)
        differ = {row: (got.get(row), want.get(row)) for row in got.keys() | want.keys()
                  if got.get(row) != want.get(row)}
        self.assertEqual(dict(list(differ.items())[:3]), {}, "(came, expected)")

    def test_as_pipe_says(self):
        self.produce("moves", list(self.rows()))
        self.run_to_end()
        self.check()

    def test_killed_and_restored(self):
        rows = list(self.rows())
        self.produce("moves", rows[:ROWS // 2])
        run = self.start().ready()
        run.end(signal.SIGKILL)
        self.run_to_end()
        if common.KAFKA:
            shutil.rmtree(self.folder / "state-1")
        self.produce("moves", rows[ROWS // 2:])
        self.run_to_end()
        self.check()


if __name__ == "__main__":
    unittest.main()
