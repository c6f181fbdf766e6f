"""Versioned tables, run for real: what a stream's rows find of the past is what `streamd pipe` finds, though between
all steps the run is killed and, on Kafka, its state directory deleted: the history comes back from the table's topic.

A partition has a stream time of its own, so the lines go through `pipe` one partition at a time.
"""
import collections
import json
import random
import shutil
import signal
import unittest

import common

ROWS = 3000
KEYS = 60
HISTORY = 1000


class Versioned(common.Case):
    maxDiff = None

    TEXT = """
application {name}
table prices from topic "{name}-prices" versioned 1s {{ key string  value json {{ price int }} }}
stream sales from topic "{name}-sales" {{ key string  value json {{ id int }} }}
stream sold = sales | left join prices on key | map {{ id, price }}
sold | to topic "{name}-sold"
"""

    def prices(self, rng):
        for at in range(ROWS):
            value = None if rng.random() < 0.1 else {"price": rng.randrange(100)}
            yield {"key": f"k{rng.randrange(KEYS)}", "value": value,
                   "timestamp": max(at - rng.choice([0, rng.randrange(HISTORY * 3 // 2)]), 0)}

    def sales(self, rng):
        for number in range(ROWS):
            yield {"key": f"k{rng.randrange(KEYS)}", "value": {"id": number},
                   "timestamp": ROWS - rng.randrange(HISTORY * 3 // 2)}

    def stop_half_way(self):
        self.start().ready().end(signal.SIGKILL)
        self.run_to_end()
        if common.KAFKA:
            shutil.rmtree(self.folder / "state-1")

    def by_partition(self):
        parts = collections.defaultdict(list)
        for topic in ("prices", "sales"):
            for r in self.consume(topic):
                line = {"topic": self.topic(topic), **{k: r[k] for k in ("key", "value", "timestamp")}}
                parts[r["partition"]].append(json.dumps(line) + "\n")
        return parts.values()

    def test_restored_from_its_topic(self):
        rng = random.Random(3)
        prices = list(self.prices(rng))
        self.produce("sales", [{"key": "k0", "value": None, "timestamp": 0}])  # It is there, and joins nothing.
        for part in (prices[:ROWS // 2], prices[ROWS // 2:]):
            self.produce("prices", part)
            self.stop_half_way()
        self.produce("sales", list(self.sales(rng)))
        self.stop_half_way()
        want = [json.loads(line) for lines in self.by_partition()
                for line in self.streamd("pipe", self.file, stdin="".join(lines)).splitlines()]
        want = {r["value"]["id"]: (r["timestamp"], r["value"]) for r in want if r["topic"] == self.topic("sold")}
        got = {r["value"]["id"]: (r["timestamp"], r["value"]) for r in self.consume("sold")}
        self.assertEqual(len(want), ROWS)
        self.assertGreater(sum(v["price"] is None for _, v in want.values()), 100)
        differ = {n: (got.get(n), want.get(n)) for n in want if got.get(n) != want.get(n)}
        self.assertEqual(dict(list(differ.items())[:3]), {}, "(came, expected)")
        self.assertEqual(len(self.consume("sold")), ROWS)

    @unittest.skipUnless(common.KAFKA, "no topic of the embedded log is compacted but its own")
    def test_a_topic_that_is_compacted_early(self):
        # A changelog is a compacted topic that is at hand.
        (self.folder / "first.stream").write_text(common.COUNT.format(name=self.name), encoding="utf-8")
        self.streamd("produce", self.topic("clicks"), "--topology", self.folder / "first.stream", *self.log,
                     stdin='{"key": "a", "value": {"n": 1}}\n')
        self.streamd("run", self.folder / "first.stream", "--until-end", "--http", "off", *self.log, *self.state())
        self.file.write_text(f'''
application {self.name}_second
table old from topic "{self.topic("counts-changelog")}" versioned 1h {{ key bytes  value bytes }}
old | to topic "{self.name}-copy"
''', encoding="utf-8")
        run = self.start(number=2).ready()
        self.assertEqual(run.end(), 0)
        self.assertRegex(run.said(), r"warn.*compacted too early.*table=old.*90000000")


if __name__ == "__main__":
    unittest.main()
