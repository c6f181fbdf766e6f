#!/usr/bin/env python3
"""check.py STREAMD [--log pipe|embedded|kafka] [--bootstrap HOST:PORT] [--only QUERY]

All queries of Nexmark (examples/nexmark) over the same events, against SQLite: the queries of oracle/, over tables of
the same rows, say what must be there. Through `pipe`, each query by itself; on a log, all of them in one application,
with four partitions and two threads, exactly once.

Two sets of events: one of a few minutes, out of order by up to five seconds, and one of two days. A topic that holds
a table is compared by the last value of each key; one that holds a stream by all of its records, in any order.
"""
import argparse
import collections
import decimal
import functools
import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
QUERIES = ROOT / "examples/nexmark"
ORACLE = pathlib.Path(__file__).resolve().parent / "oracle"
SETS = {"minutes": ["--event-us", "50000", "--disorder", "100"], "days": ["--event-us", "50000000"]}
LATE = {"minutes": "1m", "days": "6h"}  # How far partitions may be apart: the engine keeps them within it.
BIDS = 3000
TABLES = {3, 4, 6, 8, 9, 11, 12, 15, 16, 17, 18, 19}  # The others are streams.
BY_DAY = {14, 15, 16, 17}  # They are about days and hours.
DECIMAL_SCALE = -3  # Of prices in the other currency.
ALL = range(23)
read = functools.partial(json.loads, parse_float=decimal.Decimal)
PLACE = {10: "file:q10.ndjson"}  # Of what `pipe` calls a topic.
KEYS = ("id", "category", "seller", "auction")  # What the key is called, where it is one column.


def set_of(number):
    return "days" if number in BY_DAY else "minutes"


# --- events -------------------------------------------------------------------------------------------------------


def lines_of(generate, folder, name):
    """The events as `pipe` takes them, and beside them a small table of notes. A bid's own time, which query 12 goes
    by, differs from the time in it: here it says when the bid came."""
    subprocess.run([generate, "--records", str(BIDS), "--file", folder, *SETS[name]], check=True)
    lines = [{"topic": "side", "key": n, "value": f"note {n}", "timestamp": 0} for n in range(0, 2000, 3)]
    arrived = 1_704_067_200_000
    for text in (folder / "events.ndjson").read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        arrived += 7 * (len(lines) % 13)
        line["timestamp"] = arrived
        lines.append(line)
    return lines


def database(lines):
    """A table for each topic; sums are exact as far as numbers are whole."""
    base = sqlite3.connect(":memory:")
    base.create_function("thousandths", 1, lambda digits: f"{digits // 1000}.{digits % 1000:03}")
    base.create_function("part", 2, lambda text, index: text.split("/")[index])
    rows = collections.defaultdict(list)
    for line in lines:
        if line["topic"] == "side":
            rows["side"].append({"number": line["key"], "note": line["value"]})
        else:
            rows[line["topic"]].append(line["value"] | {"arrived": line["timestamp"]})
    for topic, values in rows.items():
        base.execute(f"CREATE TABLE {topic} ({', '.join(values[0])})")
        base.executemany(f"INSERT INTO {topic} VALUES ({', '.join('?' * len(values[0]))})",
                         [tuple(v.values()) for v in values])
        for column in {"auction", "id"} & set(values[0]):
            base.execute(f"CREATE INDEX by_{topic}_{column} ON {topic} ({column})")
    return base


# --- results ------------------------------------------------------------------------------------------------------


def expected(base, number):
    cursor = base.execute((ORACLE / f"q{number}.sql").read_text(encoding="utf-8"))
    names = [column[0] for column in cursor.description]
    return names, collections.Counter(tuple(map(shown, row)) for row in cursor)


def shown(value):
    """Doubles by their first twelve digits, since sums of them depend on the order. Decimals as they are: the oracle
    gives them as texts."""
    if isinstance(value, decimal.Decimal):
        return str(value) if value.as_tuple().exponent == DECIMAL_SCALE else shown(float(value))
    return f"{value:.12g}" if isinstance(value, float) else value


def fields(record):
    key, value = record["key"], record["value"]
    row = dict(key) if isinstance(key, dict) else {"key": key}
    return row | value | {f"window_{side}": at for side, at in record.get("window", {}).items()}


