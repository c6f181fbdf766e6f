"""What a run takes of memory does not grow with the stages that a row goes through."""
import os
import subprocess
import unittest

import common

STORES, ROWS, LIMIT_MB = 20, 10_000, 400


@unittest.skipIf(common.KAFKA, "the log does not matter")
class Memory(common.Case):
    def setUp(self):
        # All paths meet in one sink, so rows go through one by one, with each path's order kept.
        self.TEXT = "application {name}\n" + \
            'stream events from topic "{name}-events" {{ key string  value json {{ n int }} }}\n' + "".join(
                f"table t{i} = events | group by key | aggregate {{{{ count: count(), sum: sum(n) }}}}\n"
                f't{i} | filter count < 0 | to topic "{{name}}-none"\n' for i in range(STORES))
        super().setUp()

    def test_rows_that_go_one_by_one(self):
        self.produce("events", [{"key": f"k{n}", "value": {"n": n}} for n in range(ROWS)])
        command = [common.STREAMD, "run", self.file, "--http", "off", "--until-end", "--threads", "2", "--memory",
                   "64MiB", *self.log]
        child = subprocess.Popen(list(map(str, command)), stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(child.returncode, 0)
        self.assertLess(usage.ru_maxrss / 1024, LIMIT_MB)


if __name__ == "__main__":
    unittest.main()
