"""The log matches, counts and keeps what its event buffers hold, whenever it is read."""

import json
import signal
import sys
import threading
import tracemalloc
from collections import Counter, deque
from itertools import pairwise
from queue import SimpleQueue
from time import perf_counter_ns as clock_ns

import pytest

from pushpull_kit.recording import events
from pushpull_kit.recording.events import INGEST_AT, EventBuffer
from pushpull_kit.recording.fingerprint import INCOMPLETE, fingerprint
from pushpull_kit.recording.log import MAX_NEW_BUFFERS, Timings
from pushpull_kit.recording.messages import Message
from pushpull_kit.spec import OUTCOMES


def record(buffer, payload, at, until):
    """Record a send or a handling; `until` is negative if it was refused or failed."""
    buffer.start(payload, at)
    buffer.end(until > 0, abs(until))


def record_interrupted(buffer, payload, at, until):
    """Record a send that was interrupted."""
    buffer.start(payload, at)
    buffer.abort(interrupted=True, at_ns=until)


def counts(summary):
    """Return all counts of a summary that say what became of messages."""
    return {name: getattr(summary, name) for name in (*OUTCOMES, "pushed", "untimed")}


def adds_up(summary):
    """Return whether the counts of a summary add up, and none of them is negative."""
    parts = summary.handled, summary.failed, summary.handling, summary.in_flight
    return summary.pushed == sum(parts) and min(parts) >= 0


def matches(timings):
    """Return the instants at which each message was sent and received."""
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


def test_a_matched_message_has_all_its_fields(timings, sender, worker):
    """A message with a timed send and receipt has four instants, two lanes, a size, an outcome."""
    record(sender, b"abc", 10, 20)
    record(worker, b"abc", 30, 40)
    assert timings.messages() == [Message(10, 20, 30, 40, 3, "sender", "worker", "handled")]


def test_a_handling_that_failed_makes_the_message_failed(timings, sender, worker):
    """A message whose handling failed is `failed`, and `done_ns` is when the handling ended."""
    record(sender, b"a", 10, 20)
    record(worker, b"a", 30, -40)
    (message,) = timings
    assert (message.outcome, message.done_ns) == ("failed", 40)
    assert timings.summary().failed == 1


def test_a_message_without_a_receipt_is_in_flight(timings, sender):
    """A message without a receipt is in flight, and has no worker."""
    record(sender, b"a", 10, 20)
    (message,) = timings
    assert (message.outcome, message.worker, message.recv_ns) == ("in_flight", None, None)


def test_a_receipt_without_a_send_is_untimed(timings, worker):
    """A message from an untimed sender has no sender and no send instants."""
    record(worker, b"a", 30, 40)
    (message,) = timings
    assert (message.sender, message.send_start_ns, message.send_end_ns) == (None, None, None)
    assert (message.recv_ns, message.n_bytes, message.outcome) == (30, 1, "handled")


def test_an_untimed_message_is_in_no_other_count(timings, worker):
    """A message from an untimed sender is counted as `untimed` only."""
    record(worker, b"a", 30, 40)
    record(worker, b"b", 50, -60)
    worker.start(b"c", 70)
    summary = timings.summary()
    assert summary.untimed == 3
    assert (summary.pushed, summary.handled, summary.failed, summary.handling) == (0, 0, 0, 0)


def test_a_receipt_may_come_before_its_send_returned(timings, sender, worker):
    """A message that is received before its send returns has a wait of zero or more."""
    sender.start(b"a", 10)
    record(worker, b"a", 20, 30)
    assert [m.waited_ns for m in timings] == [10]
    sender.end(at_ns=40)
    (message,) = timings
    assert (message.waited_ns, message.send_end_ns, message.outcome) == (10, 40, "handled")


# Matching


def test_equal_payloads_are_first_in_first_out(timings, sender, worker):
    """Among equal payloads the first receipt belongs to the first send."""
    for at in (10, 20, 30):
        record(sender, b"a", at, at + 1)
    for at in (40, 50):
        record(worker, b"a", at, at + 1)
    assert matches(timings) == [(10, 40), (20, 50), (30, None)]


def test_messages_in_another_order_are_matched_by_payload(timings, sender, worker):
    """Messages received in another order than they were sent are matched by payload."""
    record(sender, b"a", 10, 11)
    record(sender, b"b", 20, 21)
    record(worker, b"b", 30, 31)
    record(worker, b"a", 40, 41)
    assert matches(timings) == [(10, 40), (20, 30)]


def test_several_senders_and_workers_are_matched_in_time_order(timings, sender, worker):
    """Sends and receipts of several sockets are matched in the order of their instants."""
    other_sender, other_worker = timings.add_sender(), timings.add_worker()
    record(sender, b"a", 10, 11)
    record(other_sender, b"a", 20, 21)
    record(sender, b"a", 30, 31)
    record(other_worker, b"a", 40, 41)
    record(worker, b"a", 50, 51)
    record(other_worker, b"a", 60, 61)
    assert [(m.sender, m.send_start_ns, m.worker, m.recv_ns) for m in timings] == [
        ("sender", 10, "worker 2", 40),
        ("sender 2", 20, "worker", 50),
        ("sender", 30, "worker 2", 60),
    ]


def test_a_long_payload_is_matched_by_length_and_samples(timings, sender, worker):
    """A payload whose fingerprint covers only its length and samples finds its send."""
    payloads = [b"x" * 1_000, b"x" * 2_000, b"y" * 1_000]
    for at, payload in enumerate(payloads, start=1):
        record(sender, fingerprint([payload]), at, at)
    for at, payload in enumerate(reversed(payloads), start=10):
        record(worker, fingerprint([payload]), at, at)
    assert matches(timings) == [(1, 12), (2, 11), (3, 10)]
    assert [m.n_bytes for m in timings] == [1_000, 2_000, 1_000]


