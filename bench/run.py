#!/usr/bin/env python3
"""Measure streamd beside Kafka Streams and a hand-written floor: the same events, broker, works and end.

    ./dev bench [--records N] [--only WORK] [--engines A,B] [--guarantee G] [--repeat N]

Each engine runs alone, one after the other. It is started on an empty output topic as a new application,
watched from outside (bench/watch.c) until its committed offsets reach the input's end, and ended with
SIGTERM. CPU and peak memory are what wait4() says of its process. What the engines wrote must be the same, or
the run fails.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
WORKS = ("filter", "map", "count")
ENGINES = ("floor", "kafka-streams", "streamd")
EXACTLY, AT_LEAST = "exactly_once", "at_least_once"
INPUT = "bids"
THREADS = "2"
STOP_S = 60
MEASURED = ("cpu_us_per_record", "records_per_second", "first_result_ms", "peak_rss_mb")
# 4 GiB are well above what is used; of Java's collectors the parallel one takes the least CPU for `count`.
JAVA = ("java", "-Xms1g", "-Xmx4g", "-XX:+UseParallelGC")


class Trouble(Exception):
    """What the user has to know, as text."""


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def output_of(*command):
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip()[-2000:]
        raise Trouble(f"{pathlib.Path(command[0]).name} failed:\n{words}")
    return done.stdout.strip()


# --- what has to be there ---------------------------------------------------------------------------------


class Kafka:
    """The broker at --bootstrap, or the one that `./dev kafka` runs, or one of the benchmark's own; its data
    is kept, so that the events are made once."""

    def __init__(self, build, given):
        self.build = build
        self.bootstrap = given
        self.folder = None

    def __enter__(self):
        if self.bootstrap:
            return self
        running = subprocess.run([ROOT / "dev", "kafka", "status"], capture_output=True, text=True,
                                 check=False)
        if running.returncode == 0:
            text = running.stdout
        else:
            self.folder = self.build / "bench" / "kafka"
            text = output_of(ROOT / "dev", "kafka", "start", "--keep", "--port", "0", "--dir",
                             self.folder)
        self.bootstrap = re.search(r"^bootstrap (\S+)", text, re.M)[1].split(",", maxsplit=1)[0]
        return self

    def __exit__(self, *_):
        if self.folder:
            output_of(ROOT / "dev", "kafka", "stop", "--dir", self.folder)


def build_kafka_streams(build):
    """The peer's program as a class path; Maven builds it again only if its source is newer."""
    source, target = HERE / "peers" / "kafka-streams", build / "bench" / "kafka-streams"
    pinned = ROOT / "tools" / "kafka" / "pom.xml"
    version = re.search(r"<kafka.version>(.+)</kafka.version>", pinned.read_text(encoding="utf-8"))[1]
    jar = target / "bench.jar"
    newest = max(p.stat().st_mtime for p in [pinned, *source.rglob("*")] if p.is_file())
    if not jar.exists() or jar.stat().st_mtime < newest:
        if not shutil.which("mvn"):
            raise Trouble("Kafka Streams needs Maven; without it: --engines floor,streamd")
        say(f"building Kafka Streams {version}'s program")
        shutil.rmtree(target, ignore_errors=True)
        output_of("mvn", "-B", "-q", "-Dstyle.color=never", "-f", source / "pom.xml",
                  f"-Dkafka.version={version}", f"-Dbench.build={target}", "package")
    return f"{jar}:{target / 'lib'}/*"


# --- one run ----------------------------------------------------------------------------------------------


