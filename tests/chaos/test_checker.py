"""The checker of the chaos run finds what is planted, on a run that streamd pipe made."""
import json
import os
import pathlib
import random
import subprocess
import unittest

import checker

HERE = pathlib.Path(__file__).resolve().parent
STREAMD = os.environ.get("TEST_BIN", str(HERE.parents[1] / "build/streamd"))


def run_of(seed):
    """Records as they are on topics of one partition, by topic."""
    chance, topics = random.Random(seed), {name: [] for name in (*checker.INPUTS, *checker.OUTPUTS)}
    lines = []
    for i in range(600):
        name = chance.choices(checker.INPUTS, (10, 3, 1))[0]
        value = {"chaos-events": {"id": i, "n": chance.randrange(100), "other": f"o{chance.randrange(5)}"},
                 "chaos-payments": {"id": i}, "chaos-rates": {"rate": i}}[name]
        lines.append({"topic": name, "key": f"k{chance.randrange(7)}", "value": value,
                      "timestamp": 100_000 + i * 20 - chance.randrange(2500)})
    done = subprocess.run([STREAMD, "pipe", str(HERE / "chaos.stream")], input="".join(map(json.dumps, lines))
                          .replace("}{", "}\n{"), capture_output=True, encoding="utf-8", check=True)
    for record in (*lines, *map(json.loads, done.stdout.splitlines())):
        rows = topics[record["topic"]]
        rows.append({**record, "partition": 0, "offset": len(rows)})
    return topics


class Checker(unittest.TestCase):
    def test_nothing_is_found_where_nothing_is_wrong(self):
        for seed in range(5):
            topics = run_of(seed)
            for topic in checker.CHECKS:
                self.assertEqual(checker.check(topic, topics), [])

    def test_what_is_planted_is_found(self):
        for seed in range(5):
            self.assertEqual(checker.unseen(run_of(seed), seed), [])

    def test_by_its_name(self):
        topics, chance = run_of(9), random.Random(9)
        for topic, kind in checker.plants():
            if topic == "chaos-others":  # A row that counted too few is one that was lost.
                continue
            with self.subTest(topic=topic, kind=kind):
                found = checker.check(topic, topics | {topic: checker.plant(topics[topic], kind, chance)})
                kind = "wrong" if kind == "time" else kind  # The row with the right time is also lost.
                self.assertIn(kind, {line.split()[0] for line in found})


if __name__ == "__main__":
    unittest.main()
