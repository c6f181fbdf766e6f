"""Makes a case that differs small: first without records, then without sinks and the definitions that nothing reads."""
import dataclasses
import re


def without_records(case, still):
    """Leave out runs of records, half of them at first, as long as the difference stays."""
    size = max(1, len(case.records) // 2)
    while size >= 1:
        at = 0
        while at < len(case.records):
            smaller = dataclasses.replace(case, records=case.records[:at] + case.records[at + size:])
            if smaller.records and still(smaller):
                case = smaller
            else:
                at += size
        size //= 2
    return case


def definitions(text):
    """The statements of a text: each begins at the start of a line."""
    return re.findall(r"^\S.*\n(?:[ \t].*\n)*", text, flags=re.M)


def without_sinks(case, still):
    for topic in list(case.sinks):
        if len(case.sinks) == 1:
            break
        text = "".join(s for s in definitions(case.text) if f'to topic "{topic}"' not in s)
        sinks = {t: s for t, s in case.sinks.items() if t != topic}
        nodes = [n | {"op": "nothing"} if n.get("op") == "sink" and n["topic"] == topic else n for n in case.nodes]
        smaller = dataclasses.replace(case, text=text, sinks=sinks, nodes=nodes)
        if still(smaller):
            case = smaller
    return case


def without_unread(case, still):
    """Drop definitions of the text that nothing reads; Kafka Streams keeps its nodes, which do nothing then."""
    again = True
    while again:
        again = False
        for statement in definitions(case.text):
            name = re.match(r"(?:stream|table|global table) (\w+) ", statement)
            rest = case.text.replace(statement, "", 1)
            if not name or re.search(rf"\b{name[1]}\b", rest):
                continue
            used = any(f'"{r[0]}"' in statement and " from topic " in statement for r in case.records)
            smaller = dataclasses.replace(case, text=rest)
            if not used and still(smaller):
                case, again = smaller, True
                break
    return case


def smallest(case, still):
    case = without_sinks(case, still)
    case = without_records(case, still)
    return without_records(without_unread(case, still), still)
