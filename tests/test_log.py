"""The log matches, counts and keeps what its event buffers hold, whenever it is read."""

import json
import signal
import sys
import threading
from collections import deque
from itertools import pairwise
from queue import SimpleQueue
from time import perf_counter_ns as clock_ns

import pytest

from pushpull_kit.recording.events import APPEND_TIMEOUT_NS, EventBuffer
from pushpull_kit.recording.fingerprint import INCOMPLETE, fingerprint
from pushpull_kit.recording.log import Timings
from pushpull_kit.recording.messages import Message
from pushpull_kit.spec import OUTCOMES


def note(buffer, payload, at, until):
    """Note a send or a handling; `until` is negative if it was refused or failed."""
    buffer.start(payload, at)
    buffer.end(until > 0, abs(until))


def note_interrupted(buffer, payload, at, until):
    """Note a send that was interrupted."""
    buffer.start(payload, at)
    buffer.abort(interrupted=True, at_ns=until)


def counts(summary):
    """All counts of a summary that say what became of messages."""
    return {name: getattr(summary, name) for name in (*OUTCOMES, "pushed", "untimed")}


def holds(summary):
    """Whether the sum of the summary comes out, and no part of it is negative."""
    parts = summary.handled, summary.failed, summary.handling, summary.in_flight
    return summary.pushed == sum(parts) and min(parts) >= 0


def pairs(timings):
    """The instants at which each message was sent and received."""
    return [(m.send_start_ns, m.recv_ns) for m in timings]


def outcomes(timings):
    return [m.outcome for m in timings]


@pytest.fixture
def timings():
    return Timings()


@pytest.fixture
def sender(timings):
    return timings.add_sender()


@pytest.fixture
def worker(timings):
    return timings.add_worker()


# One message


def test_a_message_is_told_whole(timings, sender, worker):
    """A message whose both ends were timed has four instants, two lanes, a size, an outcome."""
    note(sender, b"abc", 10, 20)
    note(worker, b"abc", 30, 40)
    assert timings.messages() == [Message(10, 20, 30, 40, 3, "sender", "worker", "handled")]


def test_a_handler_that_raised_has_failed(timings, sender, worker):
    """A handling that ended ill is `failed`, at the instant it ended."""
    note(sender, b"a", 10, 20)
    note(worker, b"a", 30, -40)
    (message,) = timings
    assert (message.outcome, message.done_ns) == ("failed", 40)
    assert timings.summary().failed == 1


def test_a_message_without_a_receipt_is_in_flight(timings, sender):
    """A message that was not seen again is in flight, and has no worker."""
    note(sender, b"a", 10, 20)
    (message,) = timings
    assert (message.outcome, message.worker, message.recv_ns) == ("in_flight", None, None)


def test_a_receipt_without_a_send_is_untimed(timings, worker):
    """A message from an untimed sender has no sender and no send instants."""
    note(worker, b"a", 30, 40)
    (message,) = timings
    assert (message.sender, message.send_start_ns, message.send_end_ns) == (None, None, None)
    assert (message.recv_ns, message.n_bytes, message.outcome) == (30, 1, "handled")


def test_an_untimed_message_is_in_no_other_count(timings, worker):
    """What untimed senders sent is counted as `untimed` only."""
    note(worker, b"a", 30, 40)
    note(worker, b"b", 50, -60)
    worker.start(b"c", 70)
    summary = timings.summary()
    assert summary.untimed == 3
    assert (summary.pushed, summary.handled, summary.failed, summary.handling) == (0, 0, 0, 0)


def test_a_receipt_may_come_before_its_send_returned(timings, sender, worker):
    """A worker that was quicker than the sender's return makes no negative wait."""
    sender.start(b"a", 10)
    note(worker, b"a", 20, 30)
    assert [m.waited_ns for m in timings] == [10]
    sender.end(at_ns=40)
    (message,) = timings
    assert (message.waited_ns, message.send_end_ns, message.outcome) == (10, 40, "handled")


# Pairing


def test_equal_payloads_are_first_in_first_out(timings, sender, worker):
    """Among equal payloads the first receipt belongs to the first send."""
    for at in (10, 20, 30):
        note(sender, b"a", at, at + 1)
    for at in (40, 50):
        note(worker, b"a", at, at + 1)
    assert pairs(timings) == [(10, 40), (20, 50), (30, None)]


def test_payloads_overtake_each_other(timings, sender, worker):
    """Messages received in another order than they were sent are paired by payload."""
    note(sender, b"a", 10, 11)
    note(sender, b"b", 20, 21)
    note(worker, b"b", 30, 31)
    note(worker, b"a", 40, 41)
    assert pairs(timings) == [(10, 40), (20, 30)]


