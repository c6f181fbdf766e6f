"""Records that are gone from Kafka before they were read: the run stops and names them, and nothing is guessed."""
import json
import re
import shutil
import subprocess
import unittest

import common


@unittest.skipUnless(common.KAFKA, "the embedded log is one with its state")
class Losing(common.Case):
    KEYS = 40
    POLICY = "compact"

    def setUp(self):
        super().setUp()
        self.click()
        self.run_to_end()

    def click(self):
        self.produce("clicks", [{"key": f"k{k}", "value": {"n": 1}} for k in range(self.KEYS)])

    def set_policy(self, policy):
        common.tool("kafka.admin.ConfigCommand", "--alter", "--topic", self.changelog, "--add-config",
                    f"cleanup.policy={policy}")

    def empty(self, topic):
        """Delete all records of a topic's partitions. A broker refuses it where nothing but compaction is allowed."""
        file = self.folder / "delete.json"
        partitions = [{"topic": topic, "partition": p, "offset": -1} for p in range(common.PARTITIONS)]
        file.write_text(json.dumps({"version": 1, "partitions": partitions}), encoding="utf-8")
        if topic == self.changelog:
            self.set_policy("[compact,delete]")
        common.tool("DeleteRecordsCommand", "--offset-json-file", file)
        if topic == self.changelog and self.POLICY == "compact":
            self.set_policy("compact")

    def run_on(self, number):
        """A run of one commit, on a machine of that number; what it logs."""
        done = subprocess.run([common.STREAMD, "run", self.file, "--http", "off", "--until-end", "--commit", "3s",
                               *map(str, self.log + self.state(number))], capture_output=True, encoding="utf-8",
                              timeout=common.WAIT_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        return done.stderr

    def lose_disk(self, number=1):
        shutil.rmtree(self.folder / f"state-{number}")

    @property
    def changelog(self):
        return f"{self.name}-counts-changelog"

    def refused(self):
        return self.streamd("run", self.file, "--http", "off", "--until-end", *self.log, *self.state(), code=1)

    def counts(self):
        return {r["key"]: r["value"]["clicks"] for r in self.consume("counts")}

    def stops(self, reason):
        """It does, also when it is started again, and has counted nothing."""
        before = self.counts()
        self.click()
        for _ in range(2):
            said = self.refused()
            self.assertRegex(said, f"the changelog `{self.changelog}`, partition ., {reason}")
            self.assertIn("streamd reset", said)
        self.assertEqual(self.counts(), before)


class Lost(Losing):
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
        common.tool("TopicCommand", "--delete", "--topic", self.changelog)
        self.stops("holds nothing and stood at offset")

    def test_one_that_is_as_long_again(self):
        common.tool("TopicCommand", "--delete", "--topic", self.changelog)
        common.tool("TopicCommand", "--create", "--topic", self.changelog, "--partitions", common.PARTITIONS,
                  "--config", "cleanup.policy=compact")
        # Rows that never were, removed: nothing else in them tells that they are not from before.
        self.produce("counts-changelog", [{"key": f"no such row {n}", "value": None} for n in range(400)])
        self.stops("is not the one that the state here was written to")

    def test_the_disk_of_a_former_life(self):
        """The application was begun anew elsewhere, and has written as much since."""
        self.lose_disk()
        self.streamd("reset", self.file, "--yes", *self.log, *self.state())
        self.run_on(1)
        self.streamd("reset", self.file, "--yes", *self.log, *self.state(2))
        self.click()
        self.run_on(2)
        self.produce("clicks", [{"key": f"other{k}", "value": {"n": 1}} for k in range(self.KEYS * 3)])
        self.run_on(2)
        self.click()
        self.assertIn("restored from its start", self.run_on(1))
        self.assertEqual({v for k, v in self.counts().items() if k.startswith("k")}, {3})

    def test_begun_anew_from_another_machine(self):
        """Nothing is committed any more, so that nothing is lost: the disk is of no use."""
        self.streamd("reset", self.file, "--yes", *self.log, *self.state(2))
        self.click()
        self.run_to_end()
        self.assertEqual(set(self.counts().values()), {2})

    def test_a_changelog_that_is_gone_with_the_disk(self):
        common.tool("TopicCommand", "--delete", "--topic", self.changelog)
        self.lose_disk()
        self.stops("was written to before, as the group's committed offsets say, and its beginning is gone")

    def test_all_internal_topics_are_gone_with_the_disk(self):
        common.tool("TopicCommand", "--delete", "--topic", f"{self.name}-(slots|counts-changelog)")
        self.lose_disk()
        self.stops("was written to before")

    def test_rows_that_were_deleted(self):
        """With the disk nothing is missing; without it some rows are."""
        self.empty(self.changelog)
        self.click()
        self.assertIn("records of a changelog were deleted", self.run_on(1))
        self.assertEqual(set(self.counts().values()), {2})
        self.lose_disk()
        self.stops("was written to before")

    def test_rows_that_were_deleted_before_an_old_disk_had_them(self):
        shutil.copytree(self.folder / "state-1", self.folder / "state-2")
        self.click()
        self.run_to_end()
        self.empty(self.changelog)
        self.lose_disk()
        (self.folder / "state-2").rename(self.folder / "state-1")
        self.stops("begins at offset . and the state here ends at|begins at offset .. and the state here ends at")

    def test_the_offsets_of_the_group_are_gone(self):
        """With the disk and without it: nothing is read again on top of what came of it."""
        common.tool("ConsumerGroupCommand", "--delete", "--group", self.name)
        before = self.counts()
        for lose in (False, True):
            if lose:
                self.lose_disk()
            said = self.refused()
            self.assertRegex(said, rf"the group `{self.name}` has no committed offset in `{self.topic('clicks')}`, "
                                   rf"partition \d, and the changelog `{self.changelog}`")
            self.assertIn("streamd reset", said)
        self.assertEqual(self.counts(), before)
        common.tool("ConsumerGroupCommand", "--reset-offsets", "--to-latest", "--topic", self.topic("clicks"),
                    "--group", self.name, "--execute")
        self.click()
        self.run_to_end()
        self.assertEqual(set(self.counts().values()), {2}, "where it goes on was said by hand")

    def test_the_offsets_of_the_group_are_gone_and_all_begins_anew(self):
        common.tool("ConsumerGroupCommand", "--delete", "--group", self.name)
        self.refused()
        self.streamd("reset", self.file, "--yes", *self.log, *self.state())
        self.click()
        self.run_to_end()
        self.assertEqual(set(self.counts().values()), {2})

    def test_a_new_store_begins_with_nothing(self):
        with self.file.open("a", encoding="utf-8") as file:
            file.write('table sums = clicks | group by key | aggregate { sum: sum(n) }\n'
                       f'sums | emit changes | to topic "{self.name}-sums"\n')
        self.click()
        self.run_to_end()
        self.assertEqual(set(self.counts().values()), {2})
        self.assertEqual({r["value"]["sum"] for r in self.consume("sums")}, {1})

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


class Windows(Losing):
    """Their changelogs lose their heads as time goes on, and nothing is wrong with that."""

    TEXT = """
application {name}
stream clicks from topic "{name}-clicks" {{ key string  value json {{ n int }} }}
table counts = clicks | group by key | window tumbling 10s grace 0s | aggregate {{ clicks: count() }}
counts | emit changes | to topic "{name}-counts"
"""

    POLICY = "compact,delete"

    def click(self, time=1000):
        self.produce("clicks", [{"key": f"k{k}", "value": {"n": 1}, "timestamp": time} for k in range(self.KEYS)])

    def test_an_old_head(self):
        self.empty(self.changelog)
        self.click(2000)
        self.run_on(1)
        self.assertEqual(set(self.counts().values()), {2}, "the disk has what is gone")
        self.lose_disk()
        self.click(3000)
        self.run_on(1)
        self.assertEqual(set(self.counts().values()), {3}, "rows of the second commit were restored")

    def test_a_changelog_that_is_gone_with_the_disk(self):
        common.tool("TopicCommand", "--delete", "--topic", self.changelog)
        self.lose_disk()
        self.stops("was written to before")


if __name__ == "__main__":
    unittest.main()
