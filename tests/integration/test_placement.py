"""Topics that meet in a join: keys that another partitioner placed, and partition counts that differ."""
import subprocess
import unittest

import common

JOIN = """
application {name}
stream orders from topic "{name}-orders" {{ key string  value json {{ n int }} }}
table names from topic "{name}-names" {{ key string  value json {{ name string }} }}
stream named = orders | join names on orders.key when ready | map {{ n, name }}
named | to topic "{name}-out"
"""
KEYS = [f"k{i}" for i in range(20)]


class Base(common.Case):
    TEXT = JOIN

    def place(self, topic, partition):
        """All keys in one partition, which murmur2 gives to some of them only."""
        self.good(topic, partition=partition)

    def good(self, topic, keys=KEYS, **where):
        first = 0 if topic == "names" else 1  # A name is there before the row that looks for it.
        self.produce(topic, [{"key": k, "value": {"n": 1, "name": k}, "timestamp": first, **where} for k in keys])

    def refused(self):
        return self.streamd("run", self.file, "--http", "off", "--until-end", *self.log, *self.state(), code=1)

    def edit(self, was, becomes):
        text = self.file.read_text(encoding="utf-8")
        self.assertIn(was, text)
        self.file.write_text(text.replace(was, becomes), encoding="utf-8")


class Placement(Base):
    def test_either_side_is_refused(self):
        for bad, good in (("names", "orders"), ("orders", "names")):
            with self.subTest(bad=bad):
                self.setUp()
                self.good(good)
                self.place(bad, 2)
                said = self.refused()
                self.assertRegex(said, rf"error: the topic `{self.name}-{bad}` is joined by its key, but the key of "
                                       r"partition 2, offset \d+ belongs into partition [013] of 4")
                self.assertIn("`repartition` it before the join", said)
                self.assertEqual(said.count("error: "), 1)

    def test_the_setting_allows_it(self):
        self.place("names", 2)
        self.place("orders", 2)
        self.assertIn("belongs into partition", self.refused())
        self.edit("application", "set partitioner any\napplication")
        self.run_to_end()
        self.assertEqual(len(self.consume("out")), len(KEYS), "both are placed alike")

    def test_a_repartition_mends_it(self):
        self.good("names")
        self.place("orders", 2)
        self.edit("orders | join", "orders | repartition | join")
        self.edit("orders.key", "key")
        self.run_to_end()
        self.assertEqual(len(self.consume("out")), len(KEYS))

    def test_the_last_records_are_looked_at_too(self):
        self.good("names", [f"k{i}" for i in range(2000)])
        self.good("orders")
        self.run_to_end()
        self.place("names", 1)
        self.assertRegex(self.refused(), "names` is joined by its key, but the key of partition 1,")

    def test_what_meets_nothing_is_not_looked_at(self):
        self.produce("names", [])
        self.place("orders", 2)
        self.edit("stream named = orders | join names on orders.key when ready | map { n, name }",
                  "table named = orders | group by key | aggregate { n: count() }")
        self.run_to_end()
        self.assertEqual(len(self.consume("out")), len(KEYS))

    def test_without_keys_or_rows(self):
        self.produce("names", [])
        self.produce("orders", [{"key": None, "value": {"n": 1}, "partition": p} for p in range(4)])
        self.run_to_end()

    @unittest.skipUnless(common.KAFKA, "librdkafka writes to Kafka")
    def test_the_default_of_librdkafka(self):
        self.good("orders")
        self.produce("names", [])
        for partitioner, code in (("murmur2_random", 0), ("consistent_random", 1)):
            subprocess.run(["kcat", "-P", "-b", common.BOOTSTRAP, "-t", self.topic("names"), "-K", ":",
                            "-X", f"topic.partitioner={partitioner}"],
                           input="".join(f'{k}:{{"name":"n"}}\n' for k in KEYS), encoding="utf-8", check=True,
                           timeout=common.WAIT_S, capture_output=True)
            self.streamd("run", self.file, "--http", "off", "--until-end", *self.log, *self.state(), code=code)


class Windowed(Base):
    """Windowed keys lie where the key within them belongs."""

    TEXT = """
application {name}
stream clicks from topic "{name}-clicks" {{ key string  value json {{ n int }} }}
table names from topic "{name}-names" {{ key string  value json {{ name string }} }}
table sums = clicks | group by key | window tumbling 10s grace 0s | aggregate {{ n: count() }}
sums | to topic "{name}-sums" {{ key windowed }}
"""
    READ = """
application {name}_too
stream sums from topic "{name}-sums" {{ key windowed string size 10s as user  value json {{ n int }} }}
table names from topic "{name}-names" {{ key string  value json {{ name string }} }}
stream named = sums | join names on user when ready | map {{ n, name }}
named | to topic "{name}-out"
"""

    def test_the_key_within_is_hashed(self):
        self.good("names")
        self.streamd("produce", self.topic("sums"), "--partitions", common.PARTITIONS, *self.log, stdin="")
        self.produce("clicks", [{"key": k, "value": {"n": 1}, "timestamp": 1} for k in KEYS])
        self.run_to_end()
        self.file.write_text(self.READ.format(name=self.name), encoding="utf-8")
        self.run_to_end()
        self.assertEqual(len(self.consume("out")), len(KEYS))


class Counts(common.Case):
    TEXT = JOIN

    def test_a_stream_and_a_table(self):
        for name, count in (("orders", 3), ("names", 5)):
            self.streamd("produce", self.topic(name), "--partitions", count, *self.log,
                         stdin='{"key": "k", "value": {}, "timestamp": 1}\n')
        said = self.streamd("run", self.file, "--http", "off", "--until-end", *self.log, *self.state(), code=1)
        self.assertRegex(said, f"`{self.name}-(orders|names)` has [35] partitions and `{self.name}-(orders|names)` "
                               "has [35]: what meets in a join must have as many")


if __name__ == "__main__":
    unittest.main()
