"""Against a broker with TLS, passwords and rights on: what is needed is enough, what is missing is named.

The broker is this suite's own, see secure_broker.py. All users have the same password, which must be seen nowhere.
"""
import concurrent.futures
import contextlib
import json
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import common

if common.KAFKA:
    import secure_broker

MARKER = "MaRkEr-51c0-pAsSwOrD"
LANES = 4  # Runs at a time: each waits most of the time.
RECORDS = 300
TEXT = """
application {name}
stream clicks from topic "in.{name}" {{
  key string  value json {{ user string, n int }} on error to topic "dead.{name}"
}}
table counts = clicks | group by user | aggregate {{ clicks: count(), sum: sum(n) }}
counts | emit changes | to topic "out.{name}"
"""
CONFIG = """
kafka.security.protocol = sasl_ssl
kafka.ssl.ca.location = {authority}
kafka.sasl.mechanism = {mechanism}
kafka.sasl.username = {user}
kafka.sasl.password = ${{file:{password}}}
kafka.broker.address.family = v4
"""
# Each right that a run fails without, and what it says. Whoever may read or write may describe too.
MISSING = {
    ("topic", "in.NAME", "Read"): r"in\.NAME \[\d\] at offset 0: .*; Read on the topic is not allowed",
    ("topic", "dead.NAME", "Write"): r"Write on the topic dead\.NAME is not allowed",
    ("topic", "dead.NAME", "Create"): r"creating topic dead\.NAME: .*; Create on the topic is not allowed",
    ("topic", "out.NAME", "Write"): r"Write on the topic out\.NAME is not allowed",
    ("topic", "out.NAME", "Create"): r"creating topic out\.NAME: .*; Create on the topic is not allowed",
    ("topic", "NAME-", "Read"): r"NAME-counts-repartition.*; Read on the topic is not allowed",
    ("topic", "NAME-", "Write"): r"Write on the topic NAME-counts-repartition is not allowed",
    ("topic", "NAME-", "Create"): r"creating topic NAME-counts-repartition: .*; Create on the topic is not allowed",
    ("topic", "NAME-", "DescribeConfigs"): r"topic NAME-counts-repartition: .*; DescribeConfigs on the topic is not",
    ("group", "NAME", "Read"): r"group NAME: .*; Read on the group is not allowed",
    ("transactional-id", "NAME-", "Write"): r"transactional id NAME-\S+: .*; Write on the transactional id is not",
}
# Those that only `reset` needs, and a long run, to purge; and those without which less is known beforehand.
MISSED_BY_RESET = {
    ("group", "NAME", "Delete"): r"forgetting group NAME: .*; Delete on the group is not allowed",
    ("topic", "NAME-", "Delete"): r"deleting topic NAME-\S+: .*; Delete on the topic is not allowed",
}
OPTIONAL = {("topic", "dead.NAME", "DescribeConfigs"), ("topic", "out.NAME", "DescribeConfigs")}


def setUpModule():
    global BROKER, PURGER
    if common.KAFKA:
        users = ["all", "log", "purge", "alo", "pages", "scram", *(f"r{i}" for i in range(len(MISSING)))]
        users += [f"d{i}" for i in range(len(MISSED_BY_RESET))]
        BROKER = secure_broker.Broker({user: MARKER for user in users})
        unittest.addModuleCleanup(BROKER.stop)
        PURGER = Application("purge", without=("topic", "NAME-", "Delete"))
        unittest.addModuleCleanup(PURGER.remove)
        PURGER.process = common.Process([PURGER.file, "--http", "off", *PURGER.at()], PURGER.folder / "errors")
        unittest.addModuleCleanup(PURGER.process.end, signal.SIGKILL)


