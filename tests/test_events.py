"""An event buffer is written by one thread and drained by another, and loses nothing."""

import pytest

from pushpull_kit.recording import events
from pushpull_kit.recording.events import ReceiveBuffer, SendBuffer
from pushpull_kit.recording.fingerprint import INCOMPLETE, Fingerprint

# Writing


def test_an_event_is_in_step_in_all_lists():
    """One span is one item in each of a buffer's lists."""
    buffer = SendBuffer(1)
    buffer.start(b"x")
    buffer.end()
    assert buffer.payloads == [b"x"]
    assert 0 < buffer.starts[0] <= buffer.ends[0]


def test_a_bad_end_is_negative():
    """A refusal or a failure is an instant with a minus sign."""
    buffer = SendBuffer(1)
    buffer.start(b"x")
    buffer.end(ok=False)
    assert 0 < buffer.starts[0] <= -buffer.ends[0]


# Draining


def written(payloads, starts, ends=()):
    """A buffer with these spans; the last may be unfinished. Negative ends are refusals."""
    buffer = SendBuffer(1)
    for i, (payload, start) in enumerate(zip(payloads, starts, strict=True)):
        buffer.start(payload, start)
        if i < len(ends):
            buffer.end(ends[i] > 0, abs(ends[i]))
    return buffer


def lists(buffer):
    return buffer.payloads, buffer.starts, buffer.ends


def test_what_is_finished_is_taken_off():
    """Finished spans are returned, oldest first, and removed."""
    buffer = written([b"a", b"bcd"], [10, 30], [20, 40])
    taken = buffer.drain(5)
    assert taken["start"].tolist() == [10, 30]
    assert taken["end"].tolist() == [20, 40]
    assert taken["fingerprint"].tolist() == [hash(b"a"), hash(b"bcd")]
    assert taken["n_bytes"].tolist() == [1, 3]
    assert taken["buffer"].tolist() == [5, 5]
    assert lists(buffer) == ([], [], [])


def test_what_is_unfinished_is_seen_and_left():
    """An unfinished span is returned without an end, and stays."""
    buffer = written([b"a", b"b"], [10, 30], [20])
    assert buffer.drain(0)["end"].tolist() == [20, 0]
    assert lists(buffer) == ([b"b"], [30], [])


def test_what_was_unfinished_is_taken_when_it_ends():
    """A span that was returned unfinished is returned again with its end, and removed."""
    buffer = written([b"a"], [10])
    buffer.drain(0)
    buffer.end(at_ns=20)
    taken = buffer.drain(0)
    assert (taken["start"].tolist(), taken["end"].tolist()) == ([10], [20])
    assert lists(buffer) == ([], [], [])


def test_a_payload_without_a_start_is_not_taken():
    """A payload whose start is not there yet stays for the next time."""
    buffer = written([b"a"], [10], [20])
    buffer.payloads.append(b"b")
    assert buffer.drain(0)["n_bytes"].tolist() == [1]
    assert lists(buffer) == ([b"b"], [], [])


def test_a_reader_waits_for_a_writer_that_has_read_the_clock(monkeypatch):
    """A reader waits for an instant that was taken and not appended yet, and takes its span."""
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
    """A reader does not wait without limit for a writer that never appends."""
    monkeypatch.setattr(events, "APPEND_TIMEOUT_NS", 1_000)
    buffer = ReceiveBuffer(1)
    buffer.start(b"a", 10)
    buffer.end(at_ns=20)
    buffer.clock_ns()
    assert buffer.drain(0)["start"].tolist() == [10]


def test_later_spans_are_left():
    """Only spans that started up to the given instant are taken, finished or not."""
    buffer = written([b"a", b"b", b"c"], [10, 20, 30], [11, 21])
    assert buffer.drain(0, 10)["start"].tolist() == [10]
    assert buffer.drain(0, 29)["start"].tolist() == [20]
    assert buffer.drain(0, 30)["start"].tolist() == [30]


class Overtaken(list):
    """A list that lets the writer go on right after the reader has made its first copy."""

    def then(self, go_on):
        self.go_on = go_on
        return self

    def __getitem__(self, key):
        copy = super().__getitem__(key)
        go_on, self.go_on = self.go_on, lambda: None
        go_on()
        return copy


@pytest.mark.parametrize("overtaken", ["ends", "starts", "payloads"])
def test_what_is_written_meanwhile_is_taken_next_time(overtaken):
    """Wherever the writer overtakes the reader, each span is taken once, and whole."""
    buffer = written([b"a", b"b"], [10, 30], [20])

    def go_on():
        buffer.end(at_ns=40)
        buffer.start(b"c", 50)
        buffer.end(at_ns=60)
        buffer.start(b"d", 70)

    setattr(buffer, overtaken, Overtaken(getattr(buffer, overtaken)).then(go_on))
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


def test_an_empty_buffer_gives_nothing():
    """A buffer without spans gives no events."""
    assert len(SendBuffer(1).drain(0)) == 0


def test_a_refusal_keeps_its_sign():
    """A negative end comes through as it is."""
    assert written([b"a"], [10], [-20]).drain(0)["end"].tolist() == [-20]


def test_an_interrupted_send_is_told_from_a_refused_one():
    """Of several negative ends, the one whose fingerprint says so was interrupted."""
    interrupted = Fingerprint(hash(b"a"), 1, interrupted=True)
    taken = written([b"a", interrupted, Fingerprint(1, 1)], [1, 2, 3], [-1, -2, -3]).drain(0)
    assert taken["interrupted"].tolist() == [False, True, False]


def test_an_incomplete_message_is_told_apart():
    """A multipart message of which frames are missing is marked, whatever its fingerprint."""
    taken = written([b"", INCOMPLETE], [1, 2], [1]).drain(0)
    assert taken["incomplete"].tolist() == [False, True]
    assert taken["fingerprint"][0] == taken["fingerprint"][1] == hash(b"")


def test_a_long_payload_is_not_kept():
    """`start` keeps only the fingerprint of a long payload."""
    buffer = SendBuffer(1)
    buffer.start(b"x" * 10_000)
    assert isinstance(buffer.payloads[0], Fingerprint)
    assert len(buffer.payloads[0]) == 10_000
