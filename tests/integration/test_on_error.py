"""`on error`: records that cannot be decoded, computed or written, skipped, kept in a topic, or the end of the run."""
import json
import re
import unittest

import common

TEXT = """
application {name}
stream bids from topic "{name}-bids" {{ key string  value json {{ n int, size int }} {policy} }}
bids | map {{ tenth: 10 / n, text: repeat("0123456789", coalesce(size, 0)) }} | to topic "{name}-out"
table totals = bids | group by by: n % 2 | aggregate {{ worst: sum(100 / (n - 7)) }}
totals | emit all | to topic "{name}-totals"
"""
GOOD = [{"key": f"k{n}", "value": {"n": n}, "headers": {"h": str(n)}} for n in (1, 2, 5)]
BAD = [
    {"raw": True, "key": "bad-json", "value": "{\"n\": ", "headers": {"h": "x"}},
    {"raw": True, "key": "bad-type", "value": "{\"n\":\"one\"}"},
    {"key": "zero", "value": {"n": 0}},
]
BIG = {"key": "big", "value": {"n": 3, "size": 900}}


def headers_of(letter):
    return {name.removeprefix("streamd."): value for name, value in letter["headers"].items()}


class OnError(common.Case):
    POLICY = ""

    def setUp(self):
        self.TEXT = TEXT.replace("{policy}", self.POLICY)
        super().setUp()
        config = self.folder / "streamd.conf"
        config.write_text("kafka.message.max.bytes = 6000\n", encoding="utf-8")
        self.limits = ["--config", config] if common.KAFKA else []

    def run_once(self, code=0):
        return self.streamd("run", self.file, "--http", "off", "--until-end", *self.limits, *self.log, *self.state(),
                            code=code)

    def out(self):
        return sorted(r["key"] for r in self.consume("out"))


class ToTopic(OnError):
    POLICY = 'on error to topic "{name}-dead"'

    def test_letters(self):
        self.produce("bids", GOOD + BAD)
        if common.KAFKA:
            self.produce("bids", [BIG])
        self.run_once()
        self.run_once()  # Nothing is done twice.
        letters = {r["key"]: r for r in self.consume("dead")}
        self.assertEqual(self.out(), ["k1", "k2", "k5"])
        self.assertEqual(set(letters), {"bad-json", "bad-type", "zero"} | ({"big"} if common.KAFKA else set()))
        self.assertEqual(letters["bad-json"]["value"], "{\"n\": ")
        self.assertEqual(letters["bad-json"]["headers"]["h"], "x", "its own headers come first")
        self.assertEqual(letters["bad-type"]["value"], {"n": "one"})
        there = {r["key"]: (r["partition"], r["offset"]) for r in self.consume("bids")}
        for key, letter in letters.items():
            said = headers_of(letter)
            self.assertEqual(said["topic"], self.topic("bids"))
            self.assertEqual((int(said["partition"]), int(said["offset"])), there[key])
            self.assertEqual(letter["timestamp"], next(r["timestamp"] for r in self.consume("bids") if r["key"] == key))
        self.assertRegex(headers_of(letters["bad-json"])["error"], "^decode: ")
        self.assertRegex(headers_of(letters["bad-json"])["stage"], r"^bids \(.*topology.stream:3:8\)$")
        self.assertRegex(headers_of(letters["bad-type"])["error"], "^(decode|type): n: expected")
        self.assertRegex(headers_of(letters["zero"])["error"], "division by zero")
        self.assertRegex(headers_of(letters["zero"])["stage"], r"map \(.*topology.stream:4:\d+\)$")
        if common.KAFKA:
            self.assertRegex(headers_of(letters["big"])["error"],
                             "^too_large: the record for `.*-out` has 9.* bytes, and the topic takes 5872$")

    def test_behind_a_repartition(self):
        self.produce("bids", [*GOOD, {"key": "seven", "value": {"n": 7}}])
        self.run_once()
        self.assertEqual(sum(r["key"] == 1 for r in self.consume("totals")), 2)  # 1 and 5, not 7.
        (letter,) = self.consume("dead")
        (sent,) = [r for r in self.consume("bids") if r["key"] == "seven"]
        said = headers_of(letter)
        self.assertRegex(said["error"], "division by zero")
        self.assertEqual((letter["key"], letter["timestamp"]), ("seven", sent["timestamp"]))
        self.assertEqual(json.loads(letter["value"]) if isinstance(letter["value"], str) else letter["value"], {"n": 7})
        self.assertEqual((said["topic"], int(said["partition"]), int(said["offset"])),
                         (self.topic("bids"), sent["partition"], sent["offset"]))


