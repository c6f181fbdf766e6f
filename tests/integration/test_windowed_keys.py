"""Windowed keys in topics: written and read as Kafka Streams does, in the partition of the inner key."""
import unittest

import common

TEXT = """
application {name}
stream clicks from topic "{name}-clicks" {{ key string  value json {{ n int }} }}
table counts = clicks | group by key | window tumbling 10s grace 1m | aggregate {{ n: count() }}
counts | to topic "{name}-counts" {{ key windowed }}
stream visits from topic "{name}-visits" {{ key windowed string session as user  value int }}
visits | map {{ seconds: cast(window.end - window.start as int) / 1000 }} | to topic "{name}-lengths"
visits | to topic "{name}-visits-copy" {{ key windowed  value int }}
"""


class WindowedKeys(common.Case):
    TEXT = TEXT

    def test_there_and_back(self):
        users = [f"u{i}" for i in range(12)]
        for topic in ("counts", "visits-copy"):
            self.produce(topic, [])  # Makes it, with as many partitions as the others.
        self.produce("clicks", [{"key": user, "value": {"n": 1}, "timestamp": 12_000} for user in users])
        self.produce("visits", [{"key": user, "value": i, "timestamp": 30_000,
                                 "window": {"start": 1000, "end": 1000 * i}} for i, user in enumerate(users, 1)])
        self.run_to_end()
        place = {r["key"]: r["partition"] for r in self.consume("clicks")}
        self.assertGreater(len(set(place.values())), 1)
        for topic, window in (("counts", {"start": 10_000, "end": 20_000}), ("visits", None), ("visits-copy", None)):
            rows = self.consume(topic)
            self.assertEqual({r["key"]: r["partition"] for r in rows}, place, topic)
            for row in rows:
                self.assertEqual(row["window"], window or {"start": 1000, "end": 1000 * row["value"]})
        self.assertEqual(sorted(r["value"]["seconds"] for r in self.consume("lengths")), list(range(12)))

    def test_a_key_without_its_window_is_refused(self):
        line = '{"key":"u","value":1}\n'
        said = self.streamd("produce", self.topic("visits"), "--topology", self.file, *self.log, stdin=line, code=1)
        self.assertIn("the topic's keys are windowed", said)


if __name__ == "__main__":
    unittest.main()
