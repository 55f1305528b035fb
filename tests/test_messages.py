"""The record of one message, and the summary of many."""

from dataclasses import FrozenInstanceError, fields, replace

import pytest

from pushpull_kit.recording.messages import INTERRUPTED, REFUSED, Message, Summary
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
