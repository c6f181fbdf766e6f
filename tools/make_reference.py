#!/usr/bin/env python3
"""Write docs/reference from the rows of the program's tables, as `streamd list --format json` tells them.

    make_reference.py            write the pages
    make_reference.py --check    change nothing; exit 1 and say what differs when a page is not what would be written
"""
import argparse
import difflib
import json
import pathlib
import re
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "reference"
MADE = "<!-- Made by tools/make_reference.py from the tables of the program: change the row, then run it. -->"


# --- Markdown -----------------------------------------------------------------------------------------------------


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def code(text):
    """Code within a line; what holds backquotes is put between more of them."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{fence} {text} {fence}" if "`" in text else f"{fence}{text}{fence}"


def prose(text):
    return [*textwrap.wrap(" ".join(text.split()), 118, break_long_words=False, break_on_hyphens=False), ""]


def table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return [f"| {' | '.join(cell(c) for c in line)} |" for line in lines] + [""]


def block(language, text):
    return [f"```{language}", *text.rstrip("\n").splitlines(), "```", ""]


def anchor(heading):
    """What a link to a heading is called, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def grouped(rows, key):
    """{key: rows}, in the order of the first of each."""
    groups = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def index_of(names):
    return [" · ".join(f"[{n}](#{anchor(n)})" for n in names), ""]


def titled(text):
    return text[0].upper() + text[1:]


# --- The pages: each gives its title, what it is in a sentence, and its lines ----------------------------------------


def kind_of(stage):
    name, takes = stage["name"], stage["takes"]
    if "join" in name:
        return "Joins"
    if takes.endswith("->"):
        return "Sinks"
    if "groups" in takes:
        return "Groups, windows, aggregates"
    if takes.startswith("table") or takes.endswith("table") and not takes.startswith("stream -> stream"):
        return "Tables"
    return "Rows"


def stage_lines(stage, clauses):
    bar = "NAME | " if stage["statement"] else "| "
    yield from [f"### {stage['name']}", "", stage["summary"], ""]
    yield from block("", bar + stage["syntax"])
    yield from [f"Takes and gives: {stage['takes'].replace('->', '→')}", ""]
    if clauses:
        yield from table(["clause", "", "meaning"], (
            [code(f"{c.get('word', '')} {c['form']}".strip()), "optional" if c["optional"] else "", c["summary"]]
            for c in clauses))
    yield from block("", stage["program"])
    yield from ["Records in:", "", *block("json", stage["in"]), "Records out:", "", *block("json", stage["out"])]


def operators(listed):
    clauses = grouped(listed["clauses"], lambda c: c["operator"])
    kinds = grouped(listed["operators"], kind_of)
    lines = prose("""
        A pipeline begins with the name of a stream or table; each stage stands behind a `|` and takes what the one
        before it gives. `[ ]` is what may be left out, `...` what may go on; capitals stand for what you write: an
        expression, a name, a duration such as `10s`. Optional clauses come in any order.""")
    for kind, stages in kinds.items():
        lines += [f"## {kind}", ""]
        lines += table(["stage", "takes → gives", "meaning"], (
            [f"[`{s['name']}`](#{anchor(s['name'])})", s["takes"].replace("->", "→"), s["summary"]] for s in stages))
        for stage in stages:
            lines += stage_lines(stage, clauses.get(stage["name"], []))
    return "Stages", "every stage of a pipeline, its clauses, an example with records", lines


def name_of(row):
    return row["signature"].partition("(")[0]


def has_parameters(row):
    return "()" not in row["signature"]


def by_family(rows, line_of):
    """Families as headings, names below them, overloads together."""
    families = grouped(rows, lambda r: titled(r["family"]))
    for family, members in families.items():
        names = grouped(members, name_of)
        yield from [f"## {family}", "", *index_of(names)]
        for name, overloads in names.items():
            yield from [f"### {name}", ""]
            for row in overloads:
                yield from block("", row["signature"])
                yield from line_of(row)


def function_lines(row):
    nulls = "It sees null arguments." if row["sees_nulls"] else "A null argument gives null."
    yield from [" ".join([row["summary"], *[nulls] * has_parameters(row)]), ""]
    yield from [f"{code(row['example'])} gives {code(row['result'])}", ""]


