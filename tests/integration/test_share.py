"""Two processes share the partitions of an application; one stops, or is killed, and nothing is missing or twice."""
import signal
import unittest

import common

KEYS, ROUNDS = 200, 5


@unittest.skipUnless(common.KAFKA, "the embedded log has one process")
class Share(common.Case):
    def setUp(self):
        super().setUp()
        self.produce("clicks", [{"key": "k0", "value": {"n": 0}}])  # Makes the topic.

    def click(self, number):
        self.produce("clicks", [{"key": f"k{k}", "value": {"n": number}} for k in range(KEYS)])

    def tasks(self, run):
        """How many tasks a process has, as its pages say."""
        lines = run.ask("GET", "/metrics")[1].splitlines()
        return sum(line.startswith("streamd_task_input_lag{") for line in lines)

    def wait_for_sharing(self, *runs):
        common.wait_for(lambda: all(self.tasks(run) > 0 for run in runs), 90)
        for run in runs:
            run.ready()

    def check(self, number):
        """Every record came out once, in order for each key, and was counted once."""
        want = 1 + KEYS * number
        common.wait_for(lambda: len(self.consume("copies")) >= want, 90)
        copies, counts = {}, {}
        for row in self.consume("copies"):
            copies.setdefault(row["key"], []).append(row["value"]["n"])
        for key, values in copies.items():
            self.assertEqual(values, [0] * (key == "k0") + list(range(1, number + 1)), key)
        for row in self.consume("counts"):
            self.assertGreater(row["value"]["clicks"], counts.get(row["key"], 0), row)
            counts[row["key"]] = row["value"]["clicks"]
        self.assertEqual(counts, {key: len(values) for key, values in copies.items()})
        self.assertEqual(len(counts), KEYS)

    def leave(self, number):
        first, second = self.start(number=1), self.start(number=2)
        self.wait_for_sharing(first, second)
        self.click(1)
        common.wait_for(lambda: len(self.consume("copies")) >= 1 + KEYS)
        self.click(2)
        first.end(number)
        for i in range(3, ROUNDS + 1):
            self.click(i)
        self.check(ROUNDS)
        self.assertEqual(second.end(), 0, second.said()[-1000:])
        return first

    def test_one_stops(self):
        self.assertEqual(self.leave(signal.SIGTERM).child.returncode, 0)

    def test_one_is_killed(self):
        self.leave(signal.SIGKILL)

    def test_one_joins(self):
        first = self.start(number=1).ready()
        self.click(1)
        second = self.start(number=2)
        self.click(2)
        self.wait_for_sharing(first, second)
        self.click(3)
        self.check(3)
        self.assertEqual([first.end(), second.end()], [0, 0])


if __name__ == "__main__":
    unittest.main()