def test_several_senders_and_workers_interleave(timings, sender, worker):
    """Sends and receipts of several sockets are taken in the order of their instants."""
    other_sender, other_worker = timings.add_sender(), timings.add_worker()
    note(sender, b"a", 10, 11)
    note(other_sender, b"a", 20, 21)
    note(sender, b"a", 30, 31)
    note(other_worker, b"a", 40, 41)
    note(worker, b"a", 50, 51)
    note(other_worker, b"a", 60, 61)
    assert [(m.sender, m.send_start_ns, m.worker, m.recv_ns) for m in timings] == [
        ("sender", 10, "worker 2", 40),
        ("sender 2", 20, "worker", 50),
        ("sender", 30, "worker 2", 60),
    ]


def test_a_long_payload_is_paired_by_length_and_samples(timings, sender, worker):
    """A payload that is known by its samples finds its send."""
    payloads = [b"x" * 1_000, b"x" * 2_000, b"y" * 1_000]
    for at, payload in enumerate(payloads, start=1):
        note(sender, fingerprint([payload]), at, at)
    for at, payload in enumerate(reversed(payloads), start=10):
        note(worker, fingerprint([payload]), at, at)
    assert pairs(timings) == [(1, 12), (2, 11), (3, 10)]
    assert [m.n_bytes for m in timings] == [1_000, 2_000, 1_000]


def test_a_multipart_message_is_one_message(timings, sender, worker):
    """A message of several frames is paired by all of them."""
    note(sender, fingerprint([b"ab", b"c"]), 10, 11)
    note(sender, fingerprint([b"a", b"bc"]), 20, 21)
    note(worker, fingerprint([b"a", b"bc"]), 30, 31)
    assert pairs(timings) == [(10, None), (20, 30)]


def test_an_unfinished_multipart_message_is_not_an_empty_one(timings, sender, worker):
    """A message of which frames are missing takes no receipt of an empty payload."""
    sender.start(INCOMPLETE, 10)
    note(worker, b"", 20, 30)
    summary = timings.summary()
    assert (summary.sending, summary.untimed, summary.pushed) == (1, 1, 0)


def test_a_multipart_message_is_paired_once_it_is_whole(timings, sender, worker):
    """A message that was seen with frames missing is paired, and sized, when they are known."""
    sender.start(INCOMPLETE, 10)
    assert outcomes(timings) == ["sending"]
    sender.complete(fingerprint([b"a", b"bc"]))
    sender.end(at_ns=20)
    note(worker, fingerprint([b"a", b"bc"]), 30, 40)
    assert timings.messages() == [Message(10, 20, 30, 40, 3, "sender", "worker", "handled")]


def test_a_pairing_survives_digestion_between_send_and_receipt(timings, sender, worker):
    """A send that was taken in before is found by a receipt that comes later."""
    note(sender, b"a", 10, 11)
    note(sender, b"a", 20, 21)
    assert len(timings) == 2
    note(worker, b"a", 30, 31)
    assert timings.summary().handled == 1
    note(worker, b"a", 40, 41)
    assert pairs(timings) == [(10, 30), (20, 40)]


# Unfinished, refused, interrupted


def test_an_unfinished_send_is_shown_and_finished_later(timings, sender):
    """A send that has not returned is `sending`, then in flight, one message all the time."""
    sender.start(b"a", 10)
    (message,) = timings
    assert (message.outcome, message.send_end_ns) == ("sending", None)
    assert (timings.summary().sending, timings.summary().pushed) == (1, 0)
    sender.end(at_ns=20)
    (message,) = timings
    assert (message.outcome, message.send_end_ns) == ("in_flight", 20)
    assert (timings.summary().sending, timings.summary().pushed) == (0, 1)


def test_an_unfinished_handling_is_shown_and_finished_later(timings, sender, worker):
    """A message in the handler is `handling`, then handled, one message all the time."""
    note(sender, b"a", 10, 20)
    worker.start(b"a", 30)
    (message,) = timings
    assert (message.outcome, message.recv_ns, message.done_ns) == ("handling", 30, None)
    assert timings.summary().handling == 1
    worker.end(at_ns=40)
    (message,) = timings
    assert (message.outcome, message.done_ns) == ("handled", 40)
    assert (timings.summary().handling, timings.summary().handled) == (0, 1)


def test_a_received_message_is_not_sending(timings, sender, worker):
    """A message in a worker's hands counts as pushed though its send has not returned."""
    sender.start(b"a", 10)
    worker.start(b"a", 20)
    summary = timings.summary()
    assert (summary.sending, summary.pushed, summary.handling) == (0, 1, 1)
    sender.end(at_ns=30)
    summary = timings.summary()
    assert (summary.sending, summary.pushed, summary.handling) == (0, 1, 1)


@pytest.mark.parametrize("seen_before", [False, True])
def test_a_refused_send_is_no_push(timings, sender, seen_before):
    """A refused send is shown with its wait, and is not in the sum."""
    sender.start(b"a", 10)
    if seen_before:
        assert outcomes(timings) == ["sending"]
    sender.end(False, 25)
    (message,) = timings
    summary = timings.summary()
    assert (message.outcome, message.send_end_ns) == ("refused", 25)
    assert (summary.refused, summary.pushed, summary.sending_s) == (1, 0, 15e-9)