def test_a_multipart_message_is_one_message(timings, sender, worker):
    """A message of several frames is matched by all of them."""
    record(sender, fingerprint([b"ab", b"c"]), 10, 11)
    record(sender, fingerprint([b"a", b"bc"]), 20, 21)
    record(worker, fingerprint([b"a", b"bc"]), 30, 31)
    assert matches(timings) == [(10, None), (20, 30)]


def test_an_unfinished_multipart_message_is_not_an_empty_one(timings, sender, worker):
    """A message without its last frame is not matched to the receipt of an empty payload."""
    sender.start(INCOMPLETE, 10)
    record(worker, b"", 20, 30)
    summary = timings.summary()
    assert (summary.sending, summary.untimed, summary.pushed) == (1, 1, 0)


def test_a_multipart_message_is_matched_when_its_last_frame_is_known(timings, sender, worker):
    """A message that was read before its last frame was sent is matched and has its size later."""
    sender.start(INCOMPLETE, 10)
    assert outcomes(timings) == ["sending"]
    sender.complete(fingerprint([b"a", b"bc"]))
    sender.end(at_ns=20)
    record(worker, fingerprint([b"a", b"bc"]), 30, 40)
    assert timings.messages() == [Message(10, 20, 30, 40, 3, "sender", "worker", "handled")]


def test_a_receipt_finds_a_send_that_was_ingested_before(timings, sender, worker):
    """A receipt is matched to a send that an earlier reading has ingested."""
    record(sender, b"a", 10, 11)
    record(sender, b"a", 20, 21)
    assert len(timings) == 2
    record(worker, b"a", 30, 31)
    assert timings.summary().handled == 1
    record(worker, b"a", 40, 41)
    assert matches(timings) == [(10, 30), (20, 40)]


# Unfinished, refused, interrupted


def test_an_unfinished_send_is_sending_and_then_in_flight(timings, sender):
    """A send that has not returned is `sending`; when it returns, the same message is in flight."""
    sender.start(b"a", 10)
    (message,) = timings
    assert (message.outcome, message.send_end_ns) == ("sending", None)
    assert (timings.summary().sending, timings.summary().pushed) == (1, 0)
    sender.end(at_ns=20)
    (message,) = timings
    assert (message.outcome, message.send_end_ns) == ("in_flight", 20)
    assert (timings.summary().sending, timings.summary().pushed) == (0, 1)


def test_an_unfinished_handling_is_handling_and_then_handled(timings, sender, worker):
    """A message in the handler is `handling`; when that returns, the same message is handled."""
    record(sender, b"a", 10, 20)
    worker.start(b"a", 30)
    (message,) = timings
    assert (message.outcome, message.recv_ns, message.done_ns) == ("handling", 30, None)
    assert timings.summary().handling == 1
    worker.end(at_ns=40)
    (message,) = timings
    assert (message.outcome, message.done_ns) == ("handled", 40)
    assert (timings.summary().handling, timings.summary().handled) == (0, 1)


def test_a_received_message_is_not_sending(timings, sender, worker):
    """A message that a worker has received counts as pushed, although its send has not returned."""
    sender.start(b"a", 10)
    worker.start(b"a", 20)
    summary = timings.summary()
    assert (summary.sending, summary.pushed, summary.handling) == (0, 1, 1)
    sender.end(at_ns=30)
    summary = timings.summary()
    assert (summary.sending, summary.pushed, summary.handling) == (0, 1, 1)


@pytest.mark.parametrize("seen_before", [False, True])
def test_a_refused_send_is_not_pushed(timings, sender, seen_before):
    """A refused send is shown with the time it took, and is not counted as pushed."""
    sender.start(b"a", 10)
    if seen_before:
        assert outcomes(timings) == ["sending"]
    sender.end(False, 25)
    (message,) = timings
    summary = timings.summary()
    assert (message.outcome, message.send_end_ns) == ("refused", 25)
    assert (summary.refused, summary.pushed, summary.sending_s) == (1, 0, 15e-9)


@pytest.mark.parametrize("seen_before", [False, True])
def test_a_refused_send_is_matched_to_no_receipt(timings, sender, worker, seen_before):
    """Of two equal payloads, the first refused, the receipt belongs to the second."""
    sender.start(b"a", 10)
    if seen_before:
        assert len(timings) == 1
    sender.end(False, 20)
    record(sender, b"a", 30, 40)
    record(worker, b"a", 50, 60)
    assert matches(timings) == [(10, None), (30, 50)]


@pytest.mark.parametrize("seen_before", [False, True])
def test_an_interrupted_send_is_not_pushed(timings, sender, seen_before):
    """An interrupted send is shown as interrupted, and is not counted as pushed."""
    sender.start(b"a", 10)
    if seen_before:
        assert len(timings) == 1
    sender.abort(interrupted=True)
    summary = timings.summary()
    assert outcomes(timings) == ["interrupted"]
    assert (summary.interrupted, summary.pushed, summary.sending) == (1, 0, 0)


@pytest.mark.parametrize("asked", ["at the end", "between"])
def test_an_interrupted_send_that_arrived_counts_as_pushed(timings, sender, worker, asked):
    """The receipt of an interrupted send proves that libzmq accepted it."""
    record_interrupted(sender, b"a", 10, 20)
    if asked == "between":
        assert timings.summary().interrupted == 1
    record(worker, b"a", 30, 40)
    summary = timings.summary()
    assert (summary.interrupted, summary.pushed, summary.handled) == (0, 1, 1)
    assert timings.messages() == [Message(10, 20, 30, 40, 1, "sender", "worker", "handled")]


