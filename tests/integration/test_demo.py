"""The demo: it ends by itself with 0, and what it shows is what the topology makes of its orders."""
import os
import subprocess
import unittest

import common


@unittest.skipIf(common.KAFKA, "the demo is on the embedded log")
class Demo(unittest.TestCase):
    def test_it_shows_results_and_ends(self):
        done = subprocess.run([common.ROOT / "tools/demo.sh"], capture_output=True, text=True, check=False, timeout=240,
                              env={**os.environ, "STREAMD_BIN": common.STREAMD})
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        self.assertIn("96 orders went in; 80 enriched orders and 20 rows of revenue came out", done.stdout)
        self.assertRegex(done.stdout, r'\n  revenue-per-minute +\{"key":"c1","value":\{"orders":4,"revenue":188\.0,')
        self.assertIn("\nTry next:\n", done.stdout)


if __name__ == "__main__":
    unittest.main()