@pytest.mark.parametrize("seen_before", [False, True])
def test_a_refused_send_takes_no_receipt(timings, sender, worker, seen_before):
    """The receipt of a payload that was refused first and sent next belongs to the second send."""
    sender.start(b"a", 10)
    if seen_before:
        assert len(timings) == 1
    sender.end(False, 20)
    note(sender, b"a", 30, 40)
    note(worker, b"a", 50, 60)
    assert pairs(timings) == [(10, None), (30, 50)]


@pytest.mark.parametrize("seen_before", [False, True])
def test_an_interrupted_send_is_no_push(timings, sender, seen_before):
    """A send that was interrupted is shown so, and is not in the sum."""
    sender.start(b"a", 10)
    if seen_before:
        assert len(timings) == 1
    sender.abort(interrupted=True)
    summary = timings.summary()
    assert outcomes(timings) == ["interrupted"]
    assert (summary.interrupted, summary.pushed, summary.sending) == (1, 0, 0)


@pytest.mark.parametrize("asked", ["at the end", "between"])
def test_an_interrupted_send_that_arrived_counts_as_pushed(timings, sender, worker, asked):
    """The receipt of an interrupted send proves that libzmq had accepted it."""
    note_interrupted(sender, b"a", 10, 20)
    if asked == "between":
        assert timings.summary().interrupted == 1
    note(worker, b"a", 30, 40)
    summary = timings.summary()
    assert (summary.interrupted, summary.pushed, summary.handled) == (0, 1, 1)
    assert timings.messages() == [Message(10, 20, 30, 40, 1, "sender", "worker", "handled")]


@pytest.mark.parametrize("asked", ["at the end", "between"])
def test_a_proper_send_is_paired_before_an_interrupted_one(timings, sender, worker, asked):
    """Of two equal payloads the one that was properly sent takes the receipt."""
    note_interrupted(sender, b"a", 10, 20)
    if asked == "between":
        assert len(timings) == 1
    note(sender, b"a", 30, 40)
    note(worker, b"a", 50, 60)
    assert pairs(timings) == [(10, None), (30, 50)]
    assert outcomes(timings) == ["interrupted", "handled"]


def test_the_second_receipt_goes_to_the_interrupted_send(timings, sender, worker):
    """When the properly sent one has its receipt, the next proves the interrupted one."""
    note_interrupted(sender, b"a", 10, 20)
    note(sender, b"a", 30, 40)
    note(worker, b"a", 50, 60)
    assert timings.summary().interrupted == 1
    note(worker, b"a", 70, 80)
    assert pairs(timings) == [(10, 70), (30, 50)]
    assert timings.summary().interrupted == 0


def test_abort_records_a_refusal(timings, sender):
    """`abort` ends the last message as refused unless told that it was interrupted."""
    sender.start(b"a")
    sender.abort(interrupted=False)
    assert outcomes(timings) == ["refused"]


def test_abort_drops_what_was_not_begun(timings, sender):
    """A payload whose begin an interrupt prevented is forgotten, and the lists are in step."""
    note(sender, b"a", 10, 20)
    sender.payloads.append(b"never begun")
    sender.abort(interrupted=True)
    note(sender, b"b", 30, 40)
    assert [(m.n_bytes, m.outcome) for m in timings] == [(1, "in_flight"), (1, "in_flight")]


def test_abort_after_the_end_changes_nothing(timings, sender):
    """An interrupt that comes when the send is over leaves its message as it is."""
    note(sender, b"a", 10, 20)
    sender.abort(interrupted=True)
    assert outcomes(timings) == ["in_flight"]


def test_an_interrupt_waits_until_the_log_is_whole(timings, sender):
    """A KeyboardInterrupt in the middle of a digestion is raised, and nothing is lost by it."""

    class Interrupting(bytes):
        def __hash__(self):
            signal.raise_signal(signal.SIGINT)
            return super().__hash__()

    note(sender, b"a", 10, 20)
    note(sender, Interrupting(b"b"), 30, 40)
    note(sender, b"c", 50, 60)
    with pytest.raises(KeyboardInterrupt):
        timings.summary()
    assert timings.summary().pushed == len(timings) == 3


def test_a_receipt_is_never_paired_with_a_later_send(timings, sender, worker):
    """An untimed message received before an equal one was sent is not that one."""
    note(worker, b"x", 100, 110)
    note(sender, b"x", 200, 210)
    assert [message.waited_ns for message in timings] == [None, None]
    assert (timings.summary().untimed, timings.summary().in_flight) == (1, 1)


def test_a_receipt_proves_an_interrupted_send_rather_than_a_later_one(timings, sender, worker):
    """What was received before the next equal send began came from the interrupted one."""
    note_interrupted(sender, b"x", 10, 20)
    note(worker, b"x", 30, 35)
    note(sender, b"x", 40, 45)
    assert pairs(timings) == [(10, 30), (40, None)]


