"""The files that a page saves: `export.js`."""

import csv
import io
import json

from logs import BLOG, MS, log
from views import LOAD, all_batches


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


def test_the_trace_is_the_one_python_writes(modules, tmp_path):
    """The trace saved in the page has the events that `to_chrome_trace` writes."""
    timings = log([*BLOG, (1, 2, 3000, -4000), (5, -6, None, None), (7, 8, None, None)])
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
