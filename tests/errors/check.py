#!/usr/bin/env python3
"""check.py STREAMD [FILE ...]: compile each file here and compare every message with its comment.

A comment says what is expected of the next line that is no such comment (see README.md):
    # error: COLUMN: message
    # warning: COLUMN: message
    # hint: text                 of the message above it
"""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
COMMENT = re.compile(rb"^\s*# (error|warning|hint): (?:(\d+): )?(.*?)\r?$")
INCLUDE = re.compile(rb'^include "([^"]*)"', re.M)
SHOWN = re.compile(r"^(.*?):(\d+):(\d+): (error|warning): (.*)$")


def expected_of(path):
    """[(file, line, column, kind, message, hint)], by file and line."""
    found, waiting = [], []
    with open(path, "rb") as file:
        text = file.read()
    lines = text.split(b"\n")
    for number, line in enumerate(lines, 1):
        match = COMMENT.match(line)
        if match and match.group(1) == b"hint":
            waiting[-1][3] = match.group(3).decode()
        elif match:
            waiting.append([match.group(1).decode(), int(match.group(2)), match.group(3).decode(), None])
        else:
            found += [(path, number, column, kind, message, hint) for kind, column, message, hint in waiting]
            waiting = []
    for part in INCLUDE.findall(text):
        inner = os.path.join(os.path.dirname(path), part.decode())
        if os.path.exists(inner):
            found += expected_of(inner)
    return found


def said_of(text):
    """The same from what `streamd check` wrote; messages without a place are kept as they are."""
    found, problems = [], []
    lines = text.split("\n")
    for i, line in enumerate(lines):
        match = SHOWN.match(line)
        if match:
            file, row, column, kind, message = match.groups()
            found.append([file, int(row), int(column), kind, message, None])
            shown = lines[i + 1] if i + 1 < len(lines) else ""
            caret = lines[i + 2] if i + 2 < len(lines) else ""
            if not re.match(r"^ *%s \| " % row, shown + " ") or "^" not in caret:
                problems.append(f"{line}: the source line and the caret are missing")
        elif line.startswith("  hint: ") and found:
            found[-1][5] = line[len("  hint: "):]
        elif line.startswith("error: "):
            problems.append(line)
    return [tuple(f) for f in found], problems


def check(program, path):
    expected = expected_of(path)
    result = subprocess.run([program, "check", path], capture_output=True, timeout=60)
    text = result.stderr.decode("utf-8", "replace")
    said, problems = said_of(text)
    code = 2 if any(e[3] == "error" for e in expected) else 0
    if result.returncode != code:
        problems.append(f"exit code {result.returncode}, expected {code}")
    if result.stdout:
        problems.append("something on standard output")
    if not expected:
        problems.append("the file expects nothing")
    # A hint is compared where one is written.
    wants = sorted(expected)
    for want in wants:
        have = next((s for s in said if s[:5] == want[:5]), None)
        if have is None:
            problems.append(f"missing: {want[0]}:{want[1]}:{want[2]}: {want[3]}: {want[4]}")
        elif want[5] is not None and want[5] != have[5]:
            problems.append(f"line {want[1]}: the hint is `{have[5]}`, expected `{want[5]}`")
    for have in said:
        if not any(have[:5] == want[:5] for want in wants):
            problems.append(f"too much: {have[0]}:{have[1]}:{have[2]}: {have[3]}: {have[4]} (hint: {have[5]})")
    for kind in ("error", "warning"):
        order = [(s[0], s[1], s[2]) for s in said if s[3] == kind]
        if order != sorted(order):
            problems.append(f"the {kind}s are not in the order of the text")
    return problems


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program, files = sys.argv[1], sys.argv[2:]
    files = files or sorted(os.path.join(HERE, f) for f in os.listdir(HERE) if f.endswith(".stream"))
    failed = 0
    for path in files:
        problems = check(program, path)
        failed += bool(problems)
        for problem in problems:
            print(f"{os.path.basename(path)}: {problem}")
    print(f"{len(files) - failed} of {len(files)} files as expected")
    sys.exit(failed > 0 or not files)


if __name__ == "__main__":
    main()
