#!/usr/bin/env python3
"""200 stores under one memory budget: nothing is killed, and it takes little longer than without a limit.

    limits.py [--stores N] [--rounds R] [--kafka] [--streamd FILE]

A topology of N aggregates with a state of a few hundred megabytes reads the same input twice a round: with all the
memory it wants, and with `--memory 512MiB` in a control group of 768 MB, where the machine lets one be made. It fails
if a run ends otherwise than with 0 or with other results, if it has more than 768 MB, or if the median of the times
with the limit is more than a quarter above the one without. With --kafka on a broker, else on the embedded log.
"""
import argparse
import collections
import contextlib
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

from cluster import ROOT, Brokers, conclude

KEYS, EVENTS, OFTEN = 4000, 40000, 20
GROUP_BYTES = 768 * 10**6
MORE_TIME = 1.25
HEAD = """application limits_{run}
stream events from topic "events" {{ key string  value json {{ text string }} }}
"""
STORE = """table t{n} = events | group by key | aggregate {{ count: count(), last: last(text) }}
t{n} | changes | filter count == {often} | map {{ count }} | to topic "often-{run}-{n}"
"""


@contextlib.contextmanager
def memory_group():
    """The file that takes the processes of a control group of limited memory; None: the machine has none to give."""
    for root, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        folder = pathlib.Path(root, f"streamd-limits-{os.getpid()}")
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            (folder / limit).write_text(str(GROUP_BYTES), encoding="utf-8")
            yield folder / "cgroup.procs"
            return
        except OSError:
            continue
        finally:
            folder.rmdir()
    yield None


class Setting:
    """The input, and what a run of it takes and gives."""

    def __init__(self, args, folder):
        self.streamd, self.stores, self.folder, self.runs = args.streamd, args.stores, folder, 0
        chance = random.Random(1)
        self.keys = [f"key-{chance.randrange(KEYS)}" for _ in range(EVENTS)]
        self.brokers = Brokers(folder / "kafka", 1) if args.kafka else None
        self.expected = sorted(k for k, count in collections.Counter(self.keys).items() if count >= OFTEN)

    def begin(self):
        """A run of its own: an application that was not there, on the same input. Its file, and where its log is."""
        self.runs += 1
        file = self.folder / f"limits-{self.runs}.stream"
        file.write_text(HEAD.format(run=self.runs) +
                        "".join(STORE.format(run=self.runs, n=n, often=OFTEN) for n in range(self.stores)),
                        encoding="utf-8")
        if self.brokers is None:
            where = ["--data-dir", self.folder / f"data-{self.runs}"]
        else:
            where = ["--bootstrap", self.brokers.bootstrap]
        if self.brokers is None or self.runs == 1:
            lines = "".join(json.dumps({"key": k, "value": {"text": "x" * 120 + k}}) + "\n" for k in self.keys)
            self.call("produce", "events", "--topology", file, "--partitions", "4", *where, stdin=lines)
        return file, where

    def call(self, *words, stdin=None):
        return subprocess.run([self.streamd, *map(str, words)], input=stdin, encoding="utf-8", check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout

    def run(self, memory, group):
        """Seconds, megabytes at most, what is wrong."""
        file, where = self.begin()
        words = [self.streamd, "run", file, "--until-end", "--http", "off", "--threads", "2", "--memory", memory]
        words += where
        if self.brokers is not None:
            words += ["--state-dir", self.folder / f"state-{self.runs}"]
        enter = None if group is None else lambda: group.write_text(str(os.getpid()), encoding="utf-8")
        begun = time.monotonic()
        with open(self.folder / f"errors-{self.runs}", "wb") as errors:
            child = subprocess.Popen([str(w) for w in words], stderr=errors, preexec_fn=enter)
            status, usage = os.wait4(child.pid, 0)[1:]
        taken, peak = time.monotonic() - begun, usage.ru_maxrss / 1000
        print(f"  memory {memory:>7}  {taken:6.1f} s  cpu {usage.ru_utime + usage.ru_stime:6.1f} s  {peak:6.0f} MB",
              flush=True)
        if status != 0:
            return taken, peak, [f"memory {memory}: the run ended with {status}"]
        looked_at = sorted({0, self.stores // 2, self.stores - 1})
        wrong = [n for n in looked_at if self.often(file, n, where) != self.expected]
        return taken, peak, [f"memory {memory}: wrong results of store {n}" for n in wrong]

    def often(self, file, number, where):
        out = self.call("consume", f"often-{self.runs}-{number}", "--topology", file, *where)
        return sorted(json.loads(line)["key"] for line in out.splitlines())

    def stop(self):
        if self.brokers is not None:
            self.brokers.stop()


def measure(args, setting):
    times, findings, peak = {"64GiB": [], "512MiB": []}, [], 0
    with memory_group() as group:
        if group is None:
            print("no control group can be made here: only the memory of the process is looked at")
        for _ in range(args.rounds):
            for memory, seconds in times.items():
                limited = memory == "512MiB"
                taken, used, wrong = setting.run(memory, group if limited else None)
                seconds.append(taken)
                findings += wrong
                peak = max(peak, used) if limited else peak
    ratio = statistics.median(times["512MiB"]) / statistics.median(times["64GiB"])
    print(f"{args.stores} stores, {peak:.0f} MB at most, {ratio:.2f} of the time")
    if peak > GROUP_BYTES / 1e6:
        findings.append(f"{peak:.0f} MB")
    if ratio > MORE_TIME:
        findings.append(f"{ratio:.2f} times as long as without a limit")
    return findings


def main():
    parser = argparse.ArgumentParser(prog="limits.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stores", type=int, default=200, metavar="N")
    parser.add_argument("--rounds", type=int, default=1, metavar="R")
    parser.add_argument("--kafka", action="store_true")
    parser.add_argument("--streamd", type=pathlib.Path, default=ROOT / "build/streamd", metavar="FILE")
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="limits-"))
    setting = Setting(args, folder)
    try:
        findings = measure(args, setting)
    finally:
        setting.stop()
    return conclude(findings, folder)


if __name__ == "__main__":
    sys.exit(main())
