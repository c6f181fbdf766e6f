"""What other projects on librdkafka got wrong when partitions move, restore or stop for a while, each as a test."""
import re
import shutil
import signal
import threading
import time
import unittest

import common

SETTINGS = "kafka.session.timeout.ms = {session}\nkafka.transaction.timeout.ms = 2000\n"


@unittest.skipUnless(common.KAFKA, "the embedded log has one process, and nothing to restore from")
class Moving(common.Case):
    KEYS = 50

    def setUp(self):
        super().setUp()
        self.rounds = 0
        self.click()

    def click(self, keys=None):
        self.rounds += 1
        self.produce("clicks", [{"key": f"k{k}", "value": {"n": 1}} for k in range(keys or self.KEYS)])

    def member(self, number, session=3000):
        config = self.folder / f"settings-{number}.conf"
        config.write_text(SETTINGS.format(session=session), encoding="utf-8")
        return self.start("--config", config, number=number)

    def check(self, *runs):
        """Every click was counted once: each key's counts go 1, 2, 3 … up to the last."""
        def copies():
            return sum(1 for _ in self.consume("copies"))
        common.wait_for(lambda: copies() >= self.rounds * self.KEYS, 90)
        counts = {}
        for row in self.consume("counts"):
            self.assertGreater(row["value"]["clicks"], counts.get(row["key"], 0), row)
            counts[row["key"]] = row["value"]["clicks"]
        self.assertEqual(copies(), self.rounds * self.KEYS)
        self.assertEqual(counts, {f"k{k}": self.rounds for k in range(self.KEYS)})
        for run in runs:
            self.assertEqual(run.end(), 0, run.said()[-1000:])

    @staticmethod
    def slots(run):
        return int((re.findall(r"every task here processes slots=(\d+)", run.said()) or ["0"])[-1])

    def share(self, *runs):
        for run in runs:
            run.ready()
        common.wait_for(lambda: sum(map(self.slots, runs)) == common.PARTITIONS and all(map(self.slots, runs)), 90)

    def test_restore_of_an_empty_changelog_ends(self):
        text = self.file.read_text(encoding="utf-8").replace("clicks | group", "clicks | filter n > 1 | group")
        self.file.write_text(text, encoding="utf-8")
        self.run_to_end()
        for _ in range(2):  # Without a disk, and with one that says that there was nothing.
            shutil.rmtree(self.folder / "state-1", ignore_errors=True)
            self.run_to_end()
        self.assertEqual(self.consume("counts"), [])

    def test_state_is_there_when_a_partition_comes_back(self):
        first = self.member(1).ready()
        common.wait_for(lambda: len(self.consume("copies")) == self.KEYS)
        second = self.member(2)
        self.share(first, second)
        self.click()
        common.wait_for(lambda: len(self.consume("copies")) == 2 * self.KEYS)
        self.assertEqual(second.end(), 0)
        common.wait_for(lambda: self.slots(first) == common.PARTITIONS)
        self.click()
        self.check(first)

    def test_a_rebalance_while_state_is_restored(self):
        rows = [{"key": f"large-{k}", "value": {"n": 1}} for k in range(30_000)]
        self.produce("clicks", rows)
        self.run_to_end()
        shutil.rmtree(self.folder / "state-1")
        first = self.member(1)
        common.wait_for(lambda: "streamd_task_restore_lag" in first.ask("GET", "/metrics")[1])
        second = self.member(2)
        self.share(first, second)
        self.click()
        common.wait_for(lambda: len(self.consume("copies")) == len(rows) + 2 * self.KEYS, 90)
        last = {r["key"]: r["value"]["clicks"] for r in self.consume("counts")}
        self.assertEqual({last[f"k{k}"] for k in range(self.KEYS)}, {2})
        self.assertEqual({last[r["key"]] for r in rows}, {1})
        for run in (first, second):
            self.assertEqual(run.end(), 0, run.said()[-1000:])

    def test_from_one_to_three_under_load(self):
        stopping = threading.Event()

        def load():
            while not stopping.is_set():
                self.click()
        loader = threading.Thread(target=load)
        runs = [self.member(1).ready()]
        loader.start()
        try:
            for number in (2, 3):
                runs.append(self.member(number))
                self.share(*runs)
        finally:
            stopping.set()
            loader.join()
        self.check(*runs)

    def test_a_transaction_that_timed_out(self):
        """Held up for longer than a transaction may take, but a member all the time."""
        run = self.member(1, session=30_000).ready()
        stopping = threading.Event()

        def load():
            while not stopping.is_set():
                self.click()
        loader = threading.Thread(target=load)
        loader.start()
        try:
            for _ in range(2):
                time.sleep(1)
                run.child.send_signal(signal.SIGSTOP)
                time.sleep(5)
                run.child.send_signal(signal.SIGCONT)
        finally:
            stopping.set()
            loader.join()
        self.check(run)


if __name__ == "__main__":
    unittest.main()