def test_tracks_drained_one_after_the_other_keep_the_order(timings, worker, monkeypatch):
    """Two equal sends that fall between the draining of their buffers are paired by their time."""
    first, second = timings.add_sender(), timings.add_sender()
    drain = EventBuffer.drain

    def drain_slowly(buffer, *args):
        raw = drain(buffer, *args)
        if buffer is first:
            monkeypatch.setattr(EventBuffer, "drain", drain)
            note(first, b"x", 10, 11)
            note(worker, b"x", 12, 13)
            note(second, b"x", 14, 15)
        return raw

    monkeypatch.setattr(EventBuffer, "drain", drain_slowly)
    timings.ingest()
    assert pairs(timings) == [(10, 12), (14, None)]


def test_receipts_of_equal_payloads_are_paired_by_their_time(timings, sender, monkeypatch):
    """What a worker receives while the buffers are drained waits until the next time."""
    first, second = timings.add_worker(), timings.add_worker()
    begun = [clock_ns() for _ in range(2)]
    for begin_ns in begun:
        note(sender, b"x", begin_ns, begin_ns)
    late = []

    drain = EventBuffer.drain

    def drain_slowly(buffer, *args):
        if buffer is second:  # and the first is drained already
            monkeypatch.setattr(EventBuffer, "drain", drain)
            late.extend(clock_ns() for _ in range(2))
            note(first, b"x", late[0], late[0])
            note(second, b"x", late[1], late[1])
        return drain(buffer, *args)

    monkeypatch.setattr(EventBuffer, "drain", drain_slowly)
    timings.ingest()
    assert timings.summary().untimed == 0
    assert pairs(timings) == list(zip(begun, late, strict=True))


def test_nobody_waits_for_what_was_broken_off(timings, worker):
    """An Interrupt between the look at the clock and its note leaves no reader waiting for that."""
    worker.clock_ns()
    worker.payloads.append(b"x")
    worker.abort(interrupted=False)
    before_ns = clock_ns()
    assert len(timings) == 0
    assert clock_ns() - before_ns < APPEND_TIMEOUT_NS
    assert worker.payloads == []


def test_a_blocked_send_takes_no_receipt_of_one_that_returned(timings, sender, worker):
    """While a send blocks, the receipt of an equal payload is that of the send that got through."""
    other = timings.add_sender()
    sender.start(b"x", 10)
    timings.ingest()
    note(other, b"x", 20, 30)
    note(worker, b"x", 40, 50)
    timings.ingest()
    sender.end(False, 60)
    summary = timings.summary()
    assert (summary.pushed, summary.handled, summary.refused, summary.in_flight) == (1, 1, 1, 0)


def test_a_blocked_send_is_remembered_however_many_come_after():
    """More sends than the log keeps do not make a blocked one look received."""
    timings = Timings(limit=1)
    blocked, other = timings.add_sender(), timings.add_sender()
    blocked.start(b"x", 10)
    timings.ingest()
    note(other, b"y", 20, 30)
    note(other, b"z", 30, 40)
    assert (timings.summary().pushed, timings.summary().sending) == (2, 1)
    blocked.end(False, 50)
    assert (timings.summary().pushed, timings.summary().refused) == (2, 1)


def test_all_blocked_sends_are_remembered():
    """More sends that block at once than the log keeps messages are none of them received."""
    timings = Timings(limit=1)
    blocked = [timings.add_sender() for _ in range(3)]
    for at, buffer in enumerate(blocked, start=10):
        buffer.start(b"x", at)
    assert (timings.summary().sending, timings.summary().pushed) == (3, 0)
    for buffer in blocked:
        buffer.end(False, 20)
    assert (timings.summary().refused, timings.summary().pushed) == (3, 0)


def test_a_multipart_message_that_was_cut_never_arrived(timings, sender, worker):
    """A receipt of an empty message does not prove a multipart message that was broken off."""
    sender.start(INCOMPLETE, 10)
    sender.abort(interrupted=True)
    later = sender.ends[0] * -1 + 1
    note(worker, b"", later, later + 1)
    summary = timings.summary()
    assert (summary.interrupted, summary.untimed, summary.pushed) == (1, 1, 0)


# Totals


def test_times_are_summed_in_seconds(timings, sender, worker):
    """`sending_s` and `working_s` sum what callers and handlers spent, `span_s` is from end to end.

    Refused sends and failed handlings are among them.
    """
    second = 1_000_000_000
    note(sender, b"a", 1 * second, 2 * second)
    note(sender, b"b", 2 * second, -5 * second)
    note(worker, b"a", 3 * second, 4 * second)
    note(worker, b"c", 5 * second, -11 * second)
    summary = timings.summary()
    assert (summary.sending_s, summary.working_s, summary.span_s) == (4, 7, 10)


def test_what_is_unfinished_counts_up_to_now(timings, sender, worker):
    """The totals of a send and a handling that go on grow from one summary to the next."""
    sender.start(b"a")
    worker.start(b"b")
    first, second = timings.summary(), timings.summary()
    assert 0 < first.sending_s < second.sending_s
    assert 0 < first.working_s < second.working_s
    assert 0 < first.span_s < second.span_s


