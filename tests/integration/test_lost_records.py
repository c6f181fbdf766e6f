"""Records that are gone from Kafka before they were read: the run stops and names them, and nothing is guessed."""
import json
import shutil
import subprocess
import sys
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

    def tool(self, name, *arguments):
        subprocess.run([sys.executable, common.ROOT / "tools/kafka.py", "tool", name, "--bootstrap-server",
                        common.BOOTSTRAP, *map(str, arguments)], check=True, capture_output=True, timeout=common.WAIT_S)

    def empty(self, topic):
        """Delete all records of a topic's partitions."""
        file = self.folder / "delete.json"
        partitions = [{"topic": topic, "partition": p, "offset": -1} for p in range(common.PARTITIONS)]
        file.write_text(json.dumps({"version": 1, "partitions": partitions}), encoding="utf-8")
        self.tool("DeleteRecordsCommand", "--offset-json-file", file)

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

    def test_a_changelog_that_was_made_anew(self):
        changelog = f"{self.name}-counts-changelog"
        self.tool("TopicCommand", "--delete", "--topic", changelog)
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
