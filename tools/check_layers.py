#!/usr/bin/env python3
"""Check that the arrows between folders point one way: each #include against the tables below.

A folder may always include itself and include/streamd. To change an arrow, change the table here and the drawing in
docs/ARCHITECTURE.md, in a commit that says why.
"""
import re

import house

EVERYTHING = None
BELOW_GRAPH = ("engine/base", "engine/data", "engine/expr", "engine/graph")
MAY_INCLUDE = {
    "include/streamd": (),
    "engine/base": (),
    "engine/data": ("engine/base",),
    "engine/format": ("engine/base", "engine/data"),
    "engine/expr": ("engine/base", "engine/data"),
    "engine/graph": ("engine/base", "engine/data", "engine/expr"),
    "engine/disk": ("engine/base",),
    "engine/log": ("engine/base", "engine/data", "engine/disk"),
    "engine/run": (*BELOW_GRAPH, "engine/format", "engine/log", "engine/disk"),
    "state": ("engine/base", "engine/data", "engine/graph", "engine/disk"),
    "operators": (*BELOW_GRAPH, "engine/format"),
    "dsl": BELOW_GRAPH,
    "streamd": EVERYTHING,
    "tests/embed": (),
    "tests": EVERYTHING,
    "bench": EVERYTHING,
    "examples": (),
}

# Headers of other people's libraries: where they may be named, and what the rest uses.
LIBRARIES = {
    r"rocksdb/c\.h": (("engine/disk",), "go through engine/disk/disk.h"),
    r"(librdkafka/)?rdkafka\w*\.h": (("engine/log", "bench", "tests"), "go through engine/log/log.h"),
    r"jansson\.h": (("engine/base", "bench", "tests"), "go through engine/base/document.h"),
    r"curl/\w+\.h": (("streamd",), "other members are asked by streamd/peers.c only"),
    r"microhttpd\.h": (("streamd",), "pages are served by streamd/ only"),
    r"pcre2\w*\.h": (("operators/functions",), "regular expressions are functions of the language"),
    r"openssl/\w+\.h": (("operators/functions",), "digests are functions of the language"),
    r"simdjson\.h": (("engine/format", "bench"), "decode through the format contract, engine/data/format.h"),
    r"xxh(ash|3)\.h": (("engine/base",), "use engine/base/hash.h"),
    r"CUnit/.*": (("tests",), "tests live in tests/"),
}


def folder_of(path, table):
    """The longest entry of the table that `path` is in."""
    inside = [f for f in table if path == f or path.startswith(f + "/")]
    return max(inside, key=len, default=None)


def target_of(tree, source, name):
    """The folder that the include leads to; a text that begins with `!` says what is wrong with the line."""
    if name.startswith("streamd/") and (tree.root / "include" / name).exists():
        return "include/streamd"
    target = folder_of(name, MAY_INCLUDE)
    if target:
        return target
    mine = folder_of(str(source), MAY_INCLUDE)
    if MAY_INCLUDE[mine] is EVERYTHING or mine == "examples":
        return mine  # Tests, benchmarks and examples are programs of their own, with headers beside them.
    return f'!"{name}" is not written from the root; write "{source.parent.as_posix()}/{name}" if it is in this folder'


def check_line(tree, source, line, name, quoted):
    mine = folder_of(str(source), MAY_INCLUDE)
    for pattern, (folders, instead) in LIBRARIES.items():
        if re.fullmatch(pattern, name) and not folder_of(str(source), folders):
            tree.say(source, line, f"{name} is only for {', '.join(folders)}; {instead}")
    if not quoted and not name.startswith(("streamd/", "engine/")):
        return
    target = target_of(tree, source, name)
    if target.startswith("!"):
        tree.say(source, line, target[1:])
    elif target not in (mine, "include/streamd") and (allowed := MAY_INCLUDE[mine]) is not EVERYTHING \
            and target not in allowed:
        tree.say(source, line, f"{mine} must not include {target}; it may include "
                 f"{', '.join((*allowed, 'include/streamd')) if mine != 'include/streamd' else 'nothing of ours'}. "
                 "Move what is needed down, or let the caller pass it in")


def check(tree):
    count = 0
    for source in tree.files(*house.C_FILES, ".def"):
        if not folder_of(str(source), MAY_INCLUDE):
            tree.say(source, 1, "this folder is not in the table of tools/check_layers.py; add it or move the file")
            continue
        text = house.without_comments(tree.read(source), strings=False)
        for number, row in enumerate(text.splitlines(), 1):
            if found := re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', row):
                count += 1
                check_line(tree, source, number, found[2], found[1] == '"')
    return f"{count} includes"


if __name__ == "__main__":
    house.main(check, __doc__)
