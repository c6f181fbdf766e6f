"""`emit at`, run for real: each firing once, in every partition, whoever is killed and whoever takes over.

What was missed while nobody ran is made up for, so that between the first firing and the last none is missing.
"""
import collections
import shutil
import signal
import time
import unittest

import common

KEYS = [f"k{n}" for n in range(40)]


class EmitAt(common.Case):
    TEXT = """
application {name}
table users from topic "{name}-users" {{ key string  value json {{ n int }} }}
users | emit at "* * * * * *" | to topic "{name}-out"
"""

    def setUp(self):
        super().setUp()
        self.produce("users", [{"key": key, "value": {"n": 1}} for key in KEYS])

    def times(self):
        """When each key was sent, and how often."""
        sent = collections.defaultdict(collections.Counter)
        for r in self.consume("out"):
            sent[r["key"]][r["timestamp"]] += 1
        return sent

    def await_firings(self, count):
        """So many more of all keys than there are now."""
        want = {key: len(times) + count for key, times in self.times().items()}
        common.wait_for(lambda: all(len(self.times()[key]) >= want.get(key, count) for key in KEYS))

    def check(self, least):
        sent = self.times()
        self.assertEqual(sorted(sent), sorted(KEYS))
        for key, times in sent.items():
            self.assertEqual({n for n in times.values()}, {1}, f"{key}: {times}")
            self.assertEqual(sorted(times), list(range(min(times), max(times) + 1, 1000)), key)
            self.assertGreaterEqual(len(times), least)

    def test_killed_and_begun_anew(self):
        run = self.start().ready()
        self.await_firings(2)
        run.end(signal.SIGKILL)
        if common.KAFKA:
            shutil.rmtree(self.folder / "state-1")
        time.sleep(2)
        run = self.start().ready()
        self.await_firings(4)
        self.assertEqual(run.end(), 0)
        self.check(6)

    @unittest.skipUnless(common.KAFKA, "the embedded log has one member")
    def test_members_come_and_go(self):
        one = self.start().ready()
        self.await_firings(1)
        two = self.start(number=2).ready()
        self.await_firings(3)
        two.end(signal.SIGKILL)
        self.await_firings(3)
        self.assertEqual(one.end(), 0)
        self.check(7)


if __name__ == "__main__":
    unittest.main()
