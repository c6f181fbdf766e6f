"""At-least-once on Kafka: results may come again after a crash, and what is counted is counted once."""
import collections
import random
import signal
import threading
import time
import unittest

import common

TEXT = """
application {name}
set guarantee at_least_once
set commit 20ms
stream s from topic "{name}-in" {{ key string  value json {{ word string, n int }} }}
table by_key = s | group by key | aggregate {{ count: count(), sum: sum(n) }}
by_key | changes | to topic "{name}-keys"
table by_word = s | group by word | aggregate {{ count: count(), sum: sum(n) }}
by_word | changes | to topic "{name}-words"
"""
ROUNDS, ROWS, KEYS = 6, 8000, 4001


@unittest.skipUnless(common.KAFKA, "the embedded log writes results, state and offsets at once")
class Crashes(common.Case):
    TEXT = TEXT

    def last(self, topic):
        """By key: the last row."""
        rows = {}
        for row in self.consume(topic):
            rows[row["key"]] = row["value"]
        return rows

    def test_nothing_is_counted_twice(self):
        chance = random.Random(5)
        rows = [(f"k{i % KEYS}", f"w{i % 3001}", i % 11) for i in range(ROUNDS * ROWS)]
        self.produce("in", [])

        def feed():
            for at in range(0, len(rows), 4000):
                self.produce("in", [{"key": k, "value": {"word": w, "n": n}} for k, w, n in rows[at:at + 4000]])

        feeding = threading.Thread(target=feed)
        feeding.start()
        for _ in range(ROUNDS):
            run = self.start("--instance", "one").ready()  # whose place is kept, so that it goes on at once
            time.sleep(chance.uniform(0.2, 0.6))
            run.end(signal.SIGKILL)
        feeding.join()
        self.run_to_end()
        for topic, place in (("keys", 0), ("words", 1)):
            expected = collections.defaultdict(lambda: {"count": 0, "sum": 0})
            for row in rows:
                expected[row[place]]["count"] += 1
                expected[row[place]]["sum"] += row[2]
            last = self.last(topic)
            self.assertEqual(sum(row["count"] for row in last.values()), len(rows))
            self.assertTrue(last == expected, "the sums are right, and rows are not")


if __name__ == "__main__":
    unittest.main()
