#!/usr/bin/env python3
"""Run every test of this repository, or those with one of the given NAMEs in them; `./dev test` is its front.

    test.py [NAME …]        lint           all house rules            window          steps and files with `window`
                            unit_base      one CUnit program          kafka           what runs against Kafka
                            asan           all under the address and undefined-behaviour sanitizers; so tsan
                            tsan/integration       every suite of tests/integration with the thread sanitizer
    test.py --list          the steps that a run without NAME has

A step is a line with its time and count; its log is build/test-logs/STEP.log, the end of which is shown if it fails.
Steps are found by what is there: house rules in tools/check_*.py, CUnit programs build/unit_*, the inputs of fuzzers
through build/corpus_*, seeds of tests/simulator and tests/differential, programs that use the installed library in
tests/embed, text cases in tests/cases, tests/errors, tests/conformance and examples, conformance vectors in
../shared/vectors, suites in tests/integration (on the embedded log and on Kafka), twenty rounds of tests/chaos, tests
of scripts. The last line is
`N passed, N failed`; exit 1 if any failed.
"""
import argparse
import concurrent.futures
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
LOGS = BUILD / "test-logs"
VECTORS = pathlib.Path(os.environ.get("STREAMD_VECTORS", ROOT.parent / "shared" / "vectors"))
NOT_YET = ROOT / "tests" / "vectors_not_yet.txt"
SANITIZERS = {
    "asan": {"ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
             "UBSAN_OPTIONS": "print_stacktrace=1", "LSAN_OPTIONS": "print_suppressions=0"},
    "tsan": {"TSAN_OPTIONS": "halt_on_error=1:atexit_sleep_ms=0:second_deadlock_stack=1:allocator_may_return_null=1"},
}
TSAN_ALWAYS = ("test_run", "test_share")  # The others with the thread sanitizer: `test.py tsan/integration`.
TSAN_PROGRAMS = ("unit_", "embed")  # Those with threads; the rest: `test.py tsan/cases` and so on.
LANES = max(2, os.cpu_count() or 2)
TAIL = 40


@dataclass
class Step:
    """Commands that run one after another, and how to count their output: count(text, code) -> (passed, failed)."""

    name: str
    commands: list
    count: callable
    env: dict = field(default_factory=dict)
    limit_s: int = 300
    seconds: float = 0.0


# --- how many passed and failed -----------------------------------------------------------------------------------


NEXMARK = ROOT / "tests/nexmark/check.py"
NEXMARK_EVENTS = BUILD / "bench/bench_generate"
BATCHES = ("2", "7", "1024")  # of records: results must not depend on them; 1 is how the cases run by themselves


def by_exit(text, code):
    return (1, 0) if code == 0 else (0, 1)


def checked(passed, failed, code):
    """A program that fails without a failed test, or runs none, has failed all the same."""
    if failed == 0 and (code != 0 or passed == 0):
        failed = 1
    return passed, failed


def by_cunit(text, code):
    rows = re.findall(r"^\s*tests\s+\d+\s+(?:\d+|n/a)\s+(\d+|n/a)\s+(\d+)", text, flags=re.M)
    return checked(sum(int(p) for p, _ in rows if p != "n/a"), sum(int(f) for _, f in rows), code)


def by_unittest(text, code):
    ran = sum(map(int, re.findall(r"^Ran (\d+) tests? in", text, flags=re.M)))
    bad = sum(map(int, re.findall(r"(?:failures|errors|unexpected successes)=(\d+)",
                                  " ".join(re.findall(r"^FAILED \(.*\)$", text, flags=re.M)))))
    skipped = sum(map(int, re.findall(r"^(?:OK|FAILED) \(.*?skipped=(\d+)", text, flags=re.M)))
    # A suite that is not for this log skips itself whole; that is no failure.
    return (0, 0) if code == 0 and ran and ran == skipped else checked(max(ran - bad - skipped, 0), bad, code)


