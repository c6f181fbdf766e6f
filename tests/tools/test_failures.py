"""docs/failures.md: every failure has its row, and every test that a row names is there."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROWS = re.findall(r"(?m)^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$",
                  (ROOT / "docs/failures.md").read_text(encoding="utf-8"))


class Failures(unittest.TestCase):
    def test_every_row(self):
        self.assertEqual([int(number) for number, *_ in ROWS], list(range(1, 46)))

    def test_every_test_is_there(self):
        for number, _, _, tests in ROWS:
            links = re.findall(r"\[([^\]]+)\]\(\.\./([^)]+)\)", tests)
            self.assertTrue(links, f"row {number}: {tests}")
            for name, path in links:
                with self.subTest(row=number, test=name):
                    file = ROOT / path
                    self.assertTrue(file.exists(), path)
                    if name != file.name:
                        found = re.search(rf"\b{re.escape(name)}\b", file.read_text(encoding="utf-8"))
                        self.assertTrue(found, f"{path} has no {name}")


if __name__ == "__main__":
    unittest.main()
