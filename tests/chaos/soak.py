#!/usr/bin/env python3
"""Run a topology for long under an even load and see that nothing grows.

    soak.py [--minutes N] [--rate R] [--streamd FILE]

One broker, two members, R records a second. A line a minute: memory, descriptors and threads of each member, and the
lag of both. After a quarter of the time, which caches may take to fill, the rest is cut in two halves: the second may
not have more memory, descriptors or lag than the first, but for what is due to chance. The last line is
`N passed, N failed`.
"""
import argparse
import pathlib
import statistics
import sys
import tempfile
import time

from cluster import ROOT, Brokers, Load, Member, conclude

SAMPLE_S = 5


def status(pid, name):
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(next(line for line in text.splitlines() if line.startswith(name)).split()[1])


def sample(members):
    """Megabytes, descriptors, threads by member; the lag of all."""
    pids = [m.child.pid for m in members]
    return {"MB": [status(p, "VmRSS:") / 1024 for p in pids],
            "descriptors": [len(list(pathlib.Path(f"/proc/{p}/fd").iterdir())) for p in pids],
            "threads": [status(p, "Threads:") for p in pids],
            "lag": [sum(m.sum_of("streamd_task_input_lag") for m in members)]}


def grown(samples, name, factor, more):
    """What of it is higher in the second half than chance allows."""
    half = len(samples) // 2
    for i in range(len(samples[0][name])):
        first, second = (statistics.median(s[name][i] for s in part) for part in (samples[:half], samples[half:]))
        if second > first * factor + more:
            yield f"{name} of {'both' if name == 'lag' else f'member-{i + 1}'}: {first:.0f}, then {second:.0f}"


def soak(args, folder):
    brokers = Brokers(folder / "kafka", 1)
    load = Load(args.streamd, brokers.bootstrap, 1, args.rate / sum(Load.RATES.values()))
    members = [Member(args.streamd, i, folder, brokers.bootstrap, "--memory", "64MiB", "--set", "kept=10s")
               for i in (1, 2)]
    samples = []
    try:
        load.begin()
        for member in members:
            member.start()
        begun, shown = time.monotonic(), 0
        while (now := time.monotonic() - begun) < args.minutes * 60:
            time.sleep(SAMPLE_S)
            if any(m.child.poll() is not None for m in members):
                return ["a member ended"]
            samples.append((now, sample(members)))
            if now // 60 >= shown:
                shown = now // 60 + 1
                row = samples[-1][1]
                print(f"{now / 60:4.0f} min  " + "  ".join(f"{n} {'/'.join(f'{v:.0f}' for v in vs)}"
                                                           for n, vs in row.items()), flush=True)
        rest = [s for at, s in samples if at >= args.minutes * 15]
        return [*grown(rest, "MB", 1.05, 4), *grown(rest, "descriptors", 1, 3), *grown(rest, "threads", 1, 0),
                *grown(rest, "lag", 1.5, args.rate)]
    finally:
        load.kill()
        for member in members:
            if member.runs() and member.child.poll() is None:
                member.child.kill()
                member.child.wait()
        brokers.stop()


def main():
    parser = argparse.ArgumentParser(prog="./dev soak", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60, metavar="N")
    parser.add_argument("--rate", type=int, default=500, metavar="R")
    parser.add_argument("--streamd", type=pathlib.Path, default=ROOT / "build/streamd", metavar="FILE")
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="soak-"))
    findings = soak(args, folder)
    return conclude([f"grows: {f}" for f in findings], folder)


if __name__ == "__main__":
    sys.exit(main())