def by_summary(text, code):
    """`N passed, N failed` lines of streamd test; a file without one counts by its exit code."""
    rows = re.findall(r"(\d+) passed, (\d+) failed", text)
    return checked(*(sum(int(r[i]) for r in rows) for i in (0, 1)), code) if rows else by_exit(text, code)


def by_vectors(text, code):
    """Vectors that fail are those in tests/vectors_not_yet.txt, no more and no fewer. Says what differs."""
    listed = set()
    if NOT_YET.exists():
        rows = NOT_YET.read_text(encoding="utf-8").splitlines()
        listed = {r.partition("#")[0].strip() for r in rows} - {""}
    failing = {m[1]: m[0] for m in re.finditer(r"^FAIL (.+?) \([^()]*\): .*$", text, flags=re.M)}
    summary = re.search(r"^(\d+) passed, (\d+) failed", text, flags=re.M)
    if not summary or int(summary[2]) < len(failing):
        return 0, 1
    surprises = [line for name, line in failing.items() if name not in listed]
    surprises += [f"FAIL {n}: passes, or is gone; drop it from {NOT_YET.name}" for n in sorted(listed - failing.keys())]
    return int(summary[1]), surprises


# --- running ------------------------------------------------------------------------------------------------------


class Runner:
    def __init__(self):
        self.passed = self.failed = 0
        self.said = threading.Lock()
        self.groups = set()  # Process groups that run now.

    def command(self, command, env, limit_s, log):
        """Run one command in a process group of its own, so that all it started ends with it. Returns its exit code."""
        log.write(f"$ {' '.join(map(str, command))}\n")
        log.flush()
        child = subprocess.Popen(list(map(str, command)), cwd=ROOT, env=os.environ | env, stdin=subprocess.DEVNULL,
                                 stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        self.groups.add(child.pid)
        try:
            return child.wait(timeout=limit_s)
        except subprocess.TimeoutExpired:
            log.write(f"\ntest.py: not done after {limit_s} s, so it was killed\n")
            return -signal.SIGKILL
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            self.groups.discard(child.pid)

    def run(self, step):
        """Run a step, print its line, add its counts. Returns whether it passed."""
        path = LOGS / (re.sub(r"[^\w.-]", "-", step.name) + ".log")
        begun, passed, failed, surprises = time.monotonic(), 0, 0, []
        with path.open("w+", encoding="utf-8", errors="replace") as log:
            for command in step.commands:
                start = log.seek(0, os.SEEK_END)
                code = self.command(command, step.env, step.limit_s, log)
                log.seek(start)
                good, bad = step.count(log.read(), code)
                surprises += bad if isinstance(bad, list) else []
                passed, failed = passed + good, failed + (len(bad) if isinstance(bad, list) else bad)
            log.seek(0, os.SEEK_END)
            log.writelines(s + "\n" for s in surprises)
        step.seconds = time.monotonic() - begun
        with self.said:
            self.passed += passed
            self.failed += failed
            counts = f"{passed} passed" + (f", {failed} failed" if failed else "") if passed + failed else "skipped"
            print(f"{'FAIL' if failed else 'ok':5}{step.seconds:7.1f} s  {step.name}  ({counts})", flush=True)
            if failed:
                text = path.read_text(encoding="utf-8", errors="replace").splitlines()
                print(*(f"      | {line[:200]}" for line in text[-TAIL:]), f"      the whole of it: {path}", sep="\n",
                      flush=True)
        return failed == 0

    def lanes(self, steps, lanes):
        with concurrent.futures.ThreadPoolExecutor(max(1, lanes)) as pool:
            return all(list(pool.map(self.run, steps)))

    def end(self):
        for group in list(self.groups):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


# --- which steps there are ----------------------------------------------------------------------------------------


def lint_steps():
    for script in sorted((ROOT / "tools").glob("check_*.py")):
        yield Step(f"lint/{script.stem.removeprefix('check_')}", [[sys.executable, script]], by_exit)


def script_steps():
    for path in sorted([*ROOT.glob("tests/tools/test_*.py"), *ROOT.glob("bench/test_*.py")]):
        yield Step(f"tools/{path.stem}", [suite(path)], by_unittest)


def suite(path):
    return [sys.executable, "-m", "unittest", "discover", "-v", "-s", path.parent, "-p", path.name]


def build_step(preset):
    folder = BUILD if preset == "dev" else BUILD / preset
    command = f"cmake --build --preset {preset}"
    if not (folder / "build.ninja").exists() or \
            (ROOT / "CMakePresets.json").stat().st_mtime > (folder / "build.ninja").stat().st_mtime:
        command = f"cmake --preset {preset} && touch '{folder}/build.ninja' && {command}"
    return Step("build" if preset == "dev" else f"{preset}/build", [["sh", "-c", command]], by_exit, limit_s=1800)


def programs(folder, prefix):
    """What the build makes of that name; an older program that it no longer makes is not run."""
    done = subprocess.run(["ninja", "-C", folder, "-t", "targets", "all"], capture_output=True, text=True, check=False)
    names = sorted(set(re.findall(rf"^({prefix}\w+): ", done.stdout, flags=re.M)))
    return [folder / n for n in names if os.access(folder / n, os.X_OK) and (folder / n).is_file()]


def case_commands(streamd, path):
    """How to run a text case; an example without tests is only compiled."""
    beside = sorted(path.parent.glob(path.stem + ".test"))
    has_tests = beside or re.search(r'^\s*test\s+"', path.read_text(encoding="utf-8"), flags=re.M)
    if path.is_relative_to(ROOT / "examples") and not has_tests:
        return [streamd, "check", path.relative_to(ROOT)]
    return [streamd, "test", path.relative_to(ROOT), *(b.relative_to(ROOT) for b in beside)]


def text_steps(streamd, names):
    """A step per folder of text cases. A NAME may also choose files."""
    folders = {}
    for top in ("tests/cases", "tests/conformance", "examples"):
        for path in sorted((ROOT / top).rglob("*.stream")):
            folders.setdefault(path.parent, []).append(path)
    for folder, paths in folders.items():
        name = str(folder.relative_to(ROOT)).removeprefix("tests/")
        if names and not any(n in name for n in names):
            paths = [p for p in paths if any(n in str(p.relative_to(ROOT)) for n in names)]
        if paths:
            yield Step(name, [case_commands(streamd, p) for p in paths], by_summary, limit_s=120)
    if not names or any(n in "batches" for n in names):
        everything = [p for paths in folders.values() for p in paths]
        yield Step("batches", [[streamd, "test", "--batch", size, *everything] for size in BATCHES], by_summary,
                   limit_s=120)


def product_steps(folder, names):
    """The tests of one build: programs, text cases, vectors."""
    streamd = folder / "streamd"
    for program in programs(folder, "unit_"):
        yield Step(program.name, [[program]], by_cunit)
    for program in programs(folder, "corpus_"):
        corpus = pathlib.Path("tests/fuzz/corpus") / program.name.removeprefix("corpus_")
        yield Step(f"fuzz/{corpus.name}", [[program, corpus]], by_summary, limit_s=60)
    if (folder / "simulator").exists():
        seeds = "1000" if folder == BUILD else "100"
        yield Step("simulator", [[sys.executable, ROOT / "tests/simulator/check.py", folder / "simulator", "--seeds",
                                  seeds]], by_summary)
    if streamd.exists():
        yield Step("embed", [suite(ROOT / "tests/embed/test_embed.py")], by_unittest, {"STREAMD_BUILD": str(folder)})
        yield from text_steps(streamd, names)
        if (ROOT / "tests/errors/check.py").exists():
            yield Step("errors", [[sys.executable, ROOT / "tests/errors/check.py", streamd]], by_summary, limit_s=120)
        yield Step("corpora", [[sys.executable, ROOT / "tests/corpora/check.py", streamd]], by_summary)
        yield Step("chaos/checker", [suite(ROOT / "tests/chaos/test_checker.py")], by_unittest,
                   {"TEST_BIN": str(streamd)})
        yield Step("scenarios", [[sys.executable, ROOT / "tests/scenarios/check.py", streamd]], by_summary)
        yield Step("reference/examples", [[sys.executable, ROOT / "tests/reference/check.py", streamd]], by_summary)
        yield Step("reference/pages", [[sys.executable, ROOT / "tools/make_reference.py", "--check", "--streamd",
                                        streamd]], by_exit)
        if NEXMARK_EVENTS.exists():
            yield Step("nexmark/pipe", [[sys.executable, NEXMARK, streamd]], by_summary)
        yield Step("differential", [[sys.executable, ROOT / "tests/differential/run.py", "--streamd", streamd]],
                   by_summary)
        if (VECTORS / "run_vectors.py").exists():
            yield Step("vectors", [[sys.executable, VECTORS / "run_vectors.py", "--streamd", streamd]], by_vectors,
                       limit_s=900)


def integration_steps(log, bootstrap="", preset="dev"):
    folder = BUILD if preset == "dev" else BUILD / preset
    if (folder / "streamd").exists():
        for path in sorted(ROOT.glob("tests/integration/test_*.py")):
            env = {"TEST_BIN": str(folder / "streamd"), "TEST_LOG": log, "TEST_BOOTSTRAP": bootstrap}
            yield Step(f"integration/{log}/{path.stem}", [suite(path)], by_unittest, env, limit_s=900)
        command = [sys.executable, NEXMARK, folder / "streamd", "--log", log, "--bootstrap", bootstrap]
        yield Step(f"nexmark/{log}", [command], by_summary)


def chaos_step():
    """Alone, after all others: it kills brokers and members, and waits for what becomes of it."""
    command = [sys.executable, ROOT / "tests/chaos/chaos.py", "--rounds", "20", "--seed", "1"]
    return Step("chaos/rounds", [command], by_summary, limit_s=900)


def chosen(steps, names):
    """The steps with a NAME in their name, or in that of a text case (the relative paths among their words)."""
    def texts(step):
        yield step.name
        yield from (str(w) for c in step.commands for w in c if isinstance(w, pathlib.Path) and not w.is_absolute())

    return [s for s in steps if not names or any(n in t for n in names for t in texts(s))]


def fixed_addresses():
    """The kernel's address randomisation can be too wide for gcc's thread sanitizer ("unexpected memory mapping"), so
    what it looks at runs without, where that is allowed."""
    prefix = ["setarch", "-R"]
    return prefix if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0 else []


def preset_steps(preset, names):
    steps = product_steps(BUILD / preset, names)
    return steps if preset != "tsan" or names else (s for s in steps if s.name.startswith(TSAN_PROGRAMS))


def sanitized(preset, steps, prefix):
    """The steps, for a sanitizer's build."""
    env = dict(SANITIZERS[preset])
    for tool in env:  # What libraries do wrong is listed in tests/lsan.supp and tests/tsan.supp.
        known = ROOT / "tests" / f"{tool[:4].lower()}.supp"
        if known.exists():
            env[tool] += f":suppressions={known}"
    for step in steps:
        step.name, step.env, step.limit_s = f"{preset}/{step.name}", step.env | env, step.limit_s * 3
        step.commands = [[*prefix, *c] for c in step.commands]
        yield step


def tsan_integration(log, bootstrap, names, prefix):
    """The integration suites with the thread sanitizer: those of TSAN_ALWAYS, or those of `tsan/integration/NAME`."""
    steps = sanitized("tsan", integration_steps(log, bootstrap, "tsan"), prefix)
    asked = [n for n in names if n.startswith("tsan/integration") or n.startswith("tsan/nexmark")]
    return chosen(list(steps), asked or [f"tsan/integration/{log}/{suite}" for suite in TSAN_ALWAYS])


# --- the whole ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def kafka(runner):
    """The address of a running Kafka: the one that runs here, or one that is started and stopped. None: it fails."""
    control = [sys.executable, ROOT / "tools" / "kafka.py"]
    here = subprocess.run([*control, "status"], capture_output=True, text=True, check=False)
    started = here.returncode != 0
    if started:
        step = Step("kafka/start", [[*control, "start", "--port", "0"]], by_exit, limit_s=600)
        # In a session of its own the broker outlives the step's process group, and stop ends it by its pid.
        if not runner.run(step):
            yield None
            return
        here = subprocess.run([*control, "status"], capture_output=True, text=True, check=False)
    try:
        yield re.search(r"^bootstrap (\S+)", here.stdout, flags=re.M)[1]
    finally:
        if started:
            subprocess.run([*control, "stop"], capture_output=True, check=False)


def run_integration(runner, steps):
    """The suites of the embedded log one by one, beside them those of Kafka, two at a time: most of their time they
    wait for a group or a session. steps(log, bootstrap) gives those of a log."""
    def lane(log):
        if log == "embedded":
            return runner.lanes(steps(log, ""), 1)
        if not steps(log, ""):
            return True
        with kafka(runner) as bootstrap:
            return bootstrap is not None and runner.lanes(steps(log, bootstrap), 2)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lane, ("kafka", "embedded")))


