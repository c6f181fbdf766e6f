"""The disk under the state, or under the embedded log, fails: it is full, or damaged, or its fsync fails. A run waits,
opens it anew and goes on, and its results are right."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest
import unittest.mock

import common

PAD = "x" * 100


class Disk(common.Case):
    def click(self, keys, n=1):
        self.produce("clicks", [{"key": k, "value": {"n": n}} for k in keys])

    def counts(self):
        return {r["key"]: r["value"]["clicks"] for r in self.consume("counts")}

    def number(self, process, metric):
        return int(re.search(rf"(?m)^{metric} (\d+)$", process.ask("GET", "/metrics")[1])[1])

    def say(self, process, keys):
        """Records through POST: what it answers."""
        lines = "".join(json.dumps({"key": k, "value": {"n": 1}}) + "\n" for k in keys)
        return process.ask("POST", f"/topics/{self.topic('clicks')}", lines)


class Full(Disk):
    def setUp(self):
        super().setUp()
        small = self.folder / "small"
        small.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", small], capture_output=True,
                              encoding="utf-8", check=False)
        if done.returncode != 0:
            self.skipTest(f"a small disk cannot be mounted here: {done.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", small], check=True)
        self.small = small
        if not common.KAFKA:
            self.log = ["--data-dir", small / "data"]

    def state(self, number=1):
        return ["--state-dir", self.small / "state"] if common.KAFKA else []

    def fill(self):
        with (self.small / "filler").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1 << 16))
            except OSError:
                pass

    def health(self, process):
        status, text = process.ask("GET", "/health")
        return status, json.loads(text)

    def until_it_waits(self, process):
        """Write until there is no room; (what was taken, what was refused)."""
        taken, refused = [], []
        for round_ in range(30):
            keys = [f"r{round_}-{k}-{PAD}" for k in range(10000)]
            if common.KAFKA:
                self.click(keys)
                taken += keys
            else:
                status, text = self.say(process, keys)
                (taken if status == 200 else refused).extend(keys)
                if status != 200:
                    self.assertIn(status, (503, 507), text)
                    self.assertRegex(text, "No space left|it is stopped for now")
            if self.health(process)[1]["state"] == "waiting":
                break
        common.wait_for(lambda: self.health(process)[1]["state"] == "waiting")
        return taken, refused

    def test_it_waits_and_goes_on(self):
        self.click(["before", "both"])
        process = self.start("--memory", "64MiB").ready()
        common.wait_for(lambda: self.counts() == {"before": 1, "both": 1})
        self.fill()
        taken, refused = self.until_it_waits(process)
        status, health = self.health(process)
        self.assertEqual((status, health["live"], health["ready"]), (503, True, False))
        self.assertRegex(health["why"], f"{self.small}.*No space left")
        common.wait_for(lambda: self.number(process, "streamd_store_errors_total") > 0)
        self.assertEqual(self.number(process, "streamd_ready"), 0)
        self.assertEqual(process.ask("GET", "/stores")[0], 503)
        (self.small / "filler").unlink()
        process.ready()
        self.click(["both"])
        expected = {"before": 1, "both": 2, **dict.fromkeys(taken, 1)}
        common.wait_for(lambda: self.counts().get("both") == 2 and len(self.counts()) >= len(expected))
        # What was refused may be there nevertheless, but never twice.
        self.assertEqual({k: v for k, v in self.counts().items() if k not in set(refused)}, expected)
        self.assertLessEqual({v for k, v in self.counts().items() if k in set(refused)}, {1})
        self.assertEqual(self.number(process, "streamd_stores_rebuilt_total"), 0)
        self.assertEqual(process.end(), 0, process.said()[-2000:])

    def test_a_signal_ends_the_waiting(self):
        self.click(["before"])
        process = self.start("--memory", "64MiB").ready()
        self.fill()
        self.until_it_waits(process)
        self.assertEqual(process.end(), 0, process.said()[-2000:])


class Failing(Disk):
    """Calls for the files fail while a file is there."""

    def start_on_it(self, name, memory="64MiB"):
        """(the process, the file that makes it fail)"""
        compiler = shutil.which("cc")
        if compiler is None or "san" in pathlib.Path(common.STREAMD).parent.name:
            self.skipTest("there is no compiler, or a sanitizer wants to be the first library")
        library, bad = self.folder / "bad_disk.so", self.folder / "bad"
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, common.ROOT / "tests/tools/bad_disk.c", "-ldl"],
                       check=True)
        with unittest.mock.patch.dict(os.environ, {"LD_PRELOAD": str(library), name: str(bad),
                                                   "BAD_FOLDER": str(self.folder)}):
            return self.start("--memory", memory).ready(), bad


class Unsynced(Failing):
    """fsync fails for a while: what was acknowledged is there, nothing is there twice, and the process stays."""

    def test_it_opens_anew(self):
        self.click(["before"])
        process, bad = self.start_on_it("BAD_FSYNC_FILE")
        bad.touch()
        taken, refused = [], []
        for round_ in range(30):
            keys = [f"r{round_}-{k}-{PAD}" for k in range(5000)]
            (taken if common.KAFKA or self.say(process, keys)[0] == 200 else refused).extend(keys)
            if common.KAFKA:
                self.click(keys)
            if self.number(process, "streamd_store_errors_total") > 0:
                break
        common.wait_for(lambda: self.number(process, "streamd_store_errors_total") > 0)
        self.assertRegex(process.said(), "the disk failed; it is opened anew .*Input/output error")
        bad.unlink()
        process.ready()
        self.click(["after"])
        expected = {"before": 1, "after": 1, **dict.fromkeys(taken, 1)}
        common.wait_for(lambda: "after" in self.counts() and len(self.counts()) >= len(expected))
        self.assertEqual({k: v for k, v in self.counts().items() if k not in set(refused)}, expected)
        self.assertLessEqual({v for k, v in self.counts().items() if k in set(refused)}, {1})
        self.assertEqual(process.end(), 0, process.said()[-2000:])


class Unread(Failing):
    """Reads fail and go on failing: opening it anew does not help, and the run says so and ends."""

    def test_it_gives_up(self):
        keys = [f"k{k}-{PAD}" for k in range(20000)]
        self.click(keys)
        self.run_to_end()
        process, bad = self.start_on_it("BAD_READ_FILE", "1MiB")  # too little to have it all in memory
        bad.touch()
        again = keys if common.KAFKA else keys[::100]
        self.click(again)
        self.assertEqual(process.child.wait(timeout=common.WAIT_S), 1)
        self.assertRegex(process.said(), "error: .*the disk failed 8 times in short order, and opening it anew did not "
                                         "help: .*Input/output error")
        bad.unlink()
        self.run_to_end()
        self.assertEqual(self.counts(), dict.fromkeys(keys, 1) | dict.fromkeys(again, 2),
                         "it goes on from what was committed")


class Damage(Disk):
    """Every file in turn is damaged in every way. With changelogs the results are right nevertheless."""

    def setUp(self):
        super().setUp()
        self.keys = [f"k{k}" for k in range(300)]
        self.click(self.keys)
        self.run_to_end()
        self.rounds = 1
        self.directory = self.folder / ("state-1" if common.KAFKA else "data")

    @staticmethod
    def flip(file):
        data = bytearray(file.read_bytes())
        if data:
            data[len(data) // 2] ^= 4
        file.write_bytes(data)

    @staticmethod
    def cut(file):
        os.truncate(file, file.stat().st_size // 2)

    @staticmethod
    def empty(file):
        os.truncate(file, 0)

    @staticmethod
    def remove(file):
        file.unlink()

    @unittest.skipUnless(common.KAFKA, "the embedded log has nothing behind it")
    def test_every_file(self):
        good = self.folder / "good"
        kinds = set()
        shutil.copytree(self.directory, good)
        for name in sorted(file.name for file in good.iterdir() if file.is_file()):
            for damage in (self.flip, self.cut, self.empty, self.remove):
                with self.subTest(file=name, damage=damage.__name__):
                    shutil.rmtree(self.directory)
                    shutil.copytree(good, self.directory)
                    damage(self.directory / name)
                    self.click(self.keys)
                    self.run_to_end()
                    self.rounds += 1
                    self.assertEqual(set(self.counts().values()), {self.rounds})
                    if any(self.directory.glob("damaged-*")):
                        kinds.add(name.split("-")[0].split(".")[-1])
        self.assertLessEqual({"CURRENT", "MANIFEST", "sst"}, kinds, "damage was noticed")

    @unittest.skipUnless(common.KAFKA, "the embedded log has nothing behind it")
    def test_it_is_set_aside_and_counted(self):
        self.flip(next(self.directory.glob("MANIFEST-*")))
        process = self.start().ready()
        self.click(self.keys)
        common.wait_for(lambda: set(self.counts().values()) == {2})
        self.assertEqual(self.number(process, "streamd_stores_rebuilt_total"), 1)
        self.assertRegex(process.said(), "the state was damaged; it was set aside .*damaged=.*/damaged-2")
        self.assertEqual(process.end(), 0)
        self.assertEqual(len(list(self.directory.glob("damaged-*/MANIFEST-*"))), 1)

    @unittest.skipUnless(common.KAFKA, "the embedded log has nothing behind it")
    def test_damage_that_is_met_while_it_runs(self):
        keys = [f"k{k}-{PAD}" for k in range(20000)]
        self.click(keys)
        self.run_to_end()
        large = [file for file in self.directory.glob("*.sst") if file.stat().st_size > 100000]
        for file in large:  # Among the rows, which opening does not look at.
            data = bytearray(file.read_bytes())
            data[len(data) // 4] ^= 4
            file.write_bytes(data)
        self.assertTrue(large)
        process = self.start().ready()
        self.click(keys)
        wanted = set(keys)
        common.wait_for(lambda: {v for k, v in self.counts().items() if k in wanted} == {2})
        self.assertRegex(process.said(), "the disk failed; .*Corruption")
        self.assertEqual(self.number(process, "streamd_stores_rebuilt_total"), 1)
        self.assertEqual(process.end(), 0)

    @unittest.skipIf(common.KAFKA, "there it is set aside")
    def test_the_embedded_log_is_left_alone(self):
        (self.directory / "CURRENT").write_text("damaged\n")
        before = sorted(file.name for file in self.directory.iterdir())
        said = self.streamd("run", self.file, "--http", "off", "--until-end", *self.log, code=1)
        self.assertIn("bring the directory back from a copy", said)
        self.assertLessEqual({n for n in before if n.endswith(".sst")}, {f.name for f in self.directory.iterdir()})
        self.assertEqual((self.directory / "CURRENT").read_text(), "damaged\n")


class Errors(Disk):
    """Standard error that takes nothing does not hold up what is processed."""

    def run_with(self, stderr):
        self.click([f"k{k}" for k in range(20)])
        child = subprocess.Popen([common.STREAMD, "run", self.file, "--threads", "2", "--http", "off", "--until-end",
                                  *map(str, self.log), *map(str, self.state())], stderr=stderr,
                                 stdin=subprocess.DEVNULL)
        self.addCleanup(child.kill)
        self.assertEqual(child.wait(timeout=common.WAIT_S), 0)
        self.assertEqual(set(self.counts().values()), {1})

    def test_a_full_disk(self):
        with pathlib.Path("/dev/full").open("wb") as full:
            self.run_with(full)

    def test_a_pipe_that_nobody_reads(self):
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        os.set_blocking(write, False)
        try:
            while True:
                os.write(write, bytes(1))
        except BlockingIOError:
            os.set_blocking(write, True)
        self.run_with(write)
        os.close(write)

    def test_a_pipe_that_is_closed(self):
        read, write = os.pipe()
        os.close(read)
        self.run_with(write)
        os.close(write)


if __name__ == "__main__":
    unittest.main()
