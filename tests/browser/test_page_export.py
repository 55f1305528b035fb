"""The files that a page saves: `export.js`."""

import csv
import io
import json

import pytest
from logs import BLOG, MS, START, log, received
from views import LOAD, all_batches

from pushpull_kit import Timings


def ask(modules, timings, code):
    return modules.module("export", LOAD + code, all_batches(timings))


def test_the_table_reads_back(modules):
    """The CSV has a line for each message, with its instants in ns and its lanes' names."""
    timings = log(BLOG, sender='a "quoted", name', worker="=1+1")
    lines = list(csv.DictReader(io.StringIO(ask(modules, timings, "return it.csv(log)"))))
    assert [line["number"] for line in lines] == ["0", "1", "2"]
    assert lines[0]["sender"] == 'a "quoted", name'
    assert int(lines[2]["done_ns"]) == 6000 * MS
    assert lines[0]["worker"] == "'=1+1"  # no spreadsheet takes it for a formula


def overlapping():
    """Return a log of five senders of one name, and five workers, at work at the same time."""
    timings = Timings()
    senders = [timings.add_sender("push") for _ in range(5)]
    workers = [timings.add_worker("pull") for _ in range(5)]
    for number, (sender, worker) in enumerate(zip(senders, workers, strict=True)):
        for buffer, start_ms, end_ms in ((sender, 0, 12), (worker, 30, 55), (sender, 13, 14)):
            buffer.start(b"%d" % number, START + (start_ms + 5 * number) * MS)
            buffer.end(at_ns=START + (end_ms + 5 * number) * MS)
    return timings


@pytest.mark.parametrize(
    "timings",
    [
        log([*BLOG, (1, 2, 3000, -4000), (5, -6, None, None), (7, 8, None, None)]),
        received([(0, 1, 2), (3, 4, 5)]),
        overlapping(),
    ],
    ids=["outcomes", "bare PULL", "overlapping"],
)
def test_the_trace_is_the_one_python_writes(modules, tmp_path, timings):
    """The trace saved in the page has the events that `to_chrome_trace` writes."""
    timings.to_chrome_trace(tmp_path / "trace.json")
    theirs = json.loads((tmp_path / "trace.json").read_text("utf-8"))["traceEvents"]
    mine = json.loads(ask(modules, timings, "return it.chromeTrace(log)"))["traceEvents"]

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


def test_a_trace_without_lanes_is_written(modules):
    """A page that has messages and no lanes yet writes their slices nevertheless."""
    code = "log.lanes = []; return it.chromeTrace(log)"
    events = json.loads(ask(modules, log(BLOG), code))["traceEvents"]
    assert sum(event["ph"] == "X" for event in events) == 6


def test_an_end_that_is_not_known_is_an_empty_cell(modules):
    """A message of a bare PULL has a receipt and no end in the table."""
    (line,) = csv.DictReader(io.StringIO(ask(modules, received([(0, 1, 2)]), "return it.csv(log)")))
    assert (line["recv_ns"], line["done_ns"], line["outcome"]) == (str(2 * MS), "", "handled")
