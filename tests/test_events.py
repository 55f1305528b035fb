"""An event buffer is buffer_with by one thread, drained by another, and loses no span."""

import pytest

from pushpull_kit.recording import events
from pushpull_kit.recording.events import ReceiveBuffer, SendBuffer
from pushpull_kit.recording.fingerprint import INCOMPLETE, Fingerprint

# Writing


def test_a_span_is_one_item_in_each_list():
    """A finished span is one item in each of a buffer's lists."""
    buffer = SendBuffer(1)
    buffer.start(b"x")
    buffer.end()
    assert buffer.payloads == [b"x"]
    assert 0 < buffer.starts[0] <= buffer.ends[0]


def test_the_end_of_a_refused_send_is_negative():
    """A refusal or a failure is recorded as a negative instant."""
    buffer = SendBuffer(1)
    buffer.start(b"x")
    buffer.end(ok=False)
    assert 0 < buffer.starts[0] <= -buffer.ends[0]


class Appended(list):
    """A list of starts that records how many payloads there are at each append."""

    def __init__(self, payloads):
        super().__init__()
        self.payloads, self.counts = payloads, []

    def append(self, start_ns):
        self.counts.append(len(self.payloads))
        super().append(start_ns)


@pytest.mark.parametrize("kind", [SendBuffer, ReceiveBuffer])
def test_a_payload_is_appended_before_its_start(kind):
    """A reader that finds a start finds its payload too."""
    buffer = kind(1)
    buffer.starts = Appended(buffer.payloads)
    buffer.start(b"a")
    buffer.start(b"b")
    assert buffer.starts.counts == [1, 2]


def test_a_full_buffer_calls_on_full():
    """The writer calls `on_full` when `INGEST_AT` spans have ended."""
    calls = []
    buffer = SendBuffer(1, on_full=lambda: calls.append(len(buffer.ends)))
    for at in range(1, events.INGEST_AT + 1):
        buffer.start(b"x", at)
        buffer.end(at_ns=at)
    assert calls == [events.INGEST_AT]


def test_serving_calls_on_full():
    """A function that `ReceiveBuffer.wrap` returns calls `on_full` after `INGEST_AT` messages."""
    calls = []
    buffer = ReceiveBuffer(1, on_full=lambda: calls.append(len(buffer.ends)))
    serve_one = buffer.wrap(lambda: b"x", lambda message: None, pytest.fail)
    for _ in range(events.INGEST_AT):
        assert serve_one()
    assert calls == [events.INGEST_AT]


def test_a_reader_waits_while_a_message_is_received(monkeypatch):
    """A reader that comes while `wrap`'s function reads the clock waits for the message."""
    buffer, waits = ReceiveBuffer(1), []
    clock_ns = events.clock_ns

    def read_once_and_return_now():
        monkeypatch.setattr(events, "clock_ns", clock_ns)
        buffer.drain(0)
        return clock_ns()

    serve_one = buffer.wrap(lambda: b"x", lambda message: None, pytest.fail)
    monkeypatch.setattr(events, "APPEND_TIMEOUT_NS", 1_000_000)
    monkeypatch.setattr(events, "sleep", waits.append)
    monkeypatch.setattr(events, "clock_ns", read_once_and_return_now)
    serve_one()
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


def lists(buffer):
    return buffer.payloads, buffer.starts, buffer.ends


def test_finished_spans_are_removed():
    """Finished spans are returned, oldest first, and removed."""
    buffer = buffer_with([b"a", b"bcd"], [10, 30], [20, 40])
    drained = buffer.drain(5)
    assert drained["start"].tolist() == [10, 30]
    assert drained["end"].tolist() == [20, 40]
    assert drained["fingerprint"].tolist() == [hash(b"a"), hash(b"bcd")]
    assert drained["n_bytes"].tolist() == [1, 3]
    assert drained["buffer"].tolist() == [5, 5]
    assert lists(buffer) == ([], [], [])


def test_an_unfinished_span_is_returned_and_kept():
    """An unfinished span is returned without an end, and kept."""
    buffer = buffer_with([b"a", b"b"], [10, 30], [20])
    assert buffer.drain(0)["end"].tolist() == [20, 0]
    assert lists(buffer) == ([b"b"], [30], [])


def test_an_unfinished_span_is_removed_when_it_ends():
    """A span that was returned unfinished is returned again with its end, and removed."""
    buffer = buffer_with([b"a"], [10])
    buffer.drain(0)
    buffer.end(at_ns=20)
    drained = buffer.drain(0)
    assert (drained["start"].tolist(), drained["end"].tolist()) == ([10], [20])
    assert lists(buffer) == ([], [], [])


