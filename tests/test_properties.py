"""After any history of sends and receipts, the log equals a simple model of it.

Hypothesis makes up histories: sends that return, are refused or interrupted, receipts with or
without a send, handlings that may fail, in any order, with equal payloads and several frames, in
logs that keep few messages, are cleared, and are read at any moment. Each history is run on real
event buffers, and on a `Model` that consists of lists and loops over them.
"""

import queue
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pytest
import zmq
from fuzzing import MORE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pushpull_kit import Context, Timings, Worker
from pushpull_kit.recording import events, ingest, log
from pushpull_kit.recording.fingerprint import INCOMPLETE, Fingerprint, fingerprint
from pushpull_kit.recording.matching import MIN_BATCH, UnmatchedSends
from pushpull_kit.recording.messages import ROW, Message, Summary
from pushpull_kit.recording.payloads import Payloads
from pushpull_kit.recording.ring_buffer import RingBuffer
from pushpull_kit.sockets.context import RETIRE_TIMEOUT_S
from pushpull_kit.spec import BATCH_COLUMNS
from pushpull_kit.views.timeline.protocol import BatchStream


def rules(examples):
    """Return settings with this number of examples, the same in every run unless `MORE` is set."""
    return settings(
        max_examples=examples * MORE,
        derandomize=MORE == 1,
        print_blob=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


# The model


@dataclass(eq=False)
class Send:
    lane: str
    start: int
    frames: tuple[bytes, ...] | None  # None: a multipart message without its last frame
    end: int = 0
    outcome: str = "sending"
    receipt: "Receipt | None" = None
    cleared: bool = False
    is_row: bool = True  # False for a refused send that is only counted

    @property
    def pushed(self):
        """Whether libzmq accepted the message, as the sender or the receipt shows."""
        return self.outcome == "in_flight" or self.receipt is not None


@dataclass(eq=False)
class Receipt:
    lane: str
    start: int
    frames: tuple[bytes, ...]
    end: int = 0
    outcome: str = "handling"
    send: Send | None = None
    cleared: bool = False

    @property
    def worked_until(self):
        """When its handling ended; None if it is unfinished. A bare receipt is not worked on."""
        return None if self.outcome == "handling" else self.end or self.start

    @property
    def is_counted(self):
        """Whether the receipt counts: that of a cleared message does not."""
        return not self.cleared and not (self.send and self.send.cleared)


#: Which sends a receipt may be matched to, in this order: accepted ones, those that have not
#: returned, interrupted ones, and those accepted (or interrupted) before the log was cleared.
CANDIDATES = (
    lambda send: not send.cleared and send.outcome == "in_flight",
    lambda send: not send.end and send.frames is not None,
    lambda send: not send.cleared and send.outcome == "interrupted" and send.frames is not None,
    lambda send: send.cleared and send.outcome in ("in_flight", "unknown"),
)


class Model:
    """All sends and receipts, as lists; `ingest` is what a log does when it is read."""

    def __init__(self, limit):
        self.limit = limit
        self.sends, self.receipts = [], []
        self.new = []  # started since the last ingest
        self.rows = []  # what the log has shown since it was cleared, in the order of row ids
        self.refused = set()  # refused sends that have a row

    def ingest(self):
        new, self.new = self.new, []
        sends = sorted((n for n in new if isinstance(n, Send)), key=lambda send: send.start)
        receipts = [n for n in new if isinstance(n, Receipt)]
        self.sends += sends
        self.receipts += receipts
        for is_candidate in CANDIDATES:
            unmatched = [send for send in self.sends if is_candidate(send) and not send.receipt]
            for receipt in receipts:
                if receipt.send is None:
                    self._match(receipt, unmatched)
        self._keep_some_refused(sends)
        self.rows += [send for send in sends if send.is_row]
        self.rows += [receipt for receipt in receipts if receipt.send is None]

    def _keep_some_refused(self, sends):
        """Have refused sends take a tenth of the rows at most; others are only counted."""
        refused = [send for send in sends if send.outcome == "refused"]
        kept = {row for row in self.rows[-self.limit :] if row in self.refused}
        room = max(1, self.limit // 10) - len(kept)
        self.refused |= set(refused[:room])
        for send in refused[room:]:
            send.is_row = False

    @staticmethod
    def _match(receipt, unmatched):
        for send in unmatched:
            fits = send.frames == receipt.frames and send.start <= receipt.start
            if fits and not send.receipt:
                send.receipt, receipt.send = receipt, send
                return

    def clear(self):
        self.ingest()
        for item in chain(self.sends, self.receipts):
            if not item.cleared and isinstance(item, Send) and item.outcome == "interrupted":
                item.outcome = "unknown" if item.frames else "refused"  # may it still arrive?
            item.cleared = True
        self.rows = []

    def messages(self):
        messages = [self._message(row) for row in self.rows[-self.limit :]]
        return sorted(messages, key=lambda m: m.send_start_ns or m.recv_ns)

    @staticmethod
    def _message(row):
        send = row if isinstance(row, Send) else None
        receipt = send.receipt if send else row
        return Message(
            send_start_ns=send.start if send else None,
            send_end_ns=send.end or None if send else None,
            recv_ns=receipt.start if receipt else None,
            done_ns=receipt.end or None if receipt else None,
            n_bytes=sum(map(len, row.frames or ())),
            sender=send.lane if send else None,
            worker=receipt.lane if receipt else None,
            outcome=receipt.outcome if receipt else send.outcome,
        )

    def summary(self, now):
        sends = [send for send in self.sends if not send.cleared]
        receipts = [receipt for receipt in self.receipts if receipt.is_counted]
        not_pushed = Counter(send.outcome for send in sends if not send.pushed)
        received = Counter(send.receipt.outcome for send in sends if send.receipt)
        counted = [*sends, *receipts]
        ends = [send.end for send in sends] + [receipt.worked_until for receipt in receipts]
        last = max((end or now for end in ends), default=0)
        return Summary(
            pushed=sum(send.pushed for send in sends),
            handled=received["handled"],
            failed=received["failed"],
            handling=received["handling"],
            in_flight=sum(send.pushed and not send.receipt for send in sends),
            refused=not_pushed["refused"],
            interrupted=not_pushed["interrupted"],
            sending=not_pushed["sending"],
            untimed=sum(receipt.send is None for receipt in receipts),
            let_go=max(0, len(self.rows) - self.limit),
            sending_s=sum((send.end or now) - send.start for send in sends) / 1e9,
            working_s=sum((receipt.worked_until or now) - receipt.start for receipt in receipts)
            / 1e9,
            span_s=(last - min((item.start for item in counted), default=0)) / 1e9,
        )


# Running a history


#: More sends than one history has between two reads.
MOST_AT_ONCE = 20_000

PAYLOADS = [(b"",), (b"a",), (b"b",), (b"a", b"b"), (b"ab",), (b"", b""), (b"x" * 300,)]
NAMES = ["left", "right"]


class Subscriber:
    """A copy of a log that is made of its deltas only."""

    def __init__(self, timings):
        self.timings, self.dirty = timings, timings.subscribe()
        self.first, self.rows = 0, {}
        self.is_behind = False

    def take(self, max_rows=10**6, snapshot_rows=0):
        if snapshot_rows:  # then changes of older messages are not in the deltas
            self.is_behind = snapshot_rows < self.timings.limit
        delta = self.timings.delta(self.dirty, max_rows, snapshot_rows=snapshot_rows)
        assert len(delta.rows) <= max_rows
        assert len(set(delta.ids.tolist())) == len(delta.rows)
        assert all(delta.oldest_id <= row_id < delta.next_id for row_id in delta.ids)
        if delta.first_id != self.first:
            self.first, self.rows = delta.first_id, {}
        self.rows.update(zip(delta.ids.tolist(), delta.rows, strict=True))
        self.rows = {i: row for i, row in self.rows.items() if i >= delta.oldest_id}
        return delta.n_pending

    def all(self):
        """Return the rows in the order of `Timings.rows`."""
        rows = np.array([self.rows[row_id] for row_id in sorted(self.rows)], ROW)
        first = np.where(rows["send_start_ns"] > 0, rows["send_start_ns"], rows["recv_ns"])
        return rows[np.argsort(first, kind="stable")]


class Scenario:
    """The senders and workers of one log, whose steps also go into a `Model`."""

    def __init__(self, limit):
        self.now, self.last_was_send = 1_000, False
        self.timings, self.model = Timings(limit), Model(limit)
        self.subscribers = [Subscriber(self.timings)]
        self.buffers = {
            "sender": [self.timings.add_sender(name) for name in (*NAMES, NAMES[0])],
            "worker": [self.timings.add_worker(name) for name in NAMES],
        }
        self.unfinished = {}  # by buffer: its unfinished send or receipt
        self.bare = {}  # by buffer: its last receipt, if that was not timed at first

    def clock_ns(self):
        return self.now

    def sender(self, i, payload, how):
        """Start a send, or end the one that is unfinished."""
        buffer, frames = self._buffer("sender", i), PAYLOADS[payload]
        self.now += 1
        self.last_was_send = True
        send = self.unfinished.get(buffer)
        if send is None:
            first = INCOMPLETE if len(frames) > 1 else self._payload(frames)
            buffer.start(first)
            frames = frames if first is not INCOMPLETE else None
            self._start("sender", buffer, Send(self._lane(buffer), self.now, frames))
        elif send.frames is None and how == "in_flight":  # the last frame
            send.frames = frames if len(frames) > 1 else PAYLOADS[3]
            buffer.complete(fingerprint(send.frames))
        else:
            send.end, send.outcome = self.now, how
            if how == "in_flight":
                buffer.end()
            else:
                buffer.abort(interrupted=how == "interrupted")
            self._finish("sender", i, buffer)

    def worker(self, i, payload, how, at_once=False):
        """Receive a message, or end the handling of the last one."""
        buffer, frames = self._buffer("worker", i), PAYLOADS[payload]
        receipt = self.unfinished.get(buffer)
        # A receipt may have the same instant as a send. Two receipts never have the same instant,
        # because then their order is unknown.
        self.now += not (at_once and receipt is None and self.last_was_send)
        self.last_was_send = False
        if receipt is None:
            buffer.start(self._payload(frames))
            self._start("worker", buffer, Receipt(self._lane(buffer), self.now, frames))
            self.bare.pop(buffer, None)
        else:
            receipt.end, receipt.outcome = self.now, how
            buffer.end(ok=how == "handled")
            self._finish("worker", i, buffer)

    def receive(self, i, payload):
        """Receive a message whose handling is not timed."""
        buffer, frames = self._buffer("worker", i), PAYLOADS[payload]
        if buffer in self.unfinished:
            self.worker(i, payload, "handled")
            buffer = self._buffer("worker", i)
        self.now += 1
        self.last_was_send = False
        buffer.receive(self._payload(frames), self.now)
        receipt = Receipt(self._lane(buffer), self.now, frames, outcome="handled")
        self.model.new.append(receipt)
        self.bare[buffer] = receipt

    def handle(self, i):
        """Start to time the handling of the message that was received last."""
        buffer = self._buffer("worker", i)
        receipt = self.bare.get(buffer)
        if receipt is None or buffer in self.unfinished:
            return
        if receipt.outcome == "failed" or receipt.end:  # a second time; the first must be ingested
            self.read(Timings.ingest)
        buffer.restart()
        receipt.end, receipt.outcome = 0, "handling"
        self.unfinished[buffer] = receipt

    def burst(self, i, payload, count, received):
        """Send many messages of one payload, and receive some, without reading the log."""
        for _ in range(count):
            if self.unfinished.get(self._buffer("sender", i)) is None:
                self.sender(i, payload, "in_flight")
            self.sender(i, payload, "in_flight")
        for _ in range(received):
            self.worker(i, payload, "handled")

    def finish_all(self):
        """End all sends and handlings."""
        for kind, how in (("worker", "handled"), ("sender", "in_flight")):
            for i, buffer in enumerate(self.buffers[kind][:]):
                while buffer in self.unfinished:
                    getattr(self, kind)(i, 0, how)

    def rename(self, kind, i, name):
        self.timings.rename(self._buffer(kind, i), name)
        self.model.ingest()

    def close(self, kind, i):
        buffer = self._buffer(kind, i)
        buffer.close()
        if buffer not in self.unfinished:
            self._replace(kind, i)

    def read(self, method):
        method(self.timings)
        self.model.ingest()

    def clear(self):
        self.timings.clear()
        self.model.clear()

    def subscribe(self):
        self.subscribers.append(Subscriber(self.timings))
        self.model.ingest()

    def delta(self, i, max_rows, snapshot_rows):
        self.subscribers[i % len(self.subscribers)].take(max_rows, snapshot_rows)
        self.model.ingest()

    def _buffer(self, kind, i):
        return self.buffers[kind][i % len(self.buffers[kind])]

    def _lane(self, buffer):
        return self.timings.lanes[buffer.lane][1]

    @staticmethod
    def _payload(frames):
        return frames[0] if len(frames) == 1 else fingerprint(frames)

    def _start(self, kind, buffer, item):
        self.unfinished[buffer] = item
        self.model.new.append(item)

    def _finish(self, kind, i, buffer):
        del self.unfinished[buffer]
        if buffer.closed:
            self._replace(kind, i)

    def _replace(self, kind, i):
        buffers = self.buffers[kind]
        add = self.timings.add_sender if kind == "sender" else self.timings.add_worker
        buffers[i % len(buffers)] = add(NAMES[i % len(NAMES)])


def step(name, *arguments):
    """Return a strategy for one step: the name of a `Scenario`'s method, and its arguments."""
    return st.tuples(st.just(name), *arguments)


def lists_of(items, max_size):
    """Return a strategy for lists of all lengths up to a maximum; by default most are short."""
    return st.integers(0, max_size).flatmap(lambda n: st.lists(items, min_size=n, max_size=n))


def one_of_weighted(*weights):
    """Return a strategy for one of several kinds of steps, given as (weight, strategy)."""
    return st.sampled_from([steps for n, steps in weights for _ in range(n)]).flatmap(lambda s: s)


few = st.integers(0, 2)
payloads = st.sampled_from([0] * 10 + [1] * 3 + [3] * 3 + list(range(len(PAYLOADS))))
kinds = st.sampled_from(["sender", "worker"])
sends = step(
    "sender", few, payloads, st.sampled_from(["in_flight"] * 3 + ["refused", "interrupted"])
)
receipts = step(
    "worker", few, payloads, st.sampled_from(["handled", "handled", "failed"]), st.booleans()
)
bare = st.one_of(step("receive", few, payloads), step("handle", few))
reads = step(
    "read", st.sampled_from([len, Timings.ingest, Timings.summary, Timings.rows, Timings.messages])
)
deltas = step(
    "delta", few, st.sampled_from([0, 1, 3, 10**6]), st.sampled_from([0, 0, 0, 1, 3, 500])
)
rare = st.one_of(
    step("burst", few, payloads, st.sampled_from([2, 2, 2, 10, 10, 300]), st.integers(0, 12)),
    step("finish_all"),
    step("handle", few),
    step("rename", kinds, few, st.sampled_from([*NAMES, "another"])),
    step("close", kinds, few),
    step("clear"),
    step("subscribe"),
)
histories = st.tuples(
    st.sampled_from([1, 2, 3, 5, *[1_000_000] * 4]),
    lists_of(
        one_of_weighted((8, sends), (6, receipts), (3, bare), (2, reads), (1, deltas), (1, rare)),
        60,
    ),
)
every_history = given(histories)


@contextmanager
def running(history, match_all=True):
    """Yield a scenario whose log uses the scenario's clock, and the steps of the history.

    Args:
        history: the limit of the log, and the steps.
        match_all: whether each receipt is matched even if more than `limit` sends are unmatched, as
            the model does. Otherwise the log may drop the oldest of these.
    """
    limit, steps = history
    with pytest.MonkeyPatch.context() as patch:
        if match_all:
            patch.setattr(ingest, "UnmatchedSends", lambda limit: UnmatchedSends(1_000_000))
        scenario = Scenario(limit)
        for module in (events, ingest, log):
            patch.setattr(module, "clock_ns", scenario.clock_ns)
        yield scenario, steps


def after_each_step(history):
    """Yield the scenario after each step."""
    with running(history) as (scenario, steps):
        for name, *arguments in steps:
            getattr(scenario, name)(*arguments)
            yield scenario


def after_each_read(history, match_all=True):
    """Yield the scenario after each read of the log, and at the end."""
    with running(history, match_all) as (scenario, steps):
        for name, *arguments in [*steps, ("read", len)]:
            getattr(scenario, name)(*arguments)
            if name == "read":
                yield scenario


def at_end(history, match_all=True):
    """Return the scenario after the last step."""
    with running(history, match_all) as (scenario, steps):
        for name, *arguments in steps:
            getattr(scenario, name)(*arguments)
        return scenario


# Matching


@every_history
@rules(150)
def test_the_messages_equal_the_models(history):
    """Every message has the instants, lanes, size and outcome that the model gives it."""
    scenario = at_end(history)
    messages = scenario.timings.messages()
    scenario.model.ingest()
    assert messages == scenario.model.messages()


@every_history
@rules(60)
def test_no_receipt_comes_before_its_send(history):
    """No message is shown as received before its send started, whenever the log is read."""
    for scenario in after_each_read(history):
        rows = scenario.timings.rows()
        both = rows[(rows["send_start_ns"] > 0) & (rows["recv_ns"] > 0)]
        assert (both["recv_ns"] >= both["send_start_ns"]).all()


@every_history
@rules(80)
def test_each_receipt_is_used_once(history):
    """Each receipt that is shown happened, is shown once, and has the size of its message."""
    scenario = at_end(history)
    rows = scenario.timings.rows()
    happened = Counter(
        (item.start, item.end, sum(map(len, item.frames)))
        for item in (*scenario.model.receipts, *scenario.model.new)
        if isinstance(item, Receipt)
    )
    shown = Counter(
        map(tuple, rows[rows["recv_ns"] > 0][["recv_ns", "done_ns", "n_bytes"]].tolist())
    )
    assert shown <= happened


# Not -1, which no hash is.
int64s = st.sampled_from([-2, 0, 1, 2, -(2**63), 2**63 - 1, -(2**63) + 1])


def some_payloads(fingerprints):
    return Payloads([Fingerprint(value, 1) for value in fingerprints.tolist()])


@given(lists_of(lists_of(st.tuples(st.booleans(), int64s, st.integers(0, 1)), 12), 6))
@rules(200)
def test_each_fingerprint_has_a_queue_of_sends(batches):
    """A receipt is matched to the oldest send of its fingerprint that started no later than it."""
    unmatched, model, now = UnmatchedSends(1_000), [], 0
    for batch in batches:
        added, received = [], []
        for is_send, value, step in batch:
            now += step or is_send
            (added if is_send else received).append((value, now))
        model += added
        sends, receipts = (np.array(what, np.int64).reshape(-1, 2) for what in (added, received))
        half = len(sends) // 2
        for part in (sends[half:], sends[:half]):  # the later ones are added first
            unmatched.add(some_payloads(part[:, 0]), part[:, 1], part[:, 1])
        rows = np.full(len(receipts), -1)
        unmatched.match(some_payloads(receipts[:, 0]), receipts[:, 1], rows)
        for (value, at), row in zip(received, rows.tolist(), strict=True):
            expected = next((send for send in model if send[0] == value and send[1] <= at), None)
            assert row == (expected[1] if expected else -1)
            if expected:
                model.remove(expected)
    assert len(unmatched) == len(model)


@given(
    lists_of(st.sampled_from([b"", b"a", b"b"]), 12).flatmap(
        lambda payloads: st.tuples(st.just(payloads), st.permutations(range(len(payloads))))
    )
)
@rules(100)
def test_the_sum_of_waits_is_exact(sent):
    """In any order of arrival, the waits of all messages have the true sum."""
    payloads, arrivals = sent
    timings = Timings()
    sender, worker = timings.add_sender(), timings.add_worker()
    for number, payload in enumerate(payloads):
        sender.start(payload, 10 + number)
        sender.end(at_ns=10 + number)
    for turn, number in enumerate(arrivals):
        worker.start(payloads[number], 100 + turn)
        worker.end(at_ns=100 + turn)
    waits = [message.waited_ns for message in timings]
    assert sum(waits) == sum(100 + turn - (10 + number) for turn, number in enumerate(arrivals))


returning_sends = step("sender", few, payloads, st.just("in_flight"))


@given(lists_of(one_of_weighted((7, returning_sends), (7, receipts), (3, reads)), 60))
@rules(80)
def test_it_does_not_matter_when_the_log_is_read(steps):
    """A log that is read often holds the same sends and receipts as one that is read once.

    Only the matches of equal payloads may differ, where a send had not returned.
    """
    often_read = at_end((1_000_000, steps)).timings
    read_once = at_end((1_000_000, [step_ for step_ in steps if step_[0] != "read"])).timings
    for fields in (
        ("send_start_ns", "send_end_ns", "sender", "n_bytes"),
        ("recv_ns", "done_ns", "worker", "n_bytes"),
    ):
        first, second = (
            Counter(tuple(getattr(message, field) for field in fields) for message in log)
            for log in (often_read, read_once)
        )
        first, second = ({k: n for k, n in c.items() if k[0]} for c in (first, second))
        assert first == second


# Conservation


@every_history
@rules(80)
def test_the_counts_always_add_up(history):
    """Pushed is the sum of handled, failed, handling and in flight, and no count is negative."""
    for scenario in after_each_read(history, match_all=False):
        summary = scenario.timings.summary()
        parts = summary.handled, summary.failed, summary.handling, summary.in_flight
        assert summary.pushed == sum(parts)
        assert min(*parts, summary.sending, summary.refused, summary.interrupted) >= 0


@given(histories, st.sampled_from([after_each_step, after_each_read]))
@rules(120)
def test_the_summary_equals_the_models(history, after_each):
    """Every count and every total of time equals that of the model, at every moment."""
    for scenario in after_each(history):
        summary = scenario.timings.summary()
        scenario.model.ingest()
        assert summary == scenario.model.summary(scenario.now)


@every_history
@rules(80)
def test_the_summary_equals_the_messages(history):
    """While all messages are kept, the summary counts their outcomes."""
    _, steps = history
    scenario = at_end((1_000_000, steps))
    summary = scenario.timings.summary()
    messages = scenario.timings.messages()
    timed = Counter(message.outcome for message in messages if message.sender)
    for outcome in ("handled", "failed", "handling", "in_flight", "refused", "interrupted"):
        assert getattr(summary, outcome) == timed[outcome], outcome
    assert summary.sending == timed["sending"]
    assert summary.untimed == sum(message.sender is None for message in messages)


@every_history
@rules(60)
def test_buffers_keep_only_what_is_unfinished(history):
    """After a read, each buffer holds only its unfinished send or handling."""
    scenario = at_end(history)
    len(scenario.timings)
    for buffer in chain(*scenario.buffers.values()):
        assert buffer.unfinished == (buffer in scenario.unfinished)
        assert buffer.spans == []


# Bounding


@every_history
@rules(80)
def test_the_newest_messages_are_kept(history):
    """A log keeps the last `limit` messages, and says how many it has evicted."""
    for scenario in after_each_read(history):
        limit, count = scenario.timings.limit, len(scenario.timings)
        rows = scenario.timings.rows()
        assert count == len(rows) == min(limit, len(scenario.model.rows))
        newest = sorted(row.start for row in scenario.model.rows[-limit:])
        starts = np.where(rows["send_start_ns"] > 0, rows["send_start_ns"], rows["recv_ns"])
        assert starts.tolist() == newest
        assert scenario.timings.summary().let_go == len(scenario.model.rows) - count


@every_history
@rules(80)
def test_unmatched_sends_are_bounded(history):
    """However many messages never arrive, few more than `limit` unmatched sends are kept."""
    scenario = at_end(history, match_all=False)
    scenario.timings.ingest()
    ingest, limit = scenario.timings._ingest, scenario.timings.limit
    for sends in (ingest.accepted, ingest.interrupted, ingest.cleared):
        assert len(sends) <= 2 * limit + 2 * (MIN_BATCH + MOST_AT_ONCE)
    assert len(ingest.unfinished_sends) <= len(scenario.buffers["sender"])
    assert ingest.rows.nbytes <= (max(limit, 256) + MOST_AT_ONCE) * ROW.itemsize


@given(
    st.sampled_from([1, 2, 5, 40]),
    lists_of(st.tuples(st.integers(1, 12), lists_of(st.integers(0, 30), 6)), 30),
)
@rules(150)
def test_the_newest_unmatched_sends_are_kept(limit, batches):
    """Whatever was matched, a send is found while at most `limit` sends are unmatched."""
    unmatched, model, row = UnmatchedSends(limit), [], 0
    for count, receipts in batches:
        rows = np.arange(row, row + count)
        row += count
        unmatched.add(some_payloads(rows), rows, rows)
        model += rows.tolist()
        if len(model) > limit:  # any older one may be dropped; start again
            unmatched, model = UnmatchedSends(limit), []
            continue
        wanted = [model[at % len(model)] for at in receipts if model]
        wanted = list(dict.fromkeys(wanted))
        found = np.full(len(wanted), -1)
        unmatched.match(some_payloads(np.array(wanted, np.int64)), found + row + 1, found)
        assert found.tolist() == wanted
        model = [each for each in model if each not in wanted]
        assert len(unmatched) == len(model)


writes = lists_of(
    st.one_of(
        step("add", st.sampled_from([0, 1, 2, 7, 300, 1_000])),
        step("write", st.integers(0, 1_500), st.integers(1, 400), st.integers(1, 99)),
        step("take", st.sampled_from([0, 1, 5, 10**6])),
        step("mark", st.sampled_from([0, 1, 5, 10**6])),
        step("clear"),
    ),
    25,
)


@given(st.sampled_from([1, 2, 3, 255, 256, 257, 400]), writes)
@rules(150)
def test_a_ring_buffer_equals_a_dictionary(limit, history):
    """A ring buffer keeps the newest rows by id, and its dirty rows include all written ones."""
    ring, rows, taken_rows = RingBuffer(limit), {}, {}
    dirty = ring.subscribe()
    for name, *arguments in history:
        if name == "add":
            rows.update(dict.fromkeys(ring.add(arguments[0]).tolist(), 0))
        elif name == "write":
            back, count, value = arguments
            ids = np.arange(max(0, ring.next_id - back), ring.next_id)[:count]
            ring.write(ids, n_bytes=value)
            rows.update({n: value for n in ids.tolist() if n in rows})
        elif name == "take":
            ids, taken = ring.take(dirty, arguments[0])
            taken_rows.update(zip(ids.tolist(), taken["n_bytes"].tolist(), strict=True))
        elif name == "mark":
            while len(dirty):
                ids, taken = ring.take(dirty, 10**6)
                taken_rows.update(zip(ids.tolist(), taken["n_bytes"].tolist(), strict=True))
            ring.mark_newest(dirty, arguments[0])
        else:
            ring.clear()
            rows.clear()
        rows = {n: rows[n] for n in sorted(rows)[-limit:]}
        assert ring.copy()["n_bytes"].tolist() == list(rows.values())
        assert (ring.oldest_id, ring.next_id) == (
            min(rows, default=ring.next_id),
            ring.oldest_id + len(rows),
        )
    ids, taken = ring.take(dirty, 10**6)
    taken_rows.update(zip(ids.tolist(), taken["n_bytes"].tolist(), strict=True))
    written = {n: value for n, value in rows.items() if value}
    assert {n: value for n, value in taken_rows.items() if n in written} == written


# Deltas


@every_history
@rules(150)
def test_deltas_make_up_the_log(history):
    """A subscriber that takes all deltas, in parts of any size, has the rows of the log."""
    scenario = at_end(history)
    for subscriber in scenario.subscribers:
        if subscriber.is_behind:
            subscriber.take(0, snapshot_rows=scenario.timings.limit)
        while subscriber.take(max_rows=7):
            pass
        assert (subscriber.all() == scenario.timings.rows()).all()
        assert len(subscriber.rows) == len(scenario.timings)


page_steps = st.one_of(
    step("batch", st.floats(0, 2)),
    step("batch", st.floats(0, 2)),
    step("page_subscribes"),
    step("page_acknowledges", st.one_of(st.integers(-3, 30), st.integers())),
)


@given(
    st.tuples(
        st.sampled_from([1, 3, 1_000_000]),
        lists_of(
            one_of_weighted((3, sends), (2, receipts), (1, bare), (3, page_steps), (1, rare)), 40
        ),
    )
)
@rules(150)
def test_a_page_has_the_log_whatever_it_answers(history):
    """A page that answers anything at any time, and is reloaded, has the whole log in the end.

    A page that subscribes is a new one, without messages.
    """
    with running(history) as (scenario, steps):
        stream, now_s, kept, first = BatchStream(scenario.timings), 0.0, {}, -1

        def receive_batch(now_s):
            nonlocal first
            batch = stream.batch(now_s)
            if batch is None:
                return None
            header, block = batch
            if header["first_row_id"] != first:
                first = header["first_row_id"]
                kept.clear()
            at, columns = 0, {}
            for name, kind in BATCH_COLUMNS:
                columns[name] = np.frombuffer(block, f"<{kind}", header["count"], at)
                at += columns[name].nbytes
            assert at == len(block)
            for i, message_id in enumerate(columns["message_id"].tolist()):
                instants = [
                    np.nan_to_num(columns[n][i] + stream.origin_ns) for n, _ in BATCH_COLUMNS[:4]
                ]
                others = [columns[n][i] for n in ("n_bytes", "sender", "worker", "outcome")]
                kept[message_id] = tuple(int(value) for value in (*instants, *others))
            for message_id in [i for i in kept if i < header["oldest_id"]]:
                del kept[message_id]
            return header

        for name, *arguments in steps:
            if name == "batch":
                now_s += arguments[0]
                receive_batch(now_s)
            elif name == "page_subscribes":
                stream.subscribe()
                kept.clear()
            elif name == "page_acknowledges":
                stream.acknowledge(*arguments)
            else:
                getattr(scenario, name)(*arguments)
        stream.subscribe()
        kept.clear()
        while header := receive_batch(now_s := now_s + 1):
            stream.acknowledge(header["sequence"])
            if not stream.n_pending:
                break
        assert sorted(kept.values()) == sorted(map(tuple, scenario.timings.rows().tolist()))


# Replacement


actions = lists_of(
    st.one_of(
        step("push", st.integers(1, 60)),
        step("replace", st.sampled_from(["one", "other"]), st.booleans()),
        step("read"),
    ),
    10,
)


@given(bound=st.booleans(), actions=actions)
@rules(40)
def test_replaced_workers_lose_and_double_no_message(bound, actions):
    """However often workers are replaced, each message is handled or has failed once."""
    context, got, workers, names = Context(), queue.SimpleQueue(), [], set()
    how = "connect" if bound else "bind"

    def replace(name, failing):
        def handler(text):
            got.put(text)
            if failing:
                raise RuntimeError("failing")

        where = {how: f"inproc://jobs {name if how == 'bind' else ''}"}
        workers.append(Worker(handler, context=context, name=name, **where).start())
        if how == "bind" and name not in names:
            push.connect(where[how])
        names.add(name)

    push = context.socket(zmq.PUSH)
    push.sndtimeo = 5_000
    if bound:
        push.bind("inproc://jobs ")
    try:
        replace("one", False)
        pushed = 0
        for name, *arguments in actions:
            if name == "push":
                for _ in range(arguments[0]):
                    push.send_string(str(pushed))
                    pushed += 1
            elif name == "replace":
                replace(*arguments)
            else:
                summary = context.timings.summary()
                parts = summary.handled + summary.failed + summary.handling + summary.in_flight
                assert summary.pushed == parts == pushed
        arrived = [got.get(timeout=5) for _ in range(pushed)]
        for worker in workers:
            worker.stop()
        assert sorted(map(int, arrived)) == list(range(pushed))
        assert sum(worker.finished for worker in workers) == pushed
        summary = context.timings.summary()
        assert summary.pushed == summary.handled + summary.failed == pushed
        assert summary.untimed == 0
    finally:
        push.close(linger=0)
        context.retire(RETIRE_TIMEOUT_S)