class Letters(OnError):
    """`streamd deadletters`: they are listed, and go back to where they came from when what was wrong is put right."""

    POLICY = ToTopic.POLICY
    TIMES = {"zero-1": 1000, "zero-2": 2000, "zero-3": 86_400_000}

    def setUp(self):
        super().setUp()
        self.produce("bids", [GOOD[0], *({"key": key, "value": {"n": 0}, "timestamp": time, "headers": {"mine": key}}
                                         for key, time in self.TIMES.items())])
        self.run_once()

    def letters(self, *more, code=0):
        return self.streamd("deadletters", self.topic("dead"), *more, *self.log, code=code)

    def listed(self, *more):
        return {r["key"]: r for r in map(json.loads, self.letters("--format", "json", *more).splitlines())}

    def repair(self):
        text = self.file.read_text(encoding="utf-8")
        self.file.write_text(text.replace("10 / n", "10 / (n + 1)"), encoding="utf-8")

    def test_listed(self):
        text = self.letters()
        self.assertRegex(text,
                         r"(?m)^\d:\d  1970-01-02T00:00:00\.000Z  from .*-bids\[\d\] at \d, in .*map \(.*:4:\d+\)$")
        self.assertEqual(text.count("division by zero"), 3)
        self.assertTrue(text.endswith("3 dead letters\n"), text)
        rows, sources = self.listed(), {r["key"]: r for r in self.consume("bids")}
        self.assertEqual({key: row["timestamp"] for key, row in rows.items()}, self.TIMES)
        for key, row in rows.items():
            self.assertEqual(row["from"], {"topic": self.topic("bids"), "partition": sources[key]["partition"],
                                           "offset": sources[key]["offset"]})
            self.assertEqual((row["value"], row["headers"]), ({"n": 0}, {"mine": key}))
        one = rows["zero-2"]
        self.assertEqual(json.loads(self.letters("--only", f"{one['partition']}:{one['offset']}")), one)

    def test_sent_back(self):
        before = self.consume("bids")
        self.repair()
        self.assertEqual(self.letters("--replay"), "3 sent back\n")
        self.assertEqual(self.letters("--replay"), "0 sent back\n")  # They were.
        for was in before:
            same = [r for r in self.consume("bids") if r["key"] == was["key"]]
            self.assertEqual(len(same), 1 if was["key"] == "k1" else 2)
            for row in same:
                self.assertEqual({**row, "offset": 0}, {**was, "offset": 0})  # Partition, time, headers, bytes.
        self.run_once()
        done = {r["key"]: r["timestamp"] for r in self.consume("out") if r["key"] != "k1"}
        self.assertEqual(done, self.TIMES)
        self.produce("bids", [{"raw": True, "key": "broken", "value": "{"}])
        self.run_once()
        self.assertEqual(self.letters("--replay"), "1 sent back\n")  # The new one alone.
        self.assertEqual(self.letters("--replay", "--from", "earliest"), "4 sent back\n")
        one = self.listed()["zero-3"]
        self.assertEqual(self.letters("--replay", "--only", f"{one['partition']}:{one['offset']}"), "1 sent back\n")

    def test_to_another_topic(self):
        self.streamd("produce", self.topic("other"), "--partitions", 1, *self.log, stdin="")
        self.assertEqual(self.letters("--replay", "--to", self.topic("other")), "3 sent back\n")
        self.assertEqual({r["key"]: r["timestamp"] for r in self.consume("other")}, self.TIMES)
        self.assertEqual({r["partition"] for r in self.consume("other")}, {0})

    def test_what_is_no_dead_letter(self):
        self.produce("bids", [])
        said = self.streamd("deadletters", self.topic("bids"), "--replay", *self.log)
        self.assertEqual(said, "0 sent back, 4 left out: they do not say where they came from\n")

    def test_wrong_usage(self):
        self.assertIn("--only is PARTITION:OFFSET", self.letters("--only", "3", code=2))
        self.assertIn("--to is for --replay", self.letters("--to", "x", code=2))
        self.assertIn("--from is earliest", self.letters("--from", "then", code=2))
        self.assertIn("has no record 0:999", self.letters("--only", "0:999", code=1))
        self.assertIn("there-is-none", self.streamd("deadletters", "there-is-none", *self.log, code=1))

    @unittest.skipIf(common.KAFKA, "Kafka belongs to nobody")
    def test_while_it_runs(self):
        run = self.start().ready()
        self.assertEqual(len(self.listed()), 3)
        self.assertIn("stop it, send the records back", self.letters("--replay", code=1))
        self.assertEqual(run.end(), 0)


