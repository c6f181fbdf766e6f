"""State that is copied from another member: who is new to a slot reads of the changelogs only what came since."""
import http.client
import http.server
import re
import signal
import threading
import unittest

import common

TEXT = '''
application {name}
stream clicks from topic "{name}-clicks" {{ key string  value json {{ n int, at timestamp }}  time at }}
table counts = clicks | group by key | aggregate {{ count: count() }}
counts | emit changes | to topic "{name}-counts"
table hours = clicks | group by key | window tumbling 1h grace 1s | aggregate {{ count: count() }}
hours | emit changes | to topic "{name}-hours"
'''
READY = r"every task here processes slots=\d+ records_restored=(\d+)"


class Between(http.server.BaseHTTPRequestHandler):
    """Hands requests on to the server's `member`, and its answers back as `change` makes them."""

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        connection = http.client.HTTPConnection(self.server.member)
        try:
            connection.request(self.command, self.path)
        except ConnectionRefusedError:
            return self.send_error(502)
        response = connection.getresponse()
        body = self.server.change(response.read()) if self.command == "GET" else b""
        self.send_response(response.status)
        for name in ("Streamd-Position", "Content-Type"):
            if response.headers[name]:
                self.send_header(name, response.headers[name])
        self.end_headers()
        self.wfile.write(body)
        return None

    def log_message(self, *_):
        pass


@unittest.skipUnless(common.KAFKA, "the embedded log has one member")
class Copying(common.Case):
    TEXT = TEXT
    KEYS = 12000

    def click(self, at):
        self.produce("clicks", [{"key": f"k{k}", "value": {"n": 1, "at": at}} for k in range(self.KEYS)])

    def last(self, topic="counts"):
        return {row["key"]: row["value"]["count"] for row in self.consume(topic)}

    def await_counts(self, count):
        common.wait_for(lambda: len(last := self.last()) == self.KEYS and set(last.values()) == {count})

    def first(self, *more):
        self.click("2026-01-01T00:00:00Z")
        first = self.start(*more).ready()
        self.await_counts(1)
        return first

    def sum_of(self, process, name):
        return sum(map(int, re.findall(rf"(?m)^{name}{{.*}} (\d+)$", process.ask("GET", "/metrics")[1])))

    def second(self, address, *more):
        """Takes over all, and goes on: the results are right. How many rows it copied."""
        second = self.start("--state-from", address, *more, number=2).ready()
        common.wait_for(lambda: self.sum_of(second, "streamd_copied_total") + self.sum_of(
            second, "streamd_restored_total") > 0)
        return second

    def check(self, first, second):
        first.end()
        self.click("2026-01-01T00:10:00Z")
        self.await_counts(2)
        self.assertEqual(set(self.last("hours").values()), {2})
        self.assertEqual(second.end(), 0)

    def test_a_new_member_copies_what_another_has(self):
        first = self.first()
        # One that is not there does not matter, nor one that has nothing.
        second = self.second(f"127.0.0.1:9,localhost:{first.address.split(':')[1]}")
        common.wait_for(lambda: re.search(READY, second.said()))
        copied = self.sum_of(second, "streamd_copied_total")
        self.assertGreater(copied, self.KEYS / 2)
        self.assertGreater(self.sum_of(second, "streamd_copied_bytes_total"), copied * 8)
        self.assertIn("state was copied from another member", second.said())
        self.assertLess(self.sum_of(second, "streamd_restored_total"), self.KEYS / 10)
        self.check(first, second)

    def test_what_is_written_during_the_copy(self):
        first = self.first()
        writing = threading.Thread(target=self.click, args=("2026-01-01T00:05:00Z",))
        writing.start()
        second = self.second(first.address)
        writing.join()
        self.await_counts(2)
        first.end(signal.SIGKILL)
        self.click("2026-01-01T00:10:00Z")
        self.await_counts(3)
        self.assertEqual(set(self.last("hours").values()), {3})
        self.assertGreater(self.sum_of(second, "streamd_copied_total"), 0)
        self.assertEqual(second.end(), 0)

    def test_what_is_not_whole_is_not_taken(self):
        """With someone in between who changes what is copied: nothing of it is taken, and all is restored."""
        first = self.first()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Between)
        server.member = first.address
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        changes = (("breaks off", lambda body: body[:len(body) // 2]),
                   ("lacks rows", lambda body: body[:-8] + (int.from_bytes(body[-8:], "big") + 1).to_bytes(8, "big")),
                   ("mean something else", lambda body: body[:4] + b"\0\0\0\0" + body[8:]),
                   ("not known here", lambda body: b"<html>" + body),
                   ("goes on behind its end", lambda body: body + b"more"))
        for number, (word, server.change) in enumerate(changes, 2):
            other = self.start("--state-from", f"127.0.0.1:{server.server_port}", number=number).ready()
            common.wait_for(lambda: (found := re.search(READY, other.said())) and int(found[1]) > 0)
            self.assertIn(word, other.said())
            self.assertEqual(self.sum_of(other, "streamd_copied_total"), 0)
            if number <= len(changes):
                other.end()
        self.check(first, other)

    def test_who_shows_no_token_gets_nothing(self):
        token = self.folder / "token"
        token.write_text("s3cret-of-the-members")
        token.chmod(0o600)
        first = self.first("--http", "0.0.0.0:0", "--http-token-file", token)
        address = f"127.0.0.1:{first.address.split(':')[1]}"
        second = self.second(address)
        common.wait_for(lambda: "refuse to show their state" in second.said())
        second.end()
        third = self.start("--state-from", address, "--http-token-file", token, number=3).ready()
        common.wait_for(lambda: self.sum_of(third, "streamd_copied_total") > 0)
        self.assertNotIn("s3cret", third.said())

    def test_a_list_that_is_none(self):
        for wrong in ("", "here", "here:", "http://here:80", "a:1,,b:2"):
            said = self.streamd("run", self.file, "--state-from", wrong, *self.log, *self.state(), code=2)
            self.assertIn("HOST:PORT", said)

    def test_the_page_says_what_is_wrong(self):
        first = self.first()
        self.assertEqual(first.ask("GET", "/state/counts")[0], 400)
        self.assertEqual(first.ask("GET", "/state/counts?slot=-1")[0], 400)
        self.assertEqual(first.ask("GET", "/state/none?slot=0")[0], 404)
        self.assertEqual(first.ask("GET", "/state/counts?slot=999")[0], 404)


if __name__ == "__main__":
    unittest.main()
