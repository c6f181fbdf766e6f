#!/usr/bin/env python3
"""What tools/test.py makes of the output of each kind of test: a run that says nothing must not count as passed."""
import importlib.util
import pathlib
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2] / "tools" / "test.py"
SPEC = importlib.util.spec_from_file_location("runner", SOURCE)
runner = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(runner)

CUNIT = """\
Run Summary:    Type  Total    Ran Passed Failed Inactive
              suites      2      2    n/a      0        0
               tests      7      7      5      2        0
             asserts     90     90     88      2      n/a
"""


class Counts(unittest.TestCase):
    def test_exit(self):
        self.assertEqual(runner.by_exit("", 0), (1, 0))
        self.assertEqual(runner.by_exit("", 3), (0, 1))

    def test_cunit(self):
        self.assertEqual(runner.by_cunit(CUNIT, 0), (5, 2))
        self.assertEqual(runner.by_cunit(CUNIT, 1), (5, 2))
        self.assertEqual(runner.by_cunit("", 0), (0, 1), "no summary")
        self.assertEqual(runner.by_cunit(CUNIT.replace("5      2        0", "7      0        0"), -11), (7, 1), "crash")

    def test_unittest(self):
        self.assertEqual(runner.by_unittest("Ran 4 tests in 0.1s\n\nOK\n", 0), (4, 0))
        self.assertEqual(runner.by_unittest("Ran 4 tests in 0.1s\n\nFAILED (failures=1, errors=2)\n", 1), (1, 3))
        self.assertEqual(runner.by_unittest("Ran 4 tests in 0.1s\n\nOK (skipped=1)\n", 0), (3, 0))
        self.assertEqual(runner.by_unittest("Ran 4 tests in 0.1s\n\nOK (skipped=4)\n", 0), (0, 0))
        self.assertEqual(runner.by_unittest("Ran 0 tests in 0.0s\n\nOK\n", 0), (0, 1))
        self.assertEqual(runner.by_unittest("killed", -9), (0, 1))

    def test_summary(self):
        self.assertEqual(runner.by_summary("a.stream: 3 passed, 0 failed\n", 0), (3, 0))
        self.assertEqual(runner.by_summary("3 passed, 1 failed\n", 1), (3, 1))
        self.assertEqual(runner.by_summary("3 passed, 0 failed\n", 1), (3, 1))
        self.assertEqual(runner.by_summary("", 0), (1, 0))

    def vectors(self, listed, text):
        with tempfile.TemporaryDirectory() as folder:
            runner.NOT_YET = pathlib.Path(folder, "vectors_not_yet.txt")
            runner.NOT_YET.write_text(listed, encoding="utf-8")
            return runner.by_vectors(text, 1)

    def test_vectors(self):
        text = ("FAIL A.one[x, y] (tumbling-count): exit 2\nFAIL A.two (table-filter): row (1)\n"
                "5 passed, 2 failed, 3 skipped\n")
        self.assertEqual(self.vectors("# later\nA.one[x, y]  # no windows yet\nA.two\n", text), (5, []))
        passed, surprises = self.vectors("A.one[x, y]\nA.gone\n", text)
        self.assertEqual((passed, len(surprises)), (5, 2))
        self.assertIn("A.two", surprises[0])
        self.assertIn("A.gone: passes, or is gone", surprises[1])
        self.assertEqual(self.vectors("", "Traceback"), (0, 1))


if __name__ == "__main__":
    unittest.main()
