"""Members that come back: static ones keep their place, and what is restored is said."""
import re
import shutil
import signal
import unittest

import common

READY = r"every task here processes slots=(\d+) records_restored=(\d+) bytes_restored=(\d+) ms=\d+"


@unittest.skipUnless(common.KAFKA, "the embedded log has one process, whose state is the log's")
class Restart(common.Case):
    KEYS = 100

    def setUp(self):
        super().setUp()
        self.click()

    def click(self):
        self.produce("clicks", [{"key": f"k{k}", "value": {"n": k}} for k in range(self.KEYS)])

    def await_counts(self, clicks):
        def counts():
            return {r["key"]: r["value"]["clicks"] for r in self.consume("counts")}
        common.wait_for(lambda: set(counts().values()) == {clicks} and len(counts()) == self.KEYS)

    @staticmethod
    def said_ready(run):
        return [tuple(map(int, found)) for found in re.findall(READY, run.said())]

    def test_a_static_member_keeps_its_place(self):
        first, second = (self.start("--instance", f"m{n}", number=n).ready() for n in (1, 2))
        common.wait_for(lambda: all(len(self.said_ready(run)) > 0 and run.ask("GET", "/health")[0] == 200 and
                                    self.said_ready(run)[-1][0] == 2 for run in (first, second)))
        self.await_counts(1)
        before = self.said_ready(second)
        first.end(signal.SIGKILL)
        self.click()
        first = self.start("--instance", "m1", number=1).ready()
        self.await_counts(2)
        self.assertEqual(self.said_ready(second), before, "the other one was not asked to give or take anything")
        ((slots, _, _),) = self.said_ready(first)
        self.assertEqual(slots, 2)
        for run in (first, second):
            self.assertEqual(run.end(), 0, run.said()[-1000:])

    def test_a_lost_disk_is_restored(self):
        run = self.start().ready()
        self.await_counts(1)
        self.assertEqual(run.end(), 0)
        ((_, records, _),) = self.said_ready(run)
        self.assertEqual(records, 0)
        shutil.rmtree(self.folder / "state-1")
        run = self.start().ready()
        ((slots, records, size),) = self.said_ready(run)
        self.assertEqual(slots, common.PARTITIONS)
        self.assertGreaterEqual(records, self.KEYS)
        self.assertGreater(size, records)
        restored = dict(re.findall(r"(?m)^(streamd_restored_\w+){worker=\"0\"} (\d+)$", run.ask("GET", "/metrics")[1]))
        self.assertEqual(set(restored), {"streamd_restored_total", "streamd_restored_bytes_total"})
        self.click()
        self.await_counts(2)
        self.assertEqual(run.end(), 0)


@unittest.skipUnless(common.KAFKA, "topics of the embedded log keep their number of partitions")
class Partitions(common.Case):
    def test_more_while_it_runs(self):
        self.produce("clicks", [{"key": f"k{k}", "value": {"n": 1}} for k in range(20)])
        run = self.start().ready()
        common.wait_for(lambda: len(self.consume("copies")) == 20)
        common.tool("TopicCommand", "--alter", "--topic", self.topic("clicks"), "--partitions", common.PARTITIONS + 2)
        self.assertEqual(run.child.wait(timeout=common.WAIT_S), 1)
        self.assertIn(f"`{self.topic('clicks')}` has 6 partitions now and had 4", run.said())
        self.assertIn("streamd reset", run.said())
        self.assertEqual({r["value"]["clicks"] for r in self.consume("counts")}, {1})


@unittest.skipUnless(common.KAFKA, "topics of the embedded log keep their number of partitions")
class PartitionsWithoutState(common.Case):
    """Nothing is kept by key: new partitions are read as the others are."""
    TEXT = """
application {name}
stream clicks from topic "{name}-clicks" {{ key string  value json {{ n int }} {start} }}
clicks | filter n >= 0 | to topic "{name}-copies"
"""
    START = ""

    def setUp(self):
        self.TEXT = self.TEXT.replace("{start}", self.START)
        super().setUp()

    def click(self, numbers, partitions):
        self.produce("clicks", [{"key": f"k{n}", "value": {"n": n}, "partition": n % partitions} for n in numbers])

    def copies(self):
        return sorted(r["value"]["n"] for r in self.consume("copies"))

    def grow(self, partitions):
        common.tool("TopicCommand", "--alter", "--topic", self.topic("clicks"), "--partitions", partitions)

    def test_new_ones_are_read(self):
        self.click(range(20), common.PARTITIONS)
        runs = [self.start(number=1).ready(), self.start(number=2).ready()]
        common.wait_for(lambda: self.copies() == list(range(20)))
        self.grow(6)
        self.click(range(20, 50), 6)  # Also before anybody has seen it.
        common.wait_for(lambda: self.copies() == list(range(50)))
        for run in runs:
            common.wait_for(lambda r=run: re.search(r"more partitions now.* had=4 has=6", r.said()))
        self.click(range(50, 80), 6)
        common.wait_for(lambda: self.copies() == list(range(80)))
        self.assertEqual([run.end() for run in runs], [0, 0], runs[0].said()[-500:])
        self.grow(9)  # While nobody runs.
        self.click(range(80, 110), 9)
        self.run_to_end()
        self.assertEqual(self.copies(), list(range(110)))


class PartitionsFromTheLatest(PartitionsWithoutState):
    """What is in new partitions is new, also for one who does not read what was there at the start."""
    START = "start latest"

    def test_new_ones_are_read(self):
        self.click(range(20), common.PARTITIONS)
        run = self.start().ready()
        self.grow(6)
        self.click([n for n in range(20, 50) if n % 6 > 3], 6)
        common.wait_for(lambda: self.copies() == [n for n in range(20, 50) if n % 6 > 3])
        self.assertEqual(run.end(), 0)


if __name__ == "__main__":
    unittest.main()