def functions(listed):
    lines = prose("""
        What expressions can call. `[, x T]` may be left out, `x T...` is one or more; `T` stands for any type, the
        same wherever it stands, `any` for each its own. An int goes where a double is wanted. A call that fails
        (out of its domain, a result that is not finite or too large) is a row error, which `try(...)` turns into
        null. Positions in strings count from 1.""")
    return "Functions", "the scalar functions of expressions", [*lines, *by_family(listed["functions"], function_lines)]


def aggregate_lines(row):
    nulls = "Rows with nulls count." if row["sees_nulls"] else "A row whose first argument is null is skipped."
    yield from [" ".join([row["summary"], *[nulls] * has_parameters(row)]), ""]
    if "cannot_retract" in row:
        yield from [f"Not over a grouped table: {row['cannot_retract'].rstrip('.')}.", ""]
    yield from [f"{code(row['example'])} over {code(row['rows'])} gives {code(row['result'])}", ""]


def aggregates(listed):
    lines = prose("""
        What stands in `aggregate { name: ... }`, alone or within expressions: `share: sum(a) * 1.0 / count()`. Each
        takes `where CONDITION` last in its parentheses: `count(where price > 10)`. Grouping a table takes a row's
        old values back before its new ones are added, which not every aggregate can; the page says which cannot,
        and why. In the examples, `x` is a column with the values shown, in that order.""")
    return "Aggregates", "what `aggregate` computes over the rows of a group", \
        [*lines, *by_family(listed["aggregates"], aggregate_lines)]


def shown_bytes(row):
    if row["bytes"].startswith("0x"):
        return "the bytes " + code(" ".join(re.findall("..", row["bytes"][2:])))
    return "the text " + code(row["bytes"])


def formats(listed):
    lines = prose("""
        How the bytes of a record's key and value are read and written: behind `key` and `value`, in the body of a
        source or a sink. A format with fields takes them in braces; the others are one column, called `key` or
        `value`.""")
    lines += table(["format", "holds", "meaning"], (
        [f"[`{f['name']}`](#{anchor(f['name'])})", "fields" if f["takes_fields"] else "one value",
         f["summary"]] for f in listed["formats"]))
    for row in listed["formats"]:
        lines += [f"## {row['name']}", "", row["summary"], "", *block("", row["example"]),
                  f"{titled(shown_bytes(row))} {'are' if row['bytes'].startswith('0x') else 'is'} read as "
                  f"{code(row['row'])}.", ""]
    return "Formats", "how keys and values are encoded", lines


def taken_by(option, commands):
    return ", ".join(c["name"] for c in commands if f" {option} " in f" {c['options']} ")


def settings(listed):
    lines = prose("""
        Stronger first: the command line, the environment, the file of `--config`, what the topology `set`s, the
        default.""") + ["## Options of the command", ""]
    rows = [[code(f"--{o['name']} {o.get('argument', '')}".strip()), code(o["variable"]),
             code(o["default"]) if "default" in o else "", o["summary"], taken_by(o["name"], listed["commands"])]
            for o in listed["options"]]
    rows.append([code("--set NAME=VALUE"), code("STREAMD_SET"), "",
                 "The value of a param of the file; may be given several times, in the variable a line each.",
                 "all that take a FILE"])
    lines += table(["option", "environment", "default", "meaning", "taken by"], rows)
    lines += ["## The config file", "", *prose("""
                  Lines of `key = value`; `#` begins a comment line. A key is an option without its dashes, or a setting
                  of librdkafka behind `kafka.`, as `kafka.security.protocol = sasl_ssl`."""),
              *block("", "bootstrap = localhost:9092\nmemory = 1GiB\nkafka.compression.type = zstd"),
              "These settings of librdkafka are refused:", "",
              *table(["setting", "why, or what to use"], ([code(r["name"]), r["summary"]] for r in listed["reserved"])),
              "## In the topology", "", "`set NAME VALUE`, a statement of its own:", "",
              *table(["setting", "value", "default", "meaning"],
                     ([code(f"set {s['name']}"), code(s["form"]), code(s["default"]), s["summary"]]
                      for s in listed["settings"]))]
    return "Settings", "options, environment, config file, and what a topology sets", lines


