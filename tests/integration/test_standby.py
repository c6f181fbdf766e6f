"""Standby copies: who takes a slot over has the state already, and restores only what came last."""
import re
import signal
import unittest

import common

READY = r"every task here processes slots=(\d+) records_restored=(\d+)"

TEXT = '''
application {name}
stream clicks from topic "{name}-clicks" {{ key string  value json {{ n int }} }}
table names from topic "{name}-names" {{ key string  value json {{ name string }} }}
table counts = clicks | group by key | aggregate {{ count: count() }}
counts | emit changes | to topic "{name}-counts"
stream named = clicks | join names on key
named | to topic "{name}-named"
'''


@unittest.skipUnless(common.KAFKA, "the embedded log has one member")
class Standby(common.Case):
    TEXT = TEXT
    KEYS = 2000

    def rows(self):
        self.produce("names", [{"key": f"k{k}", "value": {"name": f"N{k}"}} for k in range(self.KEYS)])
        self.click()

    def click(self):
        self.produce("clicks", [{"key": f"k{k}", "value": {"n": 1}} for k in range(self.KEYS)])

    def lags(self, process, name="streamd_standby_lag"):
        """By subtopology and partition."""
        return dict(re.findall(rf"(?m)^{name}{{(.*)}} (\d+)$", process.ask("GET", "/metrics")[1]))

    def wait_warm(self, *processes):
        def warm():
            found = [self.lags(p) for p in processes]
            tasks = sum(len(self.lags(p, "streamd_task_restore_lag")) for p in processes)
            return sum(map(len, found)) == tasks and not any(int(v) for lags in found for v in lags.values())
        common.wait_for(warm)

    def counted(self):
        last = {}
        for row in self.consume("counts"):
            last[row["key"]] = row["value"]["count"]
        return last

    def two(self, *more):
        first = self.start(*more, number=1).ready()
        second = self.start(*more, number=2).ready()
        common.wait_for(lambda: len(self.lags(first, "streamd_task_restore_lag")) ==
                        len(self.lags(second, "streamd_task_restore_lag")) > 0)
        return first, second

    def take_over(self, first, second):
        """Records that the second restores when the first is gone."""
        before = len(re.findall(READY, second.said()))
        self.assertNotEqual(first.end(signal.SIGKILL), 0)
        common.wait_for(lambda: len(re.findall(READY, second.said())) > before)
        return int(re.findall(READY, second.said())[-1][1])

    def test_who_takes_over_has_it(self):
        self.rows()
        first, second = self.two("--standby", "1")
        common.wait_for(lambda: set(self.counted().values()) == {1} and len(self.counted()) == self.KEYS)
        self.wait_warm(first, second)
        self.click()
        common.wait_for(lambda: set(self.counted().values()) == {2})
        self.wait_warm(first, second)
        # A copy writes what it has as it comes; the last moment before the end may be missing.
        self.assertLess(self.take_over(first, second), self.KEYS / 10)
        self.click()
        common.wait_for(lambda: set(self.counted().values()) == {3})
        named = [row["value"] for row in self.consume("named")]
        self.assertEqual(len(named), 3 * self.KEYS)
        self.assertEqual(second.end(), 0)

    def test_without_copies_all_is_restored(self):
        self.rows()
        first, second = self.two()
        common.wait_for(lambda: set(self.counted().values()) == {1} and len(self.counted()) == self.KEYS)
        self.assertEqual(self.lags(second), {})
        self.assertGreater(self.take_over(first, second), self.KEYS / 4)
        self.assertEqual(second.end(), 0)


if __name__ == "__main__":
    unittest.main()
