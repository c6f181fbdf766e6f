"""streamd as a process: signals, directories, what a terminal sees, where settings come from, help, exit codes."""
import contextlib
import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import time
import unittest

import common

# A row takes a while, the longer the larger its `times`, and ends in no error: the pattern is given up after so many
# steps.
SLOW = """
application {name}
stream s from topic "{name}-in" {{ key string  value json {{ text string, n int, times int }} }}
s | map {{ n, slow: transform(split(repeat("x,", times), ","), x -> try(text =~ "^(([a-z])+.)+[A-Z]([a-z])+$")) }}
  | map {{ n }} | to topic "{name}-out"
"""
COMMANDS = ["run", "check", "describe", "diff", "pipe", "test", "produce", "consume", "deadletters",
            "acls", "functions", "list", "reset"]


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Signals(common.Case):
    TEXT = SLOW

    def test_a_second_signal_ends_it_at_once(self):
        count = 20
        self.produce("in", [{"key": "k", "value": {"text": "a" * 60, "n": n, "times": 20_000}} for n in range(count)])
        run = self.start("--threads", "1")
        self.assertTrue(run.address)  # All ready it may be only when the rows are done: one thread has all slots.
        idle = cpu_s(run.child.pid)
        common.wait_for(lambda: cpu_s(run.child.pid) > idle + 1, common.WAIT_S)  # It is within a batch then.
        run.child.send_signal(signal.SIGTERM)
        time.sleep(1)
        self.assertIsNone(run.child.poll(), "the row in hand is finished first")
        begun = time.monotonic()
        run.child.send_signal(signal.SIGTERM)
        self.assertEqual(run.child.wait(timeout=common.WAIT_S), 0)
        self.assertLess(time.monotonic() - begun, 1)
        self.file.write_text(self.file.read_text(encoding="utf-8").replace("a-z", "b"), encoding="utf-8")
        self.run_to_end()
        self.assertEqual(sorted(r["value"]["n"] for r in self.consume("out")), list(range(count)), "nothing is lost")

    def test_each_ends_it_with_zero(self):
        # On Kafka the topic must be there.
        self.produce("in", [{"key": "k", "value": {"text": "A", "n": 1, "times": 1}}])
        was = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # The tests themselves may run under nohup.
        self.addCleanup(signal.signal, signal.SIGHUP, was)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            run = self.start().ready()
            self.assertEqual(run.end(number), 0, run.said())


class Producers(common.Case):
    def test_several_at_once(self):
        self.produce("clicks", [])
        lines = "".join(f'{{"key":"k","value":{{"n":{n}}}}}\n' for n in range(500))
        command = [common.STREAMD, "produce", self.topic("clicks"), "--topology", self.file, *self.log]
        for _ in range(3 if common.KAFKA else 0):  # The embedded log is one process's.
            several = [subprocess.Popen([*map(str, command)], stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                                        encoding="utf-8") for _ in range(4)]
            self.assertEqual([p.communicate(lines)[1] for p in several], [""] * 4)
        self.assertEqual(len(self.consume("clicks")), 6000 if common.KAFKA else 0)

    def test_what_comes_slowly_is_there_at_once(self):
        """A pipe that stays open: longer than a transaction may be, and each line is seen while it does."""
        self.produce("clicks", [])
        run = None if common.KAFKA else self.start().ready()  # Through it: the embedded log has one owner.
        command = [common.STREAMD, "produce", self.topic("clicks"), "--topology", self.file, *self.log]
        child = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, encoding="utf-8")
        self.addCleanup(child.kill)
        for n in range(3):
            child.stdin.write(json.dumps({"key": "k", "value": {"n": n}}) + "\n")
            child.stdin.flush()
            common.wait_for(lambda: len(self.consume("clicks")) == n + 1, 20)
            time.sleep(5 if common.KAFKA else 0.1)
        child.stdin.write('{"key": "k", "value": {"n": 3}}')  # The last line needs no end.
        child.stdin.close()
        self.assertEqual(child.wait(timeout=common.WAIT_S), 0)
        self.assertEqual([r["value"]["n"] for r in self.consume("clicks")], [0, 1, 2, 3])
        if run:
            self.assertEqual(run.end(), 0)


