#!/usr/bin/env python3
"""check.py STREAMD [NAME ...]: run the example of every stage, function, aggregate and format.

The rows come from `streamd list`; what an example shows must be what `streamd pipe` gives. With NAMEs only rows of
these names are run. A row without an example, or without its sentence, fails too.
"""
import concurrent.futures
import difflib
import json
import os
import re
import subprocess
import sys
import tempfile

TYPES = ((bool, "bool"), (int, "int"), (float, "double"), (str, "string"))


class Failed(Exception):
    pass


def pipe(streamd, program, lines):
    """What comes out of a program, as text."""
    with tempfile.NamedTemporaryFile("w", suffix=".stream", encoding="utf-8") as file:
        file.write(program)
        file.flush()
        done = subprocess.run([streamd, "pipe", file.name], input=lines, capture_output=True, text=True, check=False,
                              timeout=60)
    if done.returncode != 0:
        raise Failed(f"`streamd pipe` ends with {done.returncode}\n{done.stderr.replace(file.name, 'example')}"
                     f"--- the program\n{program}")
    return done.stdout


def expect(shown, got, program):
    if shown != got:
        difference = difflib.unified_diff(shown.splitlines(), got.splitlines(), "shown", "what comes out", lineterm="")
        raise Failed("\n".join([*difference, "--- the program", program]))


def record(**fields):
    return json.dumps({"topic": "in", "timestamp": 0} | fields) + "\n"


def value_of(line):
    """The text of `result` in the value of a line that pipe printed, as it stands there."""
    return re.search(r'"value":\{"result":(.*)\},"timestamp":', line)[1]


def check_operator(streamd, row):
    if row["name"] not in row["program"]:
        raise Failed(f"the example does not use the stage\n--- the program\n{row['program']}")
    expect(row["out"], pipe(streamd, row["program"], row["in"]), row["program"])


def check_call(row):
    if row["signature"].partition("(")[0] not in row["example"]:
        raise Failed(f"the example is not one of it: {row['example']}")


def check_function(streamd, row):
    check_call(row)
    program = ('stream example from topic "in" { key none value json { x int } }\n'
               f'example | map {{ result: {row["example"]} }} | to topic "out"\n')
    expect(row["result"], value_of(pipe(streamd, program, record(value={"x": 1}))), program)


def type_of(values):
    """The type of these JSON values; a field of a struct may be null in some."""
    values = [v for v in values if v is not None]
    if values and all(isinstance(v, dict) for v in values):
        names = dict.fromkeys(name for v in values for name in v)
        fields = ", ".join(f"{name} {type_of([v.get(name) for v in values])}" for name in names)
        return f"{{ {fields} }}"
    kinds = [name for kind, name in TYPES if all(isinstance(v, kind) for v in values)]
    if not kinds and all(isinstance(v, (int, float)) for v in values):
        return "double"
    if not kinds:
        raise Failed(f"what type has a column of {values}?")
    return kinds[0]


def check_aggregate(streamd, row):
    check_call(row)
    rows = json.loads(row["rows"])
    declared = re.match(r"\w+\(x (bool|int|double|string|timestamp|date|time|duration|bytes)\b", row["signature"])
    structs = any(isinstance(x, dict) for x in rows)
    column = declared[1] if declared and not structs else type_of(rows)
    program = (f'stream example from topic "in" {{ key string value json {{ x {column} }} }}\n'
               f'table results = example | group by key | aggregate {{ result: {row["example"]} }}\n'
               'results | to topic "out"\n')
    lines = "".join(record(key="k", value={"x": x}) for x in rows)
    out = pipe(streamd, program, lines).splitlines()
    if not out:
        raise Failed(f"nothing comes out\n--- the program\n{program}")
    expect(row["result"], value_of(out[-1]), program)


def check_format(streamd, row):
    is_key = row["example"].startswith("key ")
    part, fields = ("key", f"{row['example']} value string") if is_key else ("value", f"key none {row['example']}")
    program = f'stream example from topic "in" {{ {fields} }}\nexample | to topic "out"\n'
    shown = row["bytes"]
    sent = bytes.fromhex(shown[2:]).decode() if shown.startswith("0x") else shown
    out = pipe(streamd, program, record(raw=True, **({"key": None, "value": "x"} | {part: sent})))
    expect(row["row"], re.search(rf'"{part}":(.*?),"{"value" if is_key else "timestamp"}":', out)[1], program)


KINDS = {
    "operators": ("name", check_operator, ("summary", "takes", "program", "in", "out")),
    "functions": ("signature", check_function, ("summary", "example", "result")),
    "aggregates": ("signature", check_aggregate, ("summary", "example", "rows", "result")),
    "formats": ("name", check_format, ("summary", "example", "bytes", "row")),
}


def name_of(row, kind):
    """What a person calls the row: without the parameters of a signature."""
    return row.get(KINDS[kind][0], "").partition("(")[0]


def check(streamd, kind, row):
    """None, or why the row fails."""
    _, run, needed = KINDS[kind]
    missing = [n for n in needed if not row.get(n)]
    if missing:
        return f"the row has no {' and no '.join(missing)}"
    if not row["summary"].endswith((".", "?")):
        return f"the text is no sentence: {row['summary']}"
    try:
        run(streamd, row)
    except Failed as failure:
        return str(failure)
    return None


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    streamd, names = os.path.abspath(sys.argv[1]), sys.argv[2:]
    listed = json.loads(subprocess.run([streamd, "list", "--format", "json"], capture_output=True, check=True).stdout)
    rows = [(kind, row) for kind in KINDS for row in listed[kind] if not names or name_of(row, kind) in names]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (kind, row), why in zip(rows, pool.map(lambda r: check(streamd, *r), rows)):
            if why is not None:
                failed += 1
                print(f"FAIL {kind[:-1]} {row.get(KINDS[kind][0])}: {why.rstrip()}\n")
    print(f"{len(rows) - failed} passed, {failed} failed")
    sys.exit(1 if failed or not rows else 0)


if __name__ == "__main__":
    main()
