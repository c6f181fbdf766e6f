"""Rows that take long: transactions end in time, and a worker that is lost in one gives its place up."""
import json
import re
import subprocess
import time
import unittest

import common

# What a row costs goes with its `n`.
TEXT = """
application {name}
stream jobs from topic "{name}-jobs" {{ key string  value json {{ id int, n int }} }}
jobs
  | map {{ id, parts: split(repeat("a,", n), ",") }}
  | map {{ id, texts: transform(parts, x -> regexp_replace(repeat(x, 2000), "a", "bb")) }}
  | map {{ id, work: reduce(texts, 0, (sum, x) -> sum + length(x)) }}
  | to topic "{name}-done"
"""


class Slow(common.Case):
    TEXT = TEXT
    TIMEOUT_MS = 2000

    def cost(self, seconds):
        """An `n` with which a row takes about so long here and now."""
        n, took_s = 1000, 0
        while took_s < 0.3:
            n *= 2
            line = json.dumps({"topic": self.topic("jobs"), "key": "k", "value": {"n": n}})
            begin_s = time.monotonic()
            subprocess.run([common.STREAMD, "pipe", self.file], input=line, capture_output=True, encoding="utf-8",
                           check=True, timeout=common.WAIT_S)
            took_s = time.monotonic() - begin_s
        return int(n * seconds / took_s)

    def jobs(self, sizes):
        self.produce("jobs", [{"key": "k", "value": {"id": i, "n": n}, "partition": 0} for i, n in enumerate(sizes)])

    def settings(self, **more):
        config = self.folder / "settings.conf"
        config.write_text("".join(f"kafka.{key.replace('_', '.')} = {value}\n" for key, value in more.items()),
                          encoding="utf-8")
        return ["--config", config]

    def done(self):
        return [r["value"]["id"] for r in self.consume("done")]

    @staticmethod
    def metric(run, name):
        """The sum over its labels."""
        page = run.ask("GET", "/metrics")[1]
        return sum(float(value) for value in re.findall(rf"(?m)^{name}(?:{{.*}})? (\S+)$", page))


@unittest.skipUnless(common.KAFKA, "the embedded log has no time limit")
class InTime(Slow):
    def test_a_commit_comes_early(self):
        """Some 8 s of work, which one batch could hold, and a commit interval of a minute: no transaction is open
        for longer than half of its time limit, but for what a row takes."""
        self.jobs([self.cost(0.08)] * 100)
        run = self.start("--commit", "1m", *self.settings(transaction_timeout_ms=self.TIMEOUT_MS)).ready()
        ages = []

        def all_done():
            ages.append(self.metric(run, "streamd_transaction_age_seconds"))
            return self.metric(run, "streamd_produced_total") == 100 and ages[-1] == 0
        common.wait_for(all_done)
        self.assertGreater(max(ages), 0)
        self.assertLess(max(ages) * 1000, self.TIMEOUT_MS * 0.9)
        self.assertGreaterEqual(self.metric(run, "streamd_commits_total"), 4)
        self.assertEqual(self.metric(run, "streamd_aborts_total"), 0)
        self.assertEqual(self.metric(run, "streamd_fenced_total"), 0)
        self.assertEqual(run.end(), 0)
        self.assertEqual(self.done(), list(range(100)))


@unittest.skipUnless(common.KAFKA, "nobody can take over from the embedded log's process")
class TooLong(Slow):
    """A row takes longer than the group's members may."""
    LIMIT_MS = 3000

    def setUp(self):
        super().setUp()
        self.jobs([1, 1, self.cost(9), 1])
        self.slow = self.start("--commit", "20ms", *self.settings(max_poll_interval_ms=self.LIMIT_MS,
                                                                session_timeout_ms=self.LIMIT_MS))

    def health(self):
        status, text = self.slow.ask("GET", "/health")
        return status, json.loads(text)

    def stalled(self):
        common.wait_for(lambda: not self.health()[1]["live"])
        status, health = self.health()
        self.assertEqual((status, health["ready"]), (503, False))
        self.assertRegex(health["why"], rf"worker \d has ended no batch for more than {self.LIMIT_MS} ms")
        self.assertEqual(self.metric(self.slow, "streamd_worker_stalled_total"), 1)

    def test_another_takes_over(self):
        self.stalled()
        other = self.start(number=2)
        common.wait_for(lambda: "every task here processes slots=4" in other.said(), 8)  # It is still at it.
        self.assertFalse(self.health()[1]["live"])
        common.wait_for(lambda: self.done() == [0, 1, 2, 3])
        # What it had in hand was not committed, and it is a member again.
        common.wait_for(lambda: self.health()[1]["live"] and "joining again" in self.slow.said())
        common.wait_for(lambda: self.health()[0] == 200)
        self.assertGreaterEqual(self.metric(self.slow, "streamd_fenced_total"), 1)
        self.produce("jobs", [{"key": f"k{i}", "value": {"id": i, "n": 1}, "partition": i % 4} for i in range(4, 20)])
        common.wait_for(lambda: len(self.done()) >= 20)
        self.assertEqual([self.slow.end(), other.end()], [0, 0])
        self.assertEqual(sorted(self.done()), list(range(20)))

    def test_it_can_be_stopped(self):
        self.stalled()
        self.assertEqual(self.slow.end(), 0)
        self.assertIn(self.done(), ([0], [0, 1]), "what took too long was not committed")


if __name__ == "__main__":
    unittest.main()
