"""An event buffer is filled by one thread, drained by another, and loses no span."""

import pytest

from pushpull_kit.recording import events, quick
from pushpull_kit.recording.events import ReceiveBuffer, SendBuffer, merged
from pushpull_kit.recording.fingerprint import CUT_OFF, INCOMPLETE, Fingerprint
from pushpull_kit.recording.payloads import Payloads
from pushpull_kit.recording.quick import serve_one

# Writing


def test_a_span_is_three_items_of_one_list():
    """A finished span is its payload, its start and its end."""
    buffer = SendBuffer(1)
    buffer.start(b"x", 10)
    buffer.end(at_ns=20)
    assert buffer.spans == [b"x", 10, 20]
    assert not buffer.unfinished


def test_instants_are_taken_from_the_clock():
    """A span that is noted without instants gets them from the clock."""
    buffer = SendBuffer(1)
    buffer.start(b"x")
    buffer.end()
    _, start_ns, end_ns = buffer.spans
    assert 0 < start_ns <= end_ns


def test_the_end_of_a_refused_send_is_negative():
    """A refusal or a failure is recorded as a negative instant."""
    buffer = SendBuffer(1)
    buffer.start(b"x", 10)
    buffer.end(ok=False, at_ns=20)
    assert buffer.spans == [b"x", 10, -20]


class InOneStep(list):
    """A list that records how its length changes."""

    def __init__(self):
        super().__init__()
        self.lengths = []

    def __iadd__(self, items):
        super().__iadd__(items)
        self.lengths.append(len(self))
        return self

    def append(self, item):
        raise AssertionError("a span must not be noted in parts")


@pytest.mark.parametrize("how", ["end", "refuse", "interrupt", "receive"])
def test_a_span_is_noted_in_one_step(how):
    """No reader and no signal handler ever sees a part of a span."""
    buffer = ReceiveBuffer(1)
    buffer.spans = InOneStep()
    if how == "receive":
        buffer.receive(b"x", 10)
    else:
        buffer.start(b"x", 10)
        {
            "end": buffer.end,
            "refuse": lambda: buffer.end(ok=False),
            "interrupt": lambda: buffer.abort(interrupted=True),
        }[how]()
    assert buffer.spans.lengths == [3]


def test_abort_without_an_unfinished_span_does_nothing():
    """An exception after the end of a span, or before its start, notes nothing."""
    buffer = buffer_with([b"a"], [10], [20])
    buffer.abort(interrupted=True)
    assert buffer.spans == [b"a", 10, 20]


def test_an_interrupted_payload_keeps_its_fingerprint():
    """The payload of an interrupted send is a fingerprint that equals it."""
    buffer = buffer_with([b"abc"], [10])
    buffer.abort(interrupted=True, at_ns=20)
    payload, start_ns, end_ns = buffer.spans
    assert (payload, payload.interrupted, start_ns, end_ns) == (b"abc", True, 10, -20)


def test_an_incomplete_message_is_cut_off_by_an_interrupt():
    """A multipart message that is interrupted before its last frame is noted as cut off."""
    buffer = buffer_with([INCOMPLETE], [10])
    buffer.abort(interrupted=True, at_ns=20)
    assert buffer.spans[0] is CUT_OFF


def test_close_calls_on_close_once():
    """`on_close` is called once, however often the buffer is closed."""
    calls = []
    buffer = SendBuffer(1, on_close=calls.append)
    buffer.close()
    buffer.close()
    assert calls == [buffer]


def test_a_full_buffer_calls_on_full():
    """The writer calls `on_full` when it starts a span while the buffer holds `full_at` items."""
    calls = []
    buffer = SendBuffer(1, on_full=lambda it: calls.append(len(it.spans)))
    for at in range(1, events.INGEST_AT + 2):
        buffer.start(b"x", at)
        buffer.end(at_ns=at)
    assert calls == [events.ITEMS * events.INGEST_AT]