def test_a_payload_without_a_start_is_kept():
    """A payload without a start is not returned, and kept."""
    buffer = buffer_with([b"a"], [10], [20])
    buffer.payloads.append(b"b")
    assert buffer.drain(0)["n_bytes"].tolist() == [1]
    assert lists(buffer) == ([b"b"], [], [])


def test_a_reader_waits_for_a_writer_that_has_read_the_clock(monkeypatch):
    """A reader waits for an instant that was taken and not appended yet, and returns its span."""
    buffer = ReceiveBuffer(1)
    recv_ns = buffer.clock_ns()
    monkeypatch.setattr(events, "sleep", lambda _: buffer.start(b"a", recv_ns))
    assert buffer.drain(0)["start"].tolist() == [recv_ns]


def test_a_reader_does_not_wait_for_an_instant_that_was_discarded(monkeypatch):
    """After `discard`, `abort` or `close` no reader waits."""
    monkeypatch.setattr(events, "sleep", lambda _: pytest.fail("the reader waited"))
    buffer = ReceiveBuffer(1)
    for end in (buffer.discard, lambda: buffer.abort(interrupted=False), buffer.close):
        buffer.clock_ns()
        end()
        assert len(buffer.drain(0)) == 0


def test_a_readers_wait_is_bounded(monkeypatch):
    """A reader waits at most `APPEND_TIMEOUT_NS` for a writer that never appends."""
    monkeypatch.setattr(events, "APPEND_TIMEOUT_NS", 1_000)
    buffer = ReceiveBuffer(1)
    buffer.start(b"a", 10)
    buffer.end(at_ns=20)
    buffer.clock_ns()
    assert buffer.drain(0)["start"].tolist() == [10]


def test_later_spans_are_kept():
    """Only spans that started up to the given instant are returned, finished or not."""
    buffer = buffer_with([b"a", b"b", b"c"], [10, 20, 30], [11, 21])
    assert buffer.drain(0, 10)["start"].tolist() == [10]
    assert buffer.drain(0, 29)["start"].tolist() == [20]
    assert buffer.drain(0, 30)["start"].tolist() == [30]


class Overtaken(list):
    """A list that runs the writer's next steps right after the reader has copied it once."""

    def then(self, next_steps):
        self.next_steps = next_steps
        return self

    def __getitem__(self, key):
        copy = super().__getitem__(key)
        next_steps, self.next_steps = self.next_steps, lambda: None
        next_steps()
        return copy


@pytest.mark.parametrize("overtaken", ["ends", "starts", "payloads"])
def test_spans_written_during_a_drain_are_returned_by_the_next(overtaken):
    """Each span is returned once and complete, wherever the writer overtakes the reader."""
    buffer = buffer_with([b"a", b"b"], [10, 30], [20])

    def next_steps():
        buffer.end(at_ns=40)
        buffer.start(b"c", 50)
        buffer.end(at_ns=60)
        buffer.start(b"d", 70)

    setattr(buffer, overtaken, Overtaken(getattr(buffer, overtaken)).then(next_steps))
    first, second = buffer.drain(0), buffer.drain(0)
    assert first[["fingerprint", "start", "end"]].tolist() == [
        (hash(b"a"), 10, 20),
        (hash(b"b"), 30, 0),
    ]
    assert second[["fingerprint", "start", "end"]].tolist() == [
        (hash(b"b"), 30, 40),
        (hash(b"c"), 50, 60),
        (hash(b"d"), 70, 0),
    ]
    assert lists(buffer) == ([b"d"], [70], [])


def test_an_empty_buffer_has_no_events():
    """A buffer without spans returns no events."""
    assert len(SendBuffer(1).drain(0)) == 0


def test_a_negative_end_is_returned_unchanged():
    """`drain` returns a negative end unchanged."""
    assert buffer_with([b"a"], [10], [-20]).drain(0)["end"].tolist() == [-20]


def test_an_interrupted_send_is_marked():
    """A negative end is marked as interrupted if the fingerprint says so; others are refusals."""
    interrupted = Fingerprint(hash(b"a"), 1, interrupted=True)
    drained = buffer_with([b"a", interrupted, Fingerprint(1, 1)], [1, 2, 3], [-1, -2, -3]).drain(0)
    assert drained["interrupted"].tolist() == [False, True, False]


def test_an_incomplete_message_is_marked():
    """A multipart message without its last frame is marked, whatever its fingerprint."""
    drained = buffer_with([b"", INCOMPLETE], [1, 2], [1]).drain(0)
    assert drained["incomplete"].tolist() == [False, True]
    assert drained["fingerprint"][0] == drained["fingerprint"][1] == hash(b"")


def test_a_long_payload_is_not_kept():
    """`start` keeps only the fingerprint of a long payload."""
    buffer = SendBuffer(1)
    buffer.start(b"x" * 10_000)
    assert isinstance(buffer.payloads[0], Fingerprint)
    assert len(buffer.payloads[0]) == 10_000
