#!/usr/bin/env python3
"""Run the simulator: check.py SIMULATOR [--seeds N] runs N seeds at each kill point, the seeds of seeds.txt, and the
planted bugs, each of which must be found within 100 seeds."""
import argparse
import pathlib
import re
import subprocess
import sys

SEEDS = pathlib.Path(__file__).with_name("seeds.txt")
PLANTED_AT = ("before-end", "after-unit")


def simulate(simulator, *words):
    done = subprocess.run([simulator, *map(str, words)], capture_output=True, text=True, check=False)
    found = re.search(r"^(\d+) passed, (\d+) failed$", done.stdout, flags=re.M)
    if found is None:
        print(done.stdout, done.stderr, f"simulator {' '.join(map(str, words))} ended with {done.returncode}", sep="\n")
        return 0, 1, ""
    return int(found[1]), int(found[2]), done.stdout.replace(found[0], "")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("simulator")
    parser.add_argument("--seeds", type=int, default=300)
    args = parser.parse_args()
    passed, failed, text = simulate(args.simulator, "--seeds", args.seeds)
    print(text, end="")
    for line in SEEDS.read_text(encoding="utf-8").splitlines():
        words = line.partition("#")[0].split()
        if words:
            good, bad, text = simulate(args.simulator, *words)
            passed, failed = passed + good, failed + bad
            print(text if bad else "", end="")
    for point in PLANTED_AT:
        _, found, text = simulate(args.simulator, "--kill-point", point, "--seeds", 100, "--plant", "state-first")
        good = found > 0 and "FAIL" in text
        passed, failed = passed + good, failed + (not good)
        print(f"planted, {point:<8} found by {found} of 100 seeds" if good else f"FAIL planted, {point}: not found")
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
