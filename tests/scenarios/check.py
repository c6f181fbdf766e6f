#!/usr/bin/env python3
"""check.py STREAMD [--write]: failing tests, what is said of them, and what --update makes of them; see README.md."""
import difflib
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def run(streamd, folder, *arguments):
    done = subprocess.run([streamd, "test", *arguments], cwd=folder, capture_output=True, text=True, timeout=30,
                          check=False)
    return done.returncode, done.stdout + done.stderr


def differences(path, got):
    want = path.read_text(encoding="utf-8") if path.exists() else ""
    return "".join(difflib.unified_diff(want.splitlines(True), got.splitlines(True), path.name, "what came"))


def check(streamd, path, write):
    """What is wrong, as text."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, path.name)
        shutil.copy(path, file)
        file.chmod(0o640)
        code, said = run(streamd, folder, path.name)
        if code != 1:
            return f"its tests should fail, and it ended with {code}\n"
        code, line = run(streamd, folder, "--update", path.name)
        if code != 0 or "updated" not in line:
            return f"--update ended with {code}: {line}"
        updated = file.read_text(encoding="utf-8")
        code, line = run(streamd, folder, path.name)
        if code != 0:
            return f"after --update: {line}"
        if stat.S_IMODE(file.stat().st_mode) != 0o640 or [p.name for p in file.parent.iterdir()] != [file.name]:
            return "the file's rights changed, or something was left beside it\n"
        run(streamd, folder, "--update", path.name)
        if file.read_text(encoding="utf-8") != updated:
            return "a second --update changed the file again\n"
    if write:
        path.with_suffix(".said").write_text(said, encoding="utf-8")
        path.with_suffix(".updated").write_text(updated, encoding="utf-8")
    return differences(path.with_suffix(".said"), said) + differences(path.with_suffix(".updated"), updated)


def main():
    streamd, write = str(pathlib.Path(sys.argv[1]).resolve()), "--write" in sys.argv[2:]
    failed, paths = 0, sorted(HERE.glob("*.stream"))
    for path in paths:
        wrong = check(streamd, path, write)
        if wrong:
            failed += 1
            print(f"FAIL {path.name}\n{wrong}", end="")
    print(f"{len(paths) - failed} passed, {failed} failed")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
