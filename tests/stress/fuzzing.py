"""Random input for every place where the kit takes bytes; `make fuzz` tries millions.

A target takes a random generator and the number of inputs to try, and returns the number it tried.
It raises AssertionError with the input in the message when a property does not hold. The seed is
printed; the same seed and number of inputs repeat a run.
"""

import argparse
import json
import logging
import os
import queue
import random
import string
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import zmq

from pushpull_kit import Context, Timeline, Timings, Worker
from pushpull_kit.recording.export import write_chrome_trace
from pushpull_kit.recording.log import Delta
from pushpull_kit.recording.messages import ROW
from pushpull_kit.sockets.context import RETIRE_TIMEOUT_S
from pushpull_kit.sockets.decoding import DECODERS, unreadable
from pushpull_kit.spec import BATCH_COLUMNS, OUTCOMES
from pushpull_kit.views.timeline.protocol import as_utf8, encode

TIMEOUT_S = 30

#: Factor for the number of examples in the property tests. Above 1, each run tries new examples.
MORE = int(os.environ.get("PUSHPULL_EXAMPLES", "1"))

# Random material


WORDS = [
    b"", b"0", b"-0", b"1e999", b"NaN", b"-Infinity", b"null", b"true", b'"', b'"\\u',
    b'"\\ud800"', b"[", b"]", b"{", b"}", b"{}", b",", b":", b'{"a":', b"\\", b"\x00",
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\x00\x00", b"\xed\xa0\x80",
    b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xe2\x80\xa8", b"\x80\x04\x95",
    b"cos\nsystem\n(S'true'\ntR.", "漢".encode(), "😀".encode(), b" ", b"\r\n",
]  # fmt: skip

#: Characters of a name: letters, special characters of several formats, and lone surrogates.
CHARACTERS = [
    *string.printable, *'",;\'\\=+-@\t\r\n\0',
    *"\x1b\x7f\x85\xa0\xad\u200e\u202e\u2028\u2029\ufeff", "\ud800", "\udbff", "\udc00", "\udfff",
    "\ufffe", "\uffff", "\U0001f600", "\U0010ffff", "</script>",
]  # fmt: skip


def some_json(chance, depth=3):
    """Return any JSON value, nested at most `depth` levels."""
    kind = chance.randrange(8 if depth else 6)
    if kind == 6:
        return [some_json(chance, depth - 1) for _ in range(chance.randrange(4))]
    if kind == 7:
        return {name(chance, 6): some_json(chance, depth - 1) for _ in range(chance.randrange(4))}
    return (
        None,
        chance.random() < 0.5,
        chance.choice([0, -1, 1, 2**31, -(2**63), 10**40, chance.randrange(1000)]),
        chance.choice([0.0, -0.0, 1.5, 1e308, float("inf"), float("nan")]),
        name(chance, 12),
        chance.choice(["subscribe", "acknowledge", "batch", "kind", "sequence", ""]),
    )[kind]


def payload(chance):
    """Return bytes: noise, text, JSON, damaged JSON, or joined tokens."""
    kind = chance.randrange(12)
    if kind < 2:
        return chance.randbytes(chance.choice([0, 1, 2, 3, 7, 40, 257]))
    if kind < 4:
        text = name(chance, 20)
        code = chance.choice(["utf-8", "utf-8", "utf-16", "utf-16-be", "utf-32"])
        return text.encode(code, "surrogatepass")
    if kind < 7:
        return b"".join(chance.choices(WORDS, k=chance.randrange(8)))
    if kind == 7 and chance.random() < 0.2:
        long = chance.choice([b"[", b'{"a":', b"9", b"-1", b'"', b"[]", b"\xff"])
        return long * chance.choice([1_000, 5_000, 20_000])
    whole = json.dumps(some_json(chance), ensure_ascii=chance.random() < 0.5)
    data = bytearray(whole.encode("utf-8", "surrogatepass"))
    if kind > 8:
        for _ in range(chance.randrange(4)):
            at = chance.randrange(len(data) + 1)
            data[at : at + chance.randrange(3)] = chance.choice(WORDS)
    return bytes(data)


def name(chance, longest=12):
    """Return a lane name of any characters, including lone surrogates."""
    characters = chance.choices(CHARACTERS, k=chance.randrange(longest + 1))
    if chance.random() < 0.3:
        characters.append(chr(chance.randrange(sys.maxunicode + 1)))
    return "".join(characters)


