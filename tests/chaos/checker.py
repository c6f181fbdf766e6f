"""What chaos.stream must have written, calculated anew from what its input topics hold, and what is there instead.

A topic is a list of its records as `streamd consume` shows them: partition, offset, key, value, timestamp. Rows are
compared with their times, and have to be where their key belongs. Each finding is a line: `lost`, `twice`, `wrong`,
`order` or `place`, the topic, the key, and what was expected or found.
"""
import bisect
import collections
import json
import random

INPUTS = ("chaos-events", "chaos-payments", "chaos-rates")
WINDOW_MS, GRACE_MS, WITHIN_MS = 2000, 1000, 1000


def by_key(records):
    keys = collections.defaultdict(list)
    for record in sorted(records, key=lambda r: (r["partition"], r["offset"])):
        keys[record["key"]].append(record)
    return keys


def text(value):
    return json.dumps(value, sort_keys=True)


def timed(value, timestamp):
    """A row with its record's time, as it is compared."""
    return {**value, "timestamp": timestamp}


def row_of(record):
    return timed(record["value"], record["timestamp"])


# ---- What must be there ----------------------------------------------------------------------------------------------


def filtered(events):
    return {key: [timed({"id": r["value"]["id"], "twice": r["value"]["n"] * 2}, r["timestamp"])
                  for r in rows if r["value"]["n"] % 3 != 0] for key, rows in by_key(events).items()}


def running(rows):
    count, total, most, time = 0, 0, -1, -1
    for r in rows:
        count, total = count + 1, total + r["value"]["n"]
        most, time = max(most, r["value"]["id"]), max(time, r["timestamp"])
        yield timed({"count": count, "sum": total, "most": most}, time)


def totals(events):
    return {key: list(running(rows)) for key, rows in by_key(events).items()}


def add(row, record):
    row["count"] += 1
    row["sum"] += record["value"]["n"]
    row["timestamp"] = max(row["timestamp"], record["timestamp"])


def windows(events):
    """Of each key the windows that its partition's time has closed, with the rows that came before they were."""
    times, sums, closed = collections.defaultdict(lambda: -1), {}, collections.defaultdict(list)
    for r in sorted(events, key=lambda r: (r["partition"], r["offset"])):
        start = r["timestamp"] // WINDOW_MS * WINDOW_MS
        times[r["partition"]] = now = max(times[r["partition"]], r["timestamp"])
        if start + WINDOW_MS + GRACE_MS > now:
            add(sums.setdefault((r["key"], start, r["partition"]), {"count": 0, "sum": 0, "timestamp": -1}), r)
    for (key, start, partition), row in sorted(sums.items(), key=lambda item: item[0][1]):
        if start + WINDOW_MS + GRACE_MS <= times[partition]:
            closed[key].append({**row, "window_start": start, "window_end": start + WINDOW_MS})
    return closed


def others(events):
    sums = collections.defaultdict(lambda: {"count": 0, "sum": 0, "timestamp": -1})
    for r in events:
        add(sums[r["value"]["other"]], r)
    return sums


def rated(events, rates):
    """Of each key its events, and the rates that they may find, oldest first."""
    return ({key: [timed({"id": r["value"]["id"], "n": r["value"]["n"]}, r["timestamp"]) for r in rows]
             for key, rows in by_key(events).items()},
            {key: [None, *(r["value"]["rate"] for r in rows)] for key, rows in by_key(rates).items()})


def paid(events, payments):
    """The pairs of each key whose times are near enough."""
    found, rows_of = collections.defaultdict(list), by_key(payments)
    times_of = {}
    for key, rows in rows_of.items():
        rows.sort(key=lambda r: r["timestamp"])
        times_of[key] = [r["timestamp"] for r in rows]
    for r in events:
        times = times_of.get(r["key"], [])
        first = bisect.bisect_left(times, r["timestamp"] - WITHIN_MS)
        for i in range(first, bisect.bisect_right(times, r["timestamp"] + WITHIN_MS)):
            found[r["key"]].append(timed({"event": r["value"]["id"], "payment": rows_of[r["key"]][i]["value"]["id"]},
                                         max(times[i], r["timestamp"])))
    return found


# ---- What differs ----------------------------------------------------------------------------------------------------


def compare(topic, want, got, ordered=True):
    """Rows of each key against what is expected: all, none twice and, where it is fixed, in their order."""
    got = by_key(got)
    for key in sorted(want.keys() | got.keys()):
        left, right = want.get(key, []), [row_of(r) for r in got.get(key, [])]
        if left == right:
            continue
        left, right = [text(row) for row in left], [text(row) for row in right]
        wanted, found = collections.Counter(left), collections.Counter(right)
        for row in wanted - found:
            yield f"lost   {topic} {key}: {row}"
        for row in found - wanted:
            yield f"{'twice' if wanted[row] else 'wrong'}  {topic} {key}: {row}"
        if wanted == found and ordered:
            at = next(i for i, (a, b) in enumerate(zip(left, right)) if a != b)
            yield f"order  {topic} {key}: {right[at]} where {left[at]} belongs"


