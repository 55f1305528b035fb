"""What a page keeps of a log, and what can be read off it: `log.js`, fed by a real `Feed`."""

import base64
import csv
import io
import json

import numpy as np
import pytest
from logs import BLOG, MS, log, many

from pushpull_kit import Timings
from pushpull_kit.views.timeline.protocol import COLUMNS, MOST, Feed

LOAD = """const log = new it.Log();
for (const [batch, text, shift] of argument) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const room = new Uint8Array(bytes.length + shift);
  room.set(bytes, shift);
  log.add(batch, new DataView(room.buffer, shift));
}
"""


def batches(timings, shift=0):
    """All that a page would be told of a log, in a form that crosses into it."""
    feed, told, time_s = Feed(timings), [], 0.0
    feed.hello()
    while True:
        time_s += 1
        header, block = feed.batch(time_s)
        told.append([header, base64.b64encode(block).decode(), shift])
        feed.ack(header["sequence"])
        if not feed.n_pending:
            return told


def ask(modules, timings, code, shift=0):
    return modules.module("log", LOAD + code, batches(timings, shift))


@pytest.mark.parametrize("shift", [0, 1, 3, 4, 7])
def test_a_block_may_lie_anywhere_in_a_buffer(modules, shift):
    """Bytes that are not aligned are read as they are."""
    found = ask(modules, log(BLOG), "return [...log.messages()].map((m) => m.done - m.recv)", shift)
    assert [round(ns / MS) for ns in found] == [2000, 2000, 2000]


def test_instants_are_exact_to_the_nanosecond(modules):
    """What a page knows of a message is what the log holds."""
    timings = log([(0, 0.000001, 0.123456, 7.654321)])
    (found,) = ask(modules, timings, "return [...log.messages()]")
    (row,) = timings.rows()
    assert found["sendEnd"] - found["sendStart"] == row["send_end_ns"] - row["send_start_ns"]
    assert found["done"] - found["sendStart"] == row["done_ns"] - row["send_start_ns"]


def test_an_instant_that_was_not_seen_is_not_a_number(modules):
    """A message in flight has no receipt and no end."""
    (found,) = ask(modules, log([(0, 1, None, None)]), "return [...log.messages()]")
    assert found["recv"] != found["recv"]
    assert found["outcome"] == "in_flight"


@pytest.mark.parametrize(
    ("change", "block"),
    [({"count": 3}, b""), ({"count": 1}, b"12345"), ({"count": -1}, b""), ({"count": None}, b"")],
)
def test_a_block_that_does_not_fit_is_refused(modules, change, block):
    """A buffer that is empty, cut or odd changes nothing."""
    header, _ = Feed(log(BLOG)).batch(0.0)
    code = """const log = new it.Log();
    return [log.add(argument[0], new ArrayBuffer(argument[1])), log.next]"""
    assert modules.module("log", code, [{**header, **change}, len(block)]) == [False, 0]


def test_no_block_at_all_is_an_empty_one(modules):
    """A batch that only brings a headline needs no buffer."""
    header, _ = Feed(Timings()).batch(0.0)
    code = "return new it.Log().add(argument, undefined)"
    assert modules.module("log", code, header) is True


def test_the_oldest_go_first(modules):
    """A page keeps as many messages as the log does, and knows their numbers."""
    timings = Timings(limit=1000)
    sender = timings.add_sender()
    for number in range(3000):
        sender.payloads.append(b"%d" % number)
        sender.begins.append(10**9 + number * 1000)
        sender.ends.append(10**9 + number * 1000 + 500)
        if number % 700 == 0:
            timings.summary()
    code = """const all = [...log.messages()];
    const numbers = [all[0].number, all.at(-1).number];
    return [all.length, ...numbers, log.capacity, log.message(5), log.missing]"""
    assert ask(modules, timings, code) == [1000, 2000, 2999, 1000, None, 0]


def test_memory_is_bounded_by_the_logs_limit(modules):
    """However many messages come, the columns never grow beyond what the log keeps."""
    timings = many(20_000)
    timings.limit = 20_000
    assert ask(modules, timings, "return log.capacity") <= 20_000


def test_a_cleared_log_is_cleared_in_the_page(modules):
    """After `clear()` only what came later is there, numbered anew."""
    timings = log(BLOG)
    told = batches(timings)
    timings.clear()
    sender = timings.add_sender("again")
    sender.begin(b"x")
    sender.end()
    told += batches(timings)
    code = LOAD + "return [...log.messages()].map((m) => [m.number, log.name(m.sender)])"
    assert modules.module("log", code, told) == [[0, "again"]]


def test_a_snapshot_comes_in_parts(modules):
    """A log that is larger than one batch arrives whole."""
    timings = many(MOST + 10)
    told = batches(timings)
    assert len(told) == 2
    assert modules.module("log", LOAD + "return [log.loaded, log.missing]", told) == [MOST + 10, 0]


@pytest.mark.parametrize("at", [-1, 0.05, 0.3, 1000, 2500, 4100, 7000])
def test_the_sum_comes_out_at_any_instant(modules, at):
    """pushed = handled + failed + in the handler + in flight, as it was at any time."""
    messages = [*BLOG, (1, 2, 3000, -4000), (5, -6, None, None), (7, 8, None, None)]
    timings = log(messages)
    beginning = timings.rows()["send_start_ns"].min()
    sum_ = ask(modules, timings, f"return log.summary(log.beginning + {at * MS})")
    rows = timings.rows()
    now = beginning + at * MS
    begun = rows[(rows["send_end_ns"] <= now) & (rows["outcome"] != 5)]
    assert sum_["pushed"] == len(begun)
    assert sum_["pushed"] == sum(sum_[k] for k in ("handled", "failed", "handling", "inFlight"))


def test_the_table_reads_back(modules):
    """The CSV has a line for each message, with its instants in ns and its lanes' names."""
    timings = log(BLOG, sender='a "quoted", name', worker="=1+1")
    lines = list(csv.DictReader(io.StringIO(ask(modules, timings, "return log.csv()"))))
    assert [line["number"] for line in lines] == ["0", "1", "2"]
    assert lines[0]["sender"] == 'a "quoted", name'
    assert int(lines[2]["done_ns"]) == 6000 * MS
    assert lines[0]["worker"] == "'=1+1"  # no spreadsheet takes it for a formula


def test_the_trace_is_the_one_python_writes(modules, tmp_path):
    """The trace saved in the page has the events that `to_chrome_trace` writes."""
    timings = log([*BLOG, (1, 2, 3000, -4000), (5, -6, None, None), (7, 8, None, None)])
    timings.to_chrome_trace(tmp_path / "trace.json")
    theirs = json.loads((tmp_path / "trace.json").read_text("utf-8"))["traceEvents"]
    mine = json.loads(ask(modules, timings, "return log.chromeTrace()"))["traceEvents"]

    def shape(events):
        """Each event, with its time from the first and the message's number as in the picture."""
        first = min(event["ts"] for event in events if "ts" in event)
        for event in events:
            if "ts" in event:
                event["ts"] = round(event["ts"] - first, 3) + 0.0
            if "dur" in event:
                event["dur"] = round(event["dur"], 3) + 0.0
        return sorted(json.dumps(event, sort_keys=True) for event in events)

    assert shape(mine) == shape(theirs)


def test_the_columns_are_as_wide_as_the_page_thinks(modules):
    """A message takes as many bytes in a block as the page reads."""
    width = sum(np.dtype(kind).itemsize for _, kind in COLUMNS)
    assert modules.module("log", "return it.ROW_BYTES") == width
