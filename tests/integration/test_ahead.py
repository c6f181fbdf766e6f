"""`set ahead`: a record of the far future closes nothing."""
import re
import time
import unittest

import common

TEXT = """
application {name}
{ahead}
stream bids from topic "{name}-bids" {{ key string  value json {{ n int, at timestamp }} {policy} }}
table totals = bids {time} | group by key | window tumbling 1s grace 0s | aggregate {{ sum: sum(n) }}
totals | emit final | to topic "{name}-totals"
"""
FUTURE_MS = 4102444800000  # The year 2100.


class Ahead(common.Case):
    AHEAD = "set ahead 1h"
    POLICY = "on error skip"
    TIME = ""

    def setUp(self):
        self.TEXT = TEXT.replace("{ahead}", self.AHEAD).replace("{policy}", self.POLICY).replace("{time}", self.TIME)
        super().setUp()
        self.now_ms = int(time.time()) * 1000

    def bids(self, future=FUTURE_MS, **more):
        """Two in one window, a record of the future between them, and one that closes the window."""
        return [{"key": "a", "value": {"n": n, "at": at, **more}, "timestamp": at, "partition": 0}
                for n, at in [(1, self.now_ms), (10, future), (100, self.now_ms + 1), (0, self.now_ms + 5000)]]

    def pages(self, process, topic, count):
        """/metrics, when that many records of the topic were read."""
        text = process.ask("GET", "/metrics")[1]
        return text if f'streamd_consumed_total{{topic="{self.topic(topic)}"}} {count}' in text else None

    def totals(self):
        return [(r["window"]["start"] if "window" in r else r["value"].get("window_start"), r["value"]["sum"])
                for r in self.consume("totals")]


class Skip(Ahead):
    def test_it_is_left_out(self):
        self.produce("bids", self.bids())
        process = self.start().ready()
        pages = common.wait_for(lambda: self.pages(process, "bids", 4))
        self.assertRegex(pages, r'streamd_dropped_total\{node="bids",reason="future"\} 1\b')
        self.assertNotIn('reason="late"', pages)
        (said,) = [line for line in process.said().splitlines() if "skipped a record" in line]
        clock = time.strftime("%Y-%m-%d", time.gmtime())
        self.assertRegex(said, "the event time 2100-01-01T00:00:00.* is more than 1h ahead of the clock, "
                               f"which says ({clock}|{time.strftime('%Y-%m-%d', time.gmtime(self.now_ms / 1000))})T")
        self.assertEqual(process.end(), 0)
        self.assertEqual(self.totals(), [(self.now_ms, 101)])

    def test_a_little_ahead_is_in_time(self):
        soon_ms = self.now_ms + 30 * 60 * 1000
        self.produce("bids", self.bids(soon_ms))
        self.run_to_end()
        self.assertEqual(self.totals(), [(self.now_ms, 1)])  # What comes after it is late.

    def test_pipe_has_no_clock(self):
        lines = "".join(f'{{"topic": "{self.topic("bids")}", "key": "a", "value": {{"n": 1}}, "timestamp": {at}}}\n'
                        for at in (1000, FUTURE_MS))
        self.assertRegex(self.streamd("pipe", self.file, stdin=lines), r'"sum":1,.*"window":\{"start":1000')


class ByStage(Ahead):
    """The records' own times are good; a stage takes another."""
    TIME = "| time at"

    def test_a_stage_that_sets_the_time(self):
        bids = self.bids()
        for bid in bids:
            bid["timestamp"] = self.now_ms
        self.produce("bids", bids)
        self.run_to_end()
        self.assertEqual(self.totals(), [(self.now_ms, 101)])


class TwoInputs(Ahead):
    """The input with the smallest time goes next, and one of the future is none that holds up what is behind it."""

    def setUp(self):
        super().setUp()
        text = self.file.read_text(encoding="utf-8").replace("table totals = bids", """
stream more from topic "{name}-more" {{ key string  value json {{ n int, at timestamp }} on error skip }}
stream all = bids | merge more
table totals = all""".format(name=self.name))
        self.file.write_text(text, encoding="utf-8")

    def test_what_is_behind_it_is_not_late(self):
        def rows(*pairs):
            return [{"key": "a", "value": {"n": n, "at": at}, "timestamp": at, "partition": 0} for n, at in pairs]
        self.produce("bids", rows((10, FUTURE_MS), (1, self.now_ms)))
        self.produce("more", rows((0, self.now_ms + 5000)))
        self.run_to_end()
        self.assertEqual(self.totals(), [(self.now_ms, 1)])


class Fail(Ahead):
    POLICY = ""

    def test_it_stops_the_run(self):
        self.produce("bids", self.bids())
        said = self.streamd("run", self.file, "--http", "off", "--until-end", *self.log, *self.state(), code=1)
        self.assertRegex(said, rf"{re.escape(self.topic('bids'))}, partition 0, offset 1: future: "
                               "the event time 2100-01-01T00:00:00.* is more than 1h ahead of the clock")
        self.assertEqual(self.totals(), [])


class Without(Ahead):
    AHEAD = ""

    def test_there_is_no_bound(self):
        self.produce("bids", self.bids())
        self.run_to_end()
        self.assertEqual(self.totals(), [(self.now_ms, 1)])


if __name__ == "__main__":
    unittest.main()
