"""Schedules and files across kill -9, restart and a lost state directory: each firing and each line counts once."""
import json
import shutil
import signal
import time
import unittest

from common import Case, KAFKA, wait_for


class Feeds(Case):
    TEXT = """
application {name}
stream ticks from schedule "* * * * * *"
stream lines from file "{folder}/in.ndjson" {{ key string value json {{ n int }} }}
table sums = lines | group by key | aggregate {{ sum: sum(n), count: count() }}
ticks | map {{ at: @timestamp }} | to topic "{name}-ticks"
lines | to topic "{name}-copies"
sums  | to topic "{name}-sums"
lines | to file "{folder}/out.ndjson"
"""

    def setUp(self):
        text, self.TEXT = self.TEXT, ""
        super().setUp()
        self.file.write_text(text.format(name=self.name, folder=self.folder), encoding="utf-8")
        self.input = self.folder / "in.ndjson"
        self.input.touch()

    def append(self, numbers):
        with self.input.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps({"key": f"k{n % 7}", "value": {"n": n}, "timestamp": n + 1}) + "\n"
                            for n in numbers)

    def copies(self):
        return [row["value"]["n"] for row in self.consume("copies")]

    def ticks(self):
        return [row["value"]["at"] for row in self.consume("ticks")]

    def check(self, count):
        self.assertEqual(sorted(self.copies()), list(range(count)))
        with (self.folder / "out.ndjson").open(encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        self.assertEqual(lines, [{"key": f"k{n % 7}", "value": {"n": n}, "timestamp": n + 1} for n in range(count)])
        last = {row["key"]: row["value"] for row in self.consume("sums")}
        self.assertEqual(last, {f"k{k}": {"sum": sum(range(k, count, 7)), "count": len(range(k, count, 7))}
                                for k in range(7)})
        ticks = self.ticks()
        self.assertEqual(ticks, list(range(ticks[0], ticks[-1] + 1, 1000)), "no second missing, none twice")
        return ticks

    def test_killed(self):
        begun = int(time.time() * 1000)
        self.append(range(3000))
        process = self.start().ready()
        wait_for(lambda: "consumed" in process.ask("GET", "/metrics")[1])
        time.sleep(1.5)
        self.append(range(3000, 4000))
        time.sleep(0.05)
        process.end(signal.SIGKILL)
        self.append(range(4000, 5000))
        time.sleep(2)  # Seconds in which nobody runs are made up for.
        process = self.start().ready()
        time.sleep(2)
        self.assertEqual(process.end(), 0)
        ticks = self.check(5000)
        self.assertLess(ticks[0] - begun, 10_000)
        self.assertGreater(len(ticks), 4)

    @unittest.skipUnless(KAFKA, "the embedded log and its state are one database")
    def test_state_is_restored(self):
        self.append(range(1000))
        process = self.start().ready()
        time.sleep(2)
        self.assertEqual(process.end(), 0)
        shutil.rmtree(self.folder / "state-1")
        self.append(range(1000, 1500))
        process = self.start().ready()
        time.sleep(2)
        self.assertEqual(process.end(), 0)
        self.check(1500)

    def test_two_members(self):
        if not KAFKA:
            self.skipTest("the embedded log has one member")
        self.append(range(2000))
        first = self.start(number=1).ready()
        second = self.start(number=2)  # There is one slot, which stays with the first.
        time.sleep(2)
        first.end(signal.SIGKILL)
        self.append(range(2000, 2500))
        wait_for(lambda: len(self.copies()) >= 2500)
        self.assertEqual(second.end(), 0)
        self.check(2500)

    def test_what_is_behind_the_commit_is_cut(self):
        self.append(range(100))
        process = self.start().ready()
        wait_for(lambda: (self.folder / "out.ndjson").read_text().count("\n") == 100)
        time.sleep(0.5)
        process.end(signal.SIGKILL)
        with (self.folder / "out.ndjson").open("a", encoding="utf-8") as file:
            # As if it had ended while it wrote; more than what comes then would write over.
            file.write('{"key":"k0","value":{"n":-1}}\n' * 1000 + '{"key":"k0","value":{"n":100')
        self.append(range(100, 150))
        process = self.start().ready()
        time.sleep(2)
        self.assertEqual(process.end(), 0)
        self.check(150)

    def test_standard_input_and_output(self):
        self.file.write_text(f"""application {self.name}
stream lines from stdin {{ key string value json {{ n int }} }}
table sums = lines | group by key | aggregate {{ sum: sum(n) }}
lines | filter n > 1 | to stdout
sums | emit all | to file "{self.folder}/sums.ndjson"
""", encoding="utf-8")
        lines = "".join(json.dumps({"key": "a", "value": {"n": n}, "timestamp": n + 1}) + "\n" for n in range(4))
        out = self.streamd("run", self.file, "--http", "off", "--until-end", *self.log, *self.state(),
                           stdin=lines.rstrip("\n"))
        self.assertEqual([json.loads(line) for line in out.splitlines()],
                         [{"key": "a", "value": {"n": n}, "timestamp": n + 1} for n in (2, 3)])
        sums = (self.folder / "sums.ndjson").read_text(encoding="utf-8").splitlines()
        self.assertEqual([json.loads(line)["value"]["sum"] for line in sums], [0, 1, 3, 6])

    def test_a_file_that_shrank_is_refused(self):
        self.append(range(100))
        process = self.start().ready()
        wait_for(lambda: len(self.copies()) == 100) if KAFKA else time.sleep(1.5)
        self.assertEqual(process.end(), 0)
        self.input.write_text("", encoding="utf-8")
        process = self.start()
        self.assertEqual(process.child.wait(timeout=60), 1)
        self.assertIn("a file may only grow", process.said())


if __name__ == "__main__":
    unittest.main()