@pytest.mark.parametrize("asked", ["at the end", "between"])
def test_an_accepted_send_is_matched_before_an_interrupted_one(timings, sender, worker, asked):
    """Of two equal payloads, the accepted one is matched before the interrupted one."""
    record_interrupted(sender, b"a", 10, 20)
    if asked == "between":
        assert len(timings) == 1
    record(sender, b"a", 30, 40)
    record(worker, b"a", 50, 60)
    assert matches(timings) == [(10, None), (30, 50)]
    assert outcomes(timings) == ["interrupted", "handled"]


def test_the_second_receipt_is_matched_to_the_interrupted_send(timings, sender, worker):
    """When the accepted send has its receipt, the next receipt is that of the interrupted send."""
    record_interrupted(sender, b"a", 10, 20)
    record(sender, b"a", 30, 40)
    record(worker, b"a", 50, 60)
    assert timings.summary().interrupted == 1
    record(worker, b"a", 70, 80)
    assert matches(timings) == [(10, 70), (30, 50)]
    assert timings.summary().interrupted == 0


def test_an_abort_that_is_no_interrupt_is_a_refusal(timings, sender):
    """`abort(interrupted=False)` ends the last send as refused."""
    sender.start(b"a")
    sender.abort(interrupted=False)
    assert outcomes(timings) == ["refused"]


def test_abort_after_the_end_changes_nothing(timings, sender):
    """An interrupt after the end of a send leaves its message as it is."""
    record(sender, b"a", 10, 20)
    sender.abort(interrupted=True)
    assert outcomes(timings) == ["in_flight"]


class Interrupted(Exception):
    """Raised by a signal handler."""


class During(bytes):
    """A payload that calls a function while the log takes it in, which another thread does."""

    def __new__(cls, data, function):
        payload = super().__new__(cls, data)
        payload.function, payload.thread = function, threading.get_ident()
        return payload

    def __len__(self):
        if threading.get_ident() != self.thread:
            self.function()
        return super().__len__()


@pytest.fixture
def _signals_raise():
    """Make SIGINT and SIGALRM raise; a background job of a shell ignores SIGINT by default."""

    def handler(*_):
        raise Interrupted

    numbers = [getattr(signal, n) for n in ("SIGINT", "SIGALRM") if hasattr(signal, n)]
    before = {number: signal.signal(number, handler) for number in numbers}
    yield
    for number, old in before.items():
        signal.signal(number, old)


