"""The pages of a running streamd: what they say, what they take, and what they refuse."""
import contextlib
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import unittest

import common


class Pages(common.Case):
    def setUp(self):
        super().setUp()
        self.produce("clicks", [{"key": f"k{i % 10}", "value": {"n": i}} for i in range(100)])
        self.run = self.start().ready()
        common.wait_for(lambda: self.metric("streamd_consumed_total", self.topic("clicks")) == 100)

    def tearDown(self):
        self.assertEqual(self.run.end(), 0, self.run.said()[-2000:])

    def metric(self, name, label):
        """The value of the sample of that name with that label's value; None: there is none."""
        for line in self.run.ask("GET", "/metrics")[1].splitlines():
            if line.startswith(name + "{") and f'"{label}"' in line:
                return float(line.rpartition(" ")[2])
        return None

    def test_metrics(self):
        status, text = self.run.ask("GET", "/metrics")
        self.assertEqual(status, 200)
        heads = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
        self.assertEqual(len(heads), len(set(heads)), "a family has one head")
        for name in ("streamd_commits_total", "streamd_commit_seconds", "streamd_build_info", "streamd_ready"):
            self.assertIn(name, heads)
        self.assertEqual(self.metric("streamd_produced_total", self.topic("copies")), 100)
        if shutil.which("promtool"):
            done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, encoding="utf-8")
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_health(self):
        status, text = self.run.ask("GET", "/health")
        self.assertEqual((status, json.loads(text)),
                         (200, {"live": True, "ready": True, "state": "running", "why": None}))

    def test_topology(self):
        nodes = json.loads(self.run.ask("GET", "/topology")[1])["nodes"]
        self.assertIn("clicks", [node["name"] for node in nodes])
        self.assertTrue(self.run.ask("GET", "/topology?format=dot")[1].startswith("digraph"))
        self.assertEqual(self.run.ask("GET", "/topology?format=svg")[0], 400)

    def test_reading(self):
        path = f"/topics/{self.topic('clicks')}"
        lines = [json.loads(line) for line in self.run.ask("GET", path)[1].splitlines()]
        self.assertEqual(sorted(r["value"]["n"] for r in lines), list(range(100)))
        self.assertEqual(lines[0].keys(), {"key", "value", "timestamp", "partition", "offset"})
        one = lines[0]["partition"]
        self.assertEqual([r for r in lines if r["partition"] == one and r["offset"] >= 3],
                         [json.loads(line) for line in
                          self.run.ask("GET", f"{path}?partition={one}&from=3")[1].splitlines()])
        self.assertEqual(len(self.run.ask("GET", path + "?limit=7")[1].splitlines()), 7)
        self.assertEqual(self.run.ask("GET", path + "?from=latest"), (200, ""))
        self.assertEqual(self.run.ask("GET", path + "?from=soon")[0], 400)
        self.assertEqual(self.run.ask("GET", path + "?partition=77")[0], 404)
        self.assertEqual(self.run.ask("GET", "/topics/none")[0], 404)

    def test_writing(self):
        path = f"/topics/{self.topic('clicks')}"
        body = "".join(json.dumps({"key": "new", "value": {"n": n}}) + "\n" for n in (5, 6))
        status, text = self.run.ask("POST", path, body)
        self.assertEqual(status, 200, text)
        said = json.loads(text)
        self.assertEqual(said["records"], 2)
        (part,) = said["partitions"]
        there = [json.loads(line) for line in
                 self.run.ask("GET", f"{path}?partition={part['partition']}")[1].splitlines()]
        self.assertEqual([(r["key"], r["value"]["n"]) for r in there if r["offset"] == part["last_offset"]],
                         [("new", 6)])
        common.wait_for(lambda: [r["value"] for r in self.consume("counts") if r["key"] == "new"][-1:] ==
                        [{"clicks": 2, "sum": 11}])

    def test_all_lines_or_none(self):
        path = f"/topics/{self.topic('clicks')}"
        status, text = self.run.ask("POST", path, '{"key":"a","value":{"n":1}}\n{"key":7,"value":{"n":1}}\n')
        self.assertEqual(status, 400)
        self.assertIn("line 2", text)
        self.assertEqual(len(self.run.ask("GET", path)[1].splitlines()), 100)

    def test_idempotency_key(self):
        path, body = f"/topics/{self.topic('clicks')}", '{"key":"i","value":{"n":1}}\n'
        first = self.run.ask("POST", path, body, {"Idempotency-Key": "order-1"})
        self.assertEqual(first[0], 200, first)
        self.assertEqual(self.run.ask("POST", path, body, {"Idempotency-Key": "order-1"}), first)
        self.assertEqual(self.run.ask("POST", path, body * 2, {"Idempotency-Key": "order-1"})[0], 422)
        self.assertEqual(self.run.ask("POST", path, body, {"Idempotency-Key": ""})[0], 400)
        self.assertEqual(self.run.ask("POST", path, body, {"Idempotency-Key": "k" * 256})[0], 400)
        wrong = self.run.ask("POST", path, '{"key":1}', {"Idempotency-Key": "order-2"})
        self.assertEqual(wrong[0], 400)  # Nothing was done, so nothing is remembered.
        self.assertEqual(self.run.ask("POST", path, body, {"Idempotency-Key": "order-2"})[0], 200)
        self.assertEqual(self.run.end(signal.SIGTERM if common.KAFKA else signal.SIGKILL),
                         0 if common.KAFKA else -signal.SIGKILL)
        self.run = self.start().ready()
        self.assertEqual(self.run.ask("POST", path, body, {"Idempotency-Key": "order-1"}), first)
        self.assertEqual(sum(r["key"] == "i" for r in self.consume("clicks")), 2)

    def test_refused(self):
        for method, path, status in (("GET", "/", 404), ("GET", "/../etc/passwd", 404), ("GET", "/metrics/x", 404),
                                     ("GET", "/topics/%2e%2e%2fx", 404), ("GET", "/topics/a/b", 404),
                                     ("DELETE", "/metrics", 405), ("POST", "/health", 405),
                                     ("PUT", f"/topics/{self.topic('clicks')}", 405)):
            self.assertEqual(self.run.ask(method, path)[0], status, (method, path))
        self.assertEqual(self.run.ask("POST", f"/topics/{self.name}-slots", '{"value":1}')[0], 403)
        self.assertEqual(self.run.ask("POST", f"/topics/{self.topic('clicks')}", "", {"Origin": "http://a.b"})[0], 403)
        self.assertEqual(self.run.ask("GET", f"/topics/{self.topic('clicks')}", None, {"Host": "a.b"})[0], 403)
        self.assertEqual(self.run.ask("GET", "/health", None, {"X": "a" * 9000})[0], 431)
        self.assertEqual(self.run.ask("POST", f"/topics/{self.topic('clicks')}", b" " * (9 << 20))[0], 413)

    def raw(self, request):
        """The status of an answer to these bytes; None: the connection was closed without one."""
        host, _, port = self.run.address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=20) as client:
            client.sendall(request)
            said = b""
            try:
                while b"\r\n" not in said and (more := client.recv(4096)):
                    said += more
            except ConnectionResetError:
                pass
        return int(said.split()[1]) if said else None

    def test_stores(self):
        status, text = self.run.ask("GET", "/stores")
        self.assertEqual((status, json.loads(text)), (200, {"stores": [{"name": "counts", "windowed": False}]}))
        row = {"key": "k1", "value": {"clicks": 10, "sum": sum(range(1, 100, 10))}}
        for key in ("k1", "%22k1%22"):
            status, text = self.run.ask("GET", f"/stores/counts?key={key}")
            self.assertEqual((status, json.loads(text)), (200, row))
        for path, wanted in (("/stores/counts?key=none", 404), ("/stores/counts", 400), ("/stores/count?key=k1", 404),
                             ("/stores/clicks?key=k1", 404), ("/stores/counts?key=%ff", 400), ("/stores/", 404),
                             ("/stores/counts?key=k1&from=x", 400)):
            self.assertEqual(self.run.ask("GET", path)[0], wanted, path)
        self.assertIn("did you mean `counts`", self.run.ask("GET", "/stores/count?key=k1")[1])
        self.assertEqual(self.run.ask("GET", "/stores/counts?key=k1", None, {"Host": "a.b"})[0], 403)
        self.assertEqual(self.run.ask("POST", "/stores/counts?key=k1", "x")[0], 405)

    def test_malformed_requests(self):
        topic = f"/topics/{self.topic('clicks')}".encode()
        good, body = b"Host: localhost\r\n", b'{"key":"m","value":{"n":1}}\n'
        before = len(self.consume("clicks"))
        for request, wanted in (
                (b"\r\n\r\n", {None, 400}),
                (b"GET\r\n\r\n", {None, 400}),
                (b"GET /health\r\n\r\n", {None, 400, 505}),
                (b"GET /health HTTP/9.9\r\n" + good + b"\r\n", {None, 400, 505}),
                (b"GET /health HTTP/1.1\r\n\r\n", {None, 400}),
                (b"BREW /health HTTP/1.1\r\n" + good + b"\r\n", {405}),
                (b"GET /health%00x HTTP/1.1\r\n" + good + b"\r\n", {None, 200, 400, 404}),
                (b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n" + good + b"\r\n", {414, 431}),
                (b"GET /topics/%ff%fe HTTP/1.1\r\n" + good + b"\r\n", {404}),
                (b"GET " + topic + b"?limit=99999999999999999999 HTTP/1.1\r\n" + good + b"\r\n", {400}),
                (b"GET " + topic + b"?partition=-1 HTTP/1.1\r\n" + good + b"\r\n", {400}),
                (b"POST " + topic + b" HTTP/1.1\r\n" + good + b"Content-Length: -5\r\n\r\n", {None, 400}),
                (b"POST " + topic + b" HTTP/1.1\r\n" + good + b"Content-Length: nine\r\n\r\n", {None, 400}),
                (b"POST " + topic + b" HTTP/1.1\r\n" + good + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", {None, 400}),
                (b"POST " + topic + b" HTTP/1.1\r\n" + good + b"Content-Length: 9\r\n\r\n\xff\xfe{[]}\x00\n\n", {400}),
                (b"POST " + topic + b" HTTP/1.1\r\n" + good + b"Content-Length: 3\r\n\r\n[1]", {400}),
                (bytes(range(256)) * 8, {None, 400})):
            self.assertIn(self.raw(request), wanted, request[:80])
        chunked = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:], body)) + b"0\r\n\r\n"
        self.assertEqual(self.raw(b"POST " + topic + b" HTTP/1.1\r\n" + good + b"Transfer-Encoding: chunked\r\n\r\n" +
                                  chunked), 200)
        self.assertEqual(self.run.ask("GET", "/health")[0], 200)
        self.assertEqual(len(self.consume("clicks")), before + 2, "only what was answered with 200 is there")

    def test_many_connections(self):
        """64 may be open at a time. The next is closed at once, and one that comes when there is room is answered."""
        host, _, port = self.run.address.rpartition(":")
        with contextlib.ExitStack() as stack:
            def connect():
                return stack.enter_context(socket.create_connection((host, int(port)), timeout=20))

            common.wait_for(lambda: self.open_connections(int(port)) == 0)
            clients = [connect() for _ in range(64)]
            common.wait_for(lambda: self.open_connections(int(port)) == 64)
            with contextlib.suppress(ConnectionError):
                self.assertEqual(connect().recv(1), b"")
            self.assertEqual(self.open_connections(int(port)), 64)
            clients[0].close()
            common.wait_for(lambda: self.open_connections(int(port)) == 63)
            last = connect()
            last.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual(last.recv(12), b"HTTP/1.1 200")
            for _ in range(80):
                connect()
        common.wait_for(self.answers)

    @staticmethod
    def open_connections(port):
        """Those that were accepted: one that waits for it has no inode."""
        rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
        return sum(int(row[1].split(":")[1], 16) == port and row[3] in ("01", "08") and row[9] != "0" for row in rows)

    def answers(self):
        with contextlib.suppress(OSError):  # It has not seen yet that the others are gone.
            return self.run.ask("GET", "/health")[0] == 200
        return False

    def test_a_slow_request_is_cut_off(self):
        host, _, port = self.run.address.rpartition(":")
        begun = time.monotonic()
        with socket.create_connection((host, int(port))) as client:
            client.settimeout(1)
            client.sendall(b"GET /health HTTP/1.1\r\nX: ")
            with self.assertRaises(OSError):
                while time.monotonic() - begun < 20:  # A byte now and then is no silence.
                    client.sendall(b"a")
                    try:
                        if client.recv(1000) == b"":
                            raise ConnectionError
                    except TimeoutError:
                        pass
        self.assertLess(time.monotonic() - begun, 10)
        self.assertEqual(self.run.ask("GET", "/health")[0], 200)

    def test_following(self):
        common.wait_for(lambda: len(self.consume("copies")) == 100)
        command = [common.STREAMD, "consume", self.topic("copies"), "--from", "latest", "--follow", *self.log]
        with subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, encoding="utf-8") as reader:
            self.addCleanup(reader.kill)
            time.sleep(2 if common.KAFKA else 1)  # Until it stands at the end.
            self.run.ask("POST", f"/topics/{self.topic('clicks')}", '{"key":"k1","value":{"n":1000}}')
            self.assertEqual(json.loads(reader.stdout.readline())["value"]["n"], 1000)
            reader.kill()


