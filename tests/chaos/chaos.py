#!/usr/bin/env python3
"""Break everything around a running topology, again and again, then check every result.

    chaos.py [--rounds N] [--seed S] [--streamd FILE] [--keep]

Three brokers hold each topic three times. While records are written without pause, each round kills a member, hangs it
for longer than its session, takes its disk, bounces a broker, or lets a member come or go; a round ends when every
member processes again. In the end what the topics hold is compared with what the input says (checker.py), and faults
are planted in it to see that they would have been found.

A line per round; the last line is `N passed, N failed`. A failure leaves logs and topics where it says.
"""
import argparse
import json
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import checker
from cluster import ROOT, SESSION_S, TOPOLOGY, Brokers, Load, Member

MEMBERS_MOST = 4
RECOVER_S, DRAIN_S = 90, 300
SHOWN = 20
ENOUGH = 0.5  # of the records that were made: the others went with writers that gave up
COUNTS = ("fenced", "aborts", "restored")


class Failure(Exception):
    """What went wrong, as text."""


class Chaos:
    def __init__(self, streamd, folder, seed):
        self.streamd, self.folder = streamd, folder
        self.chance, self.deck = random.Random(seed), []
        self.brokers = Brokers(folder / "kafka")
        self.load = Load(streamd, self.brokers.bootstrap, seed)
        self.members = [Member(streamd, i + 1, folder, self.brokers.bootstrap) for i in range(MEMBERS_MOST)]
        self.counts, self.restarts = dict.fromkeys(COUNTS, 0.0), 0

    # ---- Faults: each says what it did ----

    def running(self):
        return [m for m in self.members if m.runs()]

    def one(self):
        return self.chance.choice(self.running())

    def kill(self):
        member = self.one()
        member.end(signal.SIGKILL)
        time.sleep(self.chance.choice((0, 0, 1, SESSION_S + 1)))
        member.start()
        return f"kill -9 of {member.name}"

    def kill_all(self):
        killed = self.running()
        for member in killed:
            member.end(signal.SIGKILL)
        for member in killed:
            member.start()
        return "kill -9 of every member"

    def take_disk(self):
        member = self.one()
        member.end(signal.SIGKILL)
        shutil.rmtree(member.folder / "state")
        member.start()
        return f"kill -9 of {member.name}, whose disk is lost"

    def hang(self):
        member = self.one()
        member.send(signal.SIGSTOP)
        time.sleep(SESSION_S + self.chance.choice((1, 2, 5)))
        member.send(signal.SIGCONT)
        return f"SIGSTOP of {member.name} past its session"

    def stutter(self):
        member = self.one()
        for _ in range(3):
            member.send(signal.SIGSTOP)
            time.sleep(self.chance.random() * SESSION_S)
            member.send(signal.SIGCONT)
            time.sleep(0.3)
        return f"SIGSTOP of {member.name}, three times for a moment"

    def bounce(self, how, word):
        number = self.chance.randint(1, 3)
        obeyed = self.brokers.bounce(number, how, self.chance.choice((0, 1, 3)))
        return f"{word} of broker {number}" + ("" if obeyed else ", which had to be killed")

    def bounce_cleanly(self):
        return self.bounce(signal.SIGTERM, "stop and start")

    def bounce_hard(self):
        return self.bounce(signal.SIGKILL, "kill -9 and start")

    def broker_and_member(self):
        member = self.one()
        member.send(signal.SIGKILL)
        said = self.bounce(signal.SIGKILL, "kill -9 and start")
        member.end(signal.SIGKILL)
        member.start()
        return f"kill -9 of {member.name}, and {said}"

    def come_or_go(self):
        away = [m for m in self.members if not m.runs()]
        if not away or (len(self.running()) > 1 and self.chance.random() < 0.5):
            return self.go(self.one())
        member = self.chance.choice(away)
        member.start()
        return f"{member.name} comes"

    def go(self, member):
        if (code := member.end(signal.SIGTERM)) != 0:
            raise Failure(f"{member.name} ended with {code} when it was told to stop")
        return f"{member.name} goes"

    # How often each is drawn in nineteen rounds.
    FAULTS = {kill: 4, hang: 3, come_or_go: 4, bounce_cleanly: 2, bounce_hard: 2, take_disk: 1, kill_all: 1,
              stutter: 1, broker_and_member: 1}

    def draw(self):
        if not self.deck:
            self.deck = [fault for fault, times in self.FAULTS.items() for _ in range(times)]
            self.chance.shuffle(self.deck)
        return self.deck.pop()

    # ---- Rounds ----

    def begin(self):
        self.load.begin(checker.OUTPUTS)
        for member in self.members[:3]:
            member.start()
        self.recover()

    def recover(self):
        """Waits until every member processes; seconds."""
        begun = time.monotonic()
        while True:
            for member in self.running():
                if (code := member.child.poll()) is not None:
                    raise Failure(f"{member.name} ended by itself with {code}: {member.said()[-1500:]}")
            if all(m.page("/health")[0] == 200 for m in self.running()):
                return time.monotonic() - begun
            if time.monotonic() - begun > RECOVER_S:
                raise Failure(f"after {RECOVER_S} s not every member processes: "
                              + "; ".join(f"{m.name}: {m.page('/health')}" for m in self.running()))
            time.sleep(0.05)

    def counted(self):
        """What members have counted since they were started; they are other ones when they are started again."""
        return {(m.name, m.starts, c): m.sum_of(f"streamd_{c}_total") for m in self.running() for c in COUNTS}

    def round(self, number):
        begun = time.monotonic()
        before = self.counted()
        said = self.draw()(self)
        recovered = self.recover()
        time.sleep(self.chance.random())
        members = self.running()
        for what, count in self.counted().items():
            self.counts[what[-1]] += max(0, count - before.get(what, 0))
        lag = sum(m.sum_of("streamd_task_input_lag") for m in members)
        print(f"{number:4}  {time.monotonic() - begun:5.1f} s  {said}; {len(members)} members process again after "
              f"{recovered:.1f} s, lag {lag:.0f}", flush=True)

    # ---- The end ----

    def drain(self):
        self.restarts = self.load.stop()
        for member in self.running():
            self.go(member)
        member = self.chance.choice(self.members[:3])
        done = subprocess.run([*map(str, member.command), "--until-end"], capture_output=True, encoding="utf-8",
                              timeout=DRAIN_S, check=False)
        if done.returncode != 0:
            raise Failure(f"the last run, on the disk of {member.name}, ended with {done.returncode}: "
                          + done.stderr[-1500:])

    def read(self, topic):
        path = self.folder / f"{topic}.json"
        with path.open("wb") as file:
            subprocess.run([self.streamd, "consume", topic, "--topology", TOPOLOGY, "--bootstrap",
                            self.brokers.bootstrap], stdout=file, check=True)
        with path.open(encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def check(self, seed):
        """Prints what each topic holds; how many checks passed and failed."""
        topics = {name: self.read(name) for name in (*checker.INPUTS, *checker.OUTPUTS)}
        findings = {name: checker.check(name, topics) for name in checker.CHECKS}
        if (there := sum(len(topics[name]) for name in checker.INPUTS)) < self.load.sent * ENOUGH:
            raise Failure(f"only {there} of {self.load.sent} records are in the input topics, which tells too little")
        for name, records in topics.items():
            found = findings[name]
            print(f"{name:16} {len(records):9} records, {len(found)} findings", flush=True)
            print(*(f"      {line}" for line in found[:SHOWN]), sep="\n", end="\n" if found else "")
        bad = sum(1 for found in findings.values() if found)
        missed = [] if bad else checker.unseen(topics, seed)
        print(*(f"planted, and not found: {what}" for what in missed), sep="\n", end="\n" if missed else "")
        if not bad:
            print(f"planted one by one: {len(list(checker.plants()))} faults, {len(missed)} not found")
        return len(findings) - bad, bad + len(missed)

    def end(self):
        self.load.kill()
        for member in self.running():
            member.child.kill()
            member.child.wait()
        self.brokers.stop()


def run(args, folder):
    chaos, passed, failed, rounds = None, 0, 0, 0
    try:
        chaos = Chaos(args.streamd, folder, args.seed)
        chaos.begin()
        for rounds in range(1, args.rounds + 1):
            chaos.round(rounds)
        chaos.drain()
        print(f"{args.rounds} rounds, {chaos.load.sent} records made without a pause; members were fenced "
              f"{chaos.counts['fenced']:.0f} times, gave up {chaos.counts['aborts']:.0f} transactions and restored "
              f"{chaos.counts['restored']:.0f} records; {chaos.restarts} writers gave up", flush=True)
        passed, failed = chaos.check(args.seed)
    except Failure as failure:
        print(f"FAIL in round {rounds}: {failure}")
        failed += 1
    finally:
        if chaos is not None:
            chaos.end()
    return passed + rounds, failed


def main():
    parser = argparse.ArgumentParser(prog="./dev chaos", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, metavar="N")
    parser.add_argument("--seed", type=int, default=int(time.time()), metavar="S", help="which faults; else the time")
    parser.add_argument("--streamd", type=pathlib.Path, default=ROOT / "build/streamd", metavar="FILE")
    parser.add_argument("--keep", action="store_true", help="leave logs and topics also when nothing fails")
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="chaos-"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"seed {args.seed}, in {folder}", flush=True)
    failed = 1
    try:
        passed, failed = run(args, folder)
        print(f"{passed} passed, {failed} failed", flush=True)
    finally:
        if failed or args.keep:
            print(f"logs, disks and topics are in {folder}; the same faults again: --seed {args.seed}")
        else:
            shutil.rmtree(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