def interrupt():
    """Interrupt the main thread, which waits."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)


def alarm():
    """Have the alarm come now, and wait until it came; its handler runs in the main thread."""
    signal.setitimer(signal.ITIMER_REAL, 1e-6)
    while signal.getitimer(signal.ITIMER_REAL)[0]:
        pass


@pytest.mark.parametrize("read", [Timings.summary, Timings.ingest, Timings.rows, Timings.clear])
@pytest.mark.parametrize("send_signal", [interrupt, alarm])
@pytest.mark.usefixtures("_signals_raise")
def test_an_interrupt_during_ingest_loses_nothing(timings, sender, worker, read, send_signal):
    """What a signal handler raises is raised, and the log is as exact as without the signal."""
    if send_signal is alarm and not hasattr(signal, "setitimer"):
        pytest.skip("needs signal.setitimer")
    signals = [send_signal]

    def send_once():
        if signals:
            signals.pop()()

    record(sender, b"a", 10, 20)
    record(sender, During(b"b", send_once), 30, 40)
    record(sender, b"c", 50, 60)
    record(worker, b"a", 70, 80)
    with pytest.raises(Interrupted):
        read(timings)
    record(worker, b"b", 90, 100)
    summary = timings.summary()
    if read is Timings.clear:
        assert set(counts(summary).values()) == {0}
    else:
        assert (summary.pushed, summary.handled, summary.in_flight) == (3, 2, 1)
        assert matches(timings) == [(10, 70), (30, 90), (50, None)]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs signal.setitimer")
def test_alarms_at_any_moment_leave_the_log_exact(timings, sender, worker):
    """However often a signal handler raises while the main thread reads, no message is wrong."""
    armed, count, n_alarms = [], 0, 0

    def handler(*_):
        if armed:
            armed.clear()
            raise Interrupted

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0007)
    try:
        while n_alarms < 100:
            for _ in range(20):
                count += 1
                record(sender, b"%d" % count, count, count)
                record(worker, b"%d" % count, count, count)
            try:
                armed.append(True)
                timings.ingest()
                timings.summary()
                armed.clear()
            except Interrupted:
                n_alarms += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    summary = timings.summary()
    assert (summary.pushed, summary.handled, summary.untimed) == (count, count, 0)
    assert all(m.send_start_ns == m.recv_ns for m in timings)


def test_a_receipt_is_never_matched_to_a_later_send(timings, sender, worker):
    """An untimed message is not matched to an equal one that was sent after its receipt."""
    record(worker, b"x", 100, 110)
    record(sender, b"x", 200, 210)
    assert [message.waited_ns for message in timings] == [None, None]
    assert (timings.summary().untimed, timings.summary().in_flight) == (1, 1)


def test_a_receipt_is_matched_to_an_interrupted_send_before_a_later_one(timings, sender, worker):
    """A receipt before the next equal send started belongs to the interrupted send."""
    record_interrupted(sender, b"x", 10, 20)
    record(worker, b"x", 30, 35)
    record(sender, b"x", 40, 45)
    assert matches(timings) == [(10, 30), (40, None)]


def test_sends_during_ingest_are_matched_in_time_order(timings, worker, monkeypatch):
    """Two equal sends that start while buffers are drained are matched in time order."""
    first, second = timings.add_sender(), timings.add_sender()
    record(first, b"before", 5, 6)
    drain = EventBuffer.drain

    def drain_slowly(buffer, *args):
        raw = drain(buffer, *args)
        if buffer is first:
            monkeypatch.setattr(EventBuffer, "drain", drain)
            record(first, b"x", 10, 11)
            record(worker, b"x", 12, 13)
            record(second, b"x", 14, 15)
        return raw

    monkeypatch.setattr(EventBuffer, "drain", drain_slowly)
    timings.ingest()
    assert matches(timings) == [(5, None), (10, 12), (14, None)]


def test_receipts_during_ingest_are_matched_in_time_order(timings, sender, monkeypatch):
    """Receipts that come while buffers are drained are left for the next ingest."""
    first, second = timings.add_worker(), timings.add_worker()
    starts = [clock_ns() for _ in range(2)]
    for start_ns in starts:
        record(sender, b"x", start_ns, start_ns)
    record(second, b"before", starts[0], starts[0])
    late = []

    drain = EventBuffer.drain

    def drain_slowly(buffer, *args):
        if buffer is second:  # and the first is drained already
            monkeypatch.setattr(EventBuffer, "drain", drain)
            late.extend(clock_ns() for _ in range(2))
            record(first, b"x", late[0], late[0])
            record(second, b"x", late[1], late[1])
        return drain(buffer, *args)

    monkeypatch.setattr(EventBuffer, "drain", drain_slowly)
    timings.ingest()
    assert timings.summary().untimed == 1
    assert [it for it in matches(timings) if it[0]] == list(zip(starts, late, strict=True))


def test_no_reader_waits_after_a_discard(timings, worker, monkeypatch):
    """After an interrupt between `clock_ns` and `start`, no reader waits for the missing start.

    Whoever called `clock_ns` then calls `discard`.
    """
    worker.clock_ns()
    worker.discard()
    monkeypatch.setattr(events, "sleep", lambda _: pytest.fail("the reader waited"))
    assert len(timings) == 0


def test_a_returned_send_is_matched_before_a_blocked_one(timings, sender, worker):
    """While one send blocks, a receipt belongs to the equal send that has returned."""
    other = timings.add_sender()
    sender.start(b"x", 10)
    timings.ingest()
    record(other, b"x", 20, 30)
    record(worker, b"x", 40, 50)
    timings.ingest()
    sender.end(False, 60)
    summary = timings.summary()
    assert (summary.pushed, summary.handled, summary.refused, summary.in_flight) == (1, 1, 1, 0)


def test_a_blocked_send_stays_sending_beyond_the_limit():
    """A blocked send does not count as received when the log has evicted its row."""
    timings = Timings(limit=1)
    blocked, other = timings.add_sender(), timings.add_sender()
    blocked.start(b"x", 10)
    timings.ingest()
    record(other, b"y", 20, 30)
    record(other, b"z", 30, 40)
    assert (timings.summary().pushed, timings.summary().sending) == (2, 1)
    blocked.end(False, 50)
    assert (timings.summary().pushed, timings.summary().refused) == (2, 1)


def test_more_sends_than_the_limit_may_block():
    """More sends may block at once than the log keeps messages; none of them counts as received."""
    timings = Timings(limit=1)
    blocked = [timings.add_sender() for _ in range(3)]
    for at, buffer in enumerate(blocked, start=10):
        buffer.start(b"x", at)
    assert (timings.summary().sending, timings.summary().pushed) == (3, 0)
    for buffer in blocked:
        buffer.end(False, 20)
    assert (timings.summary().refused, timings.summary().pushed) == (3, 0)


def test_a_multipart_message_that_was_cut_off_is_never_received(timings, sender, worker):
    """The receipt of an empty message is not matched to a multipart message that was cut off."""
    sender.start(INCOMPLETE, 10)
    sender.abort(interrupted=True)
    later = clock_ns()
    record(worker, b"", later, later + 1)
    summary = timings.summary()
    assert (summary.interrupted, summary.untimed, summary.pushed) == (1, 1, 0)


# Totals


def test_times_are_summed_in_seconds(timings, sender, worker):
    """`sending_s` and `working_s` include refused sends and failed handlings."""
    second = 1_000_000_000
    record(sender, b"a", 1 * second, 2 * second)
    record(sender, b"b", 2 * second, -5 * second)
    record(worker, b"a", 3 * second, 4 * second)
    record(worker, b"c", 5 * second, -11 * second)
    summary = timings.summary()
    assert (summary.sending_s, summary.working_s, summary.span_s) == (4, 7, 10)


def test_unfinished_sends_and_handlings_count_up_to_now(timings, sender, worker):
    """The totals of an unfinished send and handling grow from one summary to the next."""
    sender.start(b"a")
    worker.start(b"b")
    first, second = timings.summary(), timings.summary()
    assert 0 < first.sending_s < second.sending_s
    assert 0 < first.working_s < second.working_s
    assert 0 < first.span_s < second.span_s


def test_the_summary_of_an_empty_log_is_all_zero(timings):
    """Before the first message every number is zero."""
    assert set(counts(timings.summary()).values()) == {0}
    summary = timings.summary()
    assert (summary.let_go, summary.sending_s, summary.working_s, summary.span_s) == (0, 0, 0, 0)


# Bounds


def test_a_limit_below_one_is_an_error():
    """A limit below one is an error that says what is expected and what came."""
    with pytest.raises(ValueError, match=r"limit: expected .* got 0; leave it out"):
        Timings(limit=0)


def test_the_oldest_messages_are_evicted_first():
    """Beyond the limit the log keeps the newest messages, and says how many it has evicted."""
    timings = Timings(limit=3)
    sender = timings.add_sender()
    for at in range(1, 9):
        record(sender, b"%d" % at, at, at)
    assert [m.send_start_ns for m in timings] == [6, 7, 8]
    assert len(timings) == len(timings.rows()) == 3
    assert timings.summary().let_go == 5


def test_the_summary_counts_evicted_messages():
    """Counts and totals cover all messages, evicted ones included."""
    timings = Timings(limit=2)
    sender, worker = timings.add_sender(), timings.add_worker()
    for at in range(10, 110, 10):
        record(sender, b"a", at, at + 1)
        record(worker, b"a", at + 2, at + 5)
        len(timings)
    summary = timings.summary()
    assert (summary.pushed, summary.handled, summary.let_go) == (10, 10, 8)
    assert (summary.sending_s, summary.working_s) == (10e-9, 30e-9)
    assert summary.span_s == pytest.approx(95e-9)


def test_the_receipt_of_an_evicted_message_is_counted():
    """The receipt of a message whose row was evicted is counted, and adds no row."""
    timings = Timings(limit=2)
    sender, worker = timings.add_sender(), timings.add_worker()
    record(sender, b"slow", 10, 20)
    for at in (30, 40, 50):
        record(worker, b"from elsewhere", at, at + 1)
    assert [m.sender for m in timings] == [None, None]
    record(worker, b"slow", 60, 70)
    summary = timings.summary()
    assert (summary.pushed, summary.handled, summary.in_flight) == (1, 1, 0)
    assert (summary.untimed, summary.let_go) == (3, 2)
    assert [m.recv_ns for m in timings] == [40, 50]


def test_an_evicted_send_is_counted_when_it_returns():
    """A send whose row was evicted before it returned is counted when it returns."""
    timings = Timings(limit=1)
    sender, worker = timings.add_sender(), timings.add_worker()
    sender.start(b"slow", 10)
    record(worker, b"from elsewhere", 20, 30)
    record(worker, b"from elsewhere", 40, 50)
    assert timings.summary().sending == 1
    sender.end(at_ns=60)
    summary = timings.summary()
    assert (summary.sending, summary.pushed, summary.in_flight) == (0, 1, 1)
    assert [m.recv_ns for m in timings] == [40]


def test_an_evicted_handling_is_counted_when_it_ends():
    """A message whose row was evicted before its handler returned is counted when it returns."""
    timings = Timings(limit=1)
    sender, worker, other = timings.add_sender(), timings.add_worker(), timings.add_worker()
    record(sender, b"a", 10, 20)
    worker.start(b"a", 30)
    record(other, b"from elsewhere", 40, 50)
    assert timings.summary().handling == 1
    worker.end(False, 60)
    summary = timings.summary()
    assert (summary.handling, summary.failed) == (0, 1)
    assert [m.recv_ns for m in timings] == [40]


# Clearing


def test_clear_empties_the_log(timings, sender, worker):
    """After `clear` there are no messages, and every number is zero."""
    record(sender, b"a", 10, 20)
    record(sender, b"b", 30, -40)
    record(worker, b"a", 50, 60)
    record(worker, b"c", 70, -80)
    assert len(timings) == 3
    timings.clear()
    assert (len(timings), timings.messages(), timings.summary()) == (0, [], Timings().summary())


def test_clear_drops_what_is_not_ingested_yet(timings, sender):
    """`clear` also drops what the event buffers hold."""
    record(sender, b"a", 10, 20)
    timings.clear()
    assert len(timings) == timings.summary().pushed == 0


def test_messages_after_clear_are_shown_and_counted(timings, sender, worker):
    """Messages after `clear` are shown and counted."""
    record(sender, b"a", 10, 20)
    record(worker, b"a", 30, 40)
    timings.clear()
    record(sender, b"a", 50, 60)
    record(worker, b"a", 70, 80)
    summary = timings.summary()
    assert matches(timings) == [(50, 70)]
    assert (summary.pushed, summary.handled) == (1, 1)
    assert summary.span_s == pytest.approx(30e-9)


def test_the_receipt_of_a_cleared_message_is_neither_shown_nor_counted(timings, sender, worker):
    """The receipt of a message that was pushed before `clear` is neither shown nor counted."""
    record(sender, b"a", 10, 20)
    timings.clear()
    record(worker, b"a", 30, 40)
    summary = timings.summary()
    assert len(timings) == 0
    assert set(counts(summary).values()) == {0}
    assert summary.working_s == 0


def test_a_send_after_clear_is_matched_before_a_cleared_one(timings, sender, worker):
    """Of two equal payloads, the one sent after `clear` is matched before the cleared one."""
    record(sender, b"a", 10, 20)
    timings.clear()
    record(sender, b"a", 30, 40)
    record(worker, b"a", 50, 60)
    assert matches(timings) == [(30, 50)]
    record(worker, b"a", 70, 80)
    assert matches(timings) == [(30, 50)]
    assert timings.summary().untimed == 0


def test_clear_forgets_interrupted_sends(timings, sender, worker):
    """The receipt of a send that was interrupted before `clear` is not counted."""
    record_interrupted(sender, b"a", 10, 20)
    timings.clear()
    record(worker, b"a", 30, 40)
    assert set(counts(timings.summary()).values()) == {0}


@pytest.mark.parametrize("how", ["refused", "interrupted"])
def test_a_send_that_fails_after_clear_is_matched_to_no_receipt(timings, sender, worker, how):
    """A send that was unfinished at `clear` and then failed is matched to no receipt."""
    sender.start(b"a", 10)
    timings.clear()
    sender.abort(interrupted=how == "interrupted", at_ns=20)
    record(sender, b"a", 30, 40)
    record(worker, b"a", 50, 60)
    assert timings.summary().handled == 1


def test_the_receipt_of_a_cleared_message_does_not_extend_the_span(timings, sender, worker):
    """`span_s` covers only the messages since `clear`."""
    record(sender, b"a", 10, 20)
    timings.clear()
    record(worker, b"a", 100, 110)
    assert timings.summary().span_s == 0


def test_a_cleared_message_is_not_handling(timings, sender, worker):
    """A message that was pushed before `clear` does not count as `handling` when it is received."""
    record(sender, b"a", 10, 20)
    timings.clear()
    worker.start(b"a", 30)
    assert set(counts(timings.summary()).values()) == {0}
    worker.end(at_ns=40)
    assert set(counts(timings.summary()).values()) == {0}
    assert len(timings) == 0


@pytest.mark.parametrize("end", [50, -50], ids=["accepted", "refused"])
def test_a_send_unfinished_at_clear_is_not_counted_when_it_ends(timings, sender, end):
    """A send that was unfinished at `clear` is neither shown nor counted when it ends."""
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
def test_a_handling_unfinished_at_clear_is_not_counted_when_it_ends(timings, sender, worker, timed):
    """A handling that was unfinished at `clear` is neither shown nor counted when it ends."""
    if timed:
        record(sender, b"a", 10, 20)
    worker.start(b"a", 30)
    timings.clear()
    assert set(counts(timings.summary()).values()) == {0}
    worker.end(at_ns=40)
    summary = timings.summary()
    assert len(timings) == 0
    assert set(counts(summary).values()) == {0}
    assert summary.working_s == 0


def test_a_message_received_before_its_send_returned_can_be_cleared(timings, sender, worker):
    """A message that was received before its send returned stays cleared when both end."""
    sender.start(b"a", 10)
    worker.start(b"a", 20)
    timings.clear()
    sender.end(at_ns=30)
    worker.end(at_ns=40)
    assert len(timings) == 0
    assert set(counts(timings.summary()).values()) == {0}


def test_clear_forgets_closed_lanes(timings, sender):
    """After `clear` there are no lanes of closed sockets, and their numbers are used again."""
    closed = [timings.add_sender(f"name {number}") for number in range(100)]
    for at, buffer in enumerate(closed, start=1):
        record(buffer, b"a", at, at)
        buffer.close()
    assert len(timings.lanes) == 102
    timings.clear()
    assert [lane for lane in timings.lanes if lane[1]] == [("sender", "sender")]
    record(timings.add_sender("new"), b"a", 10, 20)
    record(sender, b"a", 30, 40)
    assert [m.sender for m in timings] == ["new", "sender"]
    assert len(timings.lanes) == 102


def test_event_buffers_keep_their_lanes_after_clear(timings, sender):
    """Event buffers write into the same lanes after `clear`."""
    timings.clear()
    record(sender, b"a", 10, 20)
    assert [m.sender for m in timings] == ["sender"]


# Lanes


def test_lanes_without_a_name_are_numbered(timings):
    """The second sender without a name is `sender 2`; senders and workers are counted apart."""
    for add in (timings.add_sender, timings.add_sender, timings.add_worker):
        add()
    assert timings.lanes[1:] == [("sender", "sender"), ("sender", "sender 2"), ("worker", "worker")]


def test_a_numbered_name_that_is_taken_is_skipped(timings):
    """A socket without a name does not get the name of another socket."""
    timings.add_sender("sender 2")
    timings.add_sender()
    timings.add_sender()
    assert [name for _, name in timings.lanes[1:]] == ["sender 2", "sender", "sender 3"]


def test_sockets_of_one_name_share_a_lane(timings):
    """Two buffers with the same name are one lane."""
    for at in (1, 2):
        record(timings.add_sender("left"), b"a", at, at)
    assert [m.sender for m in timings] == ["left", "left"]
    assert len(timings.lanes) == 2


def test_a_sender_and_a_worker_of_one_name_are_two_lanes(timings):
    """A lane is identified by its kind and its name."""
    timings.add_sender("left")
    timings.add_worker("left")
    assert timings.lanes[1:] == [("sender", "left"), ("worker", "left")]


def test_renaming_keeps_earlier_messages_in_the_old_lane(timings, sender):
    """What a socket did before it was renamed stays in its old lane."""
    record(sender, b"a", 10, 20)
    timings.rename(sender, "left")
    record(sender, b"b", 30, 40)
    assert [m.sender for m in timings] == ["sender", "left"]


def test_the_name_of_a_closed_socket_is_free_again(timings, sender):
    """The next socket without a name continues the lane of one that is closed."""
    record(sender, b"a", 10, 20)
    sender.close()
    record(timings.add_sender(), b"b", 30, 40)
    assert [m.sender for m in timings] == ["sender", "sender"]


def test_a_closed_buffer_is_read_to_its_end(timings, sender):
    """What a socket recorded before it was closed is not lost."""
    sender.start(b"a", 10)
    sender.close()
    assert outcomes(timings) == ["sending"]
    sender.end(at_ns=20)
    assert outcomes(timings) == ["in_flight"]


def test_a_closed_buffer_is_dropped(timings):
    """A log does not grow with the number of sockets that were opened and closed."""
    for at in range(1, 100):
        buffer = timings.add_sender()
        record(buffer, b"a", at, at)
        buffer.close()
    assert len(timings) == 99
    assert timings.open_lanes() == []
    assert len(timings.lanes) == 2


# Reading


def test_messages_come_in_the_order_of_their_first_instant(timings, sender, worker):
    """Messages are sorted by their send, or by their receipt if no send was timed."""
    record(worker, b"from elsewhere", 20, 25)
    record(sender, b"b", 30, 31)
    len(timings)
    record(timings.add_sender(), b"a", 10, 11)
    assert [m.send_start_ns or m.recv_ns for m in timings] == [10, 20, 30]


def test_iteration_gives_the_messages(timings, sender):
    """Iterating and `messages()` give the same records, `len` of them."""
    for at in (1, 2, 3):
        record(sender, b"a", at, at)
    assert list(timings) == timings.messages()
    assert len(timings) == len(timings.messages()) == 3


def test_a_log_without_messages_is_empty(timings):
    """A new log has no messages, and is false."""
    assert timings.messages() == []
    assert not timings


def test_repr_is_one_line(timings, sender):
    """The repr says how many messages there are, and the limit."""
    record(sender, b"a", 10, 20)
    assert repr(timings) == "<Timings: 1 messages, at most 1,000,000>"


def test_rows_are_a_copy(timings, sender):
    """Changing the array that `rows` returned changes nothing in the log."""
    record(sender, b"a", 10, 20)
    timings.rows()["n_bytes"] = 99
    assert timings.rows()["n_bytes"].tolist() == [1]


# Threads


@pytest.fixture
def _frequent_switches():
    """Make threads take turns as often as possible."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_frequent_switches")
