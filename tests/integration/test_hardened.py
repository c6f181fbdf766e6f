"""What strangers and accidents do to a running streamd: requests, signals, files, text that is no text."""
import contextlib
import os
import signal
import socket
import stat
import subprocess
import time
import unittest

import common


@unittest.skipIf(common.KAFKA, "the pages are the same on both logs")
class Requests(common.Case):
    def setUp(self):
        super().setUp()
        self.produce("clicks", [{"key": "k", "value": {"n": 1}}])
        self.run = self.start().ready()

    def tearDown(self):
        self.assertEqual(self.run.ask("GET", "/health")[0], 200, "it goes on")
        self.assertEqual(self.run.end(), 0, self.run.said()[-2000:])

    def raw(self, request):
        """All that is answered to these bytes until the connection ends."""
        host, _, port = self.run.address.rpartition(":")
        said = b""
        with socket.create_connection((host, int(port)), timeout=20) as client, contextlib.suppress(OSError):
            client.sendall(request)
            while more := client.recv(65536):
                said += more
        return said

    def test_paths_that_climb(self):
        """No page is a file, so that nothing climbs anywhere."""
        for path in (b"/../etc/passwd", b"/metrics/../../etc/passwd", b"/%2e%2e/%2e%2e/etc/passwd", b"/topics/../x",
                     b"/topics/%2e%2e%2f%2e%2e%2fetc%2fpasswd", b"/topics/..%00", b"//etc/passwd",
                     b"/etc/passwd%00.txt", b"/stores/..%2f..%2fetc", b"/topics/%c0%ae%c0%ae/", b"/\\..\\etc"):
            said = self.raw(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertRegex(said, rb"^HTTP/1\.1 40[034] ", path)
            self.assertNotIn(b"root:", said)
        said = self.raw(b"GET /" + b"../" * 350_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertRegex(said, rb"^(HTTP/1\.1 4(14|31) |$)")
        said = self.raw(b"GET /top\0ics/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertRegex(said, rb"^(HTTP/1\.1 40[04] |$)")

    def test_requests_in_one_go(self):
        """A connection is one request: what was sent behind it is neither answered nor done."""
        topic = f"/topics/{self.topic('clicks')}".encode()
        body = b'{"key":"p","value":{"n":1}}\n'
        post = b"POST " + topic + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        said = self.raw(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" + post * 20)
        self.assertEqual(said.count(b"HTTP/1.1 "), 1)
        self.assertRegex(said, rb"^HTTP/1\.1 200 [^\0]*\r\n[Cc]onnection: close\r\n")
        self.assertEqual([r["key"] for r in self.consume("clicks")], ["k"])
        # A body that is longer than it says is not the next request.
        said = self.raw(post.replace(body, body + b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        self.assertEqual(said.count(b"HTTP/1.1 "), 1)
        self.assertEqual([r["key"] for r in self.consume("clicks")], ["k", "p"])

    def test_two_lengths_are_none(self):
        """Two readers of such a request would see two different ones."""
        topic = f"/topics/{self.topic('clicks')}".encode()
        head = b"POST " + topic + b" HTTP/1.1\r\nHost: localhost\r\n"
        body = b'{"key":"s","value":{"n":1}}\n'
        for lengths in (b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(body),
                        b"Content-Length: +%d\r\n" % len(body), b"Content-Length: 0x1c\r\n"):
            said = self.raw(head + lengths + b"\r\n" + body)
            self.assertNotRegex(said, rb'"records":\s*1', lengths)
        self.assertEqual([r["key"] for r in self.consume("clicks")], ["k"])

    def test_names_of_this_machine(self):
        """A page of another site can have its own name point here, but not a number."""
        path = f"/topics/{self.topic('clicks')}"
        port = self.run.address.rpartition(":")[2]
        for host, status in (("127.0.0.1", 200), ("127.0.0.1:" + port, 200), ("localhost:" + port, 200), ("[::1]", 200),
                             ("127.1.2.3", 200), ("127.example.com", 403), ("127.0.0.1.example.com", 403),
                             ("localhost.example.com", 403), ("example.com:127", 403), ("128.0.0.1", 403), ("", 403)):
            self.assertEqual(self.run.ask("GET", path, None, {"Host": host})[0], status, host)

    def test_who_leaves_in_the_middle(self):
        host, _, port = self.run.address.rpartition(":")
        for _ in range(30):
            with socket.create_connection((host, int(port)), timeout=20) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # Ends with a reset.
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")


class Signals(common.Case):
    def test_at_random_times(self):
        """Each ends it with 0 and a commit, whenever it comes; SIGPIPE does nothing. Nothing is lost or done twice."""
        numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
        was = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # The tests themselves may run under nohup.
        self.addCleanup(signal.signal, signal.SIGHUP, was)
        self.produce("clicks", [{"key": f"k{n % 10}", "value": {"n": n}} for n in range(2000)])
        for i, number in enumerate(numbers * (1 if common.KAFKA else 3)):
            run = self.start()
            common.wait_for(lambda r=run: "serving" in r.said())
            time.sleep(0.029 * i)
            run.child.send_signal(signal.SIGPIPE)
            self.produce("clicks", [{"key": f"k{n % 10}", "value": {"n": n}} for n in range(100)])
            self.assertIsNone(run.child.poll())
            self.assertEqual(run.end(number), 0, run.said()[-500:])
        self.run_to_end()
        self.assertEqual(len(self.consume("copies")), 2000 + 100 * (3 if common.KAFKA else 9))

    @unittest.skipIf(common.KAFKA, "the rest is the same with Kafka")
    def test_a_terminal_that_is_gone(self):
        """Under nohup the signal is ignored, and stays so."""
        was = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.addCleanup(signal.signal, signal.SIGHUP, was)
        run = self.start().ready()
        run.child.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        self.assertEqual(run.ask("GET", "/health")[0], 200)
        self.assertEqual(run.end(), 0)

    @unittest.skipIf(common.KAFKA, "the rest is the same with Kafka")
    def test_nobody_reads_what_it_says(self):
        """Neither what goes to standard output nor what goes to the log ends it by a signal."""
        ours, theirs = os.pipe()
        os.close(ours)
        with os.fdopen(theirs, "wb") as broken:
            process = subprocess.Popen([common.STREAMD, "run", str(self.file), "--http", "off",
                                               *map(str, self.log)], stdout=broken, stderr=broken)
            self.addCleanup(lambda: (process.kill(), process.wait()))
            common.wait_for(lambda: (self.folder / "data" / "streamd.sock").exists() or
                            (self.folder / "data" / "CURRENT").exists())
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(timeout=common.WAIT_S), 0)


class Files(common.Case):
    def test_all_is_for_the_owner(self):
        """Also in a folder that was there, and that everybody may look into."""
        self.produce("clicks", [{"key": "k", "value": {"n": 1}}])
        state = self.folder / ("state-1" if common.KAFKA else "data")
        if common.KAFKA:
            state.mkdir()
        state.chmod(0o755)
        run = self.start().ready()
        common.wait_for(lambda: len(self.consume("copies")) == 1)
        made = [path for path in state.rglob("*") if path.exists()]
        self.assertGreater(len(made), 3)
        for path in made:
            self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o077, 0, path)
        self.assertEqual(run.end(), 0)

    def test_a_link_in_place_of_the_lock(self):
        """What it points to is another's, and stays as it is."""
        victim = self.folder / "victim"
        victim.write_text("mine", encoding="utf-8")
        state = self.folder / ("state-1" if common.KAFKA else "data")
        state.mkdir(exist_ok=True)
        (state / "LOCK.streamd").symlink_to(victim)
        said = self.streamd("run", self.file, "--http", "off", *self.log, *self.state(), code=1)
        self.assertIn("LOCK.streamd: ", said)
        self.assertEqual(victim.read_text(encoding="utf-8"), "mine")

    @unittest.skipIf(common.KAFKA or os.geteuid() != 0, "only root can be another user")
    def test_a_folder_of_another(self):
        """Also one that everybody may write to: what is in it could be changed under a run."""
        (self.folder / "data").mkdir()
        (self.folder / "data").chmod(0o777)
        self.folder.chmod(0o755)
        self.file.chmod(0o644)
        try:
            done = subprocess.run([common.STREAMD, "run", self.file, "--http", "off", *self.log], user=65534,
                                  capture_output=True, encoding="utf-8", timeout=common.WAIT_S)
        except PermissionError:
            self.skipTest("the program is where others may not look")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("data belongs to another user", done.stderr)


class Text(common.Case):
    TEXT = """
application {name}
stream clicks from topic "{name}-clicks" {{ key string  value string  on error fail }}
clicks | map {{ n: cast(value as int) }} | to topic "{name}-out"
"""
    WRONG = "x\n2026-01-01T00:00:00.000Z error forged line\r\x1b[2J\x1b]0;title\x07\x85\u202e \x9b31m"

    def test_a_record_forges_no_line(self):
        """What a record holds may be in an error and in the log, but ends no line and moves no cursor."""
        self.produce("clicks", [{"key": self.WRONG, "value": self.WRONG}])
        for more in ([], ["--log", "json"]):
            done = subprocess.run([common.STREAMD, "run", str(self.file), "--http", "off", *more,
                                          *map(str, self.log + self.state())], capture_output=True, timeout=60)
            self.assertEqual(done.returncode, 1, done.stderr)
            said = done.stderr.decode()
            self.assertNotRegex(said, r"(?m)^2026-01-01")
            self.assertNotRegex(said, "[\0-\x08\x0b-\x1f\x7f-\x9f]")
            self.assertRegex(said, r"(?m)^error: .*offset 0: .*x\\x0a2026-01-01.*forged line\\x0d\\x1b\[2J")


if __name__ == "__main__":
    unittest.main()
