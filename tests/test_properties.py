"""Whatever happens, in whatever order: the log says what plain lists of what happened would say.

Hypothesis makes up histories: sends that return, are refused or interrupted, receipts that may have
a send or not, handlings that may fail, in any interleaving, with equal payloads and several frames,
in logs that keep few messages, are cleared, and are asked at any moment. Each is played on real
buffers, and written into a `Book`, which is a model: lists, and loops over all of them.
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
from pushpull_kit.recording.fingerprint import INCOMPLETE, fingerprint
from pushpull_kit.recording.matching import UnmatchedSends
from pushpull_kit.recording.messages import ROW, Message, Summary
from pushpull_kit.recording.ring_buffer import RingBuffer
from pushpull_kit.sockets.context import RETIRE_TIMEOUT_S
from pushpull_kit.spec import BATCH_COLUMNS
from pushpull_kit.views.timeline.protocol import BatchStream


def rules(examples):
    """So many examples, the same every time; in a long run more, and others every time."""
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
    begin: int
    frames: tuple[bytes, ...] | None  # None: a multipart message that is not whole yet
    end: int = 0
    fate: str = "sending"
    receipt: "Receipt | None" = None
    cleared: bool = False
    too_old: bool = False  # to be paired: as many newer ones as the log keeps are in flight

    @property
    def pushed(self):
        """What was received was pushed, whatever its sender was told."""
        return self.fate == "in_flight" or self.receipt is not None


@dataclass(eq=False)
class Receipt:
    lane: str
    begin: int
    frames: tuple[bytes, ...]
    end: int = 0
    outcome: str = "handling"
    send: Send | None = None
    cleared: bool = False

    @property
    def counts(self):
        """Whether it is shown at all: that of a message which was cleared is not."""
        return not self.cleared and not (self.send and self.send.cleared)


#: Where a receipt may find its send, in this order: accepted, not returned yet, interrupted, and
#: accepted (or interrupted) before the log was cleared.
POOLS = (
    lambda send: not send.cleared and send.fate == "in_flight",
    lambda send: not send.end and send.frames is not None,
    lambda send: not send.cleared and send.fate == "interrupted" and send.frames is not None,
    lambda send: send.cleared and send.fate in ("in_flight", "doubtful"),
)


class Book:
    """What happened, as lists; `ask` is what a log does when somebody asks it."""

    def __init__(self, limit):
        self.limit = limit
        self.sends, self.receipts = [], []
        self.unseen = []  # what nobody has asked for since it began
        self.entries = []  # what the log told of since it was cleared, in the order of its numbers

    def ask(self):
        new, self.unseen = self.unseen, []
        sends = sorted((n for n in new if isinstance(n, Send)), key=lambda send: send.begin)
        receipts = [n for n in new if isinstance(n, Receipt)]
        self.sends += sends
        self.receipts += receipts
        for number, pool in enumerate(POOLS):
            waiting = [s for s in self.sends if pool(s) and not s.receipt and not s.too_old]
            if number != 1:  # no blocked send is forgotten
                for send in waiting[: -self.limit]:
                    send.too_old = True
            for receipt in receipts:
                if receipt.send is None:
                    self._pair(receipt, waiting)
        self.entries += [*sends, *(r for r in receipts if r.send is None)]

    @staticmethod
    def _pair(receipt, waiting):
        for send in waiting:
            fits = send.frames == receipt.frames and send.begin <= receipt.begin
            if fits and not send.receipt and not send.too_old:
                send.receipt, receipt.send = receipt, send
                return

    def clear(self):
        self.ask()
        for item in chain(self.sends, self.receipts):
            if not item.cleared and isinstance(item, Send) and item.fate == "interrupted":
                item.fate = "doubtful" if item.frames else "refused"  # whether it may arrive yet
            item.cleared = True
        self.entries = []

    def messages(self):
        told = [self._message(entry) for entry in self.entries[-self.limit :]]
        return sorted(told, key=lambda m: m.send_start_ns or m.recv_ns)

    @staticmethod
    def _message(entry):
        send = entry if isinstance(entry, Send) else None
        receipt = send.receipt if send else entry
        return Message(
            send_start_ns=send.begin if send else None,
            send_end_ns=send.end or None if send else None,
            recv_ns=receipt.begin if receipt else None,
            done_ns=receipt.end or None if receipt else None,
            n_bytes=sum(map(len, entry.frames or ())),
            sender=send.lane if send else None,
            worker=receipt.lane if receipt else None,
            outcome=receipt.outcome if receipt else send.fate,
        )

    def summary(self, now):
        sends = [send for send in self.sends if not send.cleared]
        receipts = [receipt for receipt in self.receipts if receipt.counts]
        fates = Counter(send.fate for send in sends if not send.pushed)
        outcomes = Counter(send.receipt.outcome for send in sends if send.receipt)
        told = [*sends, *receipts]
        last = max((item.end or now for item in told), default=0)
        return Summary(
            pushed=sum(send.pushed for send in sends),
            handled=outcomes["handled"],
            failed=outcomes["failed"],
            handling=outcomes["handling"],
            in_flight=sum(send.pushed and not send.receipt for send in sends),
            refused=fates["refused"],
            interrupted=fates["interrupted"],
            sending=fates["sending"],
            untimed=sum(receipt.send is None for receipt in receipts),
            let_go=max(0, len(self.entries) - self.limit),
            sending_s=sum((send.end or now) - send.begin for send in sends) / 1e9,
            working_s=sum((receipt.end or now) - receipt.begin for receipt in receipts) / 1e9,
            span_s=(last - min((item.begin for item in told), default=0)) / 1e9,
        )


# The player


PAYLOADS = [(b"",), (b"a",), (b"b",), (b"a", b"b"), (b"ab",), (b"", b""), (b"x" * 300,)]
NAMES = ["left", "right"]


class Copy:
    """What a subscriber that only ever gets deltas knows of a log."""

    def __init__(self, timings):
        self.timings, self.dirty = timings, timings.subscribe()
        self.first, self.rows = 0, {}
        self.behind = False

    def take(self, max_rows=10**6, snapshot_rows=0):
        if snapshot_rows:  # it is not told what has changed in older messages
            self.behind = snapshot_rows < self.timings.limit
        delta = self.timings.delta(self.dirty, max_rows, snapshot_rows=snapshot_rows)
        assert len(delta.rows) <= max_rows
        assert len(set(delta.ids.tolist())) == len(delta.rows)
        assert all(delta.oldest_id <= row_id < delta.next_id for row_id in delta.ids)
        if delta.first_id != self.first:
            self.first, self.rows = delta.first_id, {}
        self.rows.update(zip(delta.ids.tolist(), delta.rows, strict=True))
        self.rows = {n: row for n, row in self.rows.items() if n >= delta.oldest_id}
        return delta.n_pending

    def all(self):
        """The rows, ordered as `Timings.rows` does."""
        rows = np.array([self.rows[number] for number in sorted(self.rows)], ROW)
        first = np.where(rows["send_start_ns"] > 0, rows["send_start_ns"], rows["recv_ns"])
        return rows[np.argsort(first, kind="stable")]


class World:
    """Senders and workers of one log, who do what a history says; a `Book` has it all as well."""

    def __init__(self, limit):
        self.now, self.sent_last = 1_000, False
        self.timings, self.book = Timings(limit), Book(limit)
        self.copies = [Copy(self.timings)]
        self.buffers = {
            "sender": [self.timings.add_sender(name) for name in (*NAMES, NAMES[0])],
            "worker": [self.timings.add_worker(name) for name in NAMES],
        }
        self.busy = {}  # by buffer: what it is at

    def clock_ns(self):
        return self.now

    def sender(self, i, payload, how):
        """One step of a sender: what it can do depends on what it is at."""
        buffer, frames = self._buffer("sender", i), PAYLOADS[payload]
        self.now += 1
        self.sent_last = True
        send = self.busy.get(buffer)
        if send is None:
            first = INCOMPLETE if len(frames) > 1 else self._payload(frames)
            buffer.start(first)
            frames = frames if first is not INCOMPLETE else None
            self._begin("sender", buffer, Send(self._lane(buffer), self.now, frames))
        elif send.frames is None and how == "in_flight":  # the last frame
            send.frames = frames if len(frames) > 1 else PAYLOADS[3]
            buffer.complete(fingerprint(send.frames))
        else:
            send.end, send.fate = self.now, how
            if how == "in_flight":
                buffer.end()
            else:
                buffer.abort(interrupted=how == "interrupted")
            self._finish("sender", i, buffer)

    def worker(self, i, payload, how, at_once=False):
        """One step of a worker: it gets a message, or is done with it."""
        buffer, frames = self._buffer("worker", i), PAYLOADS[payload]
        receipt = self.busy.get(buffer)
        # A receipt in the very instant of a send; of two receipts in one, no log knows the first.
        self.now += not (at_once and receipt is None and self.sent_last)
        self.sent_last = False
        if receipt is None:
            buffer.start(self._payload(frames))
            self._begin("worker", buffer, Receipt(self._lane(buffer), self.now, frames))
        else:
            receipt.end, receipt.outcome = self.now, how
            buffer.end(ok=how == "handled")
            self._finish("worker", i, buffer)

    def burst(self, i, payload, count, received):
        """Many messages of one payload, some of them received, between two looks at the log."""
        for _ in range(count):
            if self.busy.get(self._buffer("sender", i)) is None:
                self.sender(i, payload, "in_flight")
            self.sender(i, payload, "in_flight")
        for _ in range(received):
            self.worker(i, payload, "handled")

    def rest(self):
        """All get done with what they are at."""
        for kind, how in (("worker", "handled"), ("sender", "in_flight")):
            for i, buffer in enumerate(self.buffers[kind][:]):
                while buffer in self.busy:
                    getattr(self, kind)(i, 0, how)

    def never_begun(self, kind, i):
        """An Interrupt between a payload and its instant."""
        buffer = self._buffer(kind, i)
        if buffer not in self.busy:
            buffer.payloads.append(b"never begun")
            buffer.abort(interrupted=True)

    def rename(self, kind, i, name):
        self.timings.rename(self._buffer(kind, i), name)
        self.book.ask()

    def close(self, kind, i):
        buffer = self._buffer(kind, i)
        buffer.close()
        if buffer not in self.busy:
            self._replace(kind, i)

    def ask(self, how):
        how(self.timings)
        self.book.ask()

    def clear(self):
        self.timings.clear()
        self.book.clear()

    def subscribe(self):
        self.copies.append(Copy(self.timings))
        self.book.ask()

    def delta(self, i, max_rows, snapshot_rows):
        self.copies[i % len(self.copies)].take(max_rows, snapshot_rows)
        self.book.ask()

    def _buffer(self, kind, i):
        return self.buffers[kind][i % len(self.buffers[kind])]

    def _lane(self, buffer):
        return self.timings.lanes[buffer.lane][1]

    @staticmethod
    def _payload(frames):
        return frames[0] if len(frames) == 1 else fingerprint(frames)

    def _begin(self, kind, buffer, item):
        self.busy[buffer] = item
        self.book.unseen.append(item)

    def _finish(self, kind, i, buffer):
        del self.busy[buffer]
        if buffer.closed:
            self._replace(kind, i)

    def _replace(self, kind, i):
        buffers = self.buffers[kind]
        add = self.timings.add_sender if kind == "sender" else self.timings.add_worker
        buffers[i % len(buffers)] = add(NAMES[i % len(NAMES)])
        self.book.ask()


def moves(name, *arguments):
    return st.tuples(st.just(name), *arguments)


def some(move, most):
    """Lists of moves, of any length up to so many; by themselves most lists would be short."""
    return st.integers(0, most).flatmap(lambda n: st.lists(move, min_size=n, max_size=n))


def often(*times):
    """Moves of several kinds, each so often; `one_of` would make them all alike."""
    return st.sampled_from([move for n, move in times for _ in range(n)]).flatmap(lambda it: it)


few = st.integers(0, 2)
payloads = st.sampled_from([0] * 10 + [1] * 3 + [3] * 3 + list(range(len(PAYLOADS))))
kinds = st.sampled_from(["sender", "worker"])
sends = moves(
    "sender", few, payloads, st.sampled_from(["in_flight"] * 3 + ["refused", "interrupted"])
)
receipts = moves(
    "worker", few, payloads, st.sampled_from(["handled", "handled", "failed"]), st.booleans()
)
asks = moves(
    "ask", st.sampled_from([len, Timings.ingest, Timings.summary, Timings.rows, Timings.messages])
)
told = moves("delta", few, st.sampled_from([0, 1, 3, 10**6]), st.sampled_from([0, 0, 0, 1, 3, 500]))
rare = st.one_of(
    moves("burst", few, payloads, st.sampled_from([2, 2, 2, 10, 10, 300]), st.integers(0, 12)),
    moves("rest"),
    moves("never_begun", kinds, few),
    moves("rename", kinds, few, st.sampled_from([*NAMES, "another"])),
    moves("close", kinds, few),
    moves("clear"),
    moves("subscribe"),
)
histories = st.tuples(
    st.sampled_from([1, 2, 3, 5, *[1_000_000] * 4]),
    some(often((7, sends), (7, receipts), (2, asks), (1, told), (1, rare)), 60),
)
every_history = given(histories)


@contextmanager
def beginning(history):
    """A world in which the log's clock is the world's, and the moves to be made in it."""
    limit, moves = history
    world = World(limit)
    with pytest.MonkeyPatch.context() as patch:
        for module in (events, ingest, log):
            patch.setattr(module, "clock_ns", world.clock_ns)
        yield world, moves


def played(history):
    """Yield the world after each move."""
    with beginning(history) as (world, moves):
        for name, *arguments in moves:
            getattr(world, name)(*arguments)
            yield world


def asked(history):
    """Yield the world whenever the history has it asked, and at last."""
    with beginning(history) as (world, moves):
        for name, *arguments in [*moves, ("ask", len)]:
            getattr(world, name)(*arguments)
            if name == "ask":
                yield world


def after(history):
    """Return the world after the last move."""
    with beginning(history) as (world, moves):
        for name, *arguments in moves:
            getattr(world, name)(*arguments)
        return world


# Matching


@every_history
@rules(150)
def test_the_messages_are_those_of_the_book(history):
    """Every message has the instants, lanes, size and outcome that plain bookkeeping gives it."""
    world = after(history)
    messages = world.timings.messages()
    world.book.ask()
    assert messages == world.book.messages()


@every_history
@rules(60)
def test_no_receipt_comes_before_its_send(history):
    """At no moment is a message shown as received before its send began: no wait is negative."""
    for world in asked(history):
        rows = world.timings.rows()
        both = rows[(rows["send_start_ns"] > 0) & (rows["recv_ns"] > 0)]
        assert (both["recv_ns"] >= both["send_start_ns"]).all()


@every_history
@rules(80)
def test_each_receipt_is_used_once(history):
    """No receipt is shown twice, none that did not happen, none of a message of another size."""
    world = after(history)
    rows = world.timings.rows()
    happened = Counter(
        (item.begin, item.end, sum(map(len, item.frames)))
        for item in (*world.book.receipts, *world.book.unseen)
        if isinstance(item, Receipt)
    )
    shown = Counter(
        map(tuple, rows[rows["recv_ns"] > 0][["recv_ns", "done_ns", "n_bytes"]].tolist())
    )
    assert shown <= happened


int64s = st.one_of(st.integers(-2, 2), st.sampled_from([-(2**63), 2**63 - 1, -(2**63) + 1]))


@given(some(some(st.tuples(st.booleans(), int64s, st.integers(0, 1)), 12), 6))
@rules(200)
def test_open_sends_are_a_queue_for_each_key(batches):
    """Whatever the keys, the oldest open send is taken that began no later than its receipt."""
    pool, model, now = UnmatchedSends(1_000), [], 0
    for batch in batches:
        learned, received = [], []
        for is_send, key, step in batch:
            now += step or is_send
            (learned if is_send else received).append((key, now))
        model += learned
        sends, receipts = (np.array(what, np.int64).reshape(-1, 2) for what in (learned, received))
        pool.add(sends[::-1, 0], sends[::-1, 1], sends[::-1, 1])  # learned of in another order
        rows = np.full(len(receipts), -1)
        pool.match(receipts[:, 0], receipts[:, 1], rows)
        for (key, at), row in zip(received, rows.tolist(), strict=True):
            expected = next((send for send in model if send[0] == key and send[1] <= at), None)
            assert row == (expected[1] if expected else -1)
            if expected:
                model.remove(expected)
    assert len(pool) == len(model)


@given(
    some(st.sampled_from([b"", b"a", b"b"]), 12).flatmap(
        lambda payloads: st.tuples(st.just(payloads), st.permutations(range(len(payloads))))
    )
)
@rules(100)
def test_the_sum_of_waits_is_the_true_one(sent):
    """However messages overtake each other: the waits of equal payloads sum to the true sum."""
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


calm = moves("sender", few, payloads, st.just("in_flight"))


@given(some(often((7, calm), (7, receipts), (3, asks)), 60))
@rules(80)
def test_it_does_not_matter_when_the_log_is_asked(moves):
    """A log that is asked again and again holds the same sends and receipts as one asked once.

    Only which of equal payloads belong together may differ, where a send had not returned.
    """
    often_asked = after((1_000_000, moves)).timings
    asked_once = after((1_000_000, [move for move in moves if move[0] != "ask"])).timings
    for fields in (
        ("send_start_ns", "send_end_ns", "sender", "n_bytes"),
        ("recv_ns", "done_ns", "worker", "n_bytes"),
    ):
        first, second = (
            Counter(tuple(getattr(message, field) for field in fields) for message in log)
            for log in (often_asked, asked_once)
        )
        first, second = ({k: n for k, n in c.items() if k[0]} for c in (first, second))
        assert first == second


# Conservation


@every_history
@rules(80)
def test_the_sum_comes_out_whenever_asked(history):
    """Pushed is handled, failed, handling and in flight together, and none of them is negative."""
    for world in asked(history):
        summary = world.timings.summary()
        parts = summary.handled, summary.failed, summary.handling, summary.in_flight
        assert summary.pushed == sum(parts)
        assert min(*parts, summary.sending, summary.refused, summary.interrupted) >= 0


@given(histories, st.sampled_from([played, asked]))
@rules(120)
def test_the_summary_is_that_of_the_book(history, at):
    """Every count and every total of time is what plain bookkeeping gives, at every moment."""
    for world in at(history):
        summary = world.timings.summary()
        world.book.ask()
        assert summary == world.book.summary(world.now)


@every_history
@rules(80)
def test_the_summary_is_that_of_the_messages(history):
    """Where all messages are kept, the summary counts just what they say."""
    _, moves = history
    world = after((1_000_000, moves))
    summary = world.timings.summary()
    messages = world.timings.messages()
    timed = Counter(message.outcome for message in messages if message.sender)
    for outcome in ("handled", "failed", "handling", "in_flight", "refused", "interrupted"):
        assert getattr(summary, outcome) == timed[outcome], outcome
    assert summary.sending == timed["sending"]
    assert summary.untimed == sum(message.sender is None for message in messages)


@every_history
@rules(60)
def test_nothing_is_left_on_the_tracks(history):
    """Whoever asked has taken everything, but for what each socket is at."""
    world = after(history)
    len(world.timings)
    for buffer in chain(*world.buffers.values()):
        at_it = buffer in world.busy
        assert (len(buffer.payloads), len(buffer.starts), len(buffer.ends)) == (at_it, at_it, 0)


# Bounding


@every_history
@rules(80)
def test_the_newest_messages_are_kept(history):
    """A log keeps the last `limit` messages that it learned of, and says how many it let go."""
    for world in asked(history):
        limit, told = world.timings.limit, len(world.timings)
        rows = world.timings.rows()
        assert told == len(rows) == min(limit, len(world.book.entries))
        newest = sorted(entry.begin for entry in world.book.entries[-limit:])
        starts = np.where(rows["send_start_ns"] > 0, rows["send_start_ns"], rows["recv_ns"])
        assert starts.tolist() == newest
        assert world.timings.summary().let_go == len(world.book.entries) - told


@every_history
@rules(80)
def test_what_is_in_flight_is_bounded(history):
    """However many messages never arrive, no more are remembered than the log keeps."""
    world = after(history)
    world.timings.ingest()
    ingest, n_senders = world.timings._ingest, len(world.buffers["sender"])
    for sends in (ingest.accepted, ingest.interrupted, ingest.cleared):
        assert len(sends) <= world.timings.limit
    assert len(ingest.sending) <= n_senders
    assert ingest.rows.nbytes <= (max(world.timings.limit, 256) + 2_000) * ROW.itemsize


writes = some(
    st.one_of(
        moves("add", st.sampled_from([0, 1, 2, 7, 300, 1_000])),
        moves("write", st.integers(0, 1_500), st.integers(1, 400), st.integers(1, 99)),
        moves("take", st.sampled_from([0, 1, 5, 10**6])),
        moves("mark", st.sampled_from([0, 1, 5, 10**6])),
        moves("clear"),
    ),
    25,
)


@given(st.sampled_from([1, 2, 3, 255, 256, 257, 400]), writes)
@rules(150)
def test_a_ring_is_a_dictionary_that_forgets(limit, history):
    """Rows are kept by number, the newest so many, and a note of dirty brings all of them."""
    ring, rows, heard = RingBuffer(limit), {}, {}
    dirty = ring.subscribe()
    for name, *arguments in history:
        if name == "add":
            rows.update(dict.fromkeys(ring.add(arguments[0]).tolist(), 0))
        elif name == "write":
            back, count, value = arguments
            numbers = np.arange(max(0, ring.next_id - back), ring.next_id)[:count]
            ring.write(numbers, n_bytes=value)
            rows.update({n: value for n in numbers.tolist() if n in rows})
        elif name == "take":
            numbers, taken = ring.take(dirty, arguments[0])
            heard.update(zip(numbers.tolist(), taken["n_bytes"].tolist(), strict=True))
        elif name == "mark":
            while len(dirty):
                numbers, taken = ring.take(dirty, 10**6)
                heard.update(zip(numbers.tolist(), taken["n_bytes"].tolist(), strict=True))
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
    numbers, taken = ring.take(dirty, 10**6)
    heard.update(zip(numbers.tolist(), taken["n_bytes"].tolist(), strict=True))
    written = {n: value for n, value in rows.items() if value}
    assert {n: value for n, value in heard.items() if n in written} == written


# Deltas


@every_history
@rules(150)
def test_deltas_make_up_the_log(history):
    """A subscriber that takes all deltas, in portions of any size, has the log's own rows."""
    world = after(history)
    for copy in world.copies:
        if copy.behind:
            copy.take(0, snapshot_rows=world.timings.limit)
        while copy.take(max_rows=7):
            pass
        assert (copy.all() == world.timings.rows()).all()
        assert len(copy.rows) == len(world.timings)