def run_all(runner, names):
    static = chosen([*lint_steps(), *script_steps()], names)
    if names and all(n.startswith(("lint", "tools")) for n in names):
        runner.lanes(static, LANES)
        return
    presets = [p for p in SANITIZERS if not names or any(n.startswith(p) for n in names)]
    plain = [n for n in names if not n.startswith(tuple(SANITIZERS))]
    if plain or not names:
        if runner.run(build_step("dev")):
            runner.lanes(static + chosen(list(product_steps(BUILD, plain)), plain), LANES)
            run_integration(runner, lambda log, bootstrap: chosen(list(integration_steps(log, bootstrap)), plain))
            runner.lanes(chosen([chaos_step()], plain), 1)
        else:
            runner.lanes(static, LANES)
            return
    prefix = fixed_addresses()
    ready = [p for p in presets if runner.run(build_step(p))]
    wanted = [n.partition("/")[2] for n in names if n.startswith(tuple(SANITIZERS))]
    wanted = [] if "" in wanted else wanted
    runner.lanes([s for p in ready for s in chosen(
        list(sanitized(p, preset_steps(p, wanted), prefix)), wanted)], LANES)
    if "tsan" in ready and (not wanted or any(w.startswith(("integration", "nexmark")) for w in wanted)):
        run_integration(runner, lambda log, bootstrap: tsan_integration(log, bootstrap, names, prefix))


def list_steps():
    steps = [build_step("dev"), *lint_steps(), *script_steps(), *product_steps(BUILD, []),
             *integration_steps("embedded"), *integration_steps("kafka"), chaos_step()]
    for preset in SANITIZERS:
        steps += [build_step(preset), *sanitized(preset, preset_steps(preset, []), [])]
    for log in ("embedded", "kafka"):
        steps += tsan_integration(log, "", [], [])
    print(*(s.name for s in steps), sep="\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    if args.list:
        list_steps()
        return 0
    LOGS.mkdir(parents=True, exist_ok=True)
    runner, begun = Runner(), time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        run_all(runner, args.names)
    except BaseException:
        runner.end()
        raise
    if runner.passed + runner.failed == 0:
        print(f"no step has {' or '.join(args.names)} in its name; ./dev test --list shows those that there are")
        runner.failed = 1
    minutes, seconds = divmod(round(time.monotonic() - begun), 60)
    print(f"in {minutes} min {seconds} s")
    print(f"{runner.passed} passed, {runner.failed} failed", flush=True)
    return 1 if runner.failed else 0


if __name__ == "__main__":
    sys.exit(main())