def contents(records, number):
    """What a topic says: of a table the last value of each key and window."""
    if number not in TABLES:
        return list(map(fields, records))
    last = {}
    for record in records:
        last[json.dumps([record["key"], record.get("window")])] = record
    return [fields(r) for r in last.values() if r["value"] is not None]


def compare(where, number, base, records):
    names, want = expected(base, number)
    rows = contents(records, number)
    got = collections.Counter(
        tuple(shown(row.get(n, row.get("key") if n in KEYS else None)) for n in names) for row in rows)
    if want == got and want:
        return True
    print(f"FAIL {where} q{number}: {sum(want.values())} rows expected, {sum(got.values())} came; {', '.join(names)}")
    for kind, difference in (("missing", want - got), ("too much", got - want)):
        for row in list(difference)[:3]:
            print(f"  {kind}: {row}")
    return False


# --- runs ---------------------------------------------------------------------------------------------------------


def run(command, **more):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, timeout=300, **more)
    if done.returncode != 0:
        raise SystemExit(f"FAIL {' '.join(map(str, command))}: {done.returncode}\n{done.stderr[-2000:]}")
    return done


def pipe(streamd, number, lines):
    """One query over the lines of what it reads."""
    topology = QUERIES / f"q{number}.stream"
    topics = json.loads(run([streamd, "describe", topology, "--format", "json"]).stdout)["topics"]
    sources = {topic["name"] for topic in topics if "source" in topic["roles"]}
    text = "".join(json.dumps(line) + "\n" for line in lines if line["topic"] in sources)
    records = map(read, run([streamd, "pipe", topology, "--batch", "100"], input=text).stdout.splitlines())
    return [r for r in records if r["topic"] == PLACE.get(number, f"q{number}")]


def own_names(folder, prefix):
    """A copy of the queries whose topics have names of their own: a broker is shared. The copy of all.stream."""
    for path in QUERIES.glob("*.stream"):
        text = path.read_text(encoding="utf-8").replace('topic "', f'topic "{prefix}-')
        (folder / path.name).write_text(text, encoding="utf-8")
    return (folder / "all.stream").rename(folder / f"{prefix}.stream")


def all_of(streamd, name, lines, folder, log):
    """All queries as one application, over a log: the records of each."""
    prefix = f"nexmark-{name}-{time.time_ns() // 1_000_000 % 10**9}"
    topology = own_names(folder, prefix)
    options = ["--topology", topology, *(log or ["--data-dir", folder / "data"])]
    topics = collections.defaultdict(list)
    for line in lines:
        topics[line["topic"]].append(json.dumps({k: v for k, v in line.items() if k != "topic"}))
    for topic, texts in topics.items():
        file = folder / f"{topic}.ndjson"
        file.write_text("\n".join(texts) + "\n", encoding="utf-8")
        run([streamd, "produce", f"{prefix}-{topic}", file, *options])
    run([streamd, "run", topology, "--until-end", "--http", "off", "--threads", "2", "--set", f"late={LATE[name]}",
         "--state-dir", folder / "state", *options[2:]], cwd=folder)
    results = {}
    for number in (n for n in ALL if set_of(n) == name):
        path = folder / f"q{number}.ndjson"
        if number != 10:
            path.write_text(run([streamd, "consume", f"{prefix}-q{number}", *options]).stdout, encoding="utf-8")
        results[number] = list(map(read, path.read_text(encoding="utf-8").splitlines()))
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("streamd", type=pathlib.Path)
    parser.add_argument("--generate", type=pathlib.Path, default=ROOT / "build/bench/bench_generate")
    parser.add_argument("--log", choices=("pipe", "embedded", "kafka"), default="pipe")
    parser.add_argument("--bootstrap")
    parser.add_argument("--only")
    args = parser.parse_args()
    streamd, passed, failed = args.streamd.resolve(), 0, 0
    log = ["--bootstrap", args.bootstrap] if args.log == "kafka" else []
    with tempfile.TemporaryDirectory() as place:
        for name in SETS:
            folder = pathlib.Path(place, name)
            lines = lines_of(args.generate, folder, name)
            base = database(lines)
            if args.log != "pipe":
                results = all_of(streamd, name, lines, folder, log)
            for number in (n for n in ALL if set_of(n) == name and args.only in (None, f"q{n}")):
                records = pipe(streamd, number, lines) if args.log == "pipe" else results[number]
                good = compare(args.log, number, base, records)
                passed, failed = passed + good, failed + (not good)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
