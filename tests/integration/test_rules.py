"""Rules that one driver cannot show, by their number in the semantics: R11 to R15, and our own of the log.

What other suites show is not repeated: counts that do not fit (R11: test_placement, test_joins), what fails when it is
written (R13: test_on_error), what survives a crash (R14: test_run, test_joins, test_tables).
"""
import re
import subprocess
import sys
import unittest

import common

# From Kafka's own tests of its murmur2 (UtilsTest.testMurmur2).
MURMUR2 = {"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
           "a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
           "abc": 479470107}


def tool(*arguments):
    """What one of Kafka's own tools says."""
    done = subprocess.run([sys.executable, common.ROOT / "tools/kafka.py", "tool", *arguments], capture_output=True,
                          encoding="utf-8", timeout=common.WAIT_S, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{arguments}: {done.stdout[-1000:]}{done.stderr[-1000:]}")
    return done.stdout


def topics():
    """{name: (partitions, {setting: value})} of all topics."""
    found = re.findall(r"Topic: (\S+)\s+TopicId: \S+\s+PartitionCount: (\d+)\s+ReplicationFactor: \d+\s+Configs: (\S*)",
                       tool("TopicCommand", "--bootstrap-server", common.BOOTSTRAP, "--describe"))
    # A comma is also within a value: only a name and = begins the next setting.
    return {name: (int(count), dict(s.split("=", 1) for s in re.split(r",(?=[a-z.]+=)", settings) if s))
            for name, count, settings in found}


class Partitioner(common.Case):
    """Our rule: murmur2, Java's, for every topic that is written."""

    TEXT = """
application {name}
stream words from topic "{name}-words" {{ key none  value json {{ word string }} }}
stream again = words | key by word
again | to topic "{name}-out"
table counts = again | group by key | aggregate {{ n: count() }}
counts | to topic "{name}-counts"
"""

    def test_keys_go_where_kafkas_clients_put_them(self):
        want = {word: (hashed & 0x7FFFFFFF) % common.PARTITIONS for word, hashed in MURMUR2.items()}
        self.streamd("produce", self.topic("out"), "--partitions", common.PARTITIONS, *self.log, stdin="")
        self.streamd("produce", self.topic("counts"), "--partitions", common.PARTITIONS, *self.log, stdin="")
        self.produce("words", [{"value": {"word": w}, "timestamp": 1} for w in want])
        self.run_to_end()
        for topic in ("out", "counts"):
            self.assertEqual({r["key"]: r["partition"] for r in self.consume(topic)}, want, topic)

    def test_produce_too(self):
        want = {word: (hashed & 0x7FFFFFFF) % common.PARTITIONS for word, hashed in MURMUR2.items()}
        self.file.write_text(f'stream s from topic "{self.topic("keyed")}" {{ key string  value int }}\n'
                             f's | to topic "{self.topic("unused")}"\n', encoding="utf-8")
        self.produce("keyed", [{"key": w, "value": 1, "timestamp": 1} for w in want])
        self.assertEqual({r["key"]: r["partition"] for r in self.consume("keyed")}, want)


class WhichInputNext(common.Case):
    """Our rule (E3, E4): the smallest time at the heads of a task's inputs, ties by their order in the file."""

    TEXT = """
application {name}
stream a from topic "{name}-a" {{ key string  value json {{ v string }} }}
stream b from topic "{name}-b" {{ key string  value json {{ v string }} }}
stream both = a | merge b
both | to topic "{name}-both"
"""

    def order(self, a, b):
        """The values in the order in which they were processed; all have one key, so one partition."""
        for topic, times in (("a", a), ("b", b)):
            self.produce(topic, [{"key": "k", "value": {"v": f"{topic}{ts}"}, "timestamp": ts} for ts in times])
        self.run_to_end()
        return [r["value"]["v"] for r in self.consume("both")]

    def test_the_smallest_time_goes_first(self):
        self.assertEqual(self.order(a=[1, 3, 5, 9], b=[2, 3, 4, 8, 10]),
                         ["a1", "b2", "a3", "b3", "b4", "a5", "b8", "a9", "b10"])

    def test_only_heads_are_compared(self):
        # What is behind a late head waits for it: offsets of a partition are never overtaken.
        self.assertEqual(self.order(a=[5, 1, 6], b=[3, 4, 7]), ["b3", "b4", "a5", "a1", "a6", "b7"])


@unittest.skipUnless(common.KAFKA, "topics of the embedded log have no settings of Kafka's")
class InternalTopics(common.Case):
    """R11 and R12: what internal topics are made with."""

    TEXT = """
application {name}
stream s from topic "{name}-in" {{ key string  value json {{ who string, n int }} }}
table t from topic "{name}-t" versioned 1h {{ key string  value json {{ m int }} }}
table plain = s | group by who | aggregate {{ n: count() }}
plain | to topic "{name}-plain"
table windows = s | group by key | window tumbling 1m grace 30s retain 2h | aggregate {{ n: count() }}
windows | to topic "{name}-windows"
stream wide = s | key by who | repartition 7
wide | to topic "{name}-wide"
stream priced = s | join t on s.key grace 1m | map {{ n, m }}
priced | to topic "{name}-priced"
"""

    def test_names_counts_and_policies(self):
        self.produce("t", [])
        self.produce("in", [{"key": "a", "value": {"who": "b", "n": 1}, "timestamp": 1}])
        self.run_to_end()
        made = {n.removeprefix(f"{self.name}-"): t for n, t in topics().items() if n.startswith(f"{self.name}-")}
        self.assertEqual({n: count for n, (count, _) in made.items() if n.endswith(("-changelog", "-repartition"))}, {
            "plain-repartition": 4, "plain-changelog": 4, "windows-changelog": 4, "wide-repartition": 7,
            "priced-changelog": 4})
        self.assertEqual(made["slots"][0], 7, "one slot for each partition of the widest")
        for name in ("plain-repartition", "wide-repartition"):
            self.assertEqual(made[name][1]["cleanup.policy"], "delete", name)
            self.assertEqual(made[name][1]["retention.ms"], "-1", name)
        self.assertEqual(made["plain-changelog"][1]["cleanup.policy"], "compact")
        self.assertEqual(made["windows-changelog"][1]["cleanup.policy"], "compact,delete")
        self.assertEqual(int(made["windows-changelog"][1]["retention.ms"]), (2 + 24) * 3600 * 1000)

    def test_one_with_another_count_is_refused(self):
        self.streamd("produce", f"{self.name}-plain-changelog", "--partitions", 3, *self.log, stdin="")
        self.produce("t", [])
        self.produce("in", [{"key": "a", "value": {"who": "b", "n": 1}, "timestamp": 1}])
        said = self.streamd("run", self.file, "--http", "off", "--until-end", *self.log, *self.state(), code=1)
        self.assertRegex(said, rf"`{self.name}-plain-changelog` has 3 partitions.*4")
        self.assertIn("reset", said)

    def test_repartitions_are_purged_behind_the_commit(self):
        self.produce("t", [])
        self.produce("in", [])
        run = self.start().ready()
        self.produce("in", [{"key": f"k{i}", "value": {"who": "b", "n": i}, "timestamp": 1} for i in range(100)])

        def purged():
            said = tool("GetOffsetShell", "--bootstrap-server", common.BOOTSTRAP, "--time", "earliest", "--topic",
                        f"{self.name}-plain-repartition")
            return sum(int(line.rsplit(":", 1)[1]) for line in said.split()) >= 100

        common.wait_for(purged)
        run.end()


@unittest.skipUnless(common.KAFKA, "asks Kafka's own tool for the group's offsets")
class Commits(common.Case):
    """R14: the committed offset is that of the next record to be processed; what was not processed is not committed."""

    TEXT = """
application {name}
stream s from topic "{name}-in" {{ key string  value json {{ n int }} }}
stream other from topic "{name}-other" {{ key string  value string }}
s | filter 10 / n > 0 | to topic "{name}-out"
other | to topic "{name}-others"
"""

    def committed(self):
        """{(topic, partition): offset} of the group."""
        said = tool("ConsumerGroupCommand", "--bootstrap-server", common.BOOTSTRAP, "--describe", "--offsets",
                    "--group", self.name)
        return {(t.removeprefix(f"{self.name}-"), int(p)): int(o)
                for t, p, o in re.findall(rf"^{self.name}\s+(\S+)\s+(\d+)\s+(\d+)\s", said, flags=re.M)}

    def test_up_to_the_record_that_fails(self):
        self.produce("other", [])
        self.produce("in", [{"key": "k", "value": {"n": n}, "timestamp": 1} for n in (5, 4, 0, 3)])
        self.streamd("run", self.file, "--http", "off", "--until-end", *self.log, *self.state(), code=1)
        offsets = self.committed()
        self.assertEqual([o for (t, _), o in offsets.items() if t == "in" and o], [2], offsets)
        self.assertEqual([o for (t, _), o in offsets.items() if t == "other" and o], [], "nothing was processed")
        self.assertEqual([r["value"]["n"] for r in self.consume("out")], [5, 4])


class OneRowPerCommit(common.Case):
    """R15: of a table, a sink gets the last row of each key at each commit; with `emit all` it gets every row."""

    TEXT = """
application {name}
set commit 10s
stream s from topic "{name}-in" {{ key string  value json {{ n int }} }}
table counts = s | group by key | aggregate {{ n: count() }}
counts | to topic "{name}-last"
counts | emit all | to topic "{name}-all"
table seen = counts | group by all: "all" | aggregate {{ keys: count(), sum: sum(n) }}
seen | emit all | to topic "{name}-seen"
"""

    def test_the_last_and_all(self):
        self.produce("in", [{"key": f"k{i % 5}", "value": {"n": i}, "timestamp": i + 1} for i in range(500)])
        self.run_to_end()
        last = {}
        for record in self.consume("last"):
            last.setdefault(record["key"], []).append(record["value"]["n"])
        self.assertEqual(set(last), {f"k{i}" for i in range(5)})
        for key, counts in last.items():
            self.assertEqual(counts[-1], 100)
            self.assertLess(len(counts), 10, f"{key}: one row per commit, not per record")
        self.assertEqual(sorted(r["value"]["n"] for r in self.consume("all")),
                         sorted(n for n in range(1, 101) for _ in range(5)))
        seen = [r["value"] for r in self.consume("seen")]
        self.assertEqual(seen[-1], {"keys": 5, "sum": 500}, "readers in the file see every update, and end right")
        self.assertEqual(len(seen), 500)


if __name__ == "__main__":
    unittest.main()
