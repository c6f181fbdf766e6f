#!/usr/bin/env python3
"""Run a real Apache Kafka on this machine, for tests and benchmarks.

    kafka.py start [--brokers N] [--port P] [--keep] [--dir DIR]   prints `bootstrap 127.0.0.1:P`
    kafka.py stop [--dir DIR]                                      ends what start started
    kafka.py status [--dir DIR]                                    exit 0 if all brokers run, else 1
    kafka.py kill N [--dir DIR]                                    kill -9 of broker N
    kafka.py revive N [--dir DIR]                                  start broker N again on its data
    kafka.py tool CLASS [ARGUMENT …]                               a console tool, as TopicCommand
    kafka.py checksums                                             write kafka/checksums.sha256 anew

Broker i of N (1, 2, …) serves clients on port P+i-1 and the other brokers on P+99+i, on loopback only. Every broker is
a controller too. The jars are those of kafka/pom.xml, fetched once through Maven into ~/.cache/streamd and compared
with kafka/checksums.sha256, which names each of them.

Data, logs and pid files are in DIR (build/kafka), a folder per broker. Start wipes them, unless told to --keep.
"""
import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
POM = HERE / "kafka" / "pom.xml"
CHECKSUMS = HERE / "kafka" / "checksums.sha256"
LOG4J = HERE / "kafka" / "log4j2.properties"
VERSION = re.search(r"<kafka.version>(.+)</kafka.version>", POM.read_text(encoding="utf-8"))[1]
CACHES = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
CACHE = CACHES / "streamd" / f"kafka-{VERSION}"
JARS = CACHE / "jars"
CLUSTER = "c3RyZWFtZC10ZXN0cy0wMA"  # Always the same, so that a formatted folder can be made once and copied.
START_S, STOP_S = 180, 20  # One that ends by itself is seen at once; slow is what a machine under load is.
TOOLS = ("", "org.apache.kafka.tools.", "org.apache.kafka.tools.consumer.", "org.apache.kafka.tools.consumer.group.",
         "kafka.tools.")

# A test waits for a group to form and for a dead member to be noticed, so both are quick. What else differs from
# Kafka's defaults is there because one machine needs fewer partitions and smaller buffers than a cluster, and because
# the event times of tests are of 1970, which a retention by time deletes within minutes.
SETTINGS = """\
process.roles=broker,controller
node.id={id}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor={replicas}
min.insync.replicas={in_sync}
offsets.topic.num.partitions=4
offsets.topic.replication.factor={replicas}
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={in_sync}
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={in_sync}
log.retention.ms=-1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
log.cleaner.dedupe.buffer.size=33554432
"""


class Trouble(Exception):
    """What the user has to know, as text."""


# --- the jars -----------------------------------------------------------------------------------------------------


def sums_of(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.glob("*"))}