def test_an_empty_log_sums_to_nothing(timings):
    """Before the first message every number is zero."""
    assert set(counts(timings.summary()).values()) == {0}
    summary = timings.summary()
    assert (summary.let_go, summary.sending_s, summary.working_s, summary.span_s) == (0, 0, 0, 0)


# Bounds


def test_the_limit_must_leave_room():
    """A limit below one is refused, saying what was expected and what came."""
    with pytest.raises(ValueError, match=r"limit: expected .* got 0; leave it out"):
        Timings(limit=0)


def test_the_oldest_messages_go_first():
    """Beyond the limit the log keeps the newest messages, and says how many it let go."""
    timings = Timings(limit=3)
    sender = timings.add_sender()
    for at in range(1, 9):
        note(sender, b"%d" % at, at, at)
    assert [m.send_start_ns for m in timings] == [6, 7, 8]
    assert len(timings) == len(timings.rows()) == 3
    assert timings.summary().let_go == 5


def test_the_summary_counts_what_was_let_go():
    """Counts and totals are of all messages, kept or not."""
    timings = Timings(limit=2)
    sender, worker = timings.add_sender(), timings.add_worker()
    for at in range(10, 110, 10):
        note(sender, b"a", at, at + 1)
        note(worker, b"a", at + 2, at + 5)
        len(timings)
    summary = timings.summary()
    assert (summary.pushed, summary.handled, summary.let_go) == (10, 10, 8)
    assert (summary.sending_s, summary.working_s) == (10e-9, 30e-9)
    assert summary.span_s == pytest.approx(95e-9)


def test_a_message_that_was_let_go_in_flight_still_counts_when_it_comes():
    """The receipt of a message whose row is gone is counted, and adds no row."""
    timings = Timings(limit=2)
    sender, worker = timings.add_sender(), timings.add_worker()
    note(sender, b"slow", 10, 20)
    for at in (30, 40, 50):
        note(worker, b"from elsewhere", at, at + 1)
    assert [m.sender for m in timings] == [None, None]
    note(worker, b"slow", 60, 70)
    summary = timings.summary()
    assert (summary.pushed, summary.handled, summary.in_flight) == (1, 1, 0)
    assert (summary.untimed, summary.let_go) == (3, 2)
    assert [m.recv_ns for m in timings] == [40, 50]


def test_a_send_that_was_let_go_unfinished_still_counts_when_it_ends():
    """A send whose row is gone before it returns is counted when it does."""
    timings = Timings(limit=1)
    sender, worker = timings.add_sender(), timings.add_worker()
    sender.start(b"slow", 10)
    note(worker, b"from elsewhere", 20, 30)
    note(worker, b"from elsewhere", 40, 50)
    assert timings.summary().sending == 1
    sender.end(at_ns=60)
    summary = timings.summary()
    assert (summary.sending, summary.pushed, summary.in_flight) == (0, 1, 1)
    assert [m.recv_ns for m in timings] == [40]


def test_a_handling_that_was_let_go_still_counts_when_it_ends():
    """A message whose row is gone before its handler returns is counted when it does."""
    timings = Timings(limit=1)
    sender, worker, other = timings.add_sender(), timings.add_worker(), timings.add_worker()
    note(sender, b"a", 10, 20)
    worker.start(b"a", 30)
    note(other, b"from elsewhere", 40, 50)
    assert timings.summary().handling == 1
    worker.end(False, 60)
    summary = timings.summary()
    assert (summary.handling, summary.failed) == (0, 1)
    assert [m.recv_ns for m in timings] == [40]


# Clearing


def test_clear_leaves_nothing(timings, sender, worker):
    """After `clear` there are no messages, and every number is zero."""
    note(sender, b"a", 10, 20)
    note(sender, b"b", 30, -40)
    note(worker, b"a", 50, 60)
    note(worker, b"c", 70, -80)
    assert len(timings) == 3
    timings.clear()
    assert (len(timings), timings.messages(), timings.summary()) == (0, [], Timings().summary())


def test_clear_takes_what_was_not_asked_for_yet(timings, sender):
    """What the buffers hold when the log is cleared is forgotten too."""
    note(sender, b"a", 10, 20)
    timings.clear()
    assert len(timings) == timings.summary().pushed == 0


def test_after_clear_counting_starts_anew(timings, sender, worker):
    """What comes after `clear` is shown and counted."""
    note(sender, b"a", 10, 20)
    note(worker, b"a", 30, 40)
    timings.clear()
    note(sender, b"a", 50, 60)
    note(worker, b"a", 70, 80)
    summary = timings.summary()
    assert pairs(timings) == [(50, 70)]
    assert (summary.pushed, summary.handled) == (1, 1)
    assert summary.span_s == pytest.approx(30e-9)


def test_a_late_receipt_is_neither_shown_nor_counted(timings, sender, worker):
    """A message that was on its way when the log was cleared stays forgotten when it arrives."""
    note(sender, b"a", 10, 20)
    timings.clear()
    note(worker, b"a", 30, 40)
    summary = timings.summary()
    assert len(timings) == 0
    assert set(counts(summary).values()) == {0}
    assert summary.working_s == 0


