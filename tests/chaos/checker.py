"""What chaos.stream must have written, calculated anew from what its input topics hold, and what is there instead.

A topic is a list of its records as `streamd consume` shows them: partition, offset, key, value, timestamp. Each finding
is a line: `lost`, `twice`, `wrong` or `order`, the topic, the key, and what was expected or found.
"""
import bisect
import collections
import copy
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


# ---- What must be there ----------------------------------------------------------------------------------------------


def filtered(events):
    return {key: [{"id": v["id"], "twice": v["n"] * 2} for v in (r["value"] for r in rows) if v["n"] % 3 != 0]
            for key, rows in by_key(events).items()}


def running(values):
    count, total, most = 0, 0, None
    for value in values:
        count, total = count + 1, total + value["n"]
        most = value["id"] if most is None else max(most, value["id"])
        yield {"count": count, "sum": total, "most": most}


def totals(events):
    return {key: list(running(r["value"] for r in rows)) for key, rows in by_key(events).items()}


def windows(events):
    """Of each key the windows that its partition's time has closed, with the rows that came before they were."""
    times, sums, closed = collections.defaultdict(lambda: -1), {}, collections.defaultdict(list)
    for r in sorted(events, key=lambda r: (r["partition"], r["offset"])):
        start = r["timestamp"] // WINDOW_MS * WINDOW_MS
        times[r["partition"]] = now = max(times[r["partition"]], r["timestamp"])
        if start + WINDOW_MS + GRACE_MS > now:
            row = sums.setdefault((r["key"], start, r["partition"]), {"count": 0, "sum": 0})
            row["count"] += 1
            row["sum"] += r["value"]["n"]
    for (key, start, partition), row in sorted(sums.items(), key=lambda item: item[0][1]):
        if start + WINDOW_MS + GRACE_MS <= times[partition]:
            closed[key].append(row | {"window_start": start, "window_end": start + WINDOW_MS})
    return closed


def last_rows(records):
    return {key: rows[-1]["value"] for key, rows in by_key(records).items()}


def others(events):
    sums = collections.defaultdict(lambda: {"count": 0, "sum": 0})
    for r in events:
        row = sums[r["value"]["other"]]
        row["count"] += 1
        row["sum"] += r["value"]["n"]
    return sums


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
            found[r["key"]].append({"event": r["value"]["id"], "payment": rows_of[r["key"]][i]["value"]["id"]})
    return found


# ---- What differs ----------------------------------------------------------------------------------------------------


def compare(topic, want, got, ordered=True):
    """Rows of each key against what is expected: all, none twice and, where it is fixed, in their order."""
    got = by_key(got)
    for key in sorted(want.keys() | got.keys()):
        left, right = ([text(v) for v in want.get(key, [])], [text(r["value"]) for r in got.get(key, [])])
        if left == right:
            continue
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
        if not rows or rows[-1]["value"] != want.get(key):
            kind = "lost " if before < want.get(key, {"count": 0})["count"] else "wrong"
            yield f"{kind}  {topic} {key}: {text(rows[-1]['value']) if rows else 'nothing'} is last, not " \
                  f"{text(want.get(key))}"


def compare_rated(topic, events, rates, got):
    """Each event once, in order, with none or one of the rates that its key has had, never an older one again."""
    want = {k: [{"id": r["value"]["id"], "n": r["value"]["n"]} for r in rows] for k, rows in by_key(events).items()}
    rates_of = {k: [None, *(r["value"]["rate"] for r in rows)] for k, rows in by_key(rates).items()}
    bare = [r | {"value": {"id": r["value"]["id"], "n": r["value"]["n"]}} for r in got]
    yield from compare(topic, want, bare)
    for key, rows in by_key(got).items():
        known, at = rates_of.get(key, [None]), 0
        for row in rows:
            rate = row["value"]["rate"]
            if rate in known[at:]:
                at = known.index(rate, at)
            else:
                yield f"wrong  {topic} {key}: {text(row['value'])} after the rate {known[at]}"


def events_in(topics):
    return topics["chaos-events"]


CHECKS = {
    "chaos-filtered": lambda t, topics: compare(t, filtered(events_in(topics)), topics[t]),
    "chaos-totals": lambda t, topics: compare(t, totals(events_in(topics)), topics[t]),
    "chaos-windows": lambda t, topics: compare(t, windows(events_in(topics)), topics[t]),
    "chaos-rated": lambda t, topics: compare_rated(t, events_in(topics), topics["chaos-rates"], topics[t]),
    "chaos-others": lambda t, topics: compare_last(t, others(events_in(topics)), topics[t]),
    "chaos-paid": lambda t, topics: compare(t, paid(events_in(topics), topics["chaos-payments"]), topics[t],
                                            ordered=False),
}
OUTPUTS = tuple(CHECKS)
UNORDERED = ("chaos-paid",)


def check(topic, topics):
    """The findings of an output; topics: the records of all by name."""
    return list(CHECKS[topic](topic, topics))


# ---- Whether it would be seen ----------------------------------------------------------------------------------------


def plant(records, kind, chance):
    """The records with one lost, repeated, changed, or in the place of another of its key."""
    records = sorted(copy.deepcopy(records), key=lambda r: (r["partition"], r["offset"]))
    last = {(r["partition"], r["key"]): i for i, r in enumerate(records)}
    if kind == "lost":
        del records[chance.choice(list(last.values()))]  # A last one: of some only that must be there.
    elif kind == "twice":
        at = chance.randrange(len(records))
        records.append(records[at] | {"offset": records[at]["offset"] + 0.5})
    elif kind == "wrong":
        value = chance.choice(records)["value"]
        value[sorted(k for k, v in value.items() if isinstance(v, int))[0]] += 1_000_000_007
    else:
        places = collections.defaultdict(list)
        for i, r in enumerate(records):
            places[r["partition"], r["key"]].append(i)
        places = chance.choice([p for p in places.values() if len(p) > 1])
        at = chance.randrange(len(places) - 1)
        one, two = records[places[at]], records[places[at + 1]]
        one["value"], two["value"] = two["value"], one["value"]
    return records


def plants():
    for topic in OUTPUTS:
        yield from ((topic, kind) for kind in ("lost", "twice", "wrong", "order")
                    if kind != "order" or topic not in UNORDERED)


def unseen(topics, seed):
    """The planted faults, one in each output of each kind, that the check does not find."""
    chance = random.Random(seed)
    missed = []
    for topic, kind in plants():
        if not check(topic, topics | {topic: plant(topics[topic], kind, chance)}):
            missed.append(f"{kind} in {topic}")
    return missed
