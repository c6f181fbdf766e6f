#!/usr/bin/env python3
"""Compare streamd with Kafka Streams: random topologies and records through `streamd pipe` and TopologyTestDriver.

    run.py [--streamd FILE] [--seeds N] [--first SEED]   that many seeds (300), from SEED (1) on
           [--differences N]                             end after so many differences (5)
    run.py --seed SEED [--show]                          one again; with --show its text and records too
    run.py --checksums                                   write checksums.sha256 anew, after a change of pom.xml

After each record what came out of every sink is compared: key, value, timestamp and window, in order. A difference is
made small (records, then sinks and stages, are left out while it stays) and printed with its seed. The last line is
`N passed, N failed`.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import generate
import peer
import shrink

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MARK = 'stream mark from topic "mark" { key none value int }\nmark | to topic "marked" { value int }\n'
LIMIT_S = 20


class Streamd:
    def __init__(self, program, folder):
        self.program = program
        self.file = pathlib.Path(folder) / "case.stream"

    def run(self, case):
        """What came out for each record: [[topic, key, value, timestamp, window] ...] each; or text, if it failed."""
        self.file.write_text(MARK + case.text, encoding="utf-8")
        lines = []
        for i, (topic, key, value, ts) in enumerate(case.records):
            row = None if value is None else dict(zip(case.sources[topic], value))
            lines.append({"topic": topic, "key": key and key[0], "value": row, "timestamp": ts,
                          "partition": i * 7 % case.partitions})
            lines.append({"topic": "mark", "value": i})
        done = subprocess.run([self.program, "pipe", self.file], input="".join(json.dumps(x) + "\n" for x in lines),
                              capture_output=True, text=True, check=False, timeout=LIMIT_S)
        if done.returncode != 0:
            return f"streamd pipe ended with {done.returncode}: {done.stderr[:1500]}"
        all_rows, rows = [], []
        for line in done.stdout.splitlines():
            record = json.loads(line)
            if record["topic"] == "marked":
                all_rows.append(rows)
                rows = []
            else:
                rows.append(self.row(case, record))
        return all_rows

    @staticmethod
    def row(case, record):
        key, value, window = record["key"], record["value"], record.get("window")
        if key is not None:
            key = list(key.values()) if isinstance(key, dict) else [key]
        if value is not None:
            value = [value.get(c, "missing") for c in case.sinks[record["topic"]][0]]
        return [record["topic"], key, value, record["timestamp"], window and [window["start"], window["end"]]]


def by_sink(case, rows):
    sinks = {topic: [] for topic in case.sinks}
    for row in rows:
        sinks[row[0]].append(row[1:])
    # Our rule, sliding windows: a row's updates go by window start. Kafka Streams sends a window twice, with the same
    # result, that both ends at the row and begins behind the one before it.
    for topic, (_, order, *_) in case.sinks.items():
        if order == "windows":
            rows = sorted(sinks[topic], key=lambda row: row[3])
            sinks[topic] = [row for i, row in enumerate(rows) if i == 0 or row != rows[i - 1]]
    return sinks


def difference(case, ours, theirs):
    """None, or (record, topic, ours, theirs)."""
    for i, (a, b) in enumerate(zip(ours, theirs)):
        a, b = by_sink(case, a), by_sink(case, b)
        for topic, (_, order, _, later) in case.sinks.items():
            if order in ("loose", "pairs") or a[topic] == b[topic]:
                continue
            if not later or not same_but_later(a[topic], b[topic], {r[3] for r in case.records[:i + 1]}):
                return i, topic, a[topic], b[topic]
    return unmatched(case, ours, theirs)


def same_but_later(ours, theirs, times):
    """Our rule, timestamps: a foreign-key join's row has the larger time of both sides; in Kafka Streams a row that the
    right side caused has that side's. So ours may be larger, and is then the time of an earlier record."""
    return len(ours) == len(theirs) and all(
        a[:2] == b[:2] and a[3] == b[3] and a[2] >= b[2] and (a[2] == b[2] or a[2] in times)
        for a, b in zip(ours, theirs))


def unmatched(case, ours, theirs):
    """Our rule, an unmatched row of a left or outer join leaves when time + look-ahead + grace < stream time, by its
    own side's look-ahead. Kafka Streams may send it later ("loose"): then it has sent none that we had not sent by
    then. With a grace ("pairs") it also sends it sooner, when the row is behind by more than its
    look-ahead, although a match may still come. The matched rows are the same, in order."""
    for topic, (columns, order, names, _) in case.sinks.items():
        if order not in ("loose", "pairs"):
            continue
        left, right = (columns.index(c) for c in names)
        sent = []
        for i, (a, b) in enumerate(zip(ours, theirs)):
            a, b = by_sink(case, a)[topic], by_sink(case, b)[topic]
            pairs = [[r for r in rows if r[1][left] is not None and r[1][right] is not None] for rows in (a, b)]
            if pairs[0] != pairs[1]:
                return i, topic, a, b
            sent += [r for r in a if r not in pairs[0]]
            for row in [r for r in b if r not in pairs[1] and order == "loose"]:
                if row not in sent:
                    return i, topic, a, b
                sent.remove(row)
    return None


def compare(case, streamd, java):
    """None, or what differs, as text."""
    ours, theirs = streamd.run(case), java.run(case)
    if isinstance(theirs, str):
        return f"Kafka Streams: {theirs}"
    if isinstance(ours, str):
        return ours
    if len(ours) != len(theirs):
        return f"{len(ours)} records came through, not {len(theirs)}"
    found = difference(case, ours, theirs)
    if not found:
        return None
    record, topic, a, b = found
    return "\n".join([f"after record {record}, topic {topic} (key, value, timestamp, window)",
                      *(f"  streamd        {json.dumps(r)}" for r in a or ["nothing"]),
                      *(f"  Kafka Streams  {json.dumps(r)}" for r in b or ["nothing"])])


def show(case):
    print(case.text, end="")
    for i, record in enumerate(case.records):
        print(f"  {i:3} {json.dumps(record)}")


def report(case, said, streamd, java):
    def still(smaller):
        now = compare(smaller, streamd, java)
        # A case that no longer compiles or builds differs for another reason.
        return now is not None and now.startswith("after record") == said.startswith("after record") \
            and now.startswith("Kafka Streams") == said.startswith("Kafka Streams")

    small = shrink.smallest(case, still)
    print(f"FAIL seed {case.seed}: {len(small.records)} of {len(case.records)} records, the rest left out")
    show(small)
    print(compare(small, streamd, java) or said)
    print(f"again: tests/differential/run.py --seed {case.seed} --show", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streamd", type=pathlib.Path, default=ROOT / "build" / "streamd")
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--differences", type=int, default=5)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--checksums", action="store_true")
    args = parser.parse_args()
    if args.checksums:
        peer.write_checksums()
        return 0
    seeds = [args.seed] if args.seed is not None else range(args.first, args.first + args.seeds)
    passed = failed = 0
    rows = 0
    with tempfile.TemporaryDirectory() as folder, peer.Peer(ROOT / "build", folder) as java:
        streamd = Streamd(args.streamd, folder)
        for seed in seeds:
            case = generate.case(seed)
            if args.show:
                show(case)
            said = compare(case, streamd, java)
            rows += len(case.records)
            if said is None:
                passed += 1
                continue
            failed += 1
            report(case, said, streamd, java)
            if failed == args.differences and args.seed is None:
                print(f"{failed} differences are enough; the other seeds were not run")
                break
    print(f"{rows} records")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
