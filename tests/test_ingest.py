"""Ingest turns events into rows, and updates a row when an unfinished send or handling goes on."""

import pytest

from pushpull_kit.recording.events import ReceiveBuffer, SendBuffer
from pushpull_kit.recording.fingerprint import INCOMPLETE, fingerprint
from pushpull_kit.recording.ingest import Ingest
from pushpull_kit.recording.ring_buffer import RingBuffer
from pushpull_kit.spec import OUTCOMES

LIMIT = 100


class Log:
    """An `Ingest` with buffers of its own, and what its rows say."""

    def __init__(self):
        self.rows = RingBuffer(LIMIT)
        self.ingest = Ingest(self.rows)

    def sender(self):
        self.ingest.senders.append(SendBuffer(1))
        return self.ingest.senders[-1]

    def receiver(self):
        self.ingest.receivers.append(ReceiveBuffer(2))
        return self.ingest.receivers[-1]

    def run(self):
        """Ingest, and return the outcome of each row."""
        self.ingest.run()
        return [OUTCOMES[outcome] for outcome in self.rows.copy()["outcome"]]

    def column(self, name):
        return self.rows.copy()[name].tolist()

    @property
    def counts(self):
        return self.ingest.counts


@pytest.fixture
def log():
    return Log()


def record(buffer, payload, start_ns, end_ns):
    """Record a finished send or handling."""
    buffer.start(payload, start_ns)
    buffer.end(at_ns=end_ns)


# An unfinished send


@pytest.fixture
def unfinished(log):
    """The buffer of a send of `b"a"` that started at 10 and was ingested before it returned."""
    sender = log.sender()
    sender.start(b"a", 10)
    assert log.run() == ["sending"]
    return sender


def test_an_unfinished_send_that_returns_is_in_flight(log, unfinished):
    """When the send returns, its row is in flight and the message counts as pushed."""
    unfinished.end(at_ns=20)
    assert log.run() == ["in_flight"]
    assert log.column("send_end_ns") == [20]
    assert (log.counts.pushed, log.counts.sending_ns) == (1, 10)
    assert log.ingest.unfinished_sends == {}


def test_an_unfinished_send_that_is_refused_is_not_pushed(log, unfinished):
    """When the send is refused, its row says so and is no longer offered to receipts."""
    unfinished.abort(interrupted=False, at_ns=20)
    record(log.receiver(), b"a", 30, 40)
    assert log.run() == ["refused", "handled"]
    assert (log.counts.refused, log.counts.pushed, log.counts.untimed) == (1, 0, 1)


def test_an_unfinished_send_that_is_interrupted_may_still_be_received(log, unfinished):
    """An interrupted send counts as interrupted until a receipt proves that it was accepted."""
    unfinished.abort(interrupted=True, at_ns=20)
    assert log.run() == ["interrupted"]
    assert (log.counts.interrupted, log.counts.pushed) == (1, 0)
    record(log.receiver(), b"a", 30, 40)
    assert log.run() == ["handled"]
    assert (log.counts.interrupted, log.counts.pushed) == (0, 1)


def test_an_unfinished_send_may_be_received(log, unfinished):
    """A receipt is matched to a send that has not returned, which then counts as received."""
    log.receiver().start(b"a", 15)
    assert log.run() == ["handling"]
    (send,) = log.ingest.unfinished_sends.values()
    assert log.ingest.is_received(send)
    assert (log.counts.pushed, log.counts.received) == (0, 1)


def test_a_received_send_that_returns_keeps_its_outcome(log, unfinished):
    """When a send returns after its receipt, only its end and its count are added."""
    receiver = log.receiver()
    receiver.start(b"a", 15)
    log.run()
    unfinished.end(at_ns=20)
    assert log.run() == ["handling"]
    assert (log.column("send_end_ns"), log.column("recv_ns")) == ([20], [15])
    assert log.counts.pushed == 1
    record(log.receiver(), b"a", 30, 40)
    log.run()
    assert log.counts.untimed == 1


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_received_send_counts_as_pushed_if_it_fails_afterwards(log, unfinished, interrupted):
    """A send whose message was received counts as pushed, however the send ends."""
    record(log.receiver(), b"a", 15, 16)
    log.run()
    unfinished.abort(interrupted=interrupted, at_ns=20)
    assert log.run() == ["handled"]
    assert (log.counts.pushed, log.counts.refused, log.counts.interrupted) == (1, 0, 0)


def test_an_unfinished_send_that_is_cleared_is_not_counted(log, unfinished):
    """When a send returns after `clear`, neither it nor its receipt is shown or counted."""
    log.ingest.clear()
    unfinished.end(at_ns=20)
    record(log.receiver(), b"a", 30, 40)
    assert log.run() == []
    assert (log.counts.pushed, log.counts.received, log.counts.untimed) == (0, 0, 0)