class Application:
    """A topology that counts, named after its user, with its input and its rights."""

    tools = threading.Lock()

    def __init__(self, name, without=None, guarantee="exactly_once"):
        self.name, self.said = name, []
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.file = self.folder / "topology.stream"
        self.file.write_text(TEXT.format(name=name), encoding="utf-8")
        self.password = self.folder / "password"
        self.guarantee = ["--guarantee", guarantee]
        lines = [json.dumps({"key": "k", "value": {"user": f"u{n % 7}", "n": n}}) for n in range(RECORDS)]
        self.streamd("produce", f"in.{name}", "--topology", self.file, "--partitions", 2, "--bootstrap", BROKER.plain,
                     stdin="\n".join(lines))
        self.streamd("produce", f"in.{name}", "--bootstrap", BROKER.plain, stdin='{"key":"k","value":"no object"}\n')
        self.grant(without)

    def streamd(self, *arguments, stdin=None):
        """The exit code; what was said goes to `said` too."""
        done = subprocess.run([common.STREAMD, *map(str, arguments)], input=stdin, capture_output=True,
                              encoding="utf-8", timeout=common.WAIT_S)
        self.said.append(done.stdout + done.stderr)
        return done.returncode

    def rights(self):
        """As `acls` tells them, with NAME for the application."""
        self.streamd("acls", self.file, "--format", "json", *self.guarantee)
        return {(a["resource"], a["name"].replace(self.name, "NAME"), operation)
                for a in json.loads(self.said[-1])["acls"] for operation in a["operations"]}

    def grant(self, without):
        """Run the calls of kafka-acls that `acls --commands` shows, but for the operation of `without`."""
        self.streamd("acls", self.file, "--commands", "--principal", f"User:{self.name}", "--bootstrap", BROKER.plain,
                     *self.guarantee)
        for line in self.said[-1].splitlines():
            if without and f"--{without[0]} " in line and f"'{without[1].replace('NAME', self.name)}'" in line:
                line = line.replace(f" --operation {without[2]} ", " ")
            with self.tools:
                if "--operation" in line:
                    BROKER.tool(*shlex.split(line))

    def at(self, password=MARKER, authority=None, mechanism="PLAIN", address=None):
        """The options with which the broker's listener with TLS is reached."""
        self.password.write_text(password, encoding="utf-8")
        self.password.chmod(0o600)
        config = self.folder / "streamd.conf"
        config.write_text(CONFIG.format(authority=authority or BROKER.authority, mechanism=mechanism, user=self.name,
                                        password=self.password), encoding="utf-8")
        return ["--bootstrap", address or BROKER.secure, "--config", config, "--state-dir", self.folder / "state"]

    def run(self, *more, **how):
        """Run to the end: the exit code."""
        return self.streamd("run", self.file, *(more or ("--until-end", "--http", "off")), "--threads", 2,
                            *self.guarantee, *self.at(**how))

    def counts(self):
        self.streamd("consume", f"out.{self.name}", "--topology", self.file, "--bootstrap", BROKER.plain)
        return {r["key"]: r["value"] for r in map(json.loads, self.said[-1].splitlines())}

    def error(self):
        """The line that says why it ended."""
        return "".join(re.findall(r"(?m)^error: .*$", self.said[-1]))

    def leaks(self):
        """Where the password is to be seen: outputs, and all that is in the folder but the file of the password."""
        found = [text for text in self.said if MARKER in text]
        for path in self.folder.rglob("*"):
            with contextlib.suppress(OSError):
                if path.is_file() and path != self.password and MARKER.encode() in path.read_bytes():
                    found.append(path)
        return found

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


