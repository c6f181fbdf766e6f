"""Records that are gone from Kafka before they were read: the run stops and names them, and nothing is guessed."""
import json
import re
import shutil
import unittest

import common


@unittest.skipUnless(common.KAFKA, "the embedded log is one with its state")
class Lost(common.Case):
    KEYS = 40

    def setUp(self):
        super().setUp()
        self.click()
        self.run_to_end()

    def click(self):
        self.produce("clicks", [{"key": f"k{k}", "value": {"n": 1}} for k in range(self.KEYS)])

    def empty(self, topic):
        """Delete all records of a topic's partitions."""
        file = self.folder / "delete.json"
        partitions = [{"topic": topic, "partition": p, "offset": -1} for p in range(common.PARTITIONS)]
        file.write_text(json.dumps({"version": 1, "partitions": partitions}), encoding="utf-8")
        common.tool("DeleteRecordsCommand", "--offset-json-file", file)

    def refused(self):
        return self.streamd("run", self.file, "--http", "off", "--until-end", *self.log, *self.state(), code=1)

    def counts(self):
        return {r["key"]: r["value"]["clicks"] for r in self.consume("counts")}

    def test_input_that_was_not_read_yet(self):
        self.click()
        self.empty(self.topic("clicks"))
        for _ in range(2):  # Also again: offsets are never set anew by themselves.
            self.assertRegex(self.refused(), rf"{self.topic('clicks')}.*\[?\d\]?.*offset \d+")
        self.assertEqual(set(self.counts().values()), {1})

    def go_on(self, where):
        """The topology with `on gap`; what it says of the gap, and its pages at the end."""
        text = self.file.read_text(encoding="utf-8")
        self.file.write_text(text.replace("{ n int } }", f"{{ n int }} on gap {where} }}"), encoding="utf-8")
        process = self.start().ready()
        common.wait_for(lambda: process.said().count("records are gone before they were read") == common.PARTITIONS)
        return process

    def ends(self, topic, when):
        out = common.tool("GetOffsetShell", "--topic", topic, "--time", when)
        return {int(line.split(":")[1]): int(line.split(":")[2]) for line in out.splitlines() if line}

    def group(self):
        """By partition of the clicks: where the group stands."""
        out = common.tool("ConsumerGroupCommand", "--describe", "--group", self.name)
        rows = [line.split() for line in out.splitlines() if self.topic("clicks") in line]
        return {int(row[2]): int(row[3]) for row in rows}

    def gap(self, where, left, counted):
        """Two rounds are gone, one is left when it starts, one comes then."""
        before = self.ends(self.topic("clicks"), -1)
        self.click()
        self.click()
        self.empty(self.topic("clicks"))
        gone = self.ends(self.topic("clicks"), -1)
        for _ in range(left):
            self.click()
        process = self.go_on(where)
        target = gone if where == "earliest" else self.ends(self.topic("clicks"), -1)
        for partition in range(common.PARTITIONS):
            self.assertRegex(process.said(), rf"topic={self.topic('clicks')} partition={partition} "
                                             rf"from={before[partition]} to={target[partition]} ")
        for partition, offset in target.items():
            common.wait_for(lambda p=partition, o=offset: self.group().get(p, 0) >= o)
        self.click()
        common.wait_for(lambda: set(self.counts().values()) == {counted})
        found = re.search(rf'streamd_offset_reset_total{{topic="{self.topic("clicks")}"}} (\d+)',
                          process.ask("GET", "/metrics")[1])
        self.assertEqual(int(found[1]), common.PARTITIONS)
        self.assertEqual(process.end(), 0)
        again = self.start().ready()  # Where it stands is committed: there is no gap any more.
        self.click()
        common.wait_for(lambda: set(self.counts().values()) == {counted + 1})
        self.assertNotIn("records are gone", again.said())
        self.assertEqual(again.end(), 0)

    def test_going_on_with_what_is_left(self):
        self.gap("earliest", left=1, counted=3)

    def test_going_on_at_the_end(self):
        self.gap("latest", left=1, counted=2)

    def test_nothing_is_left(self):
        self.gap("earliest", left=0, counted=2)

    def test_a_changelog_that_was_made_anew(self):
        changelog = f"{self.name}-counts-changelog"
        common.tool("TopicCommand", "--delete", "--topic", changelog)
        self.click()
        said = self.refused()
        self.assertRegex(said, f"the changelog `{changelog}`, partition ., holds nothing and stood at offset")
        self.assertIn("streamd reset", said)
        self.assertEqual(set(self.counts().values()), {1}, "nothing was counted from zero")

    def test_an_old_disk_is_brought_to_the_end_of_its_changelog(self):
        """A copy of the state directory from before: the commits since are replayed, none is taken twice."""
        old = self.folder / "old"
        shutil.copytree(self.folder / "state-1", old)
        self.click()
        self.run_to_end()
        shutil.rmtree(self.folder / "state-1")
        old.rename(self.folder / "state-1")
        self.click()
        self.run_to_end()
        self.assertEqual(set(self.counts().values()), {3})


if __name__ == "__main__":
    unittest.main()