def test_what_was_cleared_takes_no_receipt_of_what_came_after(timings, sender, worker):
    """A receipt goes to what was pushed since `clear`; the next one is that of the cleared one."""
    note(sender, b"a", 10, 20)
    timings.clear()
    note(sender, b"a", 30, 40)
    note(worker, b"a", 50, 60)
    assert pairs(timings) == [(30, 50)]
    note(worker, b"a", 70, 80)
    assert pairs(timings) == [(30, 50)]
    assert timings.summary().untimed == 0


def test_clear_forgets_interrupted_sends(timings, sender, worker):
    """The receipt of a send that was interrupted before `clear` is not counted."""
    note_interrupted(sender, b"a", 10, 20)
    timings.clear()
    note(worker, b"a", 30, 40)
    assert set(counts(timings.summary()).values()) == {0}


@pytest.mark.parametrize("how", ["refused", "interrupted"])
def test_a_send_cleared_unfinished_and_given_up_leaves_nothing_open(timings, sender, worker, how):
    """A send that was going on at `clear` and failed takes no later receipt."""
    sender.start(b"a", 10)
    timings.clear()
    sender.abort(interrupted=how == "interrupted", at_ns=20)
    note(sender, b"a", 30, 40)
    note(worker, b"a", 50, 60)
    assert timings.summary().handled == 1


def test_a_late_receipt_is_not_in_the_span(timings, sender, worker):
    """`span_s` is that of the messages that are shown."""
    note(sender, b"a", 10, 20)
    timings.clear()
    note(worker, b"a", 100, 110)
    assert timings.summary().span_s == 0


def test_a_late_unfinished_receipt_is_neither_shown_nor_counted(timings, sender, worker):
    """A forgotten message is not `handling` while its late receipt is in the handler."""
    note(sender, b"a", 10, 20)
    timings.clear()
    worker.start(b"a", 30)
    assert set(counts(timings.summary()).values()) == {0}
    worker.end(at_ns=40)
    assert set(counts(timings.summary()).values()) == {0}
    assert len(timings) == 0


@pytest.mark.parametrize("end", [50, -50], ids=["accepted", "refused"])
def test_a_send_that_was_cleared_unfinished_stays_forgotten(timings, sender, end):
    """A send that was under way when the log was cleared is neither shown nor counted later."""
    sender.start(b"a", 10)
    assert timings.summary().sending == 1
    timings.clear()
    assert set(counts(timings.summary()).values()) == {0}
    sender.end(end > 0, abs(end))
    summary = timings.summary()
    assert len(timings) == 0
    assert set(counts(summary).values()) == {0}
    assert summary.sending_s == 0


@pytest.mark.parametrize("timed", [True, False], ids=["timed", "untimed"])
def test_a_handling_that_was_cleared_unfinished_stays_forgotten(timings, sender, worker, timed):
    """A message in the handler when the log was cleared is neither shown nor counted later."""
    if timed:
        note(sender, b"a", 10, 20)
    worker.start(b"a", 30)
    timings.clear()
    assert set(counts(timings.summary()).values()) == {0}
    worker.end(at_ns=40)
    summary = timings.summary()
    assert len(timings) == 0
    assert set(counts(summary).values()) == {0}
    assert summary.working_s == 0


def test_clear_may_come_between_the_ends_of_a_received_send(timings, sender, worker):
    """A message that was received while its send was under way is forgotten as a whole."""
    sender.start(b"a", 10)
    worker.start(b"a", 20)
    timings.clear()
    sender.end(at_ns=30)
    worker.end(at_ns=40)
    assert len(timings) == 0
    assert set(counts(timings.summary()).values()) == {0}


def test_tracks_outlive_clear(timings, sender):
    """Sockets go on in their lanes after `clear`."""
    timings.clear()
    note(sender, b"a", 10, 20)
    assert [m.sender for m in timings] == ["sender"]


# Lanes


def test_lanes_without_a_name_are_numbered(timings):
    """The second sender without a name is `sender 2`; senders and workers are counted apart."""
    for add in (timings.add_sender, timings.add_sender, timings.add_worker):
        add()
    assert timings.lanes[1:] == [("sender", "sender"), ("sender", "sender 2"), ("worker", "worker")]


def test_a_numbered_name_that_is_taken_is_skipped(timings):
    """A socket without a name gets none that another socket was given."""
    timings.add_sender("sender 2")
    timings.add_sender()
    timings.add_sender()
    assert [name for _, name in timings.lanes[1:]] == ["sender 2", "sender", "sender 3"]


def test_sockets_of_one_name_share_a_lane(timings):
    """Two buffers that were given one name are one lane."""
    for at in (1, 2):
        note(timings.add_sender("left"), b"a", at, at)
    assert [m.sender for m in timings] == ["left", "left"]
    assert len(timings.lanes) == 2


