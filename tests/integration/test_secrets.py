"""Secrets come from files and the environment and come out nowhere; a token guards the pages; rights are told."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

import common

MARKER = "MaRkEr-7b1f-pAsSwOrD"
TOKEN = "a-token-of-24-characters"


@unittest.skipIf(common.KAFKA, "settings are read before any log is opened")
class Config(common.Case):
    def config(self, text, mode=0o600):
        path = self.folder / "streamd.conf"
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    def refused(self, text, mode=0o600, env=None):
        done = subprocess.run([common.STREAMD, "run", self.file, "--http", "off", "--config", self.config(text, mode),
                               *self.log], capture_output=True, encoding="utf-8", timeout=common.WAIT_S,
                              env={**os.environ, **(env or {})})
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertNotIn(MARKER, done.stdout + done.stderr)
        return done.stderr

    def test_a_file_that_everybody_may_read(self):
        said = self.refused(f"kafka.sasl.password = {MARKER}\n", 0o644)
        self.assertIn("streamd.conf:1:1: error: kafka.sasl.password is a secret, and everybody may read", said)
        self.assertIn("chmod 600", said)
        for name in ("ssl.key.password", "ssl.keystore.password", "ssl.key.pem", "sasl.oauthbearer.client.secret"):
            self.assertIn(f"kafka.{name} is a secret", self.refused(f"kafka.{name} = {MARKER}\n", 0o644))

    def test_what_stands_for_a_secret(self):
        secret = self.folder / "secret"
        secret.write_text(MARKER + "\n", encoding="utf-8")
        secret.chmod(0o644)
        self.assertIn("everybody may read", self.refused("kafka.sasl.password = ${file:%s}" % secret))
        secret.chmod(0o600)
        self.streamd("check", self.file, "--config", self.config("kafka.sasl.password = ${file:%s}" % secret, 0o644))
        self.assertIn("there is no environment variable NONE", self.refused("kafka.sasl.password = ${env:NONE}"))
        self.assertIn("cannot be read: No such file", self.refused("kafka.sasl.password = ${file:/none/such}"))
        secret.write_text("", encoding="utf-8")
        self.assertIn("is empty", self.refused("kafka.sasl.password = ${file:%s}" % secret))

    def test_what_a_value_stands_for(self):
        """librdkafka shows the value of a setting that is no secret when it refuses it."""
        wanted = self.folder / "wanted"
        wanted.write_text("soon\n", encoding="utf-8")
        wanted.chmod(0o600)
        for value in ("soon", "${env:WANTED}", "${file:%s}" % wanted):
            config = self.config(f"kafka.security.protocol = {value}\n")
            done = subprocess.run([common.STREAMD, "run", self.file, "--http", "off", "--config", config, "--bootstrap",
                                   "127.0.0.1:1", "--state-dir", self.folder / "s"], capture_output=True,
                                  encoding="utf-8", timeout=common.WAIT_S, env={**os.environ, "WANTED": "soon"})
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn('"soon"', done.stderr)

    def test_a_secret_that_is_refused(self):
        """By librdkafka, whose reason has the value."""
        config = self.config(f"kafka.sasl.oauthbearer.method = {MARKER}\n")
        said = self.streamd("run", self.file, "--http", "off", "--config", config, "--bootstrap", "127.0.0.1:1",
                            "--state-dir", self.folder / "s", code=1)
        self.assertIn("error: kafka.sasl.oauthbearer.method: the value is not valid", said)
        self.assertNotIn(MARKER, said)

    def test_no_option(self):
        said = self.streamd("run", self.file, f"--kafka.sasl.password={MARKER}", code=2)
        self.assertIn("kafka.sasl.password is no option: write it into the file of --config", said)
        self.assertNotIn(MARKER, said)

    def test_nothing_shows_it(self):
        """A run that is refused its password by nobody: the port is closed, so it tries and logs."""
        secret = self.folder / "secret"
        secret.write_text(MARKER, encoding="utf-8")
        secret.chmod(0o600)
        config = self.config("kafka.security.protocol = sasl_plaintext\nkafka.sasl.mechanism = PLAIN\n"
                             "kafka.sasl.username = me\nkafka.debug = all\nkafka.sasl.password = ${file:%s}\n" % secret)
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            errors = self.folder / "errors"
            run = common.Process([self.file, "--bootstrap", f"127.0.0.1:{nobody.getsockname()[1]}", "--config", config,
                                  "--state-dir", self.folder / "s", "--http", "127.0.0.1:0"], errors)
            self.addCleanup(run.end, signal.SIGKILL)
            shown = [run.ask("GET", path)[1] for path in ("/metrics", "/health", "/topology", "/stores")]
            shown.append(pathlib.Path(f"/proc/{run.child.pid}/cmdline").read_bytes().decode())
            time.sleep(1)
            run.end(signal.SIGKILL)
        self.assertEqual(run.said().count("secrets travel to Kafka without TLS"), 1, run.said()[-2000:])
        for command in (("check", self.file), ("describe", self.file, "--format", "json"), ("acls", self.file)):
            shown.append(self.streamd(*command, "--config", config))
        for text in (*shown, run.said()):
            self.assertNotIn(MARKER, text)

    def test_a_broker_that_leaves_in_the_middle(self):
        """While a broker stops it may close a connection that is logging in: nobody was refused by that."""
        config = self.config("kafka.security.protocol = sasl_plaintext\nkafka.sasl.mechanism = PLAIN\n"
                             "kafka.sasl.username = me\nkafka.sasl.password = ${env:SECRET}\n")
        with socket.create_server(("127.0.0.1", 0)) as broker:
            closer = threading.Thread(target=self.take_and_leave, args=(broker,))
            closer.start()
            done = subprocess.run([common.STREAMD, "run", self.file, "--http", "off", "--config", config, "--state-dir",
                                   self.folder / "s", "--bootstrap", f"127.0.0.1:{broker.getsockname()[1]}"],
                                  capture_output=True, encoding="utf-8", timeout=common.WAIT_S,
                                  env={**os.environ, "SECRET": MARKER})
            broker.shutdown(socket.SHUT_RDWR)
            closer.join()
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"(?m)^error: .*no broker could be reached: .*mechanism handshake failed")
        self.assertNotIn("look at kafka.sasl", done.stderr)

    @staticmethod
    def take_and_leave(broker):
        """Say which requests are known (of each the key, and that versions 0 and 1 are), and leave at the next."""
        known = b"".join(struct.pack(">hhhb", key, 0, 1, 0) for key in (3, 17, 18, 36))
        with contextlib.suppress(OSError):
            while True:
                with broker.accept()[0] as client:
                    number = client.recv(4096)[8:12]
                    answer = number + struct.pack(">hb", 0, 5) + known + struct.pack(">ib", 0, 0)
                    client.sendall(struct.pack(">i", len(answer)) + answer)
                    client.recv(4096)


@unittest.skipIf(common.KAFKA, "the pages are the same on both logs")
class Token(common.Case):
    def setUp(self):
        super().setUp()
        self.produce("clicks", [{"key": "k", "value": {"n": 1}}])
        self.token = self.folder / "token"
        self.token.write_text(TOKEN + "\n", encoding="utf-8")
        self.token.chmod(0o600)
        self.path = f"/topics/{self.topic('clicks')}"

    def post(self, run, shown=None):
        headers = {} if shown is None else {"Authorization": shown}
        return run.ask("POST", self.path, '{"key":"k","value":{"n":1}}', headers)[0]

    def test_who_writes_shows_it(self):
        run = self.start("--http", "127.0.0.1:0", "--http-token-file", self.token).ready()
        for shown in (None, "", TOKEN, "Bearer", "Bearer ", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x",
                      f"Bearer {TOKEN[:-1]}x", f"Basic {TOKEN}"):
            self.assertEqual(self.post(run, shown), 401, shown)
        host, _, port = run.address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=20) as client:
            client.sendall(f"POST {self.path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode())
            self.assertIn(b"WWW-Authenticate: Bearer", client.recv(4096))
        self.assertEqual(self.post(run, f"Bearer {TOKEN}"), 200)
        self.assertEqual(self.post(run, f"bearer {TOKEN}"), 200)
        self.assertEqual(run.ask("GET", self.path)[0], 200)
        self.produce("clicks", [{"key": "k", "value": {"n": 1}}])  # Through the socket, which asks for none.
        self.assertEqual(len(self.consume("clicks")), 4)
        self.assertEqual(run.end(), 0)
        self.assertNotIn(TOKEN, run.said())

    def test_on_another_address(self):
        run = self.start("--http", "0.0.0.0:0", "--http-token-file", self.token).ready()
        right = {"Authorization": f"Bearer {TOKEN}"}
        for path in (self.path, "/stores", "/stores/counts?key=k"):
            self.assertEqual(run.ask("GET", path)[0], 401, path)
            self.assertEqual(run.ask("GET", path, None, right)[0], 200, path)
        self.assertEqual(self.post(run), 401)
        self.assertEqual(self.post(run, f"Bearer {TOKEN}"), 200)
        self.assertEqual(run.ask("GET", "/metrics")[0], 200)
        self.assertEqual(run.end(), 0)

    def test_another_address_without_a_token(self):
        run = self.start("--http", "0.0.0.0:0").ready()
        for path in (self.path, "/stores", "/stores/counts?key=k"):
            self.assertEqual(run.ask("GET", path)[0], 403, path)
        self.assertEqual(self.post(run), 403)
        self.assertEqual(run.ask("GET", "/metrics")[0], 200)
        self.assertEqual(run.end(), 0)

    def test_tokens_that_are_none(self):
        for text, mode, why in (("short", 0o600, "must hold 16 to 1024 characters"), ("a b " * 9, 0o600, "must hold"),
                                ("", 0o600, "is empty"), (TOKEN, 0o644, "everybody may read")):
            self.token.write_text(text, encoding="utf-8")
            self.token.chmod(mode)
            said = self.streamd("run", self.file, "--http-token-file", self.token, *self.log, code=2)
            self.assertIn("error: the token for HTTP", said)
            self.assertIn(why, said)
        self.token.unlink()
        self.assertIn("cannot be read", self.streamd("run", self.file, "--http-token-file", self.token, *self.log,
                                                     code=2))

    def test_slow_clients_delay_nothing(self):
        run = self.start().ready()
        host, _, port = run.address.rpartition(":")
        slow = [socket.create_connection((host, int(port)), timeout=20) for _ in range(64)]
        for client in slow:
            self.addCleanup(client.close)
            client.sendall(b"GET /health HTTP/1.1\r\nX: ")
        begun = time.monotonic()
        self.produce("clicks", [{"key": f"k{i}", "value": {"n": i}} for i in range(5000)])
        common.wait_for(lambda: len(self.consume("copies")) == 5001)
        self.assertLess(time.monotonic() - begun, 20)
        common.wait_for(lambda: self.answers(run), 20)  # All 64 places are free again.
        self.assertEqual(run.end(), 0)

    @staticmethod
    def answers(run):
        try:
            return run.ask("GET", "/health")[0] == 200
        except OSError:
            return False


@unittest.skipIf(common.KAFKA, "the plan alone says it")
class Acls(common.Case):
    TEXT = """
