"""Ingest turns events into rows, and updates a row when an unfinished send or handling goes on."""

from collections import Counter

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


class Overtaken(list):
    """Spans during which another thread goes on when the log looks at them the n-th time."""

    def __init__(self, next_steps, looks=0):
        super().__init__()
        self.next_steps, self.looks = next_steps, looks

    def _look(self):
        self.looks -= 1
        if self.looks == -1:
            self.next_steps()

    def __len__(self):
        count = super().__len__()
        self._look()
        return count

    def __getitem__(self, key):
        copy = super().__getitem__(key)
        self._look()
        return copy


@pytest.mark.parametrize("looks", range(4))
def test_receipts_are_taken_before_sends(log, looks):
    """A message that is sent and received during an ingest does not count as untimed."""
    sender, receiver, later = log.sender(), log.receiver(), log.receiver()

    def send_and_receive():
        record(sender, b"a", 10, 11)
        record(later, b"a", 12, 13)

    receiver.spans = Overtaken(send_and_receive, looks)
    log.run()
    receiver.spans = []
    assert log.run() in (["handled"], [])
    if not log.counts.received:
        send_and_receive()
        assert log.run() == ["handled"]
    assert log.counts.untimed == 0


@pytest.mark.parametrize("looks", range(4))
def test_a_send_that_returns_during_an_ingest_is_taken(log, looks):
    """A send whose message was received is taken with the receipt, whenever it returns."""
    sender, receiver = log.sender(), log.receiver()
    sender.start(b"a", 10)
    sender.spans = Overtaken(lambda: sender.end(at_ns=13), looks)
    receiver.receive(b"a", 12)
    log.run()
    assert log.run() == ["handled"]
    assert (log.counts.untimed, log.counts.received) == (0, 1)


@pytest.mark.parametrize("looks", range(6))
@pytest.mark.parametrize("kind", ["sender", "receiver"])
def test_a_socket_that_closes_during_an_ingest_is_read_to_its_end(log, kind, looks):
    """What a socket does last is not lost, whenever it is closed."""
    buffer = getattr(log, kind)()

    def work_and_close():
        record(buffer, b"a", 10, 11)
        buffer.close()

    buffer.spans = Overtaken(work_and_close, looks)
    for _ in range(8):
        rows = log.run()
    assert len(rows) == 1
    assert log.ingest.senders == log.ingest.receivers == []


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


def test_sends_that_are_taken_late_are_matched_by_their_start(log):
    """A send that returns late is matched before equal ones that started after it."""
    first, second = log.sender(), log.sender()
    first.start(b"a", 10)
    record(second, b"a", 20, 21)
    log.run()
    first.end(at_ns=22)
    log.run()
    log.receiver().receive(b"a", 30)
    log.run()
    assert log.column("recv_ns") == [30, 0]


# Receipts whose handling is not timed, or is timed afterwards


@pytest.fixture
def received(log):
    """The buffer of a receipt of `b"a"` at 20, whose send is timed; nothing is ingested yet."""
    record(log.sender(), b"a", 10, 11)
    receiver = log.receiver()
    receiver.receive(b"a", 20)
    return receiver


def counts(log):
    """Return received, handled, failed, and how long handlers worked."""
    it = log.counts
    return it.received, it.handled, it.failed, it.working_ns


def test_a_bare_receipt_is_handled_and_its_end_is_not_known(log, received):
    """A receipt whose handling is not timed counts as handled, and as no work."""
    assert log.run() == ["handled"]
    assert (log.column("recv_ns"), log.column("done_ns")) == ([20], [0])
    assert counts(log) == (1, 1, 0, 0)
    assert (log.counts.first_ns, log.counts.last_ns) == (10, 20)


def test_many_bare_receipts_are_each_handled(log):
    """Receipts of one buffer, taken together, do not change each other."""
    sender, receiver = log.sender(), log.receiver()
    for at in range(10, 60, 10):
        record(sender, b"%d" % at, at, at + 1)
        receiver.receive(b"%d" % at, at + 2)
    receiver.restart()
    receiver.end(at_ns=70)
    assert log.run() == ["handled"] * 5
    assert log.column("done_ns") == [0, 0, 0, 0, 70]
    assert counts(log) == (5, 5, 0, 18)


#: Before which steps of a handling the log is read.
READS = [(), (0,), (1,), (0, 1), (0, 0, 1, 1)]


def handle(log, receiver, reads, ok=True, start_ns=20):
    """Time the handling of the last receipt, which ends after 10 ns; return the outcomes."""
    for _ in range(reads.count(0)):
        assert "handling" not in log.run()
    receiver.restart()
    for _ in range(reads.count(1)):
        assert "handling" in log.run()
        assert log.counts.handled + log.counts.failed < max(1, log.counts.received)
    receiver.end(ok, at_ns=start_ns + 10)
    return log.run()


@pytest.mark.parametrize("reads", READS)
@pytest.mark.parametrize(("ok", "outcome"), [(True, "handled"), (False, "failed")])
def test_a_handling_may_be_timed_afterwards(log, received, reads, ok, outcome):
    """The same message is handled or failed, whenever the log was read, and counted once."""
    assert handle(log, received, reads, ok) == [outcome]
    assert (log.column("recv_ns"), log.column("done_ns")) == ([20], [30])
    assert counts(log) == (1, ok, not ok, 10)
    assert log.ingest.unfinished_handlings == {}