@unittest.skipUnless(common.KAFKA, "the embedded log has no users")
class Secure(unittest.TestCase):
    SUMS = {f"u{u}": {"clicks": len(range(u, RECORDS, 7)), "sum": sum(range(u, RECORDS, 7))} for u in range(7)}

    def application(self, name, **how):
        made = Application(name, **how)
        self.addCleanup(made.remove)
        return made

    def check_leaks(self, *applications):
        for one in applications:
            self.assertEqual(one.leaks(), [], one.name)

    def test_what_acls_shows_is_enough(self):
        """For a stateful topology exactly once, to its end, and to reset it; at least once likewise."""
        both = [self.application("all"), self.application("alo", guarantee="at_least_once")]
        with concurrent.futures.ThreadPoolExecutor(LANES) as lanes:
            self.assertEqual(list(lanes.map(Application.run, both)), [0, 0], both[0].said[-1] + both[1].said[-1])
        for one in both:
            self.assertEqual(one.counts(), self.SUMS)
            self.assertNotIn("secrets travel", "".join(one.said))
            self.assertEqual(one.streamd("reset", one.file, "--yes", *one.at()), 0, one.said[-1])
        self.check_leaks(*both)

    def test_each_right_that_is_missing_is_named(self):
        """It stops by itself, at once, with one line that says what to grant."""
        wanted = list(MISSING.items())
        with concurrent.futures.ThreadPoolExecutor(LANES) as lanes:
            made = list(lanes.map(lambda i: self.application(f"r{i}", without=wanted[i][0]), range(len(wanted))))
            codes = list(lanes.map(Application.run, made))
        for one, code, (right, pattern) in zip(made, codes, wanted):
            with self.subTest(right=right):
                self.assertEqual(code, 1, one.said[-1])
                self.assertRegex(one.error(), pattern.replace("NAME", one.name))
                self.assertIn("`streamd acls FILE` shows the rights needed", one.error())
        implied = {(*right[:2], "Describe") for right in (*MISSING, *MISSED_BY_RESET)}
        self.assertEqual(made[0].rights(), {*MISSING, *MISSED_BY_RESET, *OPTIONAL, *implied})
        self.check_leaks(*made)

    def test_rights_to_delete(self):
        """A run comes to its end without them; `reset` says what it lacks."""
        wanted = list(MISSED_BY_RESET.items())
        made = [self.application(f"d{i}", without=right) for i, (right, _) in enumerate(wanted)]
        with concurrent.futures.ThreadPoolExecutor(LANES) as lanes:
            self.assertEqual(list(lanes.map(Application.run, made)), [0] * len(made), made[0].said[-1])
        for one, (_, pattern) in zip(made, wanted):
            self.assertEqual(one.streamd("reset", one.file, "--yes", *one.at()), 1, one.said[-1])
            self.assertRegex(one.error(), pattern.replace("NAME", one.name))
        self.check_leaks(*made)

    def test_who_is_not_let_in(self):
        """The wrong password, a certificate of a stranger, one for another name: an error within seconds."""
        one = self.application("log")
        begun = time.monotonic()
        for how, pattern in (({"password": MARKER + "x"}, r"SASL authentication error: .*; look at kafka\.sasl\.mech"),
                             ({"authority": BROKER.stranger}, r"certificate verify failed.*kafka\.ssl\.ca\.location"),
                             ({"address": BROKER.secure.replace("localhost", "127.0.0.1")},
                              r"certificate verify failed.*made out to the name under which the broker is asked"),
                             ({"address": BROKER.plain}, r"no broker could be reached: .*")):
            self.assertEqual(one.run(**how), 1, one.said[-1])
            self.assertRegex(one.error(), pattern)
        self.assertLess(time.monotonic() - begun, 25)
        self.check_leaks(one)

    def test_scram(self):
        """librdkafka before 2.6.1 cannot, and that is said."""
        BROKER.tool("kafka-configs", "--bootstrap-server", BROKER.plain, "--entity-type", "users", "--entity-name",
                    "scram", "--alter", "--add-config", f"SCRAM-SHA-512=[password={MARKER}]")
        one = self.application("scram")
        code = one.run(mechanism="SCRAM-SHA-512")
        one.streamd("--version")
        version = tuple(map(int, re.search(r"librdkafka (\d+)\.(\d+)\.(\d+)", one.said[-1]).groups()))
        self.assertEqual(code, 0 if version >= (2, 6, 1) else 1, one.said[-2])
        self.assertEqual("cannot log in with SCRAM at Kafka 4" in one.said[-2], version < (2, 6, 1))
        self.check_leaks(one)

    def test_the_password_is_seen_nowhere(self):
        """In log lines, pages, the words of the process, state, commands."""
        one = self.application("pages")
        config = one.at()
        with (one.folder / "streamd.conf").open("a", encoding="utf-8") as file:
            file.write("kafka.debug = all\n")
        run = common.Process([one.file, "--threads", "1", "--http", "127.0.0.1:0", *config], one.folder / "errors")
        self.addCleanup(run.end, signal.SIGKILL)
        run.ready()
        common.wait_for(lambda: "streamd_consumed_total" in run.ask("GET", "/metrics")[1])
        one.said += [run.ask("GET", path)[1] for path in
                     ("/metrics", "/health", "/topology", "/topology?format=dot", "/stores", "/topics/out.pages")]
        for name in ("cmdline", "status", "comm"):
            one.said.append(pathlib.Path(f"/proc/{run.child.pid}/{name}").read_text(encoding="utf-8"))
        self.assertEqual(run.end(), 0, run.said()[-2000:])
        for command in ("check", "describe", "acls"):
            one.streamd(command, one.file, "--config", one.folder / "streamd.conf")
        self.assertGreater(sum(map(len, one.said)), 1000)
        self.check_leaks(one)

    def test_without_delete_a_long_run_ends(self):
        """What was repartitioned would fill the disk. The first purge is after half a minute, so it began first."""
        self.assertEqual(PURGER.process.child.wait(timeout=common.WAIT_S), 1)
        self.assertRegex(PURGER.process.said(),
                         r"(?m)^error: purging topic purge-counts-repartition: .*; Delete on the topic is not allowed")
        self.check_leaks(PURGER)


if __name__ == "__main__":
    unittest.main()
