#!/usr/bin/env python3
"""Check the comments of the public headers, include/streamd/*.h.

Each function that is exported (STREAMD_API) has a comment directly above it; functions that follow each other without
an empty line may share one, also that of an opaque type right before them. The comment's tags come in this order,
once each: Errors, Owns, Blocks, Threads. A function that gives a streamd_error has its Errors, and each status named
there exists.
"""
import re

import house

TAGS = ("Errors", "Owns", "Blocks", "Threads")


def groups(text):
    """(first line's number, lines) of each stretch without an empty line."""
    lines, start = [], 1
    for number, line in enumerate(text.splitlines() + [""], 1):
        if line.strip():
            start = number if not lines else start
            lines.append(line)
        elif lines:
            yield start, lines
            lines = []


def comments_and_functions(text):
    """The comments and exported declarations of a group, in order: ("comment" or "function", line, text)."""
    for part in re.finditer(r"/\*.*?\*/|^STREAMD_API\b[^;]*;", text, flags=re.S | re.M):
        yield "comment" if part[0].startswith("/*") else "function", text.count("\n", 0, part.start()), part[0]


def check_comment(tree, path, line, comment, statuses):
    tags = re.findall(r"^ \* ([A-Z][a-z]+)(?: {2,}|:)\S", comment, flags=re.M)
    for tag in tags:
        # A file's own comment explains its words and conventions, in the same form.
        if tag not in TAGS and line > 1:
            tree.say(path, line, f"{tag} is not a tag; the tags are {', '.join(TAGS)}")
    known = [TAGS.index(t) for t in tags if t in TAGS]
    if known != sorted(set(known)):
        tree.say(path, line, f"tags come once, in the order {', '.join(TAGS)}; here: {', '.join(tags)}")
    errors = re.search(r"^ \* Errors\b(.*?)(?=^ \* [A-Z][a-z]+ {2,}\S|\*/)", comment, flags=re.S | re.M)
    for status in re.findall(r"\bE_[A-Z]+\b", errors[1] if errors else ""):
        if statuses and status not in statuses:
            tree.say(path, line, f"{status} is no status of STREAMD_STATUS_MAP")


def type_comment(lines):
    """The comment of a group that only names an opaque type: it may introduce the functions that follow at once."""
    found = re.fullmatch(r"(/\*(?! ?-{3}).*?\*/)\s*typedef struct (\w+)\s+\2;", "\n".join(lines), flags=re.S)
    return found[1] if found else None


def check_group(tree, path, first, lines, statuses, comment):
    """`comment` is what stands for the group if it has no comment itself. Returns the number of functions."""
    text, fresh, count = "\n".join(lines), False, 0
    for kind, offset, part in comments_and_functions(text):
        if kind == "comment":
            if not re.match(r"/\* -{3}", part) and lines[offset].startswith("/*"):
                comment, fresh = part, True
                check_comment(tree, path, first + offset, part, statuses)
            continue
        if fresh and not re.search(r"[.:](\s|\*)", comment):
            tree.say(path, first + offset, "its comment is no sentence: say what it does, with a full stop")
        fresh = False
        count += 1
        name = re.search(r"(\w+)\s*\(", part.removeprefix("STREAMD_API"))
        name = name[1] if name else part.split()[-1]
        own_line = lines[offset + part.count("\n")]
        if "/*" in own_line:
            comment = comment or own_line
        if comment is None:
            tree.say(path, first + offset, f"{name} has no comment directly above it; say what it does")
        elif re.search(r"streamd_error\s*\*\*", part) and not re.search(r"\bErrors?\b", comment):
            tree.say(path, first + offset, f"{name} can fail, and its comment has no Errors line with the statuses")
    return count


def check(tree):
    headers = [p for p in tree.files(".h") if p.is_relative_to("include/streamd")]
    statuses, count = set(), 0
    for path in headers:
        statuses |= set(re.findall(r"X\((E_[A-Z]+),", tree.read(path)))
    for path in headers:
        introduced = None
        for first, lines in groups(tree.read(path)):
            count += check_group(tree, path, first, lines, statuses, introduced)
            introduced = type_comment(lines)
    return f"{count} public functions"


if __name__ == "__main__":
    house.main(check, __doc__)