@unittest.skipIf(common.KAFKA, "the rest is the same with Kafka")
class Directories(common.Case):
    def in_folder(self, *arguments):
        errors = self.folder / f"errors-{time.time_ns()}"
        with errors.open("wb") as file:
            child = subprocess.Popen([common.STREAMD, *map(str, arguments)], cwd=self.folder, stderr=file,
                                     stdin=subprocess.DEVNULL)
        self.addCleanup(lambda: (child.kill(), child.wait()))
        return child, lambda: errors.read_text(encoding="utf-8")

    def test_a_default_that_is_taken(self):
        first, said = self.in_folder("run", self.file, "--http", "off")
        common.wait_for(lambda: "created a topic" in said())
        second, said = self.in_folder("run", self.file, "--http", "off")
        common.wait_for(lambda: "using ./streamd-data-2" in said())
        self.assertIn("./streamd-data is held by another streamd", said())
        third, said = self.in_folder("run", self.file, "--http", "off", "--data-dir", "streamd-data")
        self.assertEqual(third.wait(timeout=common.WAIT_S), 1)
        self.assertRegex(said(), f"streamd-data.* held by another process.*{first.pid}")
        for child in (first, second):
            child.send_signal(signal.SIGTERM)
            self.assertEqual(child.wait(timeout=common.WAIT_S), 0)
        self.assertEqual((self.folder / "streamd-data").stat().st_mode & 0o777, 0o700)

    def test_too_few_files_may_be_open(self):
        run = [common.STREAMD, "run", self.file, "--http", "off", "--until-end", *self.log]
        run = " ".join(map(str, run))
        done = subprocess.run(["bash", "-c", f"ulimit -n 64; {run}"], capture_output=True, encoding="utf-8",
                              timeout=common.WAIT_S)
        self.assertEqual(done.returncode, 1)
        self.assertIn("64 files may be open at once, and a run needs up to 1024", done.stderr)
        done = subprocess.run(["bash", "-c", f"ulimit -Sn 64; {run}"], capture_output=True, encoding="utf-8",
                              timeout=common.WAIT_S)
        self.assertEqual(done.returncode, 0, done.stderr)  # What is only a default is raised.

    def test_a_default_port_that_is_taken(self):
        runs = [self.in_folder("run", self.file) for _ in range(2)]
        for child, said in runs:
            common.wait_for(lambda s=said: "serving" in s())
        ports = {re.search(r"serving .*address=(\S+)", said())[1] for _, said in runs}
        self.assertEqual(len(ports), 2, "each has its own")
        self.assertEqual(sum("a free one was taken" in said() for _, said in runs), 2 - ("127.0.0.1:9464" in ports))


@unittest.skipIf(common.KAFKA, "the rest is the same with Kafka")
class Terminal(common.Case):
    def run_at(self, errors, seconds):
        child = subprocess.Popen([common.STREAMD, "run", str(self.file), "--http", "off", *map(str, self.log)],
                                 stderr=errors, stdin=subprocess.DEVNULL)
        time.sleep(seconds)
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(timeout=common.WAIT_S), 0)

    def test_progress_on_a_terminal(self):
        self.produce("clicks", [{"key": "k", "value": {"n": 1}}] * 5)
        ours, theirs = pty.openpty()
        self.run_at(theirs, 2.5)
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # The end of a terminal is an error.
            while more := os.read(ours, 65536):
                said += more
        os.close(ours)
        self.assertRegex(said, rb"\r\x1b\[K\d+ records/s, lag \d+, \d+ tasks")
        self.assertTrue(said.endswith(b"\r\x1b[K"), "the line is taken away at the end")

    def test_plain_lines_elsewhere(self):
        path = self.folder / "said"
        with path.open("wb") as file:
            self.run_at(file, 1.5)
        said = path.read_text(encoding="utf-8")
        self.assertNotIn("\x1b", said)
        self.assertNotIn("records/s", said)
        for line in said.splitlines():
            self.assertRegex(line, r"^(\d{4}-\d\d-\d\dT[\d:.]+Z (info|warn|error) |\S+:\d+:\d+: warning: |  )")