def as_utf16(text):
    """Encode text as a browser does: two adjacent surrogates form one character."""
    return text.encode("utf-16-le", "surrogatepass")


# Targets


def check(fact, what, found):
    if not fact:
        raise AssertionError(f"{what}: {found!r:.500}")


def decoding(chance, count):
    """Any bytes decode to a value, or to an error that says what was expected."""
    decoders = [(name, decoder) for name, decoder in DECODERS.items() if decoder]
    for _ in range(count):
        data, (name, decode) = payload(chance), chance.choice(decoders)
        try:
            decode(data)
        except (ValueError, RecursionError) as error:
            text = str(unreadable(name, data, error))
            check(text.startswith("expected ") and "receive='bytes'" in text, "no remedy", data)
            check(len(text) < 500, "a long message", data)
        except BaseException as error:
            raise AssertionError(f"{name} raised {error!r}: {data!r:.500}") from error
    return count


def worker(chance, count):
    """A worker takes each message once and keeps running, whatever the messages contain."""
    context, got = Context(), queue.SimpleQueue()
    logging.getLogger("pushpull_kit").disabled = True  # each worker logs its first three failures
    try:
        tried = 0
        for receive in DECODERS:
            there = f"inproc://{receive}"
            with (
                Worker(got.put, bind=there, context=context, name=receive, receive=receive) as it,
                context.socket(zmq.PUSH) as push,
            ):
                push.sndtimeo = 1000 * TIMEOUT_S
                push.connect(there)
                for at in range(1, count // len(DECODERS) + 1):
                    frames = [payload(chance)]
                    if chance.random() < 0.1:
                        frames += [payload(chance) for _ in range(chance.randrange(1, 4))]
                    push.send_multipart(frames)
                    if at % 500 == 0:
                        it.wait(at, TIMEOUT_S)
                last = b'"the last"'
                push.send(last)
                it.wait(at + 1, TIMEOUT_S)
                tried += at + 1
                value = None
                while not got.empty():
                    value = got.get()
                expected = {"string": '"the last"', "json": "the last", "multipart": [last]}
                check(value == expected.get(receive, last), "after all this", value)
                check(it.running, "the worker ended", it)
            summary = context.timings.summary()
            check(summary.pushed == tried, receive, summary)
            check(summary.handled + summary.failed == tried, receive, summary)
        return tried
    finally:
        logging.getLogger("pushpull_kit").disabled = False
        context.retire(RETIRE_TIMEOUT_S)


def receiving(chance, count):
    """No message of a page raises an exception or stops the thread."""
    timings = Timings()
    buffer = timings.add_sender()
    view = Timeline(timings)
    stream = view.stream
    try:
        for at in range(count):
            last = stream.sequence
            sequence = chance.choice([last, last + 1, 1, some_json(chance, 1)])
            content = chance.choice(
                [
                    some_json(chance),
                    {"kind": chance.choice(["subscribe", some_json(chance, 1)])},
                    {"kind": "acknowledge", "sequence": sequence},
                    {"kind": "acknowledge", name(chance, 3): sequence},
                ]
            )
            before = stream.acknowledged
            try:
                view.receive(content)
            except BaseException as error:
                raise AssertionError(f"raised {error!r}: {content!r:.500}") from error
            check(before <= stream.acknowledged <= stream.sequence, "acknowledged", content)
            if at % 2_000 == 0:
                _still_sends(view, buffer, content)
        _still_sends(view, buffer, None)
    finally:
        view.close()
    return count


def _still_sends(view, buffer, content):
    """Record an event, and wait until it has been sent to the page."""
    buffer.start(b"x")
    buffer.end()
    deadline_s = time.monotonic() + TIMEOUT_S
    while view.stream.n_pending:
        check(time.monotonic() < deadline_s, "no more is sent after", content)
        time.sleep(0.001)
    alive = any(thread.name == "timeline" for thread in threading.enumerate())
    check(alive, "the thread ended after", content)


def trace(chance, count):
    """A trace is valid JSON and contains the names of the lanes, whatever they are."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        for at in range(0, count, 500):
            lanes = [("", ""), *(("sender", name(chance)) for _ in range(min(500, count - at)))]
            write_chrome_trace(path, some_rows(chance, 5, len(lanes)), lanes)
            events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
            labels = [e["args"]["name"] for e in events if e["ph"] == "M" and "tid" in e]
            of_lanes = labels[: len(lanes) - 1]  # then those of further threads
            for (_, lane), label in zip(lanes[1:], of_lanes, strict=True):
                expected = lane if lane == "sender" else f"sender: {lane}"
                check(as_utf16(label) == as_utf16(expected), "a name", (lane, label))
    return count


def some_rows(chance, count, n_lanes):
    """Return messages in any state, at any time."""
    rows = np.zeros(count, ROW)
    for row in rows:
        at = chance.choice([1, 10**9, 2**62])
        row["outcome"] = chance.randrange(len(OUTCOMES))
        row["n_bytes"] = chance.choice([0, 1, 2**40])
        row["sender"], row["worker"] = chance.randrange(n_lanes), chance.randrange(n_lanes)
        for field in ("send_start_ns", "send_end_ns", "recv_ns", "done_ns"):
            at += chance.choice([0, 1, 10**9])
            row[field] = chance.choice([0, at])
    return rows


def blocks(chance, count):
    """An encoded block decodes to the messages that were encoded."""
    for at in range(0, count, 20):
        n = min(20, count - at)
        rows = some_rows(chance, n, chance.choice([1, 5, 2**16]))
        rows["n_bytes"] = [chance.choice([0, 1, 2**53]) for _ in rows]
        first = chance.choice([0, 5, 2**40])
        numbers = first + np.array([chance.randrange(2**32) for _ in rows], np.int64)
        origin_ns = int(rows["send_start_ns"].min()) or 1
        far = abs(rows["done_ns"].max() - origin_ns) > 2**53  # beyond the exact integers of a float
        lanes = {"n_pending": 0, "lanes": [], "open_lanes": []}
        delta = Delta(
            numbers, rows, first, oldest_id=first, next_id=int(numbers.max()) + 1, **lanes
        )
        block = encode(delta, origin_ns)
        place = 0
        for column, kind in BATCH_COLUMNS:
            values = np.frombuffer(block, f"<{kind}", n, place)
            place += values.nbytes
            if column == "message_id":
                check((values.astype(np.int64) + first == numbers).all(), column, numbers)
            elif column.endswith("_ns"):
                seen = rows[column] > 0
                check((np.isnan(values) == ~seen).all(), column, rows)
                near = values[seen] - (rows[column][seen] - origin_ns)
                check((abs(near) <= (2**11 if far else 0)).all(), column, rows)
            else:
                check((values == rows[column]).all(), column, rows)
        check(place == len(block), "the length", block)
    return count


def names_sent(chance, count):
    """A lane name sent to a page is UTF-8; only lone surrogates are replaced."""
    for _ in range(count):
        lane = name(chance)
        sent = as_utf8(lane)
        sent.encode()
        check(len(sent) == len(lane), "another length", (lane, sent))
        for one, other in zip(lane, sent, strict=True):
            half = "\ud800" <= one <= "\udfff"
            check(other == ("?" if half else one), "a character", (lane, sent))
    return count


#: Number of inputs of each target.
TARGETS = {
    decoding: 3_000_000,
    worker: 500_000,
    receiving: 1_000_000,
    trace: 1_000_000,
    blocks: 500_000,
    names_sent: 500_000,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    parser.add_argument("--seconds", type=float, default=240, help="maximum duration")
    parser.add_argument("--seed", type=int, default=None, help="repeat the run of this seed")
    parser.add_argument("--only", choices=[target.__name__ for target in TARGETS])
    arguments = parser.parse_args()
    seed = random.SystemRandom().randrange(2**32) if arguments.seed is None else arguments.seed
    print(f"seed {seed}: to repeat this run, use --seed {seed}", flush=True)
    began_s, tried, spent_s = time.monotonic(), Counter(), Counter()
    for target, count in TARGETS.items():
        if arguments.only not in (None, target.__name__):
            continue
        chance = random.Random(f"{seed} {target.__name__}")
        started_s = time.monotonic()
        while tried[target] < count and time.monotonic() < began_s + arguments.seconds:
            tried[target] += target(chance, min(count - tried[target], 20_000))
        spent_s[target] = time.monotonic() - started_s
        said = (target.__doc__ or "").splitlines()[0]
        print(
            f"{target.__name__:>12} {tried[target]:>9,} inputs {spent_s[target]:>5.0f} s  {said}",
            flush=True,
        )
    print(f"{'total':>12} {tried.total():>9,} inputs {time.monotonic() - began_s:>5.0f} s")
    missing = [t.__name__ for t in spent_s if tried[t] < TARGETS[t]]
    return f"out of time: {', '.join(missing)}" if missing else 0


if __name__ == "__main__":
    sys.exit(main())