def compare_last(topic, want, got):
    """The last row of each key as expected; the rows before it counted less, each less than the next."""
    rows_of = by_key(got)
    for key in sorted(want.keys() | rows_of.keys()):
        rows, before = rows_of.get(key, []), 0
        for row in rows:
            count = row["value"]["count"]
            if count <= before:
                yield f"{'twice' if count == before else 'order'}  {topic} {key}: {text(row['value'])} after {before}"
            before = count
        if not rows or row_of(rows[-1]) != want.get(key):
            kind = "lost " if before < want.get(key, {"count": 0})["count"] else "wrong"
            yield f"{kind}  {topic} {key}: {text(row_of(rows[-1])) if rows else 'nothing'} is last, not " \
                  f"{text(want.get(key))}"


def compare_rated(topic, want, got):
    """Each event once, in order, with none or one of the rates that its key has had, never an older one again."""
    events, rates = want
    yield from compare(topic, events, [{**r, "value": {"id": r["value"]["id"], "n": r["value"]["n"]}} for r in got])
    for key, rows in by_key(got).items():
        known, at = rates.get(key, [None]), 0
        for row in rows:
            rate = row["value"]["rate"]
            if rate in known[at:]:
                at = known.index(rate, at)
            else:
                yield f"wrong  {topic} {key}: {text(row['value'])} after the rate {known[at]}"


def compare_places(topic, places, got):
    """Every topic has as many partitions, so a key has one number everywhere."""
    places = dict(places)
    for r in got:
        if places.setdefault(r["key"], r["partition"]) != r["partition"]:
            yield f"place  {topic} {r['key']}: {text(row_of(r))} in partition {r['partition']}, " \
                  f"not {places[r['key']]}"


def compare_once(topic, _, got):
    """No record of an input is there twice: each has a number of its own."""
    numbers = collections.Counter(next(iter(r["value"].values())) for r in got)
    yield from (f"twice  {topic}: number {n}" for n, count in numbers.items() if count > 1)


# Of each topic what is wanted, made of all topics, and how it is compared.
CHECKS = dict.fromkeys(INPUTS, (lambda topics: None, compare_once)) | {
    "chaos-filtered": (lambda topics: filtered(topics["chaos-events"]), compare),
    "chaos-totals": (lambda topics: totals(topics["chaos-events"]), compare),
    "chaos-windows": (lambda topics: windows(topics["chaos-events"]), compare),
    "chaos-rated": (lambda topics: rated(topics["chaos-events"], topics["chaos-rates"]), compare_rated),
    "chaos-others": (lambda topics: others(topics["chaos-events"]), compare_last),
    "chaos-paid": (lambda topics: paid(topics["chaos-events"], topics["chaos-payments"]),
                   lambda topic, want, got: compare(topic, want, got, ordered=False)),
}
OUTPUTS = tuple(name for name in CHECKS if name not in INPUTS)
UNORDERED = ("chaos-paid",)


class Wanted:
    """What is wanted of a topic: made once, compared as often as one likes."""

    def __init__(self, topic, topics):
        want, self.compare = CHECKS[topic]
        self.topic, self.want = topic, want(topics)
        self.places = {r["key"]: r["partition"] for name in INPUTS for r in topics[name]}

    def findings(self, got):
        yield from self.compare(self.topic, self.want, got)
        yield from compare_places(self.topic, self.places, got)


def check(topic, topics):
    """The findings of a topic; topics: the records of all by name."""
    return list(Wanted(topic, topics).findings(topics[topic]))


# ---- Whether it would be seen ----------------------------------------------------------------------------------------


def plant(records, kind, chance):
    """The records with one lost, repeated, changed, at another time or place, or where another of its key belongs."""
    records = sorted(records, key=lambda r: (r["partition"], r["offset"]))
    last = {(r["partition"], r["key"]): i for i, r in enumerate(records)}
    at = chance.choice(list(last.values()))  # Of some topics only the last row of a key is known.
    if kind == "lost":
        del records[at]
    elif kind == "time":
        records[at] = {**records[at], "timestamp": records[at]["timestamp"] + 1}
    elif kind == "place":
        records[at] = {**records[at], "partition": records[at]["partition"] + 1}
    elif kind == "twice":
        at = chance.randrange(len(records))
        records.append({**records[at], "offset": records[at]["offset"] + 0.5})
    elif kind == "wrong":
        at = chance.randrange(len(records))
        value = records[at]["value"]
        name = min(k for k, v in value.items() if isinstance(v, int))
        records[at] = {**records[at], "value": {**value, name: value[name] + 1_000_000_007}}
    else:
        places = collections.defaultdict(list)
        for i, r in enumerate(records):
            places[r["partition"], r["key"]].append(i)
        places = chance.choice([p for p in places.values() if len(p) > 1])
        at = chance.randrange(len(places) - 1)
        one, two = places[at], places[at + 1]
        records[one], records[two] = ({**records[two], "offset": records[one]["offset"]},
                                      {**records[one], "offset": records[two]["offset"]})
    return records


def plants():
    """What is planted, one by one: (topic, kind)."""
    yield from ((topic, "twice") for topic in INPUTS)
    for topic in OUTPUTS:
        yield from ((topic, kind) for kind in ("lost", "twice", "wrong", "time", "place", "order")
                    if kind != "order" or topic not in UNORDERED)


def unseen(topics, seed):
    """The planted faults, one of each kind in each topic, that the check does not find."""
    chance, wanted = random.Random(seed), {name: Wanted(name, topics) for name in CHECKS}
    return [f"{kind} in {topic}" for topic, kind in plants()
            if not any(wanted[topic].findings(plant(topics[topic], kind, chance)))]