class Bench:
    def __init__(self, args, bootstrap):
        self.args = args
        self.bootstrap = bootstrap
        self.programs = args.build / "bench"
        self.runs = args.build / "bench" / "run"
        self.java = build_kafka_streams(args.build) if "kafka-streams" in args.engines else None

    def tool(self, name, *arguments):
        return output_of(self.programs / f"bench_{name}", *arguments)

    def command(self, work, engine, guarantee, application, output):
        """The engine's own process: nothing between us and it, so that wait4() speaks of it alone."""
        state = self.runs / application
        if engine == "floor":
            return [self.programs / "bench_floor", work, self.bootstrap, application, INPUT, output]
        if engine == "kafka-streams":
            return [*JAVA, "-cp", self.java, "streamd.bench.Main", work, self.bootstrap, application,
                    guarantee, INPUT, output, state]
        # A file without `application` is named after itself, so a copy is a new application.
        topology = self.runs / f"{application}.stream"
        shutil.copyfile(HERE / "topologies" / f"{work}.stream", topology)
        return [self.args.build / "streamd", "run", topology, "--bootstrap", self.bootstrap, "--guarantee",
                guarantee, "--threads", THREADS, "--state-dir", state]

    def run(self, work, engine, guarantee):
        """One engine once: the figures, and (count, checksum) of what it wrote."""
        application = f"bench_{work}_{engine.replace('-', '_')}_{time.time_ns() // 1000000}"
        output = f"bench-{work}"
        self.tool("topics", "recreate", self.bootstrap, output)
        command = [str(c) for c in self.command(work, engine, guarantee, application, output)]
        log_path = self.runs / f"{work}-{engine}.log"
        with log_path.open("wb") as log, subprocess.Popen(
                [self.programs / "bench_watch", "wait", self.bootstrap, application, INPUT, output],
                stdout=subprocess.PIPE, text=True) as watch:
            seen = {}
            try:
                if not watch.stdout.readline().startswith("ready"):
                    raise Trouble("bench_watch failed")
                # `update` takes the lines as they come, so `seen` fills while the engine runs.
                reader = threading.Thread(daemon=True, target=lambda: seen.update(
                    line.split() for line in watch.stdout))
                begun = time.monotonic_ns()
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                           cwd=self.runs)
                reader.start()
                usage = self.wait(process, seen, f"{engine}, {work}", log_path, watch)
                watch.wait()
                reader.join()
            finally:
                if watch.poll() is None:
                    watch.kill()
        count, checksum = self.tool("watch", "sum", self.bootstrap, output).split()
        self.tool("topics", "forget", self.bootstrap, f"{application}-")
        shutil.rmtree(self.runs / application, ignore_errors=True)
        (self.runs / f"{application}.stream").unlink(missing_ok=True)

        seconds = (int(seen["done"]) - begun) / 1e9
        cpu = usage.ru_utime + usage.ru_stime
        figures = {
            "work": work, "engine": engine, "guarantee": guarantee, "records": self.args.records,
            "cpu_us_per_record": round(cpu * 1e6 / self.args.records, 3),
            "records_per_second": round(self.args.records / seconds),
            "first_result_ms": round((int(seen["first"]) - begun) / 1e6) if "first" in seen else None,
            "peak_rss_mb": round(usage.ru_maxrss / 1024, 1),
        }
        return figures, (int(count), checksum)

    def wait(self, process, seen, name, log_path, watch):
        """Until the input is done; then the engine's end. Returns what it used."""
        def trouble(what):
            tail = log_path.read_text(encoding="utf-8", errors="replace").strip()[-2000:]
            return Trouble(f"{name}: {what}; the end of {log_path}:\n{tail}")

        until = time.monotonic() + self.args.timeout
        try:
            while "done" not in seen:
                pid, status, _ = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    process.returncode = os.waitstatus_to_exitcode(status)
                    raise trouble(f"ended before its input did, with {process.returncode}")
                if watch.poll() is not None and "done" not in seen:
                    raise trouble("bench_watch failed")
                if time.monotonic() > until:
                    raise trouble(f"is not done within {self.args.timeout} s")
                time.sleep(0.005)
            process.send_signal(signal.SIGTERM)
            until = time.monotonic() + STOP_S
            while True:
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    break
                if time.monotonic() > until:
                    raise trouble(f"does not end within {STOP_S} s of SIGTERM")
                time.sleep(0.002)
        except BaseException:
            if process.returncode is None:
                process.kill()
                process.wait()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        # Java ends with 143 after its shutdown hooks; anything else is a failure that was not seen above.
        if process.returncode not in (0, 128 + signal.SIGTERM):
            raise trouble(f"ended with {process.returncode}")
        return usage


# --- all of them ------------------------------------------------------------------------------------------


def variants(args):
    """(engine, guarantee) in the order of the runs; the floor has one guarantee only."""
    for engine in args.engines:
        for guarantee in (AT_LEAST,) if engine == "floor" else args.guarantee:
            yield engine, guarantee


def middle(runs):
    """One row of several runs: the median of each figure."""
    row = dict(runs[0])
    for name in MEASURED:
        values = [r[name] for r in runs if r[name] is not None]
        row[name] = statistics.median(values) if values else None
    return row


