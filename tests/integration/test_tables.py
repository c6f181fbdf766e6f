"""Tables joined and grouped, run for real: what every key ends with is what `streamd pipe` ends with for it.

The order in which two topics are read may differ from that of the lines, so rows on the way may; the last row of each
key may not. The run is stopped half-way and loses its state directory, so stores come back from changelogs and topics.
"""
import json
import random
import shutil
import signal
import unittest

import common

ROWS = 3000
KEYS = 200


class Tables(common.Case):
    maxDiff = None

    TEXT = """
application {name}
table users from topic "{name}-users" {{ key string  value json {{ town string, age int }} }}
table badges from topic "{name}-badges" {{ key string  value json {{ badge string, n int }} }}
stream clicks from topic "{name}-clicks" {{ key string  value json {{ user string }} }}
table old_users from topic "{name}-users" versioned 1s {{ key string  value json {{ town string, age int }} }}
table newest = old_users | join badges | map {{ age, badge }}
table counts = clicks | group by user | aggregate {{ clicks: count() }}
table both = users | join badges | map {{ town, badge, n }}
table all_of_them = users | outer join badges | left join counts | map {{ town, badge, clicks }}
table towns = users | group by town | aggregate {{ people: count(), ages: sum(age) }}
table by_badge = both | group by badge | aggregate {{ people: count(), n: sum(n) }}
table twice = users | join users as u | map {{ one: users.age, two: u.age }}
newest | to topic "{name}-newest"
function refer(age int) = try(concat("k", cast(age / if(age > 80, 0, 1) as string)))
table refers = users | join badges on refer(age) | map {{ town, badge, n }}
table may_refer = users | left join badges on refer(age) | map {{ town, badge, n }}
table by_ref = refers | group by badge | aggregate {{ people: count(), n: sum(n) }}
table by_minute = clicks | group by user, row: key | window tumbling 100ms grace 1h | aggregate {{ clicks: count() }}
table in_same = by_minute | group by towards: cast(clicks % 3 as string) | window same
  | aggregate {{ users: count(), clicks: sum(clicks) }}
in_same | to topic "{name}-in-same" {{ key windowed }}
refers | to topic "{name}-refers"
may_refer | to topic "{name}-may-refer"
by_ref | to topic "{name}-by-ref"
both | to topic "{name}-both"
all_of_them | to topic "{name}-all"
towns | to topic "{name}-towns"
by_badge | to topic "{name}-by-badge"
twice | to topic "{name}-twice"
"""
    OUTPUTS = ("refers", "may-refer", "by-ref", "both", "newest", "all", "towns", "by-badge", "twice", "in-same")

    def rows(self):
        rng = random.Random(7)
        for at in range(ROWS):
            key, kind = f"k{rng.randrange(KEYS)}", rng.randrange(3)
            value = ({"town": f"t{rng.randrange(9)}", "age": rng.randrange(90)},
                     {"badge": f"b{rng.randrange(5)}", "n": rng.randrange(100)}, {"user": key})[kind]
            if kind < 2 and rng.random() < 0.3:
                value = None
            topic = self.topic(("users", "badges", "clicks")[kind])
            yield {"topic": topic, "key": key, "value": value, "timestamp": at}

    def last(self, records):
        rows = {}
        for r in records:
            rows[r["topic"], r["key"], r.get("window", {}).get("start")] = r["value"]
        return {row: value for row, value in rows.items() if value is not None}

    def send(self, rows):
        for name in ("users", "badges", "clicks"):
            self.produce(name, [{k: r[k] for k in ("key", "value", "timestamp")} for r in rows
                                if r["topic"] == self.topic(name)])

    def check(self, rows):
        text = "".join(json.dumps(r) + "\n" for r in rows)
        want = self.last(json.loads(line) for line in self.streamd("pipe", self.file, stdin=text).splitlines())
        got = self.last({**r, "topic": self.topic(name)} for name in self.OUTPUTS for r in self.consume(name))
        self.assertGreater(len(want), KEYS)
        differ = {row: (got.get(row), want.get(row)) for row in got.keys() | want.keys()
                  if got.get(row) != want.get(row)}
        self.assertEqual(differ, {}, "(came, expected)")

    def test_as_pipe_says(self):
        rows = list(self.rows())
        self.send(rows)
        self.run_to_end()
        self.check(rows)

    def test_stopped_and_restored(self):
        rows = list(self.rows())
        self.send(rows[:ROWS // 2])
        run = self.start().ready()
        run.end(signal.SIGKILL)
        self.run_to_end()
        if common.KAFKA:
            shutil.rmtree(self.folder / "state-1")
        self.send(rows[ROWS // 2:])
        self.run_to_end()
        self.check(rows)


if __name__ == "__main__":
    unittest.main()