def test_threads_lose_and_double_no_message(timings):
    """Sockets in several threads and a reader in another need no lock for exact counts.

    Every third send is refused, every fifth handling fails, and some threads call `ingest`.
    """
    n, n_threads = 2_000, 3
    network = SimpleQueue()
    senders = [timings.add_sender() for _ in range(n_threads)]
    workers = [timings.add_worker() for _ in range(n_threads)]
    inconsistent = deque()
    stop = threading.Event()

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
        while not stop.is_set():
            summary, rows = timings.summary(), timings.rows()
            if not adds_up(summary) or summary.untimed or len(rows) < summary.pushed:
                inconsistent.append(summary)

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
    stop.set()
    reader.join()

    assert not inconsistent
    summary = timings.summary()
    refused = n_threads * len(range(0, n, 3))
    assert (summary.refused, summary.pushed) == (refused, n_threads * n - refused)
    assert summary.pushed == summary.handled + summary.failed
    assert len(timings) == n_threads * n
    for buffer in senders + workers:
        assert (buffer.spans, buffer.unfinished) == ([], False)


@pytest.fixture
def reading(timings):
    """A thread in the middle of a reading of the log, and the event that lets it continue."""
    started, may_end = threading.Event(), threading.Event()

    def wait():
        started.set()
        may_end.wait(10)

    record(timings.add_sender("slow"), During(b"b", wait), 30, 40)
    reader = threading.Thread(target=timings.summary)
    reader.start()
    assert started.wait(10)
    yield reader, may_end
    may_end.set()
    reader.join()