def test_a_sender_and_a_worker_of_one_name_are_two_lanes(timings):
    """A name is a lane's only together with its kind."""
    timings.add_sender("left")
    timings.add_worker("left")
    assert timings.lanes[1:] == [("sender", "left"), ("worker", "left")]


def test_renaming_leaves_the_past_where_it_was(timings, sender):
    """What a socket did before it was renamed stays in its old lane."""
    note(sender, b"a", 10, 20)
    timings.rename(sender, "left")
    note(sender, b"b", 30, 40)
    assert [m.sender for m in timings] == ["sender", "left"]


def test_the_name_of_a_closed_socket_is_free_again(timings, sender):
    """The next socket without a name continues the lane of one that is closed."""
    note(sender, b"a", 10, 20)
    sender.close()
    note(timings.add_sender(), b"b", 30, 40)
    assert [m.sender for m in timings] == ["sender", "sender"]


def test_a_closed_buffer_is_read_to_its_end(timings, sender):
    """What a socket noted before it was closed is not lost."""
    sender.start(b"a", 10)
    sender.close()
    assert outcomes(timings) == ["sending"]
    sender.end(at_ns=20)
    assert outcomes(timings) == ["in_flight"]


def test_a_closed_buffer_is_forgotten(timings):
    """A log does not grow with the sockets that came and went."""
    for at in range(1, 100):
        buffer = timings.add_sender()
        note(buffer, b"a", at, at)
        buffer.close()
    assert len(timings) == 99
    assert timings.open_lanes() == []
    assert len(timings.lanes) == 2


# Reading


def test_messages_come_in_the_order_of_their_first_instant(timings, sender, worker):
    """Messages are sorted by the call of send, or by the receipt where no send was timed."""
    note(worker, b"from elsewhere", 20, 25)
    note(sender, b"b", 30, 31)
    len(timings)
    note(timings.add_sender(), b"a", 10, 11)
    assert [m.send_start_ns or m.recv_ns for m in timings] == [10, 20, 30]


def test_iteration_gives_the_messages(timings, sender):
    """Iterating and `messages()` give the same records, `len` of them."""
    for at in (1, 2, 3):
        note(sender, b"a", at, at)
    assert list(timings) == timings.messages()
    assert len(timings) == len(timings.messages()) == 3


def test_a_log_without_messages_is_empty(timings):
    """A new log has no messages, and is false."""
    assert timings.messages() == []
    assert not timings


def test_repr_is_one_line(timings, sender):
    """The repr says how many messages there are, and how many there may be."""
    note(sender, b"a", 10, 20)
    assert repr(timings) == "<Timings: 1 messages, at most 1,000,000>"


def test_rows_are_a_copy(timings, sender):
    """Changing the array that `rows` returned changes nothing in the log."""
    note(sender, b"a", 10, 20)
    timings.rows()["n_bytes"] = 99
    assert timings.rows()["n_bytes"].tolist() == [1]


# Threads