def test_serving_calls_on_full():
    """A function that `serve_one` returns calls `on_full` after `INGEST_AT` messages."""
    calls = []
    buffer = ReceiveBuffer(1, on_full=lambda it: calls.append(len(it.spans)))
    serve = serve_one(buffer, lambda: b"x", lambda message: None, pytest.fail)
    for _ in range(events.INGEST_AT):
        assert serve()
    assert calls == [events.ITEMS * events.INGEST_AT]


def test_serving_without_a_message_notes_nothing():
    """A function that `serve_one` returns says that there was no message, and notes none."""
    buffer = ReceiveBuffer(1)
    assert not serve_one(buffer, lambda: None, pytest.fail, pytest.fail)()
    assert (buffer.spans, buffer.unfinished) == ([], False)


def test_serving_notes_a_failure():
    """A handler that raises makes the span failed, and `on_error` gets what it raised."""
    buffer, errors = ReceiveBuffer(1), []
    serve = serve_one(
        buffer, lambda: b"x", lambda message: 1 / 0, lambda *args: errors.append(args)
    )
    assert serve()
    ((error, message, recv_ns),) = errors
    payload, start_ns, end_ns = buffer.spans
    assert isinstance(error, ZeroDivisionError)
    assert (message, payload, recv_ns) == (b"x", b"x", start_ns)
    assert start_ns <= -end_ns


def test_a_reader_waits_while_a_message_is_received(monkeypatch):
    """A reader that comes while `serve_one`'s function reads the clock waits for the message."""
    buffer, waits = ReceiveBuffer(1), []
    clock_ns = quick.clock_ns

    def read_once_and_return_now():
        monkeypatch.setattr(quick, "clock_ns", clock_ns)
        buffer.drain(0)
        return clock_ns()

    serve = serve_one(buffer, lambda: b"x", lambda message: None, pytest.fail)
    monkeypatch.setattr(events, "APPEND_TIMEOUT_NS", 1_000_000)
    monkeypatch.setattr(events, "sleep", waits.append)
    monkeypatch.setattr(quick, "clock_ns", read_once_and_return_now)
    serve()
    assert waits


# Draining


def buffer_with(payloads, starts, ends=()):
    """Return a buffer with these spans; the last may be unfinished. Negative ends are refusals."""
    buffer = SendBuffer(1)
    for i, (payload, start) in enumerate(zip(payloads, starts, strict=True)):
        buffer.start(payload, start)
        if i < len(ends):
            buffer.end(ends[i] > 0, abs(ends[i]))
    return buffer


def starts(drained):
    return drained.table["start"].tolist()


def spans(drained):
    """Return the start, the end and the size of each event."""
    table = drained.table
    return list(
        zip(
            table["start"].tolist(),
            table["end"].tolist(),
            drained.payloads.sizes().tolist(),
            strict=True,
        )
    )


def test_finished_spans_are_removed():
    """Finished spans are returned, oldest first, and removed."""
    buffer = buffer_with([b"a", b"bcd"], [10, 30], [20, 40])
    drained = buffer.drain(5)
    assert spans(drained) == [(10, 20, 1), (30, 40, 3)]
    assert drained.payloads == Payloads([b"a", b"bcd"])
    assert drained.table["buffer"].tolist() == [5, 5]
    assert buffer.spans == []


def test_an_unfinished_span_is_returned_and_kept():
    """An unfinished span is returned without an end, last, and kept."""
    buffer = buffer_with([b"a", b"bc"], [10, 30], [20])
    drained = buffer.drain(0)
    assert spans(drained) == [(10, 20, 1), (30, 0, 2)]
    assert drained.table["unfinished"].tolist() == [False, True]
    assert buffer.unfinished
    assert buffer.spans == []


def test_an_unfinished_span_is_removed_when_it_ends():
    """A span that was returned unfinished is returned again with its end, and removed."""
    buffer = buffer_with([b"a"], [10])
    buffer.drain(0)
    buffer.end(at_ns=20)
    assert spans(buffer.drain(0)) == [(10, 20, 1)]
    assert len(buffer.drain(0)) == 0


