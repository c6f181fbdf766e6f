"""Another version of a file over what an older one left behind: kept, read again, or refused by name."""
import unittest

import common

OLD = """
application {name}
stream clicks from topic "{name}-clicks" {{ key string  value json {{ n int, user string }} }}
table users from topic "{name}-users" {{ key string  value json {{ first string, last string }} }}
table counts = clicks | group by key | window tumbling 10s grace 0s | aggregate {{ clicks: count(), sum: sum(n) }}
table totals = clicks | group by key | aggregate {{ clicks: count() }}
counts | to topic "{name}-counts"
totals | to topic "{name}-totals"
clicks | join users on user | map {{ n, name: users.first }} | to topic "{name}-named"
"""


class Upgrade(common.Case):
    TEXT = OLD.replace("clicks | join", "stream named = clicks | join").replace(
        '| to topic "{name}-named"', '\nnamed | to topic "{name}-named"')

    def setUp(self):
        super().setUp()
        self.produce("users", [{"key": "u", "value": {"first": "Ada", "last": "Lovelace"}}])
        self.click()
        self.run_to_end()

    def click(self):
        self.produce("clicks", [{"key": "k", "value": {"n": 2, "user": "u"}, "timestamp": 1}])

    def edit(self, was, becomes):
        text = self.file.read_text(encoding="utf-8")
        self.assertIn(was, text)
        self.file.write_text(text.replace(was, becomes), encoding="utf-8")

    def refused(self, number=1):
        return self.streamd("run", self.file, "--http", "off", "--until-end", *self.log, *self.state(number), code=1)

    def last(self, topic):
        return self.consume(topic)[-1]["value"]

    def test_another_window(self):
        self.edit("tumbling 10s", "tumbling 20s")
        said = self.refused()
        self.assertRegex(said, "error: `counts` was changed, and what is kept for it in .* does not fit any more: "
                               "window: was `tumbling 10s`, is `tumbling 20s`; .*`streamd reset`")
        self.assertNotIn("`totals`", said)
        self.edit("tumbling 20s", "tumbling 10s")
        self.click()
        self.run_to_end()
        self.assertEqual((self.last("counts")["sum"], self.last("totals")["clicks"]), (4, 2), "as if nothing had been")

    def test_all_that_does_not_fit_is_said_at_once(self):
        self.edit("sum(n)", "avg(n)")
        self.edit("{ clicks: count() }", "{ clicks: count(), most: max(n) }")
        said = self.refused()
        self.assertIn("error: `counts` was changed", said)
        self.assertIn("error: `totals` was changed", said)
        self.assertIn("aggregates: was `count() int in 8 bytes`, is `count() int in 8 bytes, max(int)", said)

    @unittest.skipUnless(common.KAFKA, "the state is in the log")
    def test_another_machine_is_told_by_the_changelog(self):
        self.edit("sum(n)", "avg(n)")
        said = self.refused(number=2)
        self.assertRegex(said, f"`counts` was changed, .* in the topic `{self.name}-counts-changelog` does not fit "
                               r"any more: aggregates: was `.*sum\(int\).*`, is `.*avg\(int\)")
        self.edit("avg(n)", "sum(n)")
        self.click()
        self.streamd("run", self.file, "--http", "off", "--until-end", *self.log, *self.state(2))
        self.assertEqual(self.last("totals")["clicks"], 2, "what was refused left no trace there")

    def test_another_name_begins_anew_and_leaves_the_rest(self):
        self.edit("tumbling 10s", "tumbling 20s")
        self.edit("table counts", "table sums")
        self.edit("counts |", "sums |")
        self.click()
        self.run_to_end()
        self.assertEqual((self.last("counts")["sum"], self.last("totals")["clicks"]), (2, 2))

    def test_a_table_of_a_topic_is_read_again(self):
        self.edit("{ first string, last string }", "{ last string, first string, born int }")
        self.edit("users.first", "users.last")
        self.click()
        self.run_to_end()
        self.assertEqual(self.last("named"), {"n": 2, "name": "Lovelace"})

    def test_reset_forgets_what_older_versions_kept(self):
        self.edit("table totals", "table numbers")
        self.edit("totals |", "numbers |")
        said = self.streamd("reset", self.file, "--yes", *self.log, *self.state())
        self.assertIn("  state   totals in ", said)
        self.edit("table numbers", "table totals")
        self.edit("numbers |", "totals |")
        self.run_to_end()
        self.assertEqual(self.last("totals")["clicks"], 1)

    @unittest.skipIf(common.KAFKA, "applications have directories of their own")
    def test_applications_in_one_directory(self):
        self.edit(f"application {self.name}", f"application {self.name}_too")
        self.edit("tumbling 10s", "tumbling 20s")
        self.run_to_end()
        self.assertEqual(self.last("totals")["clicks"], 1, "each has its own `totals`")


@unittest.skipUnless(common.KAFKA, "the embedded log is one process's")
class Rolling(common.Case):
    """What `streamd diff` calls rolling: members of both versions share the partitions, and nothing is lost."""

    def feed(self, first):
        self.produce("clicks", [{"key": f"k{i % 40}", "value": {"n": 1}, "timestamp": i}
                                for i in range(first, first + 400)])

    def totals(self):
        last = {r["key"]: r["value"] for r in self.consume("counts")}
        return sum(value["clicks"] for value in last.values())

    def test_one_after_the_other(self):
        self.produce("clicks", [])
        new = self.folder / "new.stream"
        new.write_text(self.file.read_text(encoding="utf-8") +
                       f'table more = clicks | group by n | aggregate {{ n: count() }}\n'
                       f'more | to topic "{self.name}-more"\n', encoding="utf-8")
        self.assertIn("restart: rolling", self.streamd("diff", self.file, new))
        old_file, old = self.file, [self.start(number=1).ready(), self.start(number=2).ready()]
        self.feed(0)
        self.file = new
        young = [self.start(number=3).ready()]
        self.feed(400)
        self.assertEqual(old[0].end(), 0)
        self.feed(800)
        young.append(self.start(number=4).ready())
        self.assertEqual(old[1].end(), 0)
        self.feed(1200)
        common.wait_for(lambda: self.totals() >= 1600)
        for process in young:
            self.assertEqual(process.end(), 0, process.said())
        self.file = old_file
        self.assertEqual(self.totals(), 1600)
        self.assertEqual(len(self.consume("copies")), 1600)


if __name__ == "__main__":
    unittest.main()
