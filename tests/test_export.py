"""A Chrome trace shows messages as slices, arrows and a counter."""

import itertools
import json

import numpy as np
import pytest

from pushpull_kit.recording.export import to_dataframe, write_chrome_trace
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


def test_a_lane_that_is_not_in_use_has_no_label(trace):
    """When a log is cleared, the lanes of closed sockets lose their names."""
    labels = [e for e in of(trace(lanes=[*LANES, ("", "")]), "M") if "tid" in e]
    assert [event["tid"] for event in labels] == [SENDER, WORKER]


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


# A bare PULL: of its messages only the receipt is known.

RECEIVED = row(1_000, 3_000, 4_500, 0, HANDLED)


def test_a_receipt_without_an_end_is_an_instant(trace):
    """A message of which only the receipt is known has an instant event, and no slice of work."""
    events = trace(RECEIVED)
    (instant,) = of(events, "i")
    assert (instant["name"], instant["tid"], instant["ts"]) == ("receive", WORKER, 4.5)
    assert instant["s"] == "t"  # in this thread only
    assert [event["name"] for event in of(events, "X")] == ["send"]


def test_an_arrow_ends_at_the_instant_of_a_receipt(trace):
    """The flow ends at the instant event, which comes before it in the file."""
    events = trace(RECEIVED)
    (instant,), (end,) = of(events, "i"), of(events, "f")
    assert (end["tid"], end["ts"]) == (instant["tid"], instant["ts"])
    assert events.index(instant) < events.index(end)


def test_a_message_in_the_handler_has_no_instant(trace):
    """Only messages that are not in a handler have an instant event."""
    assert of(trace(row(1, 2, 3, 0, HANDLING), WHOLE), "i") == []


def test_an_unknown_end_is_missing_in_a_table():
    """In pandas, such a message has no end."""
    pytest.importorskip("pandas")
    frame = to_dataframe(np.array([RECEIVED, WHOLE], ROW), LANES)
    assert frame["done_ns"].isna().tolist() == [True, False]
    assert frame["outcome"].tolist() == ["handled", "handled"]


def test_a_table_with_a_lone_surrogate_can_be_saved(tmp_path):
    """In a name of a table, half a character is a question mark, so that any file can hold it."""
    pytest.importorskip("pandas")
    frame = to_dataframe(np.array([WHOLE], ROW), [("", ""), ("sender", "\ud83d"), ("worker", "w")])
    frame.to_csv(tmp_path / "messages.csv")
    assert frame["sender"].tolist() == ["?"]


# Sockets of one name: their slices overlap, and rows have lanes only.

SENDS = [
    row(start, end, 0, 0, IN_FLIGHT) for start, end in ((10, 40), (20, 30), (35, 50), (40, 60))
]


def test_slices_of_one_thread_do_not_overlap(trace):
    """Sends that overlap, of sockets of one name, are on different threads of the trace."""
    slices = sorted(of(trace(*SENDS), "X"), key=lambda event: (event["tid"], event["ts"]))
    assert len({event["tid"] for event in slices}) == 2
    for one, other in itertools.pairwise(slices):
        end = one["ts"] + one["dur"]
        assert one["tid"] != other["tid"] or end <= other["ts"] + 1e-9


def test_further_threads_are_numbered(trace):
    """The second thread of a lane has the lane's name and a number."""
    events = trace(*SENDS)
    names = {e["tid"]: e["args"]["name"] for e in of(events, "M") if "tid" in e}
    assert list(names.values()) == ["sender", "worker: slow one", "sender (2)"]
    assert {event["tid"] for event in of(events, "X")} <= set(names)


def test_an_arrow_starts_and_ends_on_the_threads_of_its_slices(trace):
    """The flow of a message whose slices are on further threads joins these."""
    first, second = row(10, 50, 60, 90, HANDLED), row(20, 40, 70, 80, HANDLED)
    events = trace(first, second)
    for number in (0, 1):
        slices = [e["tid"] for e in of(events, "X") if e["args"]["message"] == number]
        flow = [e["tid"] for e in events if e.get("id") == number + 1]
        assert flow == slices


def test_a_receipt_is_not_drawn_inside_the_work_on_another_message(trace):
    """A receipt of one socket, during the work of another of the same name, has another thread."""
    events = trace(row(1, 2, 10, 50, HANDLED), row(3, 4, 20, 0, HANDLED))
    (work,) = [event for event in of(events, "X") if event["name"] == "handle"]
    (instant,) = of(events, "i")
    assert work["tid"] != instant["tid"]