def test_a_reader_waits_for_a_writer_that_has_read_the_clock(monkeypatch):
    """A reader waits for an instant that was taken and not appended yet, and returns its span."""
    buffer = ReceiveBuffer(1)
    recv_ns = buffer.clock_ns()
    monkeypatch.setattr(events, "sleep", lambda _: buffer.start(b"a", recv_ns))
    assert starts(buffer.drain(0)) == [recv_ns]


def test_a_reader_does_not_wait_for_an_instant_that_was_discarded(monkeypatch):
    """After `discard`, `receive` or `start` no reader waits."""
    monkeypatch.setattr(events, "sleep", lambda _: pytest.fail("the reader waited"))
    buffer = ReceiveBuffer(1)
    for count, note in (
        (0, buffer.discard),
        (1, lambda: buffer.receive(b"a", 10)),
        (1, lambda: buffer.start(b"a", 20)),
    ):
        buffer.clock_ns()
        note()
        assert len(buffer.drain(0)) == count


def test_a_readers_wait_is_bounded(monkeypatch):
    """A reader waits at most `APPEND_TIMEOUT_NS` for a writer that never appends."""
    monkeypatch.setattr(events, "APPEND_TIMEOUT_NS", 1_000)
    buffer = ReceiveBuffer(1)
    buffer.start(b"a", 10)
    buffer.end(at_ns=20)
    buffer.clock_ns()
    assert starts(buffer.drain(0)) == [10]


def test_later_spans_are_kept():
    """Only spans that started up to the given instant are returned, finished or not."""
    buffer = buffer_with([b"a", b"b", b"c"], [10, 20, 30], [11, 21])
    assert starts(buffer.drain(0, 10)) == [10]
    assert starts(buffer.drain(0, 29)) == [20]
    assert starts(buffer.drain(0, 30)) == [30]


class Overtaken(list):
    """A list that lets the writer take its next steps when the reader copies it, or right after."""

    def __init__(self, items, next_steps, when):
        super().__init__(items)
        self.next_steps, self.when = next_steps, when

    def __getitem__(self, key):
        next_steps, self.next_steps = self.next_steps, lambda: None
        if self.when == "before":
            next_steps()
        copy = super().__getitem__(key)
        if self.when == "after":
            next_steps()
        return copy


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_a_span_that_ends_during_a_drain_is_returned_once(count, when):
    """A span that ends while the buffer is drained is neither lost nor returned as two.

    Args:
        count: how many spans follow it before the drain goes on.
        when: whether it ends before the finished spans are copied, or after.
    """
    buffer = buffer_with([b"a", b"bb"], [10, 30], [20])

    def next_steps():
        buffer.end(at_ns=40)
        for number in range(count):
            buffer.start(b"ccc", 50 + number)
            buffer.end(at_ns=50 + number)
        buffer.start(b"dddd", 90)

    buffer.spans = Overtaken(buffer.spans, next_steps, when)
    first, second = spans(buffer.drain(0)), spans(buffer.drain(0))
    later = [(50 + number, 50 + number, 3) for number in range(count)]
    if when == "before":
        assert first == [(10, 20, 1), (30, 40, 2), *later]
        assert second == [(90, 0, 4)]
    else:  # returned as unfinished, and again with its end
        assert first == [(10, 20, 1), (30, 0, 2)]
        assert second == [(30, 40, 2), *later, (90, 0, 4)]


def test_the_payload_of_another_span_is_not_taken_for_its_own():
    """A span that starts while payload and start of the unfinished one are read is left."""

    class Overtaking(SendBuffer):
        __slots__ = ("next_steps",)

        @property
        def current_ns(self):
            start_ns = SendBuffer.current_ns.__get__(self)
            next_steps, self.next_steps = getattr(self, "next_steps", None), None
            if next_steps:
                next_steps()
            return start_ns

        @current_ns.setter
        def current_ns(self, start_ns):
            SendBuffer.current_ns.__set__(self, start_ns)

    buffer = Overtaking(1)
    buffer.start(b"a", 10)

    def next_steps():
        buffer.end(at_ns=20)
        buffer.start(b"bb", 30)

    buffer.next_steps = next_steps
    assert spans(buffer.drain(0)) == [(10, 20, 1)]
    assert spans(buffer.drain(0)) == [(30, 0, 2)]


