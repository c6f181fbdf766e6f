"""`idle` in a run: windows close while nothing comes, behind a repartition too, and once, whatever ends the process."""
import signal
import time
import unittest

from common import Case, wait_for


class Idle(Case):
    TEXT = """
application {name}
stream clicks from topic "{name}-clicks" {{
  key string  value json {{ n int, user string, at timestamp }}  time at idle 2s
}}
table per_key = clicks | group by key | window tumbling 10s grace 0s | aggregate {{ sum: sum(n) }}
table per_user = clicks | group by user | window tumbling 10s grace 0s | aggregate {{ count: count() }}
stream later = clicks | delay until at + 3s
per_key  | emit final | to topic "{name}-keys"
per_user | emit final | to topic "{name}-users"
later    | to topic "{name}-later"
"""

    def clicks(self, numbers, at):
        self.produce("clicks", [{"key": f"k{n}", "value": {"n": n, "user": f"u{n % 3}", "at": at}, "timestamp": at}
                                for n in numbers])

    def rows(self, topic, column):
        return sorted((row["key"], row["value"][column], row["value"]["window_start"]) for row in self.consume(topic))

    def check(self, starts):
        self.assertEqual(self.rows("keys", "sum"), sorted((f"k{n}", n, start) for n in range(9) for start in starts))
        self.assertEqual(self.rows("users", "count"), sorted((f"u{n}", 3, start) for n in range(3) for start in starts))
        self.assertEqual(len(self.consume("later")), 9 * len(starts))

    def wait_and_check(self, starts):
        wait_for(lambda: len(self.rows("users", "count")) >= 3 * len(starts)
                 and len(self.rows("keys", "sum")) >= 9 * len(starts), 40)
        time.sleep(2)

    def test_windows_close_once(self):
        # Two partitions at least have nothing, others wait; a partition without rows holds nobody back.
        self.clicks(range(9), 8_000)
        process = self.start().ready()
        if self.log[0] == "--bootstrap":
            self.wait_and_check([0])
        else:
            time.sleep(7)
        process.end(signal.SIGKILL)
        self.check([0])
        self.clicks(range(9), 108_000)
        process = self.start().ready()
        time.sleep(7)
        process.end(signal.SIGKILL)
        self.check([0, 100_000])
        process = self.start().ready()
        time.sleep(4)
        self.assertEqual(process.end(), 0)
        self.check([0, 100_000])

    def test_waits_on_after_a_restart(self):
        # No row comes after the restart: that there was one is known from the commit.
        self.clicks(range(9), 5_000)
        process = self.start().ready()
        time.sleep(2.5)
        process.end(signal.SIGKILL)
        process = self.start().ready()
        time.sleep(7)
        self.assertEqual(process.end(), 0)
        self.check([0])


if __name__ == "__main__":
    unittest.main()
