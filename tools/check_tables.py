#!/usr/bin/env python3
"""Check that rows and files agree: each row of a table has its definition, each definition its row.

A table is a .def file of lines `SX_KIND(name)`, where the row stands for the symbol `sx_kind_name`, defined in the
table's folder. Operators may share a file (one for all windows, say), so it is symbols that are compared. What says
`.internal = true` is no word of the language, is used by name in its folder, and may have no row.
"""
import collections
import itertools
import re

import house

TABLES = ("operators/operators.def", "operators/aggregates/aggregates.def", "operators/functions/functions.def",
          "engine/format/formats.def", "engine/log/backends.def", "state/stores.def", "streamd/command/commands.def")


def rows_of(tree, table):
    """(kind, name) -> line. Says what is not a row, and what stands twice."""
    rows = {}
    text = house.without_comments(tree.read(table))
    for number, line in enumerate(text.splitlines(), 1):
        row = re.match(r"SX_([A-Z_]+)\((\w+)", line)
        if row and (row[1].lower(), row[2]) in rows:
            tree.say(table, number, f"{row[2]} has a row already, in line {rows[row[1].lower(), row[2]]}")
        elif row:
            rows[row[1].lower(), row[2]] = number
        elif line.strip() and not line.startswith((" ", "#")):
            tree.say(table, number, f"not a row: write SX_KIND(name), as the others; found {line.strip()[:40]!r}")
    return rows


def definitions(tree, folder, kinds):
    """Symbol -> (file, line, needs a row, text) of what the folder's sources define and share, of these kinds."""
    found = {}
    kinds = "|".join(sorted(kinds, key=len, reverse=True))
    pattern = re.compile(rf"(?!static|extern|typedef)\w[\w *]*\b(sx_(?:{kinds})_\w+)\s*(?:\[\w*\]\s*)?([=({{]|$)")
    for source in tree.files(".c", ".cc"):
        if source.is_relative_to(folder):
            lines = house.without_comments(tree.read(source)).splitlines()
            for number, line in enumerate(lines, 1):
                if (match := pattern.match(line)) and (not line.rstrip().endswith(";") or "=" in line):
                    body = itertools.takewhile(lambda row: not row.startswith("}"), lines[number:])
                    internal = any(re.search(r"\.internal\s*=\s*true\b", row) for row in body)
                    found[match[1]] = (source, number, match[2] in "=" and not internal, line)
    return found


def check(tree):
    count = collections.Counter()
    for table in map(house.pathlib.PurePath, TABLES):
        if not (tree.root / table).exists():
            continue
        rows = rows_of(tree, table)
        count.update(tables=1, rows=len(rows))
        if not rows:
            tree.say(table, 1, "the table has no row")
            continue
        defined = definitions(tree, table.parent, {kind for kind, _ in rows})
        for (kind, name), number in rows.items():
            if f"sx_{kind}_{name}" not in defined:
                tree.say(table, number, f"{table.parent}/ does not define sx_{kind}_{name}; add it or drop the row")
        symbols = {f"sx_{kind}_{name}" for kind, name in rows}
        for symbol, (source, number, needs_row, line) in defined.items():
            if needs_row and symbol not in symbols and re.search(r"_(def|table)\b", line.split(symbol)[0]):
                tree.say(source, number, f"{symbol} has no row, so nobody can use it; add it to {table}")
    return f"{count['tables']} tables, {count['rows']} rows"


if __name__ == "__main__":
    house.main(check, __doc__)
