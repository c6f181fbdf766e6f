#!/usr/bin/env python3
"""Stored forms of this version as files of text, made or compared; see README.md here.

    make.py STREAMD GOLDEN            change nothing; exit 1 and say what is not as it is written there
    make.py STREAMD GOLDEN --write    write the files anew: on purpose, when a form has changed
"""
import argparse
import difflib
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
STATE = HERE / "plans" / "state.stream"
RUN = ("--threads", "1", "--http", "off", "--until-end", "--partitions", "1", "--commit", "500ms")


PROCESS = b"process/id".hex()
WROTE_AT = slice(10, 26)  # Of a block of records: when it was written, in hex.


def settled(dump):
    """A directory's text without what differs from run to run."""
    lines = []
    for line in dump.splitlines():
        family, key, value, shown = line.split(" | ", 3)
        if key == PROCESS:
            value, shown = b"golden".hex(), "process/id = golden"
        if family == "LOG":
            value = value[:WROTE_AT.start] + "0" * 16 + value[WROTE_AT.stop:]
            shown = shown.split(" = ")[0] + " = records"
        lines.append(f"{family} | {key} | {value} | {shown}".rstrip() + "\n")
    return "".join(lines)


def compared(path, text):
    """The lines on which nothing but the version has a say: how records share blocks depends on the commits."""
    return [line for line in text.splitlines() if path.name != "state.txt" or not line.startswith("LOG ")]


class Golden:
    def __init__(self, streamd, golden):
        self.streamd, self.golden = streamd, golden

    def ask(self, *command, text=None):
        done = subprocess.run([str(c) for c in command], input=text, capture_output=True, encoding="utf-8", timeout=120)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(map(str, command))}: {done.stderr[-2000:]}")
        return done.stdout

    # --- forms ---

    def values(self):
        return self.ask(self.golden, "values", HERE / "values.txt")

    def records(self):
        return self.ask(self.golden, "records", HERE / "records.txt")

    def plan(self, path):
        return self.ask(self.streamd, "describe", "--format", "json", path)

    # --- a run ---

    def run(self, folder, lines):
        """Give the directory these records and let it process them."""
        topics = {}
        for line in lines.splitlines():
            topic, record = line.split(" ", 1)
            topics.setdefault(topic, []).append(record + "\n")
        for topic, records in topics.items():
            self.ask(self.streamd, "produce", topic, "--topology", STATE, "--partitions", 1, "--data-dir", folder,
                     text="".join(records))
        self.ask(self.streamd, "run", STATE, "--data-dir", folder, *RUN)

    def sinks(self, folder):
        """What is in the topics that the run wrote, each with its name in front."""
        out = []
        for line in STATE.read_text(encoding="utf-8").splitlines():
            if "| to topic " in line:
                topic = line.rsplit('"', 2)[1]
                rows = self.ask(self.streamd, "consume", topic, "--topology", STATE, "--data-dir", folder)
                out += [f"{topic} {row}" for row in rows.splitlines()]
        return "\n".join(out) + "\n"

    def state(self, folder):
        """(what a run of before.ndjson leaves behind, what comes when one of after.ndjson follows)."""
        self.run(folder, (HERE / "before.ndjson").read_text(encoding="utf-8"))
        kept = settled(self.ask(self.golden, "dump", folder))
        self.run(folder, (HERE / "after.ndjson").read_text(encoding="utf-8"))
        return kept, self.sinks(folder)

    def continued(self, folder):
        """What comes when a run of after.ndjson follows on the state that is written down."""
        self.ask(self.golden, "load", folder, HERE / "state.txt")
        self.run(folder, (HERE / "after.ndjson").read_text(encoding="utf-8"))
        return self.sinks(folder)

    def files(self, folder):
        """{file: its text as this version makes it}"""
        kept, after = self.state(folder)
        plans = {path.with_suffix(".json"): self.plan(path) for path in sorted((HERE / "plans").glob("*.stream"))}
        return {HERE / "values.txt": self.values(), HERE / "records.txt": self.records(), HERE / "state.txt": kept,
                HERE / "after.txt": after, **plans}


def differences(golden):
    """Lines that say what is not as it is written down."""
    with tempfile.TemporaryDirectory() as folder:
        files = golden.files(pathlib.Path(folder) / "data")
        continued = golden.continued(pathlib.Path(folder) / "loaded")
    said = []
    for path, text in files.items():
        was = path.read_text(encoding="utf-8") if path.exists() else ""
        said += difflib.unified_diff(compared(path, was), compared(path, text), str(path.relative_to(HERE)),
                                     "this version", lineterm="", n=0)
    said += difflib.unified_diff((HERE / "after.txt").read_text(encoding="utf-8").splitlines(), continued.splitlines(),
                                 "after.txt", "after a run on state.txt", lineterm="", n=0)
    return said


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("streamd")
    parser.add_argument("golden")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    golden = Golden(options.streamd, options.golden)
    if options.write:
        with tempfile.TemporaryDirectory() as folder:
            for path, text in golden.files(pathlib.Path(folder) / "data").items():
                path.write_text(text, encoding="utf-8")
        return 0
    said = differences(golden)
    print("\n".join(said), end="\n" if said else "")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