def test_a_cleared_send_that_was_received_is_matched_to_no_second_receipt(log, unfinished):
    """A send that was received and cleared before it returned is not matched again."""
    receiver = log.receiver()
    record(receiver, b"a", 15, 16)
    log.run()
    log.ingest.clear()
    unfinished.end(at_ns=20)
    record(receiver, b"a", 30, 40)
    assert log.run() == ["handled"]
    assert log.counts.untimed == 1


def test_the_payload_of_a_multipart_message_may_be_added_later(log):
    """A receipt is matched to an unfinished send whose last frame was sent after an ingest."""
    sender = log.sender()
    sender.start(INCOMPLETE, 10)
    assert log.run() == ["sending"]
    sender.complete(fingerprint([b"a", b"bc"]))
    assert log.run() == ["sending"]
    assert log.column("n_bytes") == [3]
    log.receiver().start(fingerprint([b"a", b"bc"]), 20)
    assert log.run() == ["handling"]


# An unfinished handling


@pytest.mark.parametrize(("ok", "outcome"), [(True, "handled"), (False, "failed")])
def test_an_unfinished_handling_that_ends_has_its_outcome(log, ok, outcome):
    """When a handler returns or raises, the row says so and the handling is counted."""
    record(log.sender(), b"a", 10, 11)
    receiver = log.receiver()
    receiver.start(b"a", 20)
    assert log.run() == ["handling"]
    receiver.end(ok, at_ns=30)
    assert log.run() == [outcome]
    assert getattr(log.counts, outcome) == 1
    assert log.counts.working_ns == 10
    assert log.ingest.unfinished_handlings == {}


def test_an_untimed_handling_that_ends_counts_only_its_time(log):
    """A message without a timed send adds to the handlers' time, not to the handled messages."""
    receiver = log.receiver()
    receiver.start(b"a", 20)
    assert log.run() == ["handling"]
    receiver.end(at_ns=30)
    assert log.run() == ["handled"]
    assert (log.counts.untimed, log.counts.handled, log.counts.working_ns) == (1, 0, 10)


def test_an_unfinished_handling_that_is_cleared_is_not_counted(log):
    """When a handler returns after `clear`, nothing is shown or counted."""
    receiver = log.receiver()
    receiver.start(b"a", 20)
    log.run()
    log.ingest.clear()
    receiver.end(at_ns=30)
    assert log.run() == []
    assert log.counts.working_ns == 0


# Order


class Sending(list):
    """A list of ends that lets another thread send and receive when the log first copies it."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def __getitem__(self, key):
        copy = super().__getitem__(key)
        steps, self.steps = self.steps, lambda: None
        steps()
        return copy


def test_receipts_are_taken_before_sends(log):
    """A message that is sent and received during an ingest does not count as untimed."""
    sender, receiver, later = log.sender(), log.receiver(), log.receiver()

    def send_and_receive():
        record(sender, b"a", 10, 11)
        record(later, b"a", 12, 13)

    receiver.ends = Sending(send_and_receive)
    log.run()
    assert log.run() == ["handled"]
    assert log.counts.untimed == 0


def test_equal_payloads_of_two_receivers_are_matched_in_time_order(log):
    """Equal messages at two receivers are matched to their sends by the time of receipt."""
    sender, first, second = log.sender(), log.receiver(), log.receiver()
    for start_ns in (10, 20, 30):
        record(sender, b"a", start_ns, start_ns + 1)
    record(second, b"a", 40, 41)
    record(first, b"a", 50, 51)
    record(second, b"a", 60, 61)
    log.run()
    assert log.column("send_start_ns") == [10, 20, 30]
    assert log.column("recv_ns") == [40, 50, 60]


def test_sends_of_two_sockets_have_rows_in_time_order(log):
    """Sends that are ingested together get their rows in the order of their start."""
    first, second = log.sender(), log.sender()
    record(second, b"b", 10, 11)
    record(first, b"a", 20, 21)
    record(second, b"c", 30, 31)
    log.run()
    assert log.column("send_start_ns") == [10, 20, 30]


def test_an_unfinished_send_is_matched_before_an_interrupted_one(log):
    """Of two equal payloads, the one whose send has not returned is matched first."""
    interrupted, blocked = log.sender(), log.sender()
    interrupted.start(b"a", 10)
    interrupted.abort(interrupted=True, at_ns=20)
    blocked.start(b"a", 30)
    record(log.receiver(), b"a", 40, 50)
    assert log.run() == ["interrupted", "handled"]


def test_an_unfinished_send_extends_the_time_that_the_log_spans(log):
    """The last instant of the log is the start of an unfinished send if nothing is later."""
    log.sender().start(b"a", 10)
    log.run()
    assert (log.counts.first_ns, log.counts.last_ns) == (10, 10)


# Buffers


def test_a_closed_buffer_is_dropped_when_it_is_empty(log):
    """A buffer is kept until it is closed and its last send has ended."""
    sender = log.sender()
    sender.start(b"a", 10)
    sender.close()
    log.run()
    assert log.ingest.senders == [sender]
    sender.end(at_ns=20)
    log.run()
    assert log.ingest.senders == []
