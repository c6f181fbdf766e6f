"""What this version stores is what tests/golden has written down, and what is written down there is read as ever."""
import importlib.util
import pathlib
import unittest

import common

HERE = common.ROOT / "tests/golden"
SPEC = importlib.util.spec_from_file_location("make", HERE / "make.py")
make = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(make)


@unittest.skipIf(common.KAFKA, "records of changelogs are among the forms")
class Golden(unittest.TestCase):
    def setUp(self):
        self.golden = make.Golden(common.STREAMD, pathlib.Path(common.STREAMD).parent / "golden")

    def test_what_is_written_and_read(self):
        said = make.differences(self.golden)
        self.assertEqual(said, [], "see tests/golden/README.md:\n" + "\n".join(said)[:5000])

    def test_a_change_is_noticed(self):
        """Other bytes of a value are read as another value, so a line with them is not printed as it stands."""
        line = next(s for s in (HERE / "values.txt").read_text(encoding="utf-8").splitlines() if s.startswith("42 "))
        with common.tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as file:
            for was, becomes, same in (("2a", "2a", True), ("01002a", "01002b", False), ("00002a", "00002b", False)):
                file.seek(0)
                file.truncate()
                file.write(line.replace(was, becomes) + "\n")
                file.flush()
                printed = self.golden.ask(self.golden.golden, "values", file.name)
                self.assertEqual(printed == line.replace(was, becomes) + "\n", same, printed)


if __name__ == "__main__":
    unittest.main()