def test_an_empty_buffer_has_no_events():
    """A buffer without spans returns no events."""
    assert len(SendBuffer(1).drain(0)) == 0


def test_a_negative_end_is_returned_unchanged():
    """`drain` returns a negative end unchanged."""
    assert spans(buffer_with([b"a"], [10], [-20]).drain(0)) == [(10, -20, 1)]


def test_an_interrupted_send_is_marked():
    """A negative end is marked as interrupted if the fingerprint says so; others are refusals."""
    interrupted = Fingerprint(hash(b"a"), 1, interrupted=True)
    drained = buffer_with([b"a", interrupted, Fingerprint(1, 1)], [1, 2, 3], [-1, -2, -3]).drain(0)
    assert drained.table["interrupted"].tolist() == [False, True, False]


def test_an_incomplete_message_is_marked():
    """A multipart message without its last frame is marked, unfinished or cut off."""
    buffer = buffer_with([b"", INCOMPLETE], [1, 2], [1])
    assert buffer.drain(0).table["incomplete"].tolist() == [False, True]
    buffer.abort(interrupted=True)
    assert buffer.drain(0).table["incomplete"].tolist() == [True]


def test_a_long_payload_is_not_kept():
    """`start` keeps only the fingerprint of a long payload."""
    buffer = SendBuffer(1)
    buffer.start(b"x" * 10_000)
    assert isinstance(buffer.current_payload, Fingerprint)
    assert len(buffer.current_payload) == 10_000


# Receipts whose handling is not timed


def test_the_end_of_a_bare_receipt_is_not_known():
    """A receipt whose handling is not timed is finished at once, and its end is 0."""
    buffer = ReceiveBuffer(1)
    buffer.receive(b"a", 10)
    drained = buffer.drain(0)
    assert spans(drained) == [(10, 0, 1)]
    assert not drained.table["unfinished"].any()


def test_a_handling_that_is_timed_afterwards_is_an_event_of_its_own():
    """`restart` starts a span with the instant of the last receipt, marked as reopened."""
    buffer = ReceiveBuffer(1)
    buffer.receive(b"a", 10)
    buffer.restart()
    drained = buffer.drain(0)
    assert drained.table["start"].tolist() == [10, 10]
    assert drained.table["unfinished"].tolist() == [False, True]
    assert drained.table["reopened"].tolist() == [False, True]
    buffer.end(at_ns=20)
    assert buffer.drain(0).table[["start", "end", "reopened"]].tolist() == [(10, 20, True)]


def test_a_reopened_handling_that_ends_during_a_drain_is_returned_once():
    """A reopened handling that ends while the buffer is drained is returned with its end only."""
    buffer = ReceiveBuffer(1)
    buffer.receive(b"a", 10)
    buffer.restart()
    buffer.spans = Overtaken(buffer.spans, lambda: buffer.end(at_ns=20), "before")
    assert buffer.drain(0).table[["end", "reopened"]].tolist() == [(0, False), (20, True)]
    assert buffer.drain(0).table.tolist() == []


# Several buffers


def test_events_of_several_buffers_are_merged_by_their_start():
    """`merged` sorts events by their start, each with its payload."""
    first = buffer_with([b"a", b"ccc"], [10, 30], [11, 31]).drain(0)
    second = buffer_with([b"bb", b"dddd"], [20, 40], [21]).drain(1)
    both = merged([first, second])
    assert spans(both) == [(10, 11, 1), (20, 21, 2), (30, 31, 3), (40, 0, 4)]
    assert both.table["buffer"].tolist() == [0, 1, 0, 1]


def test_nothing_is_merged_into_nothing():
    """Without events there are none."""
    assert len(merged([])) == 0