application {name}
stream clicks from topic "{name}.clicks" {{ key string  value json {{ n int }} on error to topic "dead" }}
stream logs from topics matching "logs-[a-z]+" {{ key string  value string }}
stream any from topics matching "(a|b)x" {{ key string  value string }}
table counts = clicks | group by key | window tumbling 1m grace 0s late to topic "late" | aggregate {{ n: count() }}
counts | to topic "counts"
logs | merge any | to topic "lines"
"""

    def rights(self, *more):
        document = json.loads(self.streamd("acls", self.file, "--format", "json", *more))
        self.assertEqual(document["application"], self.name)
        return {(a["resource"], a["pattern"], a["name"]): set(a["operations"]) for a in document["acls"]}

    def test_what_is_needed(self):
        written = {"Write", "Create", "Describe", "DescribeConfigs"}
        common_rights = {
            ("topic", "literal", f"{self.name}.clicks"): {"Read", "Describe"},
            ("topic", "prefixed", "logs-"): {"Read", "Describe"},
            ("topic", "literal", "*"): {"Read", "Describe"},
            **{("topic", "literal", name): written for name in ("dead", "late", "counts", "lines")},
            ("topic", "prefixed", f"{self.name}-"): written | {"Read", "Delete"},
            ("group", "literal", self.name): {"Read", "Describe", "Delete"},
        }
        transactions = {("transactional-id", "prefixed", f"{self.name}-"): {"Write", "Describe"}}
        old_brokers = {("cluster", "literal", "kafka-cluster"): {"IdempotentWrite"}}
        self.assertEqual(self.rights(), common_rights | transactions)
        self.assertEqual(self.rights("--guarantee", "at_least_once"), common_rights | transactions | old_brokers)
        lines = self.file.read_text(encoding="utf-8").splitlines()
        self.file.write_text("\n".join(line for line in lines if "counts" not in line), encoding="utf-8")
        self.assertNotIn(next(iter(transactions)), self.rights("--guarantee", "at_least_once"), "nothing is kept")

    def test_without_state_the_slots_may_grow(self):
        lines = self.file.read_text(encoding="utf-8").splitlines()
        self.file.write_text("\n".join(line for line in lines if "counts" not in line), encoding="utf-8")
        self.assertEqual(self.rights()["topic", "literal", f"{self.name}-slots"], {"Alter"})

    def test_as_table_and_commands(self):
        self.assertRegex(self.streamd("acls", self.file), r"(?m)^group +literal +\S+ +Read, Delete, Describe")
        lines = self.streamd("acls", self.file, "--commands", "--principal", "User:o'neil", "--bootstrap", "b:1")
        self.assertIn("kafka-acls --bootstrap-server 'b:1' --add --allow-principal 'User:o'\\''neil' --operation Read "
                      f"--operation Describe --topic '{self.name}.clicks' --resource-pattern-type literal\n", lines)
        self.assertEqual(len(lines.splitlines()), len(self.rights()))

    def test_wrong_usage(self):
        self.assertIn("--principal is for --commands", self.streamd("acls", self.file, "--principal", "User:a", code=2))
        self.assertIn("as User:alice", self.streamd("acls", self.file, "--commands", "--principal", "alice", code=2))
        self.assertIn("--format is text or json", self.streamd("acls", self.file, "--format", "dot", code=2))
        self.assertIn("usage:", self.streamd("acls", code=2))


@unittest.skipIf(common.KAFKA or not shutil.which("readelf"), "of the program, with readelf")
class Built(unittest.TestCase):
    @staticmethod
    def readelf(*options):
        return subprocess.run(["readelf", "-W", *options, common.STREAMD], capture_output=True, encoding="utf-8",
                              check=True).stdout

    def test_hardening(self):
        self.assertIn("DYN (Position-Independent Executable", self.readelf("-h"))
        self.assertRegex(self.readelf("-d"), r"FLAGS_1.*NOW.*PIE")
        segments = self.readelf("-l")
        self.assertIn("GNU_RELRO", segments)
        self.assertRegex(segments, r"GNU_STACK .* RW +0x")  # No code runs on the stack.
        symbols = self.readelf("--dyn-syms")
        self.assertIn("__stack_chk_fail", symbols)
        if "__asan_init" not in symbols and "__tsan_init" not in symbols:  # They have checks of their own.
            self.assertIn("__vsnprintf_chk", symbols)

    def test_versions(self):
        said = subprocess.run([common.STREAMD, "--version"], capture_output=True, encoding="utf-8", check=True).stdout
        for library in ("librdkafka", "rocksdb", "libmicrohttpd", "simdjson", "libcrypto"):
            self.assertRegex(said, rf"(?m)^built with .*{library} \d+\.\d+")


if __name__ == "__main__":
    unittest.main()
