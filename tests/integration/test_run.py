"""The order topology, run for real: on the embedded log, or on Kafka when TEST_LOG=kafka.

What `streamd pipe` gives for the same records is what must come out of the topics, whole and once, also when the
run is stopped half-way, and when the state directory is deleted in between and restored from the changelog.
"""
import collections
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
STREAMD = os.environ.get("TEST_BIN", str(ROOT / "build/streamd"))
KAFKA = os.environ.get("TEST_LOG", "embedded") == "kafka"
BOOTSTRAP = os.environ.get("TEST_BOOTSTRAP", "127.0.0.1:19092")
ORDERS = 20_000
HOUR = 3_600_000
RUN_S = 90


def records():
    """Customers, then orders within one hour of event time, then orders that close every window."""
    rng = random.Random(11)
    customers = [{"key": f"c{i}", "value": {"name": f"n{i}", "tier": "gold" if i % 3 else "silver"}, "timestamp": 0}
                 for i in range(200)]
    orders = []
    for i in range(ORDERS):
        at = 1000 + rng.randrange(HOUR - 2000)
        orders.append({"key": f"o{i}", "timestamp": at, "value": {
            "order_id": f"o{i}", "customer": f"c{rng.randrange(250)}", "amount": rng.randrange(10_000) / 100,
            "status": rng.choice(["paid", "paid", "open"]), "placed_at": at}})
    closing = [{"key": f"z{i}", "timestamp": 4 * HOUR, "value": {
        "order_id": f"z{i}", "customer": f"c{i}", "amount": 1.0, "status": "paid", "placed_at": 4 * HOUR}}
        for i in range(40)]
    return customers, orders, closing


class OrderRevenue(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        # Topics are named after the test, so that one broker serves them all.
        self.name = f"t{os.getpid()}_{time.time_ns() % 10**9}"
        text = (ROOT / "examples/order_revenue.stream").read_text(encoding="utf-8")
        text = text.replace("grace 10s", "grace 2h").replace("application order_revenue", f"application {self.name}")
        for topic in ("orders", "customers", "revenue-per-minute", "orders-enriched"):
            text = text.replace(f'"{topic}"', f'"{self.topic(topic)}"')
        self.file = self.folder / "order_revenue.stream"
        self.file.write_text(text, encoding="utf-8")
        self.state = self.folder / "state"
        self.log = ["--bootstrap", BOOTSTRAP] if KAFKA else ["--data-dir", str(self.folder / "data")]

    def topic(self, name):
        return f"{self.name}-{name}"

    def streamd(self, *arguments, stdin=None):
        done = subprocess.run([STREAMD, *map(str, arguments)], input=stdin, capture_output=True, encoding="utf-8",
                              timeout=RUN_S)
        self.assertEqual(done.returncode, 0, f"{arguments}: {done.stderr[-2000:]}")
        return done.stdout

    def produce(self, topic, lines):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        self.streamd("produce", self.topic(topic), "--topology", self.file, *self.log, stdin=text)

    def command(self, *more):
        state = ["--state-dir", str(self.state)] if KAFKA else []
        return [STREAMD, "run", str(self.file), "--threads", "2", *self.log, *state, *more]

    def run_to_end(self):
        done = subprocess.run(self.command("--until-end"), capture_output=True, encoding="utf-8", timeout=RUN_S)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])

    def expected(self, batches):
        lines = "".join(json.dumps({"topic": self.topic(topic), **line}) + "\n"
                        for topic, batch in batches for line in batch)
        return self.rows(json.loads(line) for line in self.streamd("pipe", self.file, stdin=lines).splitlines())

    @staticmethod
    def rows(records_out):
        return collections.Counter((r["topic"], r["key"], json.dumps(r["value"], sort_keys=True), r["timestamp"])
                                   for r in records_out)

    def came(self):
        rows = []
        for name in ("orders-enriched", "revenue-per-minute"):
            out = self.streamd("consume", self.topic(name), "--topology", self.file, *self.log)
            rows += [{**json.loads(line), "topic": self.topic(name)} for line in out.splitlines()]
        return self.rows(rows)

    def check(self, batches):
        want, got = self.expected(batches), self.came()
        self.assertGreater(sum(want.values()), ORDERS / 3)
        self.assertEqual(list((want - got).items())[:3], [], "missing")
        self.assertEqual(list((got - want).items())[:3], [], "not expected")

    def produce_all(self):
        """Everything at once: what closes the windows waits in each partition behind the orders, and must not be
        taken there before the orders of the other partitions."""
        customers, orders, closing = records()
        self.produce("customers", customers)
        self.produce("orders", orders + closing)
        return [("customers", customers), ("orders", orders + closing)]

    def run_a_part(self):
        """Stopped by a signal as soon as some of the orders are through."""
        with subprocess.Popen(self.command("--http", "127.0.0.1:0"), stderr=subprocess.PIPE,
                              encoding="utf-8") as process:
            address = next(found[1] for line in process.stderr
                           if (found := re.search(r"serving .*address=(\S+)", line)))
            while self.consumed(address) < ORDERS / 10:
                time.sleep(0.005)
            process.send_signal(signal.SIGTERM)
            process.stderr.read()
            self.assertEqual(process.wait(timeout=RUN_S), 0)

    def consumed(self, address):
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=RUN_S) as page:
            found = re.search(rf'consumed_total{{topic="{self.topic("orders")}"}} (\d+)', page.read().decode())
        return int(found[1]) if found else 0

    def test_as_pipe_says(self):
        batches = self.produce_all()
        self.run_to_end()
        self.check(batches)

    def test_stopped_half_way(self):
        batches = self.produce_all()
        self.run_a_part()
        self.run_to_end()
        self.check(batches)

    @unittest.skipUnless(KAFKA, "the embedded log and its state are one database")
    def test_restored_from_the_changelog(self):
        batches = self.produce_all()
        self.run_a_part()
        shutil.rmtree(self.state)
        self.run_to_end()
        self.check(batches)


if __name__ == "__main__":
    unittest.main()