class Skip(OnError):
    POLICY = "on error skip"

    def test_the_rest_goes_on(self):
        self.produce("bids", [*GOOD, *BAD, {"key": "seven", "value": {"n": 7}}] + ([BIG] if common.KAFKA else []))
        self.run_once()
        self.assertEqual(self.out(), ["k1", "k2", "k5", "seven"])


class Fail(OnError):
    def test_it_stops_and_says_where(self):
        self.produce("bids", [{"key": "k", "value": {"n": 1}}, {"key": "k", "value": {"n": 2}},
                              {"key": "k", "value": {"n": 0}}, {"key": "k", "value": {"n": 4}}])
        (bad,) = [r for r in self.consume("bids") if r["value"]["n"] == 0]
        for _ in range(2):  # Also after a restart: nothing is lost.
            said = self.run_once(code=1)
            self.assertRegex(said, f"{self.topic('bids')}, partition {bad['partition']}, offset 2: .*division by zero")
            self.assertIn(f"{self.file}:4:", said)
        self.assertEqual([r["value"]["tenth"] for r in self.consume("out")], [10, 5], "what came before is committed")
        self.file.write_text(self.file.read_text(encoding="utf-8").replace("10 / n", "10 / (n + 1)").replace(
            "100 / (n - 7)", "n"), encoding="utf-8")
        self.run_once()
        self.assertEqual([r["value"]["tenth"] for r in self.consume("out")], [10, 5, 10, 2], "and the rest comes after")

    def test_behind_a_repartition_it_names_the_source(self):
        self.produce("bids", [{"key": "k", "value": {"n": 7}}])
        (bad,) = self.consume("bids")
        self.assertRegex(self.run_once(code=1),
                         f"{self.topic('bids')}, partition {bad['partition']}, offset 0: .*division by zero")

    def test_undecodable(self):
        self.produce("bids", [BAD[0]])
        self.assertRegex(self.run_once(code=1), f"{self.topic('bids')}, partition ., offset 0: decode: ")

    @unittest.skipUnless(common.KAFKA, "the embedded log takes records of any size")
    def test_too_large(self):
        self.produce("bids", [BIG])
        self.assertRegex(self.run_once(code=1), "offset 0: too_large: the record for .* and the topic takes 5872")


@unittest.skipUnless(common.KAFKA, "the embedded log takes records of any size, and has no changelogs")
class TooLargeForTheChangelog(common.Case):
    """No `on error` can help: what is not in the changelog would be lost with the disk."""
    TEXT = """
application {name}
set on error skip
stream bids from topic "{name}-bids" {{ key string  value json {{ n int }} }}
table kept = bids | group by key | aggregate {{ a: last(repeat("a", n)), b: last(repeat("b", n)), n: last(n) }}
kept | map {{ n }} | emit all | to topic "{name}-out"
"""

    def check(self, n, limit):
        self.produce("bids", [{"key": "k", "value": {"n": 10}}])
        self.run_to_end()
        self.produce("bids", [{"key": "k", "value": {"n": n}}])
        for _ in range(2):  # Also after a restart: it is not passed over.
            said = self.streamd("run", self.file, "--http", "off", "--until-end", *self.log, *self.state(), code=1)
            found = re.search(r"(?m)^error: a row of the store `kept` has (\d+) bytes, and its changelog "
                              rf"`{self.name}-kept-changelog`, partition \d, takes (\d+): .*max.message.bytes", said)
            self.assertTrue(found, said[-1000:])
            self.assertTrue(2 * n < int(found[1]) < 2 * n + 200 and limit - 200 < int(found[2]) <= limit, found[0])
        self.assertEqual([r["value"]["n"] for r in self.consume("out")], [10], "nothing of it is committed")

    def test_for_what_a_broker_takes_at_all(self):
        self.check(900_000, 1048588)

    def test_for_the_topic(self):
        common.tool("TopicCommand", "--create", "--topic", f"{self.name}-kept-changelog", "--partitions",
                    common.PARTITIONS, "--config", "cleanup.policy=compact", "--config", "max.message.bytes=2000")
        self.check(2000, 2000)


if __name__ == "__main__":
    unittest.main()
