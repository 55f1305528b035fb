"""The record of one message, and the summary of many."""

from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest

from pushpull_kit.recording.in_flight import in_flight_steps
from pushpull_kit.recording.messages import (
    FAILED,
    HANDLED,
    IN_FLIGHT,
    INTERRUPTED,
    REFUSED,
    ROW,
    SENDING,
    Message,
    Summary,
)
from pushpull_kit.recording.units import duration
from pushpull_kit.spec import OUTCOMES

MESSAGE = Message(
    send_start_ns=100,
    send_end_ns=130,
    recv_ns=120,
    done_ns=150,
    n_bytes=3,
    sender="sender",
    worker="worker",
    outcome="handled",
)

SUMMARY = Summary(
    pushed=1_004,
    handled=1_000,
    failed=1,
    handling=1,
    in_flight=2,
    refused=0,
    interrupted=0,
    sending=0,
    untimed=0,
    let_go=0,
    sending_s=0.00031,
    working_s=6.0,
    span_s=7.0,
)


# One message


def test_waited_ns_starts_at_the_call_of_send():
    """`waited_ns` starts at the call of send, so an early receipt does not make it negative."""
    assert MESSAGE.waited_ns == 20


@pytest.mark.parametrize("field", ["send_start_ns", "recv_ns"])
def test_waited_ns_needs_both_instants(field):
    """`waited_ns` is None unless the send and the receipt were timed."""
    assert replace(MESSAGE, **{field: None}).waited_ns is None


@pytest.mark.parametrize("record", [MESSAGE, SUMMARY], ids=["message", "summary"])
def test_records_are_frozen(record):
    """A record cannot be changed."""
    with pytest.raises(FrozenInstanceError):
        setattr(record, fields(record)[0].name, 0)


def test_times_have_their_unit_in_their_name():
    """The name of every field that is a time ends with its unit."""
    times = [field.name for kind in (Message, Summary) for field in fields(kind)]
    instants = [name for name in times if name.startswith(("send_", "recv", "done"))]
    assert instants
    assert all(name.endswith("_ns") for name in instants)
    assert {"sending_s", "working_s", "span_s"} < set(times)


def test_outcomes_that_were_not_accepted_come_last():
    """`outcome < REFUSED` selects the messages that were not refused or interrupted."""
    not_accepted = {OUTCOMES[REFUSED], OUTCOMES[INTERRUPTED]}
    assert set(OUTCOMES[REFUSED:]) == not_accepted == {"refused", "interrupted"}


# Many messages


def test_a_summary_reads_as_a_sentence():
    """The text of a summary has the caller's time, the handlers' time and the sum of counts."""
    assert str(SUMMARY) == (
        "your cell waited 310 µs · the work took 6.00 s · "
        "1,004 pushed = 1,000 handled + 1 failed + 1 in the handler + 2 in flight"
    )


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("sending", "3 blocked in send"),
        ("refused", "3 refused"),
        ("interrupted", "3 interrupted"),
        ("untimed", "3 from untimed senders"),
    ],
)
def test_a_summary_names_other_counts_if_they_are_not_zero(field, text):
    """Counts outside the sum are named only if they are not zero."""
    assert text not in str(SUMMARY)
    assert str(replace(SUMMARY, **{field: 3})) == f"{SUMMARY} · {text}"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (1e-9, "1 ns"),
        (999e-9, "999 ns"),
        (1e-6, "1.00 µs"),
        (0.00031, "310 µs"),
        (0.0009994, "999 µs"),
        (0.99996e-3, "1.00 ms"),
        (1e-3, "1.00 ms"),
        (0.00999, "9.99 ms"),
        (0.01, "10.0 ms"),
        (0.9994, "999 ms"),
        (0.99996, "1.00 s"),
        (999.7e-9, "1.00 µs"),
        (9.999, "10.0 s"),
        (1.0, "1.00 s"),
        (6.04, "6.04 s"),
        (59.9, "59.9 s"),
        (3600, "3,600 s"),
    ],
)
def test_a_duration_reads_in_the_unit_that_suits_it(seconds, text):
    """A duration is said in the largest unit of which it has one or more."""
    assert duration(seconds) == text


# In flight


def rows(*messages):
    """Rows of (sender, send_end_ns, recv_ns, outcome), each begun one ns before its send's end."""
    array = np.zeros(len(messages), ROW)
    for row, (sender, end, recv, outcome) in zip(array, messages, strict=True):
        row["sender"], row["send_end_ns"], row["recv_ns"], row["outcome"] = (
            sender,
            end,
            recv,
            outcome,
        )
        row["send_start_ns"] = max(end - 1, 0)
    return array


def steps(*messages):
    instants, counts = in_flight_steps(rows(*messages))
    return dict(zip(instants.tolist(), counts.tolist(), strict=True))


def test_in_flight_rises_with_a_send_and_falls_with_a_receipt():
    """A message is in flight from the end of its send to its receipt."""
    assert steps((1, 10, 30, HANDLED), (1, 20, 40, FAILED)) == {10: 1, 20: 2, 30: 1, 40: 0}


def test_in_flight_stays_up_for_what_was_not_seen_again():
    """A message that has no receipt is in flight to the end."""
    assert steps((1, 10, 0, IN_FLIGHT), (1, 20, 25, HANDLED)) == {10: 1, 20: 2, 25: 1}


def test_in_flight_counts_an_early_receipt_for_no_time():
    """A message that was received before its send returned never makes the number negative."""
    assert steps((1, 20, 15, HANDLED)) == {15: 0}


def test_in_flight_counts_an_instant_once():
    """What happens at one instant is one step."""
    assert steps((1, 10, 20, HANDLED), (2, 10, 20, HANDLED)) == {10: 2, 20: 0}


@pytest.mark.parametrize(
    "message",
    [
        (1, 10, 0, REFUSED),
        (1, 10, 0, INTERRUPTED),
        (1, 0, 0, SENDING),
        (0, 0, 20, HANDLED),
    ],
    ids=["refused", "interrupted", "sending", "untimed"],
)
def test_in_flight_leaves_out_what_was_not_accepted_from_a_timed_sender(message):
    """Refused, interrupted and unfinished sends, and untimed senders, are not in flight."""
    assert steps(message) == {}


def test_in_flight_of_nothing_is_nothing():
    """No messages give no steps."""
    assert steps() == {}
