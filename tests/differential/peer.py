"""Kafka Streams in one JVM: its jars, each named in checksums.sha256, the program in java/, and the talk to it."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
POM, CHECKSUMS = HERE / "pom.xml", HERE / "checksums.sha256"
PINNED = HERE.parent.parent / "tools" / "kafka" / "pom.xml"
VERSION = re.search(r"<kafka.version>(.+)</kafka.version>", PINNED.read_text(encoding="utf-8"))[1]
CACHES = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
JARS = CACHES / "streamd" / f"kafka-streams-{VERSION}"
# Thousands of short topologies: a small heap and a collector without threads of its own.
JAVA = ("java", "-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


class Trouble(Exception):
    """What the user has to know, as text."""


def sums_of(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.glob("*.jar"))}


def fetch_into(folder):
    if not shutil.which("mvn") or not shutil.which("javac"):
        raise Trouble("Kafka Streams needs Java and Maven: `./dev test` installs both")
    print(f"fetching Kafka Streams {VERSION} through Maven, once", file=sys.stderr)
    command = ["mvn", "-B", "-q", "-Dstyle.color=never", "-f", str(POM), f"-Dkafka.version={VERSION}",
               "org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies",
               "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    for _ in range(3):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
    raise Trouble(f"Maven could not fetch Kafka Streams:\n{(done.stdout + done.stderr).strip()[:2000]}")


def write_checksums():
    shutil.rmtree(JARS, ignore_errors=True)
    fetch_into(JARS)
    CHECKSUMS.write_text("".join(f"{s}  {n}\n" for n, s in sums_of(JARS).items()), encoding="utf-8")
    print(f"wrote {CHECKSUMS} for Kafka Streams {VERSION}: read the difference before you commit it")


def verified_jars():
    want = dict(reversed(line.split()) for line in CHECKSUMS.read_text(encoding="utf-8").splitlines())
    if not JARS.is_dir():
        new = JARS.with_name(f"{JARS.name}.new-{os.getpid()}")
        try:
            fetch_into(new)
            if sums_of(new) == want:
                new.rename(JARS)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    if not JARS.is_dir() or sums_of(JARS) != want:
        raise Trouble(f"Kafka Streams {VERSION} is not what {CHECKSUMS} says, so it is not run. If the cache is "
                      f"damaged, remove {JARS}. If the version was changed on purpose, run run.py "
                      "--checksums and commit it.")
    return [str(JARS / name) for name in sorted(want)]


def classes(build, jars):
    """The program, compiled if its source is newer."""
    target = build / "differential"
    sources = sorted((HERE / "java").rglob("*.java"))
    done = target / "done"
    if not done.exists() or done.stat().st_mtime < max(p.stat().st_mtime for p in [*sources, CHECKSUMS]):
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        made = subprocess.run(["javac", "-Xlint:all", "-Werror", "-d", target, "-cp", ":".join(jars), *sources],
                              capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise Trouble(made.stderr)
        done.touch()
    return str(target)


class Peer:
    """The JVM. A case goes in as a line, what came out for each of its records comes back as one."""

    def __init__(self, build, folder):
        jars = verified_jars()
        self.log = (pathlib.Path(folder) / "java.log").open("wb")
        self.child = subprocess.Popen([*JAVA, "-cp", ":".join([classes(build, jars), *jars]),
                                       "streamd.differential.Main", str(pathlib.Path(folder) / "state")],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.wait(timeout=60)
        self.child.stdout.close()
        self.log.close()

    def run(self, case):
        self.child.stdin.write(json.dumps({"nodes": case.nodes, "records": case.records}) + "\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            raise Trouble(f"the JVM ended with {self.child.wait(60)}")
        result = json.loads(line)
        return result["error"] if isinstance(result, dict) else result