talk = st.one_of(
    moves("batch", st.floats(0, 2)),
    moves("batch", st.floats(0, 2)),
    moves("subscribe"),
    moves("acknowledge", st.one_of(st.integers(-3, 30), st.integers())),
)


@given(
    st.tuples(
        st.sampled_from([1, 3, 1_000_000]),
        some(often((3, sends), (3, receipts), (3, talk), (1, rare)), 40),
    )
)
@rules(150)
def test_a_page_has_the_log_whatever_it_answers(history):
    """Pages that answer anything at any time, and are reloaded, are told the whole log in the end.

    A page that subscribes has forgotten what it was told.
    """
    with beginning(history) as (world, moves):
        stream, now_s, kept, first = BatchStream(world.timings), 0.0, {}, -1

        def hear(now_s):
            nonlocal first
            told = stream.batch(now_s)
            if told is None:
                return None
            header, block = told
            if header["first_row_id"] != first:
                first = header["first_row_id"]
                kept.clear()
            at, columns = 0, {}
            for name, kind in BATCH_COLUMNS:
                columns[name] = np.frombuffer(block, f"<{kind}", header["count"], at)
                at += columns[name].nbytes
            assert at == len(block)
            for i, number in enumerate(columns["message_id"].tolist()):
                instants = [
                    np.nan_to_num(columns[n][i] + stream.origin_ns) for n, _ in BATCH_COLUMNS[:4]
                ]
                others = [columns[n][i] for n in ("n_bytes", "sender", "worker", "outcome")]
                kept[number] = tuple(int(value) for value in (*instants, *others))
            for number in [n for n in kept if n < header["oldest_id"]]:
                del kept[number]
            return header

        for name, *arguments in moves:
            if name == "batch":
                now_s += arguments[0]
                hear(now_s)
            elif name == "subscribe":
                stream.subscribe()
                kept.clear()
            elif name == "acknowledge":
                stream.acknowledge(*arguments)
            else:
                getattr(world, name)(*arguments)
        stream.subscribe()
        kept.clear()
        while header := hear(now_s := now_s + 1):
            stream.acknowledge(header["sequence"])
            if not stream.n_pending:
                break
        assert sorted(kept.values()) == sorted(map(tuple, world.timings.rows().tolist()))


# Replacement


turns = some(
    st.one_of(
        moves("push", st.integers(1, 60)),
        moves("replace", st.sampled_from(["one", "other"]), st.booleans()),
        moves("look"),
    ),
    10,
)


@given(bound=st.booleans(), turns=turns)
@rules(40)
def test_replaced_workers_lose_and_double_nothing(bound, turns):
    """However often workers are replaced, each message is handled once, or has failed once."""
    context, got, made, names = Context(), queue.SimpleQueue(), [], set()
    how = "connect" if bound else "bind"

    def replace(name, failing):
        def handler(text):
            got.put(text)
            if failing:
                raise RuntimeError("as told")

        where = {how: f"inproc://jobs {name if how == 'bind' else ''}"}
        made.append(Worker(handler, context=context, name=name, **where).start())
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
        for name, *arguments in turns:
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
        for worker in made:
            worker.stop()
        assert sorted(map(int, arrived)) == list(range(pushed))
        assert sum(worker.finished for worker in made) == pushed
        summary = context.timings.summary()
        assert summary.pushed == summary.handled + summary.failed == pushed
        assert summary.untimed == 0
    finally:
        push.close(linger=0)
        context.retire(RETIRE_TIMEOUT_S)