def measure(args, bench):
    rows, same = [], True
    for work in args.only or WORKS:
        runs, wrote = {}, {}
        for turn in range(args.repeat):
            for engine, guarantee in variants(args):
                say(f"{work}, {engine}, {guarantee}" + (f", run {turn + 1}" if args.repeat > 1 else ""))
                figures, result = bench.run(work, engine, guarantee)
                runs.setdefault((engine, guarantee), []).append(figures)
                wrote.setdefault(result, []).append(f"{engine} ({guarantee})")
                say(f"  {figures['cpu_us_per_record']} us CPU a record, "
                    f"{figures['records_per_second']:,} records/s, {result[0]} results")
        if len(wrote) > 1:
            same = False
            for (count, checksum), names in wrote.items():
                say(f"{work}: {count} results, checksum {checksum}: {', '.join(names)}")
        rows += [middle(r) for r in runs.values()]
    return rows, same


def table(rows):
    """CPU is compared, not speed: on a machine of two cores the broker and the engines share them."""
    lines = [("work", "engine", "guarantee", "us CPU/record", "records/s", "first ms", "peak MB", "x floor",
              "x KS")]
    for row in rows:
        def times(engine, row=row):
            other = [r for r in rows if (r["work"], r["engine"]) == (row["work"], engine)]
            # Kafka Streams may be there twice: like is compared with like.
            other = [r for r in other if r["guarantee"] == row["guarantee"]] or other
            return f"{row['cpu_us_per_record'] / other[0]['cpu_us_per_record']:.2f}" if other else "-"

        lines.append((row["work"], row["engine"], row["guarantee"], f"{row['cpu_us_per_record']:.2f}",
                      f"{row['records_per_second']:,.0f}",
                      "-" if row["first_result_ms"] is None else f"{row['first_result_ms']:.0f}",
                      f"{row['peak_rss_mb']:.0f}", times("floor"), times("kafka-streams")))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        print("  ".join(f"{c:<{w}}" if i < 3 else f"{c:>{w}}"
                        for i, (c, w) in enumerate(zip(line, widths))).rstrip())


def arguments():
    def names(allowed):
        def split(text):
            chosen = tuple(text.split(","))
            if unknown := [n for n in chosen if n not in allowed]:
                raise argparse.ArgumentTypeError(f"{unknown[0]} is none of {', '.join(allowed)}")
            return chosen
        return split

    parser = argparse.ArgumentParser(
        prog="./dev bench", description="Measure streamd beside Kafka Streams and a hand-written floor. "
        f"Works: {', '.join(WORKS)}.")
    parser.add_argument("--records", type=int, default=5_000_000, metavar="N",
                        help="bids to process (default 5000000)")
    parser.add_argument("--seed", type=int, default=1, help="of the events (default 1)")
    parser.add_argument("--only", type=names(WORKS), metavar="WORK[,WORK]", help="these works")
    parser.add_argument("--engines", type=names(ENGINES), metavar="A[,B]",
                        help=f"of {', '.join(ENGINES)} (default all)")
    parser.add_argument("--guarantee", type=names((EXACTLY, AT_LEAST)), default=(EXACTLY,), metavar="G[,G]",
                        help=f"of Kafka Streams and streamd: {EXACTLY} (default), {AT_LEAST}, or both")
    parser.add_argument("--repeat", type=int, default=1, metavar="N",
                        help="runs of each, in turn; medians are shown")
    parser.add_argument("--timeout", type=int, default=900, metavar="S", help="of one run (default 900)")
    parser.add_argument("--bootstrap", metavar="HOST:PORT", help="a broker that already runs")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build",
                        help="where the programs are (build)")
    args = parser.parse_args()
    if args.records < 1 or args.repeat < 1:
        parser.error("--records and --repeat are at least 1")
    args.build = args.build.resolve()
    return args


def main():
    args = arguments()
    if not args.engines:
        args.engines = ENGINES
        if not (args.build / "streamd").exists():
            say("streamd is not built and is left out")
            args.engines = tuple(e for e in ENGINES if e != "streamd")
    try:
        (args.build / "bench" / "run").mkdir(parents=True, exist_ok=True)
        with Kafka(args.build, args.bootstrap) as kafka:
            bench = Bench(args, kafka.bootstrap)
            say(bench.tool("generate", "--bootstrap", kafka.bootstrap, "--records", args.records, "--seed",
                           args.seed))
            rows, same = measure(args, bench)
        (args.build / "bench.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
        table(rows)
        if not same:
            raise Trouble("the engines did not write the same results")
    except Trouble as trouble:
        say(trouble)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
