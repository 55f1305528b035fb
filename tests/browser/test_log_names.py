"""Lanes may be called anything: what a page writes into files can be read back, by random names."""

import csv
import io
import json
import random

import pytest
from fuzzing import MORE, as_utf16, name
from views import LOAD, all_batches

from pushpull_kit import Timings

#: How many names there are at a time: fewer than a log has lanes.
NAMES = 4_000

#: Names cross into the page, and files out of it, as JSON in a text, which has an escape for half a
#: character; by itself it would not survive the way.
CODE = """const names = JSON.parse(argument.pop());
LOAD
log.lanes = names.map((name) => ["sender", name]);
return JSON.stringify(WHAT)"""


@pytest.fixture(scope="module", params=range(MORE))
def names(request):
    chance = random.Random(7 + request.param)
    return [name(chance) for _ in range(NAMES)]


def written(modules, names, what):
    """What a page writes of a log in which each of these has sent a message."""
    timings = Timings()
    buffer = timings.add_sender()
    for number in range(len(names)):
        timings.rename(buffer, str(number))
        buffer.start(b"x")
        buffer.end()
    lanes = json.dumps(["", "", *names])  # no lane, and the one that the buffer began in
    code = CODE.replace("LOAD", LOAD).replace("WHAT", what)
    return json.loads(modules.module("export", code, [*all_batches(timings), lanes]))


def test_any_name_survives_the_table(modules, names):
    """A CSV has a line for each message, with its sender's name, none of which is a formula."""
    text = written(modules, names, "it.csv(log)")
    lines = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert [line["number"] for line in lines] == [str(number) for number in range(len(names))]
    for line, sender in zip(lines, names, strict=True):
        expected = "'" + sender if sender.startswith(tuple("=+-@\t\r")) else sender
        assert as_utf16(line["sender"]) == as_utf16(expected)
        assert line["outcome"] == "in_flight"


def test_any_name_survives_the_pages_trace(modules, names):
    """The trace that a page writes is JSON, and its lanes have their names."""
    events = json.loads(written(modules, names, "it.chromeTrace(log)"))["traceEvents"]
    told = [e["args"]["name"] for e in events if e["ph"] == "M" and "tid" in e]
    for label, sender in zip(told, ["", *names], strict=True):
        expected = sender if sender == "sender" else f"sender: {sender}"
        assert as_utf16(label) == as_utf16(expected)