def test_ingest_never_waits(timings, sender, reading):
    """`ingest` returns at once while another thread reads the log, and says that it did nothing."""
    record(sender, b"a", 10, 20)
    reader, may_end = reading
    assert not timings.ingest()
    assert reader.is_alive()
    may_end.set()
    reader.join()
    assert timings.ingest()
    assert len(timings) == 2


def test_no_socket_waits_for_a_reader(timings, sender, worker, reading):
    """While another thread reads the log, everything that sockets do is done at once."""
    reader, _ = reading
    refusing = timings.add_sender()
    for number in range(2 * INGEST_AT):
        refusing.start(b"refused")
        refusing.abort(interrupted=False)
        record(sender, b"a", number + 1, number + 1)
        worker.receive(b"a", number + 1)
    for _ in range(2 * MAX_NEW_BUFFERS):
        timings.add_sender().close()
    worker.restart()
    worker.end()
    assert reader.is_alive()
    assert timings.n_buffered > 3 * INGEST_AT


def test_nothing_is_lost_while_a_reader_holds_the_log(timings, sender, worker, reading):
    """What sockets did while the log was read is taken in afterwards, from closed ones too."""
    _, may_end = reading
    for number in range(1, INGEST_AT + 10):
        record(sender, b"%d" % number, number, number)
        worker.receive(b"%d" % number, number)
    sender.close()
    worker.close()
    may_end.set()
    summary = timings.summary()
    assert (summary.pushed, summary.handled, summary.untimed) == (INGEST_AT + 10, INGEST_AT + 9, 0)
    assert timings.n_buffered == 0


