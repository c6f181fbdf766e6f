"""What the integration tests share: a topology with names of its own, streamd as a process, its pages.

TEST_BIN is the program, TEST_LOG is embedded or kafka, TEST_BOOTSTRAP is Kafka's address.
"""
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
STREAMD = os.environ.get("TEST_BIN", str(ROOT / "build/streamd"))
KAFKA = os.environ.get("TEST_LOG", "embedded") == "kafka"
BOOTSTRAP = os.environ.get("TEST_BOOTSTRAP", "127.0.0.1:19092")
WAIT_S = 60
PARTITIONS = 4

COUNT = """
application {name}
stream clicks from topic "{name}-clicks" {{ key string  value json {{ n int }} }}
table counts = clicks | group by key | aggregate {{ clicks: count(), sum: sum(n) }}
counts | emit changes | to topic "{name}-counts"  # Some updates of a key may be one record.
clicks | to topic "{name}-copies"                # One for each.
"""


class Process:
    """A `streamd run`; `address` is that of its pages."""

    def __init__(self, arguments, errors):
        self.errors = errors
        with errors.open("wb") as file:
            self.child = subprocess.Popen([STREAMD, "run", *map(str, arguments)], stderr=file,
                                          stdin=subprocess.DEVNULL)

    def said(self):
        return self.errors.read_text(encoding="utf-8", errors="replace")

    @property
    def address(self):
        found = wait_for(lambda: re.search(r"serving .*address=(\S+)", self.said()) or self.child.poll() is not None)
        if found is True:
            raise AssertionError(f"streamd ended with {self.child.returncode}: {self.said()[-2000:]}")
        return found[1]

    def ask(self, method, path, body=None, headers=None):
        """(status, text) of a page."""
        connection = http.client.HTTPConnection(self.address, timeout=WAIT_S)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def ready(self):
        wait_for(lambda: self.ask("GET", "/health")[0] == 200)
        return self

    def end(self, number=signal.SIGTERM):
        if self.child.poll() is None:
            self.child.send_signal(number)
        return self.child.wait(timeout=WAIT_S)


def wait_for(condition, seconds=WAIT_S):
    """What `condition` gives when it is true at last."""
    until = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > until:
            raise AssertionError(f"it did not come true in {seconds} s")
        time.sleep(0.05)
    return found


def tool(name, *arguments):
    """One of Kafka's own tools at the broker; what it says."""
    done = subprocess.run([sys.executable, ROOT / "tools/kafka.py", "tool", name, "--bootstrap-server", BOOTSTRAP,
                           *map(str, arguments)], check=True, capture_output=True, encoding="utf-8", timeout=WAIT_S)
    return done.stdout


class Case(unittest.TestCase):
    TEXT = COUNT

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        # Named after the test, so that one broker serves them all.
        self.name = f"t{os.getpid()}_{time.time_ns() % 10**9}"
        self.file = self.folder / "topology.stream"
        self.file.write_text(self.TEXT.format(name=self.name), encoding="utf-8")
        self.log = ["--bootstrap", BOOTSTRAP] if KAFKA else ["--data-dir", self.folder / "data"]
        self.runs = 0

    def topic(self, name):
        return f"{self.name}-{name}"

    def streamd(self, *arguments, stdin=None, code=0):
        done = subprocess.run([STREAMD, *map(str, arguments)], input=stdin, capture_output=True, encoding="utf-8",
                              timeout=WAIT_S)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stderr[-2000:]}")
        return done.stdout if code == 0 else done.stderr

    def produce(self, topic, lines):
        self.streamd("produce", self.topic(topic), "--topology", self.file, "--partitions", PARTITIONS, *self.log,
                     stdin="".join(json.dumps(line) + "\n" for line in lines))

    def consume(self, topic):
        out = self.streamd("consume", self.topic(topic), "--topology", self.file, *self.log)
        return [json.loads(line) for line in out.splitlines()]

    def state(self, number=1):
        return ["--state-dir", self.folder / f"state-{number}"] if KAFKA else []

    def start(self, *more, number=1):
        """A run in a process of its own, which ends with the test at the latest."""
        if "--http" not in more:
            more = ("--http", "127.0.0.1:0", *more)
        self.runs += 1
        process = Process([self.file, "--threads", "2", *self.log, *self.state(number), *more],
                          self.folder / f"errors-{self.runs}")
        self.addCleanup(process.end, signal.SIGKILL)
        return process

    def run_to_end(self):
        self.streamd("run", self.file, "--threads", "2", "--http", "off", "--until-end", *self.log, *self.state())
