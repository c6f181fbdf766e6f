"""The processes of a chaos run: brokers, members of the application, and who writes its input."""
import contextlib
import http.client
import json
import pathlib
import queue
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TOPOLOGY = HERE / "chaos.stream"
PARTITIONS, KEYS = 6, 200
SESSION_S = 3
BROKER_SESSION_S = 9  # Kafka's own
SETTINGS = f"""\
kafka.session.timeout.ms = {SESSION_S * 1000}
kafka.heartbeat.interval.ms = 500
kafka.transaction.timeout.ms = 6000
"""
sys.path.insert(0, str(ROOT / "tools"))
import kafka  # noqa: E402


def conclude(findings, folder):
    """Says what was found, and the exit code. What a run leaves is kept for who looks into it."""
    print(*findings, sep="\n", end="\n" if findings else "")
    print(f"{int(not findings)} passed, {int(bool(findings))} failed")
    if not findings:
        shutil.rmtree(folder)
    return 1 if findings else 0


class Brokers:
    """Each topic is on all of them, up to three, two of which must have a record."""

    def __init__(self, folder, count=3):
        self.folder = folder
        self.call("start", "--brokers", str(count), "--port", "0", "--heap", "384m")
        self.bootstrap = kafka.bootstrap(kafka.load(folder)[0])

    def call(self, *words):
        done = subprocess.run([sys.executable, ROOT / "tools/kafka.py", *words, "--dir", str(self.folder)],
                              capture_output=True, encoding="utf-8", check=False)
        if done.returncode != 0:
            raise RuntimeError(f"kafka {' '.join(words)}: {done.stderr}")

    def bounce(self, number, how, pause_s):
        """Whether it went as it was told; a broker that takes too long is killed."""
        obeyed = kafka.end([kafka.load(self.folder)[1][number - 1]], how)
        # Before its session has ended, one that is started again leads as it did, with records that no other has.
        time.sleep(pause_s + (BROKER_SESSION_S + 1 if how == signal.SIGKILL else 0))
        for left in (2, 1, 0):  # On a busy machine one takes longer than kafka.py waits, and then is there.
            try:
                self.call("revive", str(number))
                break
            except RuntimeError:
                if not left:
                    raise
        return obeyed or how == signal.SIGKILL

    def stop(self):
        kafka.end(kafka.load(self.folder)[1], signal.SIGKILL)


class Member:
    """A `streamd run` with a disk of its own, started and ended as often as one likes."""

    def __init__(self, streamd, number, folder, bootstrap, *more, file=TOPOLOGY, settings=SETTINGS):
        self.name = f"member-{number}"
        self.folder = folder / self.name
        self.folder.mkdir()
        config = self.folder / "settings.conf"
        config.write_text(settings, encoding="utf-8")
        self.log = self.folder / "log"
        self.command = [streamd, "run", file, "--bootstrap", bootstrap, "--threads", "2", "--standby", "1",
                        "--state-dir", self.folder / "state", "--config", config, "--http", "127.0.0.1:0", *more]
        if number == 1:
            self.command += ["--instance", "first"]
        self.child, self.begins, self.starts = None, 0, 0

    def runs(self):
        return self.child is not None

    def start(self):
        self.starts += 1
        with self.log.open("ab") as log:
            self.begins = log.tell()
            self.child = subprocess.Popen(list(map(str, self.command)), stderr=log, stdin=subprocess.DEVNULL)

    def send(self, number):
        self.child.send_signal(number)

    def end(self, number):
        """Ends it; its exit code."""
        self.send(number)
        code = self.child.wait(timeout=60)
        self.child = None
        return code

    def said(self):
        with self.log.open("rb") as log:
            log.seek(self.begins)
            return log.read().decode(errors="replace")

    def page(self, path):
        """(status, text); (0, "") if nobody answers."""
        found = re.search(r"serving .*address=([\d.:]+)", self.said())
        if not found:
            return 0, ""
        connection = http.client.HTTPConnection(found[1], timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def sum_of(self, metric):
        return sum(float(v) for v in re.findall(rf"(?m)^{metric}(?:{{.*}})? (\S+)$", self.page("/metrics")[1]))


class Writer(threading.Thread):
    """Hands lines to a `streamd produce`, which may make it wait while brokers are away. One that gives up, as it may
    when a broker dies, is followed by another."""

    def __init__(self, command):
        super().__init__(daemon=True)
        self.command, self.lines, self.restarts = command, queue.SimpleQueue(), -1
        self.begin()
        self.start()

    def begin(self):
        self.restarts += 1
        self.child = subprocess.Popen(self.command, encoding="utf-8", stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def run(self):
        while (lines := self.lines.get()) is not None:
            try:
                self.child.stdin.write(lines)
                self.child.stdin.flush()
            except OSError:
                self.child.wait()
                self.begin()
        with contextlib.suppress(OSError):
            self.child.stdin.close()

    def finish(self):
        """Ends when all is in the topic that will be."""
        self.lines.put(None)
        self.join()
        self.child.wait(timeout=120)


class Load(threading.Thread):
    """Makes records until it is told to stop, whatever happens to the brokers. What the topics hold in the end, not
    what was sent, is the input."""

    RATES = {"chaos-events": 300, "chaos-payments": 30, "chaos-rates": 3}  # records a second
    TICK_S = 0.05

    def __init__(self, streamd, bootstrap, seed, factor=1):
        super().__init__(daemon=True)
        self.command = [streamd, "produce", "--topology", TOPOLOGY, "--bootstrap", bootstrap, "--partitions",
                        str(PARTITIONS)]
        self.chance, self.sent = random.Random(seed), 0
        self.stopping, self.writers, self.factor = threading.Event(), {}, factor

    def record(self, topic):
        """Times go forward with the clock, by up to two and a half seconds out of order."""
        self.sent += 1
        value = {"chaos-events": {"id": self.sent, "n": self.chance.randrange(1000),
                                  "other": f"o{self.chance.randrange(50)}"},
                 "chaos-payments": {"id": self.sent}, "chaos-rates": {"rate": self.sent}}[topic]
        return json.dumps({"key": f"k{self.chance.randrange(KEYS)}", "value": value,
                           "timestamp": int(time.time() * 1000) - self.chance.randrange(2500)}) + "\n"

    def begin(self, outputs=()):
        """Makes the topics, all with as many partitions, then starts."""
        for topic in (*self.RATES, *outputs):
            subprocess.run([*self.command, topic], input=self.record(topic) if topic in self.RATES else "",
                           encoding="utf-8", check=True)
        self.writers = {topic: Writer([*self.command, topic]) for topic in self.RATES}
        self.start()

    def run(self):
        due, last = dict.fromkeys(self.RATES, 0.0), time.monotonic()
        while not self.stopping.wait(self.TICK_S):
            now = time.monotonic()
            for topic, rate in self.RATES.items():
                due[topic] += rate * self.factor * (now - last)
                self.writers[topic].lines.put("".join(self.record(topic) for _ in range(int(due[topic]))))
                due[topic] %= 1
            last = now

    def stop(self):
        """Ends when nothing more comes into the topics; how often a writer had to be started again."""
        self.stopping.set()
        self.join()
        for writer in self.writers.values():
            writer.finish()
        return sum(w.restarts for w in self.writers.values())

    def kill(self):
        self.stopping.set()
        for writer in self.writers.values():
            writer.child.kill()