def test_a_reader_does_not_stop_ingest_for_good(timings, sender, reading):
    """A buffer that could not be ingested is ingested soon after the reader is done."""
    reader, may_end = reading
    for at in range(1, INGEST_AT + 2):
        record(sender, b"a", at, at)
    may_end.set()
    reader.join()
    for at in range(INGEST_AT + 2, INGEST_AT + 2 + INGEST_AT // 8):
        record(sender, b"a", at, at)
    assert timings.n_buffered < INGEST_AT // 8
    most = 0
    for at in range(2 * INGEST_AT, 4 * INGEST_AT):
        record(sender, b"a", at, at)
        most = max(most, timings.n_buffered)
    assert most == INGEST_AT


# Bounded memory


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("seen_before", [False, True])
def test_refused_sends_are_never_pushed_however_small_the_limit(limit, seen_before):
    """A log that keeps few messages counts each refused send as refused, and none as pushed."""
    timings = Timings(limit)
    senders = [timings.add_sender() for _ in range(4)]
    for at in range(10, 100, 10):
        for buffer in senders:
            buffer.start(b"x", at)
        if seen_before:
            assert timings.summary().sending == 4
        for buffer in senders:
            buffer.end(False, at + 5)
    summary = timings.summary()
    assert (summary.refused, summary.pushed, summary.sending) == (36, 0, 0)
    assert set(outcomes(timings)) == {"refused"}


def test_a_million_refusals_leave_the_messages():
    """Refused sends evict no message beyond their tenth, and take no memory."""
    timings = Timings(limit=1_000)
    sender = timings.add_sender()
    for at in range(1, 901):
        record(sender, b"a", at, at)
    assert timings.summary().let_go == 0

    def refuse(count):
        for at in range(1_000, 1_000 + count):
            sender.start(b"x", at)
            sender.end(False, at)

    refuse(2 * INGEST_AT)
    len(timings)
    tracemalloc.start()
    try:
        refuse(100_000)
        len(timings)
        n_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert n_bytes < 100_000
    summary = timings.summary()
    assert (summary.refused, summary.pushed, summary.let_go) == (100_000 + 2 * INGEST_AT, 900, 0)
    assert Counter(outcomes(timings)) == {"in_flight": 900, "refused": 100}


def test_short_lived_sockets_are_bounded(timings):
    """Sockets that are opened, used and closed without a reader leave no buffer behind."""
    for at in range(1, 5 * MAX_NEW_BUFFERS):
        buffer = timings.add_sender()
        record(buffer, b"a", at, at)
        buffer.close()
        assert timings.n_buffered <= MAX_NEW_BUFFERS
    assert timings.summary().pushed == 5 * MAX_NEW_BUFFERS - 1


# Receipts whose end is not known


def test_a_bare_receipt_has_no_end(timings, sender, worker):
    """A message whose handling is not timed is handled, and its end is not known."""
    record(sender, b"a", 10, 20)
    worker.receive(b"a", 30)
    assert timings.messages() == [Message(10, 20, 30, None, 1, "sender", "worker", "handled")]
    summary = timings.summary()
    assert (summary.handled, summary.handling, summary.working_s) == (1, 0, 0)
    assert summary.span_s == pytest.approx(20e-9)


def test_a_handling_that_goes_on_counts_up_to_now(timings, sender, worker):
    """A handling that is timed afterwards counts from the receipt, and up to now until it ends."""
    record(sender, b"a", 10, 20)
    worker.receive(b"a", 30)
    assert timings.summary().working_s == 0
    worker.restart()
    first, second = timings.summary(), timings.summary()
    assert (first.handling, first.handled) == (1, 0)
    assert 0 < first.working_s < second.working_s
    worker.end(at_ns=50)
    assert timings.summary().working_s == pytest.approx(20e-9)


# Exporting# Exporting


@pytest.fixture
def exported(timings, sender, worker):
    """A log of one handled message, one refused and one from an untimed sender."""
    record(sender, b"a", 10, 20)
    record(sender, b"bb", 30, -45)
    record(worker, b"a", 50, 60)
    record(worker, b"ccc", 70, 80)
    return timings


def test_to_pandas_has_the_fields_of_a_message(exported):
    """The columns are the fields of `Message`, in order, and the wait."""
    pytest.importorskip("pandas")
    fields = [*Message.__slots__]
    fields.insert(4, "waited_ns")
    assert list(exported.to_pandas().columns) == fields


def test_to_pandas_has_nullable_types(exported):
    """Instants are nullable integers, names are strings, outcomes are categories."""
    pytest.importorskip("pandas")
    kinds = {name: str(kind) for name, kind in exported.to_pandas().dtypes.items()}
    assert kinds == {
        **dict.fromkeys(
            ("send_start_ns", "send_end_ns", "recv_ns", "done_ns", "waited_ns"), "Int64"
        ),
        "n_bytes": "int64",
        **dict.fromkeys(("sender", "worker"), "string"),
        "outcome": "category",
    }


def test_to_pandas_has_the_values_of_the_messages(exported):
    """Each row has a message's values, and `NA` where the message has `None`."""
    pandas = pytest.importorskip("pandas")
    for (_, row), message in zip(exported.to_pandas().iterrows(), exported, strict=True):
        for name in (*Message.__slots__, "waited_ns"):
            expected = getattr(message, name)
            assert row[name] is pandas.NA if expected is None else row[name] == expected


def test_to_pandas_has_all_outcomes_as_categories(exported):
    """The categories are all outcomes, in order, whichever occur."""
    pytest.importorskip("pandas")
    assert tuple(exported.to_pandas()["outcome"].cat.categories) == OUTCOMES


def test_to_pandas_of_an_empty_log_has_the_same_types(timings, exported):
    """An empty log gives an empty frame of the same columns and types."""
    pytest.importorskip("pandas")
    full = exported.to_pandas().dtypes
    timings.clear()
    frame = timings.to_pandas()
    assert len(frame) == 0
    assert (frame.dtypes == full).all()


def test_to_chrome_trace_writes_the_messages(exported, tmp_path):
    """The trace has a slice for each send and each handling that the log keeps."""
    path = tmp_path / "trace.json"
    exported.to_chrome_trace(path)
    events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    slices = [(e["name"], e["ts"], e["dur"]) for e in events if e["ph"] == "X"]
    assert slices == [
        ("send", 0.01, 0.01),
        ("handle", 0.05, 0.01),
        ("refused", 0.03, 0.015),
        ("handle", 0.07, 0.01),
    ]


def test_to_chrome_trace_takes_any_name(timings, tmp_path):
    """A lane's name may contain any characters."""
    name = '</script> "quoted"'
    record(timings.add_sender(name), b"a", 10, 20)
    timings.to_chrome_trace(str(tmp_path / "trace.json"))
    events = json.loads((tmp_path / "trace.json").read_text(encoding="utf-8"))["traceEvents"]
    assert f"sender: {name}" in [event.get("args", {}).get("name") for event in events]


def test_instants_are_kept_to_the_nanosecond(timings):
    """Instants of the real clock appear in a message to the nanosecond."""
    sender, worker = timings.add_sender(), timings.add_worker()
    sender.start(b"a")
    sender.end()
    worker.start(b"a")
    worker.end()
    recorded = [*sender.spans[1:], *worker.spans[1:]]
    (m,) = timings
    assert [m.send_start_ns, m.send_end_ns, m.recv_ns, m.done_ns] == recorded
    assert all(a <= b for a, b in pairwise(recorded))