class Windows(common.Case):
    TEXT = """
application {name}
stream clicks from topic "{name}-clicks" {{ key int  value json {{ n int }} }}
table counts = clicks | group by key | window tumbling 10s grace 1h | aggregate {{ sum: sum(n) }}
counts | to topic "{name}-counts"
"""

    def test_a_windowed_store(self):
        self.produce("clicks", [{"key": 7, "value": {"n": n}, "timestamp": 1000 * n} for n in range(40)])
        run = self.start().ready()
        lines = [{"key": 7, "value": {"sum": sum(range(10 * w, 10 * w + 10))},
                  "window": {"start": 10_000 * w, "end": 10_000 * w + 10_000}} for w in range(4)]
        common.wait_for(lambda: self.rows(run, "") == lines)
        self.assertEqual(self.rows(run, "&from=10000&to=30000"), lines[1:3])
        self.assertEqual(self.rows(run, "&from=90000"), [])
        self.assertEqual(run.end(), 0)

    @staticmethod
    def rows(run, more):
        status, text = run.ask("GET", "/stores/counts?key=7" + more)
        return [json.loads(line) for line in text.splitlines()] if status == 200 else status


class Starting(common.Case):
    def setUp(self):
        super().setUp()
        self.produce("clicks", [{"key": "k", "value": {"n": 1}}])

    def test_a_port_that_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            run = self.start("--http", f"127.0.0.1:{taken.getsockname()[1]}")
            self.assertEqual(run.child.wait(timeout=common.WAIT_S), 1)
            self.assertIn(f"127.0.0.1:{taken.getsockname()[1]} cannot be listened on: Address already in use",
                          run.said())

    def test_what_fails_at_run_time_is_no_wrong_usage(self):
        for topology in ([], ["--topology", self.file]):
            self.streamd("consume", self.topic("none"), *topology, *self.log, code=1)
        self.streamd("consume", self.topic("none"), "--topology", self.folder / "none.stream", *self.log, code=2)

    def test_no_port(self):
        run = self.start("--http", "off", "--until-end")
        self.assertEqual(run.child.wait(timeout=common.WAIT_S), 0, run.said())
        self.assertNotIn("serving", run.said())
        self.assertEqual(len(self.consume("copies")), 1)

    def test_signals_at_any_time(self):
        for i in range(12):
            run = self.start()
            common.wait_for(lambda r=run: "serving" in r.said())
            time.sleep(0.013 * i)
            self.assertEqual(run.end(), 0, run.said()[-500:])

    @unittest.skipIf(common.KAFKA, "a directory with a log in it")
    def test_while_the_directory_is_held(self):
        run = self.start().ready()
        self.produce("clicks", [{"key": f"k{i}", "value": {"n": i}} for i in range(3000)])
        common.wait_for(lambda: len(self.consume("copies")) == 3001)
        socket_file = self.folder / "data" / "streamd.sock"
        self.assertEqual(socket_file.stat().st_mode & 0o777, 0o600)
        wrong = '{"key":7}\n'
        error = self.streamd("produce", self.topic("clicks"), *self.log, stdin=wrong, code=1)
        self.assertIn("line 1", error)
        self.assertIn("held by another process", self.streamd("run", self.file, *self.log, code=1))
        self.assertEqual(run.end(), 0)
        self.assertFalse(socket_file.exists())
        self.assertEqual(len(self.consume("copies")), 3001)


if __name__ == "__main__":
    unittest.main()
