"""What the check scripts share: which files are ours, how C looks without its comments, how a finding is said."""
import argparse
import os
import pathlib
import re
import sys

SKIPPED = {"build", "target", "streamd-data", "__pycache__", "node_modules"}
C_FILES = (".c", ".h", ".cc")


class House:
    """The tree under check, and what was found wrong in it."""

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.found = []
        self.paths = []
        for folder, names, files in os.walk(self.root):
            names[:] = sorted(n for n in names if n not in SKIPPED and not n.startswith(".") or n == ".ci")
            self.paths += [pathlib.Path(folder, f).relative_to(self.root) for f in sorted(files)]

    def files(self, *suffixes):
        return [p for p in self.paths if p.suffix in suffixes]

    def read(self, path):
        return (self.root / path).read_text(encoding="utf-8", errors="replace")

    def say(self, path, line, text):
        """Note a finding. `text` says what is wrong and what to do instead."""
        self.found.append(f"{path}:{line}: {text}")


def without_comments(text, strings=True):
    """C text with its comments (and the insides of strings) blanked; lines and columns stay where they are."""
    def blank(match):
        if match[0][0] in "\"'":
            return match[0][0] + " " * (len(match[0]) - 2) + match[0][-1] if strings else match[0]
        return re.sub(r"[^\n]", " ", match[0])
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def main(check, description):
    """Run `check(house)` on --root and exit with 1 if it found something."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parent.parent, help="the tree to check")
    house = House(parser.parse_args().root)
    checked = check(house)
    for finding in house.found:
        print(finding)
    print(f"{checked}, {len(house.found)} findings", file=sys.stderr)
    sys.exit(1 if house.found else 0)