def fetch_into(folder):
    if not shutil.which("mvn") or not shutil.which("java"):
        raise Trouble("Kafka needs Java and Maven: `./dev kafka start` installs both")
    print(f"fetching Apache Kafka {VERSION} through Maven, once", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    command = ["mvn", "-B", "-q", "-Dstyle.color=never", "-f", str(POM),
               "org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies",
               "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    for attempt in (1, 2, 3):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
    raise Trouble(f"Maven could not fetch Kafka in {attempt} tries:\n{(done.stdout + done.stderr).strip()[:2000]}")


def differences(want, have):
    for name in sorted(want.keys() | have.keys()):
        if name not in have:
            yield f"{name} is missing"
        elif name not in want:
            yield f"{name} is not in {CHECKSUMS.name}"
        elif want[name] != have[name]:
            yield f"{name} has sha256 {have[name]}, not {want[name]}"


def verified_jars():
    """The jars as a class path, fetched if need be. Every start verifies them: it takes a twentieth of a second."""
    want = dict(reversed(line.split()) for line in CHECKSUMS.read_text(encoding="utf-8").splitlines())
    if not JARS.is_dir():
        new = JARS.with_name(f"jars.new-{os.getpid()}")
        try:
            fetch_into(new)
            if not (wrong := list(differences(want, sums_of(new)))):
                new.rename(JARS)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    else:
        wrong = list(differences(want, sums_of(JARS)))
    if wrong:
        raise Trouble(f"Kafka {VERSION} is not what {CHECKSUMS} says, so it is not run:\n  " + "\n  ".join(wrong)
                      + f"\nIf the cache is damaged, remove {CACHE}. If the version was changed on purpose, "
                        "run `./dev kafka checksums` and commit the file.")
    return ":".join(str(JARS / name) for name in sorted(want))


def write_checksums():
    shutil.rmtree(CACHE, ignore_errors=True)
    fetch_into(JARS)
    CHECKSUMS.write_text("".join(f"{s}  {n}\n" for n, s in sums_of(JARS).items()), encoding="utf-8")
    print(f"wrote {CHECKSUMS} for Kafka {VERSION}: read the difference before you commit it")


# --- one broker ---------------------------------------------------------------------------------------------------


class Broker:
    def __init__(self, folder, number):
        self.number = number
        self.folder = folder / f"broker-{number}"
        self.settings = self.folder / "server.properties"
        self.log = self.folder / "server.log"
        self.pid_file = self.folder / "pid"

    def pid(self):
        """The broker's process, or None. A pid that now belongs to another program is not ours."""
        try:
            pid = int(self.pid_file.read_text(encoding="ascii"))
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            state = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except (OSError, ValueError):
            return None
        return pid if str(self.settings).encode() in command and state != "Z" else None

    def format(self, class_path):
        """Make the data folder. Formatting takes a JVM and a second, so it is done once and copied afterwards."""
        model = CACHE / "formatted" / str(self.number)
        if not model.is_dir():
            new = model.with_name(f"{self.number}.new-{os.getpid()}")
            settings = self.settings.with_name("format.properties")
            text = re.sub(r"(?m)^log\.dirs=.*$", f"log.dirs={new}", self.settings.read_text(encoding="utf-8"))
            settings.write_text(text, encoding="utf-8")
            run_java(class_path, "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(settings))
            with contextlib.suppress(OSError):  # Another checkout may have been quicker.
                new.rename(model)
        shutil.copytree(model, self.folder / "data")

    def launch(self, class_path, heap):
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.log.open("wb")
        self.child = subprocess.Popen(
            ["java", f"-Xms{heap}", f"-Xmx{heap}", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
             "-Djava.awt.headless=true", *class_archive(self.number), f"-Dlog4j2.configurationFile={LOG4J}",
             "-cp", class_path, "kafka.Kafka", str(self.settings)],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        log.close()
        self.pid_file.write_text(f"{self.child.pid}\n", encoding="ascii")

    def wait(self, port, until):
        while time.monotonic() < until:
            if self.child.poll() is not None:
                break
            if b"Kafka Server started" in self.log.read_bytes() and answers(port):
                return
            time.sleep(0.03)
        tail = "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise Trouble(f"broker {self.number} did not start; the end of {self.log}:\n{tail}")


def class_archive(number):
    """Options for a shared archive of the loaded classes: with it a start takes 1.8 s, without it 2.9 s (2 cores). The
    first broker that ends normally writes it, which takes that one 4 s; it is valid for one build of Java only."""
    java = pathlib.Path(os.path.realpath(shutil.which("java")))
    modules = java.parent.parent / "lib" / "modules"
    mark = hashlib.sha256(f"{java} {modules.stat().st_mtime_ns if modules.exists() else 0}".encode()).hexdigest()[:12]
    archive = CACHE / f"classes-{mark}.jsa"
    if archive.is_file():
        return [f"-XX:SharedArchiveFile={archive}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
    return [f"-XX:ArchiveClassesAtExit={archive}.new", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"] if number == 1 else []


def keep_class_archive(ended_normally):
    for new in CACHE.glob("classes-*.jsa.new"):
        if ended_normally:
            new.rename(new.with_suffix(""))
        else:
            new.unlink(missing_ok=True)


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False


def run_java(class_path, name, *arguments):
    done = subprocess.run(["java", f"-Dlog4j2.configurationFile={LOG4J}", "-cp", class_path, name, *arguments],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Trouble(f"{name} {' '.join(arguments)} failed:\n{(done.stdout + done.stderr).strip()[:2000]}")


# --- the cluster --------------------------------------------------------------------------------------------------


def load(folder):
    """The cluster in `folder` as start left it: (settings, brokers); ({}, []) if there is none."""
    try:
        cluster = json.loads((folder / "cluster.json").read_text(encoding="utf-8"))
    except OSError:
        return {}, []
    return cluster, [Broker(folder, i + 1) for i in range(len(cluster["ports"]))]


def bootstrap(cluster):
    return ",".join(f"127.0.0.1:{p}" for p in cluster["ports"])


def pick_ports(count, first):
    """Client and controller ports. With 0 the system chooses; they are held together so that they differ."""
    wanted = [first + i for i in range(count)] + [first + 100 + i for i in range(count)] if first else [0] * (2 * count)
    with contextlib.ExitStack() as stack:
        chosen = []
        for port in wanted:
            s = stack.enter_context(socket.socket())
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                raise Trouble(f"port {port} is taken by another program; choose with --port P (0: any)") from None
            chosen.append(s.getsockname()[1])
    return chosen[:count], chosen[count:]


def start(args):
    cluster, brokers = load(args.dir)
    running = [b for b in brokers if b.pid()]
    if running and len(running) == len(brokers) == args.brokers and args.port in (None, 0, cluster["ports"][0]):
        print(f"bootstrap {bootstrap(cluster)}")
        return
    if running:
        raise Trouble(f"another Kafka runs in {args.dir} ({bootstrap(cluster)}); end it with `./dev kafka stop`")
    if args.keep and brokers and len(brokers) != args.brokers:
        raise Trouble(f"the data to keep in {args.dir} is of {len(brokers)} brokers, not {args.brokers}")
    class_path = verified_jars()
    begun = time.monotonic()
    ports, controllers = pick_ports(args.brokers, 19092 if args.port is None else args.port)
    if not args.keep:
        shutil.rmtree(args.dir, ignore_errors=True)
    args.dir.mkdir(parents=True, exist_ok=True)
    heap = args.heap or ("1g" if args.brokers == 1 else "512m")
    cluster = {"ports": ports, "controllers": controllers, "heap": heap}
    voters = ",".join(f"{i + 1}@127.0.0.1:{p}" for i, p in enumerate(controllers))
    brokers = [Broker(args.dir, i + 1) for i in range(args.brokers)]
    for broker, port, controller in zip(brokers, ports, controllers):
        broker.folder.mkdir(exist_ok=True)
        broker.settings.write_text(SETTINGS.format(
            id=broker.number, voters=voters, port=port, controller_port=controller, data=broker.folder / "data",
            replicas=min(args.brokers, 3), in_sync=min(args.brokers, 2)), encoding="utf-8")
        if not (broker.folder / "data").is_dir():
            broker.format(class_path)
    (args.dir / "cluster.json").write_text(json.dumps(cluster), encoding="utf-8")
    try:
        for broker in brokers:
            broker.launch(class_path, heap)
        for broker, port in zip(brokers, ports):
            broker.wait(port, begun + START_S)
    except BaseException:
        end(brokers, signal.SIGKILL)
        raise
    print(f"Apache Kafka {VERSION}, {args.brokers} broker{'s'[:args.brokers > 1]}, up in "
          f"{time.monotonic() - begun:.1f} s, logs in {args.dir}", file=sys.stderr)
    print(f"bootstrap {bootstrap(cluster)}", flush=True)


def end(brokers, how):
    """End the brokers' processes and wait for it; returns whether all went by themselves."""
    until, kind = time.monotonic() + STOP_S, how
    left = {b: pid for b in brokers if (pid := b.pid())}
    for pid in left.values():
        os.kill(pid, how)
    while left := {b: pid for b, pid in left.items() if b.pid() == pid}:
        if time.monotonic() > until and kind != signal.SIGKILL:
            kind = signal.SIGKILL
            for pid in left.values():
                os.kill(pid, kind)
        time.sleep(0.03)
    for broker in brokers:
        broker.pid_file.unlink(missing_ok=True)
    return kind != signal.SIGKILL


def stop(args):
    _, brokers = load(args.dir)
    if not any(b.pid() for b in brokers):
        print("no Kafka runs here", file=sys.stderr)
        return
    keep_class_archive(end(brokers, signal.SIGTERM))
    print("Kafka stopped", file=sys.stderr)


def status(args):
    cluster, brokers = load(args.dir)
    for broker, port in zip(brokers, cluster.get("ports", [])):
        pid = broker.pid()
        print(f"broker {broker.number}  127.0.0.1:{port}  " + (f"runs, pid {pid}" if pid else "does not run"))
    if not brokers or not all(b.pid() for b in brokers):
        print("no Kafka runs here" if not any(b.pid() for b in brokers) else "not every broker runs", file=sys.stderr)
        return 1
    print(f"bootstrap {bootstrap(cluster)}")
    return 0


def one_broker(args):
    cluster, brokers = load(args.dir)
    if not 1 <= args.number <= len(brokers):
        raise Trouble(f"there is no broker {args.number} in {args.dir}")
    broker = brokers[args.number - 1]
    if args.verb == "kill":
        end([broker], signal.SIGKILL)
    elif not broker.pid():
        broker.launch(verified_jars(), cluster["heap"])
        broker.wait(cluster["ports"][args.number - 1], time.monotonic() + START_S)


def tool(args):
    cluster, brokers = load(args.dir)
    arguments = list(args.arguments)
    if "--bootstrap-server" not in arguments:
        if not any(b.pid() for b in brokers):
            raise Trouble("no Kafka runs here; start one, or say which with --bootstrap-server HOST:PORT")
        arguments = ["--bootstrap-server", bootstrap(cluster), *arguments]
    class_path = verified_jars()
    classes = {entry for jar in class_path.split(":") for entry in zipfile.ZipFile(jar).namelist()}
    found = next((p + args.name for p in TOOLS
                  if (p + args.name).replace(".", "/") + ".class" in classes), None)
    if not found:
        raise Trouble(f"there is no tool {args.name}; there are TopicCommand, ConsoleProducer, ConsoleConsumer, …")
    sys.stdout.flush()
    os.execvp("java", ["java", "-cp", class_path, "-Xlog:disable", found, *arguments])


def main():
    parser = argparse.ArgumentParser(prog="./dev kafka", description="A real Apache Kafka on this machine.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="start|stop|status|kill|revive|tool|checksums")
    add = {name: verbs.add_parser(name) for name in ("start", "stop", "status", "kill", "revive", "tool", "checksums")}
    for name, sub in add.items():
        sub.add_argument("--dir", type=pathlib.Path, default=HERE.parent / "build" / "kafka",
                         help="data, logs and pids (default: build/kafka)")
    add["start"].add_argument("--brokers", type=int, default=1, metavar="N")
    add["start"].add_argument("--port", type=int, metavar="P", help="of the first broker (default 19092; 0: any)")
    add["start"].add_argument("--keep", action="store_true", help="keep the data of the last start")
    add["start"].add_argument("--heap", metavar="SIZE", help="of each broker (default 1g; 512m when there are several)")
    for name in ("kill", "revive"):
        add[name].add_argument("number", type=int)
    add["tool"].add_argument("name")
    add["tool"].add_argument("arguments", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    args.dir = args.dir.resolve()
    verbs = {"start": start, "stop": stop, "status": status, "kill": one_broker, "revive": one_broker, "tool": tool}
    verb = verbs.get(args.verb)
    try:
        if verb is None:
            return write_checksums()
        if args.verb not in ("start", "stop", "revive"):
            return verb(args)
        CACHE.mkdir(parents=True, exist_ok=True)
        with (CACHE / "lock").open("w") as lock:  # One start or stop at a time, also from another checkout.
            fcntl.flock(lock, fcntl.LOCK_EX)
            return verb(args)
    except Trouble as trouble:
        print(f"kafka: {trouble}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