@pytest.fixture
def _hurried():
    """Make threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_hurried")
def test_nothing_is_lost_or_doubled_between_threads(timings):
    """Sockets in several threads and a reader in another need no lock for the counts to be right.

    Every third send is refused, every fifth handling fails, and some threads digest for themselves.
    """
    n, n_threads = 2_000, 3
    network = SimpleQueue()
    senders = [timings.add_sender() for _ in range(n_threads)]
    workers = [timings.add_worker() for _ in range(n_threads)]
    torn = deque()
    over = threading.Event()

    def send(buffer, i):
        for number in range(n):
            if number % 3 == 0:
                buffer.start(b"refused %d %d" % (i, number))
                buffer.abort(interrupted=False)
                continue
            payload = b"%d" % (number % 10)
            buffer.start(payload)
            network.put(payload)
            buffer.end()
            if number % 100 == 0:
                timings.ingest()

    def handle(buffer, i):
        for number, payload in enumerate(iter(network.get, None)):
            buffer.start(payload)
            buffer.end(ok=number % 5 > 0)
            if number % 100 == 0:
                timings.ingest()

    def read():
        while not over.is_set():
            summary, rows = timings.summary(), timings.rows()
            if not holds(summary) or summary.untimed or len(rows) < summary.pushed:
                torn.append(summary)

    def run(target, *args):
        thread = threading.Thread(target=target, args=args)
        thread.start()
        return thread

    reader = run(read)
    handling = [run(handle, *item[::-1]) for item in enumerate(workers)]
    sending = [run(send, *item[::-1]) for item in enumerate(senders)]
    for thread in sending:
        thread.join()
    for _ in handling:
        network.put(None)
    for thread in handling:
        thread.join()
    over.set()
    reader.join()

    assert not torn
    summary = timings.summary()
    refused = n_threads * len(range(0, n, 3))
    assert (summary.refused, summary.pushed) == (refused, n_threads * n - refused)
    assert summary.pushed == summary.handled + summary.failed
    assert len(timings) == n_threads * n
    for buffer in senders + workers:
        assert (buffer.payloads, buffer.starts, buffer.ends) == ([], [], [])


@pytest.fixture
def reading(timings):
    """A thread that is inside a reading of the log, and the event that lets it go on."""
    began, may_end = threading.Event(), threading.Event()

    class Slow(bytes):
        def __hash__(self):
            began.set()
            may_end.wait(10)
            return super().__hash__()

    note(timings.add_sender("slow"), Slow(b"b"), 30, 40)
    reader = threading.Thread(target=timings.summary)
    reader.start()
    assert began.wait(10)
    yield reader, may_end
    may_end.set()
    reader.join()


def test_digest_never_waits(timings, sender, reading):
    """A thread that digests while another reads goes on at once."""
    note(sender, b"a", 10, 20)
    reader, may_end = reading
    timings.ingest()
    assert reader.is_alive()
    may_end.set()
    assert len(timings) == 2


def test_abort_waits_for_the_reader(timings, sender, reading):
    """A send is aborted before or after a reading, never in the midst of it."""
    _, may_end = reading
    sender.start(b"a")
    aborting = threading.Thread(target=sender.abort, kwargs={"interrupted": False})
    aborting.start()
    aborting.join(0.05)
    assert sender.ends == []
    may_end.set()
    aborting.join()
    assert sorted(outcomes(timings)) == ["in_flight", "refused"]


# Taking it elsewhere


@pytest.fixture
def told(timings, sender, worker):
    """A log of one handled message, one refused and one from elsewhere."""
    note(sender, b"a", 10, 20)
    note(sender, b"bb", 30, -45)
    note(worker, b"a", 50, 60)
    note(worker, b"ccc", 70, 80)
    return timings


def test_to_pandas_has_the_fields_of_a_message(told):
    """The columns are the fields of `Message`, in order, and the wait."""
    pytest.importorskip("pandas")
    fields = [*Message.__slots__]
    fields.insert(4, "waited_ns")
    assert list(told.to_pandas().columns) == fields


def test_to_pandas_has_nullable_types(told):
    """Instants are whole numbers that may be missing, names are strings, outcomes categories."""
    pytest.importorskip("pandas")
    kinds = {name: str(kind) for name, kind in told.to_pandas().dtypes.items()}
    assert kinds == {
        **dict.fromkeys(
            ("send_start_ns", "send_end_ns", "recv_ns", "done_ns", "waited_ns"), "Int64"
        ),
        "n_bytes": "int64",
        **dict.fromkeys(("sender", "worker"), "string"),
        "outcome": "category",
    }


def test_to_pandas_has_what_the_messages_have(told):
    """A row is a message, and missing where the message has `None`."""
    pandas = pytest.importorskip("pandas")
    for (_, row), message in zip(told.to_pandas().iterrows(), told, strict=True):
        for name in (*Message.__slots__, "waited_ns"):
            expected = getattr(message, name)
            assert row[name] is pandas.NA if expected is None else row[name] == expected


def test_to_pandas_knows_all_outcomes(told):
    """The categories are all outcomes, in order, whichever occur."""
    pytest.importorskip("pandas")
    assert tuple(told.to_pandas()["outcome"].cat.categories) == OUTCOMES


def test_to_pandas_of_nothing_has_the_same_types(timings, told):
    """An empty log gives an empty frame of the same columns and types."""
    pytest.importorskip("pandas")
    full = told.to_pandas().dtypes
    timings.clear()
    frame = timings.to_pandas()
    assert len(frame) == 0
    assert (frame.dtypes == full).all()


def test_to_chrome_trace_writes_the_messages(told, tmp_path):
    """The trace has a slice for each send and each handling that the log has kept."""
    path = tmp_path / "trace.json"
    told.to_chrome_trace(path)
    events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    slices = [(e["name"], e["ts"], e["dur"]) for e in events if e["ph"] == "X"]
    assert slices == [
        ("send", 0.01, 0.01),
        ("handle", 0.05, 0.01),
        ("refused", 0.03, 0.015),
        ("handle", 0.07, 0.01),
    ]


def test_to_chrome_trace_takes_any_name(timings, tmp_path):
    """A lane may be called anything."""
    name = '</script> "quoted"'
    note(timings.add_sender(name), b"a", 10, 20)
    timings.to_chrome_trace(str(tmp_path / "trace.json"))
    events = json.loads((tmp_path / "trace.json").read_text(encoding="utf-8"))["traceEvents"]
    assert f"sender: {name}" in [event.get("args", {}).get("name") for event in events]


def test_the_steps_of_the_clock_are_kept(timings):
    """Instants of a real clock come through to the nanosecond, in order."""
    sender, worker = timings.add_sender(), timings.add_worker()
    sender.start(b"a")
    sender.end()
    worker.start(b"a")
    worker.end()
    noted = [*sender.starts, *sender.ends, *worker.starts, *worker.ends]
    (m,) = timings
    assert [m.send_start_ns, m.send_end_ns, m.recv_ns, m.done_ns] == noted
    assert all(a <= b for a, b in pairwise(noted))