@pytest.mark.parametrize("reads", READS)
def test_the_handling_of_an_untimed_message_may_be_timed(log, reads):
    """A message from an untimed sender adds to the handlers' time only."""
    receiver = log.receiver()
    receiver.receive(b"a", 20)
    assert handle(log, receiver, reads) == ["handled"]
    assert log.column("done_ns") == [30]
    assert (log.counts.untimed, *counts(log)) == (1, 0, 0, 0, 10)


@pytest.mark.parametrize("cleared", [0, 1, 2])
@pytest.mark.parametrize("reads", READS)
def test_a_handling_of_a_message_that_was_cleared_is_not_counted(log, received, reads, cleared):
    """A message that is cleared before, during or after its handling is shown and counted never."""
    for step in (lambda: None, received.restart, lambda: received.end(at_ns=30)):
        step()
        if 0 in reads:
            log.run()
        if cleared == 0:
            log.run()  # as `Timings.clear` does
            log.ingest.clear()
        cleared -= 1
    assert log.run() == []
    assert counts(log) == (0, 0, 0, 0)
    assert (log.counts.first_ns, log.counts.untimed) == (0, 0)


@pytest.mark.parametrize("first_ok", [True, False])
@pytest.mark.parametrize("reads", range(4))
def test_the_last_handling_of_a_message_counts(log, received, reads, first_ok):
    """A message that is handled a second time, such as after a failure, is counted once."""
    for ok, at_ns in ((first_ok, 25), (True, 30)):
        if reads & 1:
            log.run()
            assert min(counts(log)) >= 0
        received.restart()
        if reads & 2:
            log.run()
        received.end(ok, at_ns=at_ns)
    assert log.run() == ["handled"]
    assert log.column("done_ns") == [30]
    assert counts(log) == (1, 1, 0, 10)


@pytest.mark.parametrize("reads", READS)
def test_each_receipt_has_its_own_handling(log, received, reads):
    """Handlings of several receipts of one buffer belong to the receipt before them."""
    record(log.ingest.senders[0], b"b", 12, 13)
    handle(log, received, reads)
    received.receive(b"b", 40)
    assert handle(log, received, reads, ok=False, start_ns=40) == ["handled", "failed"]
    assert (log.column("recv_ns"), log.column("done_ns")) == ([20, 40], [30, 50])
    assert counts(log) == (2, 1, 1, 20)


def test_a_receipt_during_a_handling_is_the_next_message(log, received):
    """A handling ends before the next receipt is noted, and both are right in one ingest."""
    record(log.ingest.senders[0], b"b", 12, 13)
    received.restart()
    log.run()
    received.end(at_ns=30)
    received.receive(b"b", 40)
    received.restart()
    assert log.run() == ["handled", "handling"]
    assert counts(log) == (2, 1, 0, 10)


def test_a_closed_buffer_with_a_handling_is_kept_until_it_ends(log, received):
    """A socket may be closed while its last message is handled."""
    log.run()
    received.restart()
    received.close()
    assert log.run() == ["handling"]
    received.end(at_ns=30)
    assert log.run() == ["handled"]
    assert counts(log) == (1, 1, 0, 10)
    assert (log.ingest.receivers, log.ingest.last_receipts) == ([], {})


# Refused sends


def refuse(buffer, count, at=100):
    for number in range(at, at + count):
        buffer.start(b"refused", number)
        buffer.end(False, number)


@pytest.mark.parametrize("at_once", [True, False])
def test_refused_sends_take_a_tenth_of_the_rows(log, at_once):
    """However many sends are refused, the messages stay, and all refusals are counted."""
    sender = log.sender()
    for at in range(1, 81):
        record(sender, b"a", at, at)
    log.run()
    for at in range(100, 2_100, 200):
        refuse(sender, 200, at)
        if not at_once:
            log.run()
    assert Counter(log.run()) == {"in_flight": 80, "refused": LIMIT // 10}
    assert (log.counts.refused, log.counts.pushed) == (2_000, 80)
    assert log.counts.last_ns == 2_099


def test_refused_sends_get_rows_again_when_theirs_are_evicted(log):
    """Refused sends that are evicted make room for new ones."""
    sender = log.sender()
    refuse(sender, 50)
    log.run()
    for at in range(200, 200 + LIMIT):
        record(sender, b"a", at, at)
    log.run()
    refuse(sender, 50, at=400)
    assert Counter(log.run()) == {"in_flight": 90, "refused": 10}
    assert log.column("send_start_ns")[-10:] == list(range(400, 410))


def test_clear_makes_room_for_refused_sends(log):
    """After `clear`, a tenth of the rows is free for refused sends again."""
    sender = log.sender()
    refuse(sender, 50)
    log.run()
    log.ingest.clear()
    refuse(sender, 50, at=200)
    assert log.run() == ["refused"] * 10


def test_refused_sends_among_others_keep_the_order(log):
    """Sends that are only counted leave no gap and no row between the others."""
    sender = log.sender()
    refuse(sender, 10)
    record(sender, b"a", 200, 201)
    refuse(sender, 10, at=300)
    record(sender, b"b", 400, 401)
    sender.start(b"ccc", 500)
    record(log.receiver(), b"b", 600, 601)
    assert log.run() == ["refused"] * 10 + ["in_flight", "handled", "sending"]
    assert log.column("send_start_ns")[10:] == [200, 400, 500]
    assert log.column("n_bytes")[10:] == [1, 1, 3]
    sender.end(at_ns=501)
    assert log.run()[12:] == ["in_flight"]


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
