#!/usr/bin/env python3
"""Check the house rules that no compiler knows: banned calls, widths, long files, notes to self, missing pages."""
import pathlib
import re

import house

C_WIDTH, SCRIPT_WIDTH, LONG = 110, 120, 600
BANNED = {
    "strcpy": "memcpy with a known size",
    "strcat": "struct sx_buffer",
    "sprintf": "snprintf",
    "vsprintf": "vsnprintf",
    "gets": "fgets",
    "strtok": "strtok_r, or a struct sx_slice",
    "atoi": "sx_read_int or strtoll, which can fail",
    "atol": "sx_read_int or strtoll, which can fail",
    "atoll": "sx_read_int or strtoll, which can fail",
    "atof": "sx_read_double or strtod, which can fail",
    "rand": "a seeded generator that the caller owns",
    "srand": "a seeded generator that the caller owns",
    "alloca": "an arena",
}
# The library is a guest in somebody's process: standard output is the host's. The program's commands may print.
LIBRARY = ("engine", "state", "operators", "dsl", "streamd")
PRINTING = ("streamd/command",)
STDOUT = re.compile(r"(?<![\w.>])(?:v?printf|puts|putchar)\s*\(|\bstdout\b")
CALL = re.compile(rf"(?<![\w.>])({'|'.join(BANNED)})\s*\(")
NOTE = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX)\b")
CODE = (*house.C_FILES, ".def", ".py", ".sh")
TEXT = (*CODE, ".md", ".stream", ".test", ".cmake", ".txt", ".json", ".xml", ".properties", ".java")
SCRIPTS = (pathlib.PurePath("dev"), pathlib.PurePath(".ci/run"))  # Scripts without a suffix.


def within(path, folders):
    return any(path.is_relative_to(f) for f in folders)


def long_files(tree):
    """Path -> reason, from tools/long_files.txt: `PATH  REASON` a line."""
    listed, listing = {}, pathlib.PurePath("tools/long_files.txt")
    if (tree.root / listing).exists():
        for number, line in enumerate(tree.read(listing).splitlines(), 1):
            path, _, reason = line.partition(" ")
            if line and not line.startswith("#"):
                listed[pathlib.PurePath(path)] = reason.strip()
                if not reason.strip():
                    tree.say(listing, number, f"{path} needs a reason for its length after its name")
                elif not (tree.root / path).exists() or tree.read(path).count("\n") <= LONG:
                    tree.say(listing, number, f"{path} is not longer than {LONG} lines (any more); drop its line")
    return listed


def check_lines(tree, path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if path.suffix in CODE or path in SCRIPTS:
            width = C_WIDTH if path.suffix in house.C_FILES else SCRIPT_WIDTH
            if len(line) > width:
                tree.say(path, number, f"{len(line)} columns; break the line before column {width + 1}")
            if "\t" in line:
                tree.say(path, number, "a tab; indent with spaces")
        if line != line.rstrip():
            tree.say(path, number, "white space at the end of the line; remove it")
        if found := NOTE.search(line):
            tree.say(path, number, f"{found[0]}: do it now, or write down what is missing where users read it")


def check_calls(tree, path, text):
    prints = within(path, LIBRARY) and not within(path, PRINTING)
    for number, line in enumerate(house.without_comments(text).splitlines(), 1):
        for found in CALL.finditer(line):
            tree.say(path, number, f"{found[1]} is banned; use {BANNED[found[1]]}")
        if prints and (found := STDOUT.search(line)):
            tree.say(path, number, f"{found[0].rstrip('( ')}: a library does not write to standard output; "
                     "use engine/base/logger.h, or return the text")


def check_pages(tree):
    """Every folder of the library that has sources has a page; elsewhere a folder above it may have it."""
    for folder in sorted({p.parent for p in tree.files(*house.C_FILES)}):
        own = within(folder, (*LIBRARY, "include"))
        where = [folder] if own else [folder, *list(folder.parents)[:-1]]
        if not any((tree.root / f / "README.md").exists() for f in where):
            tree.say(folder / "README.md", 1, "missing: what the folder is, its words, who may call it, how to add")


def check(tree):
    listed, count = long_files(tree), 0
    for path in tree.paths:
        if path.suffix not in TEXT and path not in SCRIPTS and path.name != "README.md":
            continue
        text = tree.read(path)
        count += 1
        check_lines(tree, path, text)
        if path.suffix in house.C_FILES:
            check_calls(tree, path, text)
        if path.suffix in CODE and path not in listed and (lines := text.count("\n")) > LONG:
            tree.say(path, LONG, f"{lines} lines: give the second subject a file of its own, or list the file with the "
                     "reason in tools/long_files.txt")
    check_pages(tree)
    return f"{count} files"


if __name__ == "__main__":
    house.main(check, __doc__)
