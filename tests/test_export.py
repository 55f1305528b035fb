"""A Chrome trace shows messages as slices, arrows and a counter."""

import json

import numpy as np
import pytest

from pushpull_kit.recording.export import write_chrome_trace
from pushpull_kit.recording.messages import (
    FAILED,
    HANDLED,
    HANDLING,
    IN_FLIGHT,
    INTERRUPTED,
    REFUSED,
    ROW,
    SENDING,
)

SENDER, WORKER = 1, 2
LANES = [("", ""), ("sender", "sender"), ("worker", "slow one")]


@pytest.fixture
def trace(tmp_path):
    """Return a function that writes rows as a trace, and returns the events of the file."""

    def write(*rows, lanes=LANES):
        path = tmp_path / "trace.json"
        array = np.array(list(rows), ROW)
        write_chrome_trace(path, array, lanes)
        return json.loads(path.read_text(encoding="utf-8"))["traceEvents"]

    return write


def row(start, end, recv, done, outcome, n_bytes=3):
    sender, worker = SENDER * (start > 0), WORKER * (recv > 0)
    return start, end, recv, done, n_bytes, sender, worker, outcome


def of(events, phase):
    return [event for event in events if event["ph"] == phase]


WHOLE = row(1_000, 3_000, 4_500, 9_000, HANDLED)


def test_a_message_is_a_slice_in_each_lane(trace):
    """A send and a handling are slices, in µs, each in its own lane."""
    send, handle = of(trace(WHOLE), "X")
    assert (send["name"], send["tid"], send["ts"], send["dur"]) == ("send", SENDER, 1.0, 2.0)
    assert (handle["name"], handle["tid"], handle["ts"]) == ("handle", WORKER, 4.5)
    assert handle["dur"] == 4.5


def test_a_slice_names_its_message(trace):
    """A slice has the number, the size and the outcome of its message."""
    for event in of(trace(WHOLE), "X"):
        assert event["args"] == {"message": 0, "bytes": 3, "outcome": "handled"}


def test_an_arrow_goes_from_send_to_receipt(trace):
    """A flow starts in the sender's lane, at the call of send, and ends at the receipt."""
    (start,), (end,) = of(events := trace(WHOLE), "s"), of(events, "f")
    assert (start["tid"], start["ts"]) == (SENDER, 1.0)
    assert (end["tid"], end["ts"], end["bp"]) == (WORKER, 4.5, "e")
    assert start["id"] == end["id"]


def test_arrows_do_not_share_an_id(trace):
    """Each message's flow has its own id."""
    starts = of(trace(WHOLE, row(1_500, 1_600, 9_000, 9_500, FAILED)), "s")
    assert len({event["id"] for event in starts}) == 2


def test_a_counter_counts_messages_in_flight(trace):
    """The counter rises when a send ends, and falls when its message is received."""
    counters = of(trace(WHOLE, row(3_100, 3_200, 0, 0, IN_FLIGHT)), "C")
    assert [(c["ts"], c["args"]["messages"]) for c in counters] == [(3.0, 1), (3.2, 2), (4.5, 1)]


def test_lanes_have_their_names(trace):
    """A lane is labeled with its kind and name, or with the name alone if they are equal."""
    labels = {e["tid"]: e["args"]["name"] for e in of(trace(), "M") if "tid" in e}
    assert labels == {SENDER: "sender", WORKER: "worker: slow one"}


@pytest.mark.parametrize(
    ("message", "names"),
    [
        (row(1, 2, 3, 4, FAILED), ["send", "failed"]),
        (row(1, 2, 0, 0, REFUSED), ["refused"]),
        (row(1, 2, 0, 0, INTERRUPTED), ["send"]),
        (row(1, 2, 0, 0, IN_FLIGHT), ["send"]),
        (row(0, 0, 3, 4, HANDLED), ["handle"]),
        (row(1, 2, 3, 0, HANDLING), ["send"]),
        (row(1, 0, 0, 0, SENDING), []),
    ],
    ids=["failed", "refused", "interrupted", "in flight", "untimed", "handling", "sending"],
)
def test_the_name_of_a_slice_is_its_outcome(trace, message, names):
    """A slice has a start and an end; failed and refused ones are named so."""
    assert [event["name"] for event in of(trace(message), "X")] == names


@pytest.mark.parametrize(
    "message",
    [row(1, 2, 0, 0, IN_FLIGHT), row(0, 0, 3, 4, HANDLED)],
    ids=["in flight", "untimed"],
)
def test_no_arrow_without_both_ends(trace, message):
    """A message without a timed send, or without a receipt, has no arrow."""
    events = trace(message)
    assert of(events, "s") == of(events, "f") == []


@pytest.mark.parametrize(
    "name", ['say "hello"', "</script><script>alert(1)</script>", "back\\slash", "ü µ 漢\n\0"]
)
def test_any_lane_name_is_read_back(trace, name):
    """A lane's name is read back unchanged, with quotes and markup."""
    (event,) = [e for e in of(trace(lanes=[("", ""), ("sender", name)]), "M") if "tid" in e]
    assert event["args"]["name"] == f"sender: {name}"


def test_an_empty_trace_is_valid(trace):
    """A trace without messages is valid, and has no slices and no counters."""
    assert {event["ph"] for event in trace()} == {"M"}


def test_a_missing_folder_is_an_error(tmp_path):
    """A file that cannot be written raises `OSError`."""
    with pytest.raises(OSError, match="nowhere"):
        write_chrome_trace(tmp_path / "nowhere" / "trace.json", np.empty(0, ROW), LANES)
