"""How many messages are in flight, and when that number changes."""

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
)


def rows(*messages):
    """Return rows of (sender, send_end_ns, recv_ns, outcome); each send takes 1 ns."""
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


def test_the_number_rises_with_a_send_and_falls_with_a_receipt():
    """A message is in flight from the end of its send to its receipt."""
    assert steps((1, 10, 30, HANDLED), (1, 20, 40, FAILED)) == {10: 1, 20: 2, 30: 1, 40: 0}


def test_a_message_without_a_receipt_stays_in_flight():
    """A message without a receipt is in flight to the end."""
    assert steps((1, 10, 0, IN_FLIGHT), (1, 20, 25, HANDLED)) == {10: 1, 20: 2, 25: 1}


def test_a_message_received_early_is_in_flight_for_no_time():
    """A message that was received before its send returned never makes the number negative."""
    assert steps((1, 20, 15, HANDLED)) == {15: 0}


def test_one_instant_is_one_step():
    """All changes at one instant are one step."""
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
def test_only_accepted_messages_of_timed_senders_are_in_flight(message):
    """Refused, interrupted and unfinished sends, and untimed senders, are not in flight."""
    assert steps(message) == {}


def test_no_messages_have_no_steps():
    """Without messages there are no steps."""
    assert steps() == {}
