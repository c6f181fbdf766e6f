"""A start without a broker: it says so, tries for a while, and gives up with a code."""
import json
import re
import socket
import threading
import time
import unittest

import common

TRIED_S = 5


def copy(source, target):
    while data := source.recv(65536):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)


def forward(listener):
    """Whoever connects talks to the broker."""
    host, port = common.BOOTSTRAP.split(":")
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        server = socket.create_connection((host, int(port)))
        for pair in (client, server), (server, client):
            threading.Thread(target=copy, args=pair, daemon=True).start()


@unittest.skipUnless(common.KAFKA, "the embedded log is always there")
class NoBroker(common.Case):
    def setUp(self):
        super().setUp()
        self.listener = socket.socket()  # Bound, so that the port is ours; nobody listens yet.
        self.addCleanup(self.listener.close)
        self.listener.bind(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def begin(self):
        self.log = ["--bootstrap", f"127.0.0.1:{self.port}"]
        self.begin_s = time.monotonic()
        return self.start()

    def check_waiting(self, run):
        status, text = run.ask("GET", "/health")
        health = json.loads(text)
        self.assertEqual((status, health["live"], health["ready"]), (503, True, False))
        self.assertRegex(health["why"], "no broker has answered")

    def test_there_is_none(self):
        run = self.begin()
        self.check_waiting(run)
        self.assertEqual(run.child.wait(timeout=common.WAIT_S), 1)
        self.assertGreaterEqual(time.monotonic() - self.begin_s, TRIED_S - 1)
        (said,) = re.findall(r"(?m)^error: .*", run.said())
        self.assertRegex(said, rf"no broker could be reached: .*127.0.0.1:{self.port}.*Connection refused.*"
                               rf"\(tried for {TRIED_S} s\)$")

    def test_one_comes_late(self):
        self.produce("clicks", [{"key": "k", "value": {"n": 1}}])
        there = self.log
        run = self.begin()
        self.check_waiting(run)
        time.sleep(1)
        self.listener.listen()
        threading.Thread(target=forward, args=(self.listener,), daemon=True).start()
        run.ready()
        self.log = there
        common.wait_for(lambda: len(self.consume("copies")) == 1)
        self.assertEqual(run.end(), 0)


if __name__ == "__main__":
    unittest.main()
