#!/usr/bin/env python3
"""tests/reference/check.py and tools/make_reference.py find what they are there for, on a program that is made up."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Lists what catalogue.json beside it holds; `pipe` gives `"result": answer`, whatever the program.
FAKE = """\
#!/usr/bin/env python3
import pathlib, sys
here = pathlib.Path(__file__).parent
if sys.argv[1] == "list":
    print((here / "catalogue.json").read_text())
elif (here / "answer").exists():
    print('{"topic":"out","key":null,"value":{"result":' + (here / "answer").read_text() + '},"timestamp":0}')
else:
    sys.exit("example.stream:2:3: error: no")
"""

UPPER = {"signature": "upper(s string) string", "family": "strings", "sees_nulls": False,
         "summary": "The text in upper case.", "example": 'upper("a")', "result": '"A"'}
EMPTY = dict.fromkeys(("operators", "clauses", "functions", "aggregates", "formats", "commands", "options", "settings",
                       "reserved", "metrics", "statuses", "exits"), [])


class Reference(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.streamd = self.folder / "streamd"
        self.streamd.write_text(FAKE)
        self.streamd.chmod(0o755)

    def run_check(self, answer, **listed):
        (self.folder / "catalogue.json").write_text(json.dumps(EMPTY | listed))
        (self.folder / "answer").unlink(missing_ok=True)
        if answer is not None:
            (self.folder / "answer").write_text(answer)
        done = subprocess.run([sys.executable, ROOT / "tests/reference/check.py", self.streamd], capture_output=True,
                              text=True, check=False)
        return done.returncode, done.stdout

    def test_a_right_example_passes(self):
        self.assertEqual(self.run_check('"A"', functions=[UPPER]), (0, "1 passed, 0 failed\n"))

    def test_a_wrong_result_is_shown_beside_what_comes(self):
        code, text = self.run_check('"a"', functions=[UPPER])
        self.assertEqual(code, 1)
        for part in ("FAIL function upper(s string) string", '-"A"', '+"a"', "0 passed, 1 failed"):
            self.assertIn(part, text)

    def test_a_program_that_does_not_compile_is_told(self):
        code, text = self.run_check(None, functions=[UPPER])
        self.assertEqual(code, 1)
        self.assertIn("2:3: error: no", text)

    def test_a_missing_example_and_a_text_that_is_no_sentence_fail(self):
        self.assertIn("has no example", self.run_check('"A"', functions=[UPPER | {"example": None}])[1])
        self.assertIn("no sentence", self.run_check('"A"', functions=[UPPER | {"summary": "Upper case"}])[1])

    def test_an_aggregate_is_asked_for_its_last_result(self):
        row = {"signature": "sum(x int) int", "family": "sums", "sees_nulls": False, "summary": "The sum.",
               "example": "sum(x)", "rows": "[1, null, 3]", "result": "4"}
        self.assertEqual(self.run_check("4", aggregates=[row])[0], 0)
        self.assertIn("+5", self.run_check("5", aggregates=[row])[1])

    def test_no_rows_is_a_failure(self):
        self.assertEqual(self.run_check("1")[0], 1)

    def test_a_page_that_is_old_is_told(self):
        (self.folder / "catalogue.json").write_text(json.dumps(EMPTY | {"functions": [UPPER]}))
        done = subprocess.run([sys.executable, ROOT / "tools/make_reference.py", "--check", "--streamd", self.streamd],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("docs/reference/functions.md", done.stdout)
        self.assertIn("run tools/make_reference.py", done.stderr)


if __name__ == "__main__":
    unittest.main()
