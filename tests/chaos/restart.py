#!/usr/bin/env python3
"""Kill a static member that has much state, start it again on its disk, and see how soon it processes.

    restart.py [--gigabytes N] [--rounds R] [--streamd FILE]

One broker, one member with `--instance`. A table of N gigabytes is written, 8 KiB a row, of which nothing compresses.
Then, R times, a tenth of it is written again, the member is killed and started at once. The time counts from its
start to its first commit of records that it has processed; it fails if that is two seconds or more. How long it takes
to come to a record that was written behind the kill is said too: that is what had piled up before.
"""
import argparse
import base64
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from cluster import ROOT, Brokers, Member

TEXT = """
application restart
stream documents from topic "documents" { key string  value json { text string } }
table last = documents | group by key | aggregate { text: last(text), count: count() }
last | map { count } | to topic "counts"
"""
ROW = 8192
LIMIT_S = 2.0


class Run:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.file = folder / "restart.stream"
        self.file.write_text(TEXT, encoding="utf-8")
        self.brokers = Brokers(folder / "kafka", 1)
        self.rows = int(args.gigabytes * 2**30 / ROW)
        self.member = Member(args.streamd, 1, folder, self.brokers.bootstrap, "--threads", "2", file=self.file,
                             settings="kafka.session.timeout.ms = 30000\n")
        self.chance = random.Random(1)

    def produce(self, keys):
        child = subprocess.Popen([self.args.streamd, "produce", "documents", "--topology", self.file, "--bootstrap",
                                  self.brokers.bootstrap, "--partitions", "4"], stdin=subprocess.PIPE)
        for key in keys:
            text = base64.b64encode(self.chance.randbytes(ROW * 3 // 4)).decode()
            child.stdin.write(f'{{"key":"k{key}","value":{{"text":"{text}"}}}}\n'.encode())
        child.stdin.close()
        return child

    def one(self, key):
        subprocess.run([self.args.streamd, "produce", "documents", "--topology", self.file, "--bootstrap",
                        self.brokers.bootstrap], input=json.dumps({"key": key, "value": {"text": key}}),
                       encoding="utf-8", check=True)

    def await_idle(self):
        while self.member.page("/health")[0] != 200 or self.member.sum_of("streamd_task_input_lag") > 0:
            if self.member.child.poll() is not None:
                raise SystemExit(f"the member ended: {self.member.said()[-2000:]}")
            time.sleep(0.5)
        time.sleep(1)

    def state_gigabytes(self):
        return sum(f.stat().st_size for f in (self.member.folder / "state").rglob("*") if f.is_file()) / 2**30

    def follow(self):
        """Who reads the results before the kill, so that he is not what is waited for."""
        follower = subprocess.Popen([self.args.streamd, "consume", "counts", "--bootstrap", self.brokers.bootstrap,
                                     "--from", "latest", "--follow"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    encoding="utf-8")
        follower.stderr.readline()
        return follower

    def round(self, number):
        writing = self.produce(self.chance.randrange(self.rows) for _ in range(self.rows // 10))
        writing.wait()
        self.member.end(signal.SIGKILL)
        follower = self.follow()
        mark = f"behind-{number}"
        self.one(mark)
        begun = time.monotonic()
        self.member.start()
        while not (self.member.sum_of("streamd_commits_total") and self.member.sum_of("streamd_consumed_total")):
            time.sleep(0.01)
        took = time.monotonic() - begun
        for line in follower.stdout:
            if json.loads(line)["key"] == mark:
                break
        behind = time.monotonic() - begun
        follower.kill()
        follower.wait()
        said = re.search(r"every task here processes .*records_restored=(\d+) bytes_restored=(\d+) ms=(\d+)",
                         self.member.said())
        print(f"{number}: {self.state_gigabytes():.1f} GB of state, processing after {took:.2f} s; replayed "
              f"{said[1]} records, {int(said[2]) / 2**20:.1f} MB, in {said[3]} ms; at what came behind the kill after "
              f"{behind:.1f} s", flush=True)
        return took

    def all(self):
        subprocess.run([self.args.streamd, "produce", "documents", "--bootstrap", self.brokers.bootstrap,
                        "--partitions", "4"], input="", encoding="utf-8", check=True)
        self.member.start()
        begun = time.monotonic()
        self.produce(range(self.rows)).wait()
        self.await_idle()
        print(f"wrote {self.rows} rows in {time.monotonic() - begun:.0f} s", flush=True)
        return [self.round(i + 1) for i in range(self.args.rounds)]

    def end(self):
        if self.member.runs() and self.member.child.poll() is None:
            self.member.end(signal.SIGKILL)
        self.brokers.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=5, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="R")
    parser.add_argument("--streamd", type=pathlib.Path, default=ROOT / "build/streamd", metavar="FILE")
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restart-", dir=os.environ.get("TMPDIR")))
    run = Run(args, folder)
    try:
        slow = sum(took >= LIMIT_S for took in run.all())
    finally:
        run.end()
        shutil.rmtree(folder)
    print(f"{args.rounds - slow} passed, {slow} failed")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
