"""Two streams joined, run for real: every pair once and every row without a match once, whatever happens on the way.

The two topics are not read in step, so the grace is long enough for all of them, and the rows that end the wait come
last. The run is killed in the middle and loses its state directory; some rows fail, which undoes their batches.
"""
import collections
import random
import shutil
import signal
import time
import unittest

import common

ROWS = 4000
KEYS = 300
SPAN_MS = 200
END_MS = 10_000_000


class Joins(common.Case):
    TEXT = """
application {name}
stream orders from topic "{name}-orders" {{ key string  value json {{ ref string, n int }}  on error skip }}
stream payments from topic "{name}-payments" {{ key string  value json {{ m int }} }}
stream both = orders | outer join payments on orders.ref == payments.key within 200ms grace 10m | map {{ n, m }}
both | to topic "{name}-both"
orders | map {{ share: 1 / n }} | to topic "{name}-shares"
"""

    def rows(self):
        """(orders, payments) as (time, key, number); an order of number 0 fails."""
        rng = random.Random(11)
        made = [[(i * 10 + rng.randrange(10), f"k{rng.randrange(KEYS)}", i + 1) for i in range(ROWS)] for _ in range(2)]
        for i in rng.sample(range(ROWS), 40):
            made[0][i] = (made[0][i][0], made[0][i][1], 0)
        return made

    def send(self, orders, payments):
        self.produce("orders", [{"key": f"o{ts}", "value": {"ref": key, "n": n}, "timestamp": ts}
                                for ts, key, n in orders])
        self.produce("payments", [{"key": key, "value": {"m": m}, "timestamp": ts} for ts, key, m in payments])

    def expected(self, orders, payments):
        of_key, met, want = collections.defaultdict(list), set(), collections.Counter()
        for ts, key, m in payments:
            of_key[key].append((ts, m))
        for ts, key, n in orders:
            if n == 0:
                continue
            matches = [(max(ts, other), m) for other, m in of_key[key] if abs(ts - other) <= SPAN_MS]
            met.update(m for _, m in matches)
            want.update((at, key, n, m) for at, m in matches or [(ts, None)])
        want.update((ts, key, None, m) for ts, key, m in payments if m not in met)
        return want

    def check(self, orders, payments):
        """Rows far behind end the wait of all others, in every partition."""
        late = [(END_MS, f"k{k}", -1) for k in range(KEYS)]
        self.send(late, late)
        self.run_to_end()
        got = collections.Counter((r["timestamp"], r["key"], r["value"]["n"], r["value"]["m"])
                                  for r in self.consume("both") if r["timestamp"] < END_MS)
        want = self.expected(orders, payments)
        self.assertGreater(len(want), ROWS)
        self.assertEqual((want - got, got - want), ({}, {}))

    def test_every_pair_once(self):
        orders, payments = self.rows()
        self.send(orders, payments)
        self.run_to_end()
        self.check(orders, payments)

    def test_killed_and_restored(self):
        orders, payments = self.rows()
        half = ROWS // 2
        self.send(orders[:half], payments[:half])
        run = self.start().ready()
        time.sleep(0.3)
        run.end(signal.SIGKILL)
        self.run_to_end()
        if common.KAFKA:
            shutil.rmtree(self.folder / "state-1")
        self.send(orders[half:], payments[half:])
        self.run_to_end()
        self.check(orders, payments)


class Ready(common.Case):
    """The table's rows are younger than the stream's: by time alone the stream's would be read first."""
    TEXT = """
application {name}
table names from topic "{name}-names" {{ key string  value json {{ name string }} }}
stream clicks from topic "{name}-clicks" {{ key string  value json {{ n int }} }}
stream named = clicks | left join names on clicks.key when ready | map {{ n, name }}
named | to topic "{name}-named"
"""

    def test_the_table_is_read_first(self):
        self.produce("names", [{"key": f"k{i}", "value": {"name": f"name {i}"}, "timestamp": 5000 + i}
                               for i in range(3000)])
        self.produce("clicks", [{"key": f"k{i}", "value": {"n": i}, "timestamp": i} for i in range(3000)])
        self.run_to_end()
        self.produce("clicks", [{"key": "k3000", "value": {"n": 3000}, "timestamp": 3000}])
        self.run_to_end()
        got = {r["value"]["n"]: r["value"]["name"] for r in self.consume("named")}
        self.assertEqual(got, {i: f"name {i}" for i in range(3000)} | {3000: None})


class Counts(common.Case):
    TEXT = """
application {name}
stream a from topic "{name}-a" {{ key string  value json {{ x int }} }}
stream b from topic "{name}-b" {{ key string  value json {{ y int }} }}
stream both = a | join b on a.key == b.key within 1s grace 0s | map {{ x, y }}
both | to topic "{name}-both"
"""

    def test_refused_with_both_counts(self):
        for name, count in (("a", 3), ("b", 4)):
            self.streamd("produce", self.topic(name), "--partitions", count, *self.log,
                         stdin='{"key": "k", "value": {}, "timestamp": 1}\n')
        said = self.streamd("run", self.file, "--http", "off", "--until-end", *self.log, *self.state(), code=1)
        self.assertIn(f"`{self.name}-a` has 3 partitions and `{self.name}-b` has 4", said)


if __name__ == "__main__":
    unittest.main()