OF_LABEL = {"node": "By node", "topic": "By topic", "worker": "By worker", "subtopology": "By task",
            "store": "By store"}


def metrics(listed):
    lines = prose("""
        What `/metrics` shows, in Prometheus' text format; what to look at is in [operating](../operating.md).
        Counters begin at 0 with the process and only grow.""")
    for kind, rows in grouped(listed["metrics"], lambda m: OF_LABEL.get(m.get("label"), "Of the process")).items():
        lines += [f"## {kind}", "", *table(["metric", "kind", "labels", "meaning"], (
            [code(m["name"]), m["kind"], ", ".join(code(m[k]) for k in ("label", "label2") if k in m), m["summary"]]
            for m in rows))]
    return "Metrics", "every metric, its kind and labels", lines


def errors(listed):
    lines = ["## Exit codes of the command", "",
             *table(["code", "meaning"], ([e["number"], titled(e["summary"])] for e in listed["exits"])),
             "## Statuses of the library", "",
             "A function that can fail returns one of these, 0 or negative; numbers are never reused.", "",
             *table(["status", "number", "meaning"],
                    ([code(s["name"]), s["number"], s["summary"]] for s in listed["statuses"]))]
    return "Errors", "exit codes of the command, statuses of the library", lines


def commands(listed):
    lines = prose("""
        `streamd FILE` is the same as `streamd run FILE`. Data goes to standard output, diagnostics to standard
        error. Options are explained in [settings](settings.md), exit codes in [errors](errors.md).""")
    for c in listed["commands"]:
        taken = ", ".join(code(f"--{o}") for o in c["options"].split())
        lines += [f"## {c['name']}", "", *block("", f"streamd {c['name']} {c['usage']}"), c["summary"],
                  c.get("more", "").strip(), "", *([f"Options: {taken}.", ""] if taken else [])]
    return "Commands", "what `streamd` can be asked to do", lines


MAKERS = {m.__name__: m for m in (operators, functions, aggregates, formats, settings, commands, metrics, errors)}


# --- The whole ----------------------------------------------------------------------------------------------------


def render(title, lines):
    headings = [anchor(line.lstrip("# ")) for line in lines if line.startswith("#")]
    if twice := {h for h in headings if headings.count(h) > 1}:
        sys.exit(f"the page {title} has two headings of one name: {', '.join(twice)}")
    text = "\n".join(line.rstrip() for line in [MADE, "", f"# {title}", "", *lines])
    return re.sub(r"\n{3,}", "\n\n", text).rstrip("\n") + "\n"


def make(listed):
    """{file name: text} of all pages."""
    made = {name: maker(listed) for name, maker in MAKERS.items()}
    pages = {f"{name}.md": render(title, lines) for name, (title, _, lines) in made.items()}
    rows = ([f"[{title}]({name}.md)", about] for name, (title, about, _) in made.items())
    lines = prose("""
        Made from the program's own tables, so they are what this version does; every example here is run as a test.""")
    lines += table(["page", "what is in it"], rows)
    lines += prose("`streamd list` and `streamd functions [NAME]` tell the same in a terminal.")
    return pages | {"README.md": render("Reference", lines)}


def differences(pages):
    """What in docs/reference is not as it would be written, as lines."""
    there = {p.name: p.read_text(encoding="utf-8") for p in PAGES.glob("*") if p.is_file()}
    for name in sorted(there.keys() | pages.keys()):
        if name not in pages:
            yield f"docs/reference/{name}: no page of that name is made; remove it"
        else:
            yield from difflib.unified_diff(there.get(name, "").splitlines(), pages[name].splitlines(),
                                            f"docs/reference/{name}", "as it would be made", lineterm="", n=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only say what differs")
    parser.add_argument("--streamd", default=ROOT / "build" / "streamd", type=pathlib.Path, help="the program to ask")
    args = parser.parse_args()
    done = subprocess.run([args.streamd.resolve(), "list", "--format", "json"], stdout=subprocess.PIPE, check=True)
    pages = make(json.loads(done.stdout))
    if args.check:
        found = list(differences(pages))
        print(*found, sep="\n", end="\n" if found else "")
        if found:
            sys.exit("docs/reference is not what the program's tables say; run tools/make_reference.py")
        return
    PAGES.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (PAGES / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
