"""`from topics matching`: topics that are there, that come while it runs, that come while it does not."""
import unittest

import common

TEXT = """
application {name}
stream events from topics matching "{name}-in-.*" {{ key string  value json {{ n int }} {more} }}
table counts = events | group by key | aggregate {{ events: count(), sum: sum(n) }}
counts | emit changes | to topic "{name}-counts"
events | map {{ n, from_topic: @topic }} | to topic "{name}-in-copies"  # It matches, and is not read all the same.
"""


class Matching(common.Case):
    TEXT = TEXT.replace("{more}", "")

    def send(self, topic, *numbers):
        self.produce(f"in-{topic}", [{"key": "k", "value": {"n": n}} for n in numbers])

    def copies(self):
        return sorted((r["value"]["n"], r["value"]["from_topic"].rpartition("-")[2]) for r in self.consume("in-copies"))

    def test_topics_come_and_are_read_from_their_beginning(self):
        self.send("a", 1, 2)
        self.send("b", 3)
        run = self.start().ready()
        common.wait_for(lambda: len(self.copies()) == 3)
        self.send("c", 4)  # While it runs.
        common.wait_for(lambda: len(self.copies()) == 4)
        self.send("a", 5)
        common.wait_for(lambda: len(self.copies()) == 5)
        self.assertEqual(run.end(), 0, run.said()[-1000:])
        self.send("d", 6)  # While it does not.
        self.run_to_end()
        self.assertEqual(self.copies(), [(1, "a"), (2, "a"), (3, "b"), (4, "c"), (5, "a"), (6, "d")])
        # One key is one group, whatever topic its rows come from.
        self.assertEqual(self.consume("counts")[-1]["value"], {"events": 6, "sum": 21})

    def test_counts_that_differ(self):
        self.send("a", 1)
        run = self.start().ready()
        self.streamd("produce", self.topic("in-b"), "--topology", self.file, "--partitions", common.PARTITIONS + 1,
                     *self.log, stdin='{"key":"k","value":{"n":2}}\n')
        self.assertEqual(run.child.wait(timeout=common.WAIT_S), 1)
        self.assertIn(f"`{self.topic('in-b')}` has {common.PARTITIONS + 1} partitions", run.said())
        self.assertIn(f"reads {common.PARTITIONS} of `{self.topic('in-a')}`", run.said())

    def test_none_yet(self):
        if common.KAFKA:
            run = self.start("--until-end")
            self.assertEqual(run.child.wait(timeout=common.WAIT_S), 1)
            self.assertIn("no topic matches", run.said())
            return
        self.start().ready()
        self.send("a", 1)
        common.wait_for(lambda: self.copies() == [(1, "a")])


class Latest(common.Case):
    TEXT = TEXT.replace("{more}", "start latest")
    send, copies = Matching.send, Matching.copies

    def test_what_appears_later_is_read_whole(self):
        self.send("a", 1)
        run = self.start().ready()
        self.send("a", 2)
        common.wait_for(lambda: self.copies() == [(2, "a")])
        self.send("b", 3)
        common.wait_for(lambda: self.copies() == [(2, "a"), (3, "b")])
        self.assertEqual(run.end(), 0, run.said()[-1000:])
        self.send("c", 4)
        self.run_to_end()
        self.assertEqual(self.copies(), [(2, "a"), (3, "b"), (4, "c")])


if __name__ == "__main__":
    unittest.main()