@unittest.skipIf(common.KAFKA, "the rest is the same with Kafka")
class Settings(common.Case):
    TEXT = """
application {name}
param least int = 1
stream s from topic "{name}-in" {{ key string  value json {{ n int }} }}
s | filter n >= least | to topic "{name}-out"
"""

    def ask(self, *arguments, stdin=None, **environment):
        done = subprocess.run([common.STREAMD, *map(str, arguments)], input=stdin, capture_output=True,
                              encoding="utf-8", timeout=common.WAIT_S, env={**os.environ, **environment},
                              cwd=self.folder)
        return done.returncode, done.stdout, done.stderr

    def test_command_line_before_environment_before_file(self):
        config = self.folder / "streamd.conf"
        config.write_text("# a remark\n\ndata-dir = from-file\nthreads = 2\n", encoding="utf-8")
        there = {"STREAMD_DATA_DIR": "from-environment"}
        produce = ("produce", self.topic("in"), "--topology", self.file)
        for arguments, environment, folder in (
                ((), {}, "streamd-data"),
                (("--config", config), {}, "from-file"),
                ((), {"STREAMD_CONFIG": str(config)}, "from-file"),
                (("--config", config), there, "from-environment"),
                (("--config", config, "--data-dir", "from-line"), there, "from-line"),
                (("--data-dir=from-line-too",), {}, "from-line-too")):
            code, _, said = self.ask(*produce, *arguments, stdin='{"key":"k","value":{"n":1}}\n', **environment)
            self.assertEqual(code, 0, said)
            self.assertTrue((self.folder / folder).is_dir(), folder)
        self.assertEqual(sorted(p.name for p in self.folder.iterdir() if p.is_dir()),
                         ["from-environment", "from-file", "from-line", "from-line-too", "streamd-data"])

    def test_params(self):
        line = '{"topic":"%s","key":"k","value":{"n":3}}\n' % self.topic("in")
        four = {"STREAMD_SET": "least=4"}
        for arguments, environment, rows in (((), {}, 1), (("--set", "least=4"), {}, 0), ((), four, 0),
                                             (("--set", "least=2"), four, 1)):
            code, out, said = self.ask("pipe", self.file, *arguments, stdin=line, **environment)
            self.assertEqual((code, len(out.splitlines())), (0, rows), said)

    def test_mistakes_in_a_config_file_come_together(self):
        config = self.folder / "streamd.conf"
        config.write_text("thread = 2\nnothing here\nkafka.linger.ms = 5\nconfig = other\n", encoding="utf-8")
        code, _, said = self.ask("run", self.file, "--config", config)
        self.assertEqual(code, 2)
        self.assertIn(f"{config}:1:1: error: there is no setting `thread`; did you mean `threads`?", said)
        self.assertIn(f"{config}:2:1: error: expected `key = value`", said)
        self.assertIn(f"{config}:4:1: error: there is no setting `config`", said)

    def test_wrong_values_come_together(self):
        config = self.folder / "streamd.conf"
        config.write_text("threads = many\ncommit = soon\nmemory = much\n", encoding="utf-8")
        code, _, said = self.ask("run", self.file, "--config", config)
        self.assertEqual(code, 2)
        self.assertIn("error: `threads` must be a number from 1 to 256, and is `many`\n", said)
        self.assertIn("error: `commit` must be a duration from 1ms to 1m, and is `soon`\n", said)
        self.assertIn("error: `memory` must be a size as 512MiB, and is `much`\n", said)
        self.assertEqual([p.name for p in self.folder.iterdir() if p.is_dir()], [], "nothing was begun")

    def test_help_and_version(self):
        code, out, _ = self.ask("--help")
        self.assertEqual(code, 0)
        for command in COMMANDS:
            self.assertIn(f"  streamd {command} ", out)
            for more in ((), ("--data-dir", "x")):
                code, text, said = self.ask(command, *more, "--help")
                self.assertEqual((code, said), (0, ""))
                self.assertTrue(text.startswith(f"streamd {command}"), text[:80])
                self.assertEqual("\nOptions\n" in text, command != "functions", "it compiles nothing, and has none")
                self.assertLessEqual(max(map(len, text.splitlines())), 130)
            self.assertRegex(self.ask(command, "--version")[1], r"^streamd \d+\.\d+\.\d+")
        rows = (pathlib.Path(__file__).parents[2] / "streamd/config.def").read_text(encoding="utf-8")
        for setting in re.findall(r'SX_SETTING\(\w+, "([\w-]+)"', rows):
            self.assertIn(f"--{setting} ", self.ask("run", "--help")[1])
        self.assertEqual([p.name for p in self.folder.iterdir() if p.is_dir()], [], "help makes nothing")

    def test_exit_codes(self):
        wrong = self.folder / "wrong.stream"
        wrong.write_text("stream s = nothing | to topic \"x\"\n", encoding="utf-8")
        for code, arguments in ((2, ()), (2, ("no-such-command",)), (2, ("run",)), (2, ("run", self.file, "more")),
                                (2, ("run", "none.stream")), (2, ("run", wrong)), (2, ("check", wrong)),
                                (0, ("check", self.file)),
                                (2, ("pipe", wrong)), (2, ("test", wrong)), (2, ("describe", wrong)),
                                (2, ("describe", self.file, "--format", "png")),
                                (2, ("run", self.file, "--threads", "0")),
                                (2, ("run", self.file, "--threads", "many")),
                                (2, ("run", self.file, "--log", "xml")),
                                (2, ("run", self.file, "--guarantee", "twice")),
                                (2, ("run", self.file, "--http", "nowhere")),
                                (2, ("run", self.file, "--no-such-option")), (2, ("run", self.file, "--set", "most=1")),
                                (2, ("run", self.file, "--set", "least=one")),
                                (2, ("run", self.file, "--until-end=yes")),
                                (2, ("pipe", self.file, "--until-end")), (2, ("check", self.file, "--from", "latest")),
                                (0, ("check", self.file, "--threads", "3")),
                                (2, ("pipe", self.file, "--batch", "0")), (2, ("test", self.file, "--batch", "1025")),

                                (2, ("consume", "t", "--from", "yesterday")), (1, ("consume", "no-such-topic")),
                                (2, ("consume",)), (2, ("produce",)), (2, ("functions", "no_such_function")),
                                (0, ("functions", "upper")), (0, (self.file, "--until-end", "--http", "off")),
                                (0, ("check", "--", self.file))):
            got, _, said = self.ask(*arguments, stdin="")
            self.assertEqual(got, code, (arguments, said))
            if code:
                self.assertRegex(said or "usage", "error: |usage")

    def test_a_file_without_a_source(self):
        empty = self.folder / "empty.stream"
        empty.write_text("set commit 100ms\n", encoding="utf-8")
        code, _, said = self.ask("check", empty, stdin="")
        self.assertEqual(code, 2)
        self.assertIn(f"{empty}:1:1: error: nothing is read: the file has no source\n", said)


if __name__ == "__main__":
    unittest.main()
