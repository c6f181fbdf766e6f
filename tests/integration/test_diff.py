"""`streamd diff`: what an upgrade keeps, rebuilds or loses."""
import json
import unittest

import common

OLD = """
application shop
param least double = 0.0
stream orders from topic "orders" {{ key string  value json {{ customer string, amount double, status string }} }}
table customers from topic "customers" {{ key string as id  value json {{ name string }} }}
stream paid = orders | filter status == "paid" and amount >= least
table revenue = paid | group by customer | window tumbling 1m grace 10s
  | aggregate {{ orders: count(), total: sum(amount) }}
stream enriched = paid | join customers on customer | map {{ name }}
revenue  | emit final | to topic "revenue"
enriched | to topic "enriched"
"""


@unittest.skipIf(common.KAFKA, "no log takes part")
class Diff(common.Case):
    TEXT = OLD

    def compare(self, *changes, more="", code=0, arguments=()):
        """The JSON of the file against itself with each (text, other text) replaced, and `more` behind it."""
        new = self.folder / "new" / "topology.stream"
        new.parent.mkdir(exist_ok=True)
        text = self.file.read_text(encoding="utf-8")
        for was, becomes in changes:
            self.assertIn(was, text)
            text = text.replace(was, becomes)
        new.write_text(text + more, encoding="utf-8")
        done = common.subprocess.run([common.STREAMD, "diff", "--format", "json", self.file, new, *arguments],
                                     capture_output=True, encoding="utf-8", timeout=common.WAIT_S)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        self.said = done.stderr
        return json.loads(done.stdout) if code < 2 else None

    def fates(self, found, of="state"):
        return {row["name"]: row["fate"] for row in found[of]}

    def reasons(self, found, name, of="state"):
        return " / ".join(next(row for row in found[of] if row["name"] == name)["reasons"])

    def test_what_is_the_same(self):
        found = self.compare((" | filter", "   # A remark.\n |\n filter"))
        self.assertEqual(self.fates(found), {"customers": "kept", "revenue": "kept"})
        self.assertEqual(set(self.fates(found, "topics").values()), {"kept"})
        self.assertEqual((found["restart"], found["lost"], found["sources"]), ("rolling", 0, []))
        self.assertEqual([row["reasons"] for row in found["state"]], [[], []], "layout is no change")

    def test_what_is_unrelated_changes_nothing(self):
        found = self.compare(more='\ntable late = orders | group by status | aggregate { n: count() }\n'
                                  'late | to topic "late"\n')
        self.assertEqual(self.fates(found), {"customers": "kept", "revenue": "kept", "late": "new"})
        self.assertEqual(self.fates(found, "topics")["shop-late-changelog"], "new")
        self.assertEqual(self.fates(found, "topics")["shop-revenue-repartition"], "kept")
        self.assertIn("begins empty", self.reasons(found, "late"))
        self.assertEqual(found["restart"], "rolling")

    def test_a_window_or_an_aggregate(self):
        for change, part in ((("tumbling 1m", "tumbling 5m"), "window: was `tumbling 1m`, is `tumbling 5m`"),
                             (("tumbling 1m", "session 1m"), "is `session 1m grace 10s`"),
                             ((" | window tumbling 1m grace 10s", ""), "kind: was `windows`, is `key-value`"),
                             (("sum(amount)", "avg(amount)"), "sum(double)"),
                             (("group by customer", "group by status"), "key: was `customer string, window`")):
            final = () if "window" not in change[0] else (("| emit final ", ""),)
            found = self.compare(change, *final, code=1)
            self.assertEqual(self.fates(found), {"customers": "kept", "revenue": "lost"}, change)
            self.assertIn(part, self.reasons(found, "revenue"))
            self.assertEqual((found["restart"], found["lost"]), ("stop", 1))
            self.assertEqual(self.fates(found, "topics")["shop-revenue-changelog"], "changed")

    def test_what_was_not_kept_is_missing(self):
        self.file.write_text(self.file.read_text(encoding="utf-8") +
                             "table best = paid | group by customer | top 2 by amount\nbest | to topic \"best\"\n",
                             encoding="utf-8")
        for becomes, part in (("top 3 by amount", "is `3 desc`"), ("top 2 by amount asc", "is `2 asc`")):
            found = self.compare(("top 2 by amount", becomes), code=1)
            self.assertEqual(self.fates(found)["best"], "lost")
            self.assertIn(part, self.reasons(found, "best"))

    def test_what_old_rows_do_not_depend_on(self):
        for change in (("grace 10s", "grace 1m"), ("total: sum", "sum: sum"), ('topic "revenue"', 'topic "r"')):
            found = self.compare(change)
            self.assertEqual(self.fates(found), {"customers": "kept", "revenue": "kept"}, change)
            self.assertEqual(found["restart"], "rolling")

    def test_rows_from_before_were_computed_otherwise(self):
        for change in (('"paid" and', '"payed" and'), ("least double = 0.0", "least double = 5.0")):
            found = self.compare(change)
            self.assertIn("`paid`, which it reads, is written otherwise now", self.reasons(found, "revenue"))
            self.assertEqual(self.reasons(found, "customers"), "")

    def test_a_table_of_a_topic_is_rebuilt(self):
        found = self.compare(("name string", "name string, tier string"))
        self.assertEqual(self.fates(found), {"customers": "rebuilt", "revenue": "kept"})
        self.assertIn("value: was `name string`, is `name string, tier string`", self.reasons(found, "customers"))
        self.assertEqual(found["restart"], "rolling")
        found = self.compare(('topic "customers"', 'topic "people"'))
        self.assertEqual(self.fates(found)["customers"], "rebuilt")
        self.assertEqual(self.fates(found, "sources"), {"people": "new", "customers": "dropped"})

    def test_a_name_is_the_identity(self):
        found = self.compare(("revenue = ", "income = "), ("revenue  |", "income |"), code=1)
        self.assertEqual(self.fates(found), {"customers": "kept", "revenue": "lost", "income": "new"})
        topics = self.fates(found, "topics")
        self.assertEqual((topics["shop-revenue-changelog"], topics["shop-income-changelog"]), ("dropped", "new"))
        self.assertEqual(found["restart"], "rolling", "nobody refuses to start")

    def test_rows_under_way(self):
        found = self.compare(("| map { name }", "| map { name, amount }"))
        self.assertEqual(self.fates(found, "topics")["shop-enriched-repartition"], "changed")
        self.assertEqual((found["restart"], found["lost"]), ("drain", 0))
        self.assertIn("`shop-enriched-repartition`", " ".join(found["why"]))

    def test_another_number_of_partitions(self):
        self.file.write_text(self.file.read_text(encoding="utf-8") +
                             "table sizes = paid | key by customer | repartition 4 | group by key\n"
                             "  | aggregate { n: count() }\nsizes | to topic \"sizes\"\n", encoding="utf-8")
        found = self.compare(("repartition 4", "repartition 8"), code=1)
        self.assertEqual(self.fates(found)["sizes"], "lost")
        self.assertIn("in 4 partitions, and is to be in 8", self.reasons(found, "sizes"))

    def test_another_application(self):
        found = self.compare(("application shop", "application market"), code=1)
        self.assertEqual(found["application"], {"old": "shop", "new": "market"})
        self.assertEqual(self.fates(found), {"customers": "kept", "revenue": "lost"})
        self.assertIn("called `shop`", self.reasons(found, "revenue"))
        self.file.write_text(self.file.read_text(encoding="utf-8").replace("application shop", ""), encoding="utf-8")
        found = self.compare(more="application market")
        self.assertEqual(found["application"], {"old": "market", "new": "market"}, "a version of the other")

    def test_text_and_mistakes(self):
        out = self.streamd("diff", self.file, self.file)
        self.assertIn("application shop: no state is lost\n", out)
        self.assertIn("  kept     revenue\n", out)
        self.assertIn("restart: rolling", out)
        self.compare(("filter status", "filter stats"), code=2)
        self.assertIn("did you mean `status`", self.said)
        self.assertIn("usage: streamd diff OLD NEW", self.streamd("diff", self.file, code=2))
        self.assertIn("usage:", self.streamd("diff", self.file, self.file, "--format", "dot", code=2))


if __name__ == "__main__":
    unittest.main()
