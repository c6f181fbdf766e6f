"""`streamd reset`: shows what it would forget, and then the application begins anew."""
import unittest

import common


class Reset(common.Case):
    def setUp(self):
        super().setUp()
        self.produce("clicks", [{"key": f"k{i % 3}", "value": {"n": i}, "timestamp": i} for i in range(30)])
        self.run_to_end()

    def reset(self, *more, code=0):
        return self.streamd("reset", self.file, *self.log, *self.state(), *more, code=code)

    def finals(self):
        """The last value of every key."""
        return {r["key"]: r["value"] for r in self.consume("counts")}

    def test_only_with_yes(self):
        self.assertIn("--yes", self.reset(code=1))
        self.run_to_end()
        self.assertEqual(len(self.consume("copies")), 30)

    def test_begins_anew(self):
        before = self.finals()
        self.assertEqual(before["k0"], {"clicks": 10, "sum": 135})
        said = self.reset("--yes")
        self.assertIn("counts", said)
        self.assertIn(f"{self.name}-slots", said)
        self.assertNotIn(f"topic   {self.topic('clicks')}", said)
        self.run_to_end()
        self.assertEqual(len(self.consume("copies")), 60, "all is processed again, from nothing")
        self.assertEqual(self.finals(), before)
        self.assertEqual(len(self.consume("clicks")), 30)

    def test_not_while_it_runs(self):
        run = self.start().ready()
        self.assertRegex(self.reset("--yes", code=1), "held by another process|has members")
        self.assertEqual(run.end(), 0)
        self.run_to_end()
        self.assertEqual(len(self.consume("copies")), 30)


if __name__ == "__main__":
    unittest.main()
