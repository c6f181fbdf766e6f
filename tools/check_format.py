#!/usr/bin/env python3
"""Check that clang-format would change nothing; with --fix, let it. Its configuration is .clang-format."""
import subprocess
import sys

import house

# The public headers are pages that people read: their declarations are aligned by hand.
BY_HAND = ("include/streamd",)


def check(tree):
    files = [p for p in tree.files(*house.C_FILES) if not any(p.is_relative_to(f) for f in BY_HAND)]
    if FIX:
        for at in range(0, len(files), 50):
            subprocess.run(["clang-format", "-i", *files[at:at + 50]], cwd=tree.root, check=True)
        return f"{len(files)} files formatted"
    for path in files:
        done = subprocess.run(["clang-format", path], cwd=tree.root, capture_output=True, check=True)
        want, have = done.stdout.decode(errors="replace").splitlines(), tree.read(path).splitlines()
        if want != have:
            line = next((i for i, (w, h) in enumerate(zip(want, have), 1) if w != h), min(len(want), len(have)))
            tree.say(path, line, "clang-format would write this differently; run `./dev fmt`")
    return f"{len(files)} files"


FIX = "--fix" in sys.argv
if FIX:
    sys.argv.remove("--fix")

if __name__ == "__main__":
    house.main(check, __doc__)
