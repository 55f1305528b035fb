"""A timed PUSH sends as pyzmq's does, and records refusals and interruptions."""

import gc
import threading
from contextlib import suppress
from unittest import mock

import numpy as np
import pytest
import zmq

from pushpull_kit import Context, SendBuffer
from pushpull_kit.recording.events import INGEST_AT
from pushpull_kit.sockets.push import TimedPush


def test_tracked_send_returns_its_tracker(connected):
    """`send(track=True)` returns pyzmq's tracker."""
    push, pull = connected
    tracker = push.send(b"x" * 100_000, copy=False, track=True)
    assert len(pull.recv()) == 100_000
    tracker.wait(5)


def test_noblock_is_recorded_as_refused(context):
    """A send that raises Again was refused, and is not counted as pushed."""
    push = context.socket(zmq.PUSH)
    push.bind("tcp://127.0.0.1:*")
    with pytest.raises(zmq.Again):
        push.send(b"a", zmq.NOBLOCK)
    summary = context.timings.summary()
    assert (summary.refused, summary.pushed, summary.in_flight) == (1, 0, 0)


def test_sndtimeo_is_recorded_as_refused_with_its_wait(context):
    """A send that gives up after SNDTIMEO is refused, and its time counts in `sending_s`."""
    push = context.socket(zmq.PUSH)
    push.sndtimeo = 20
    push.bind("tcp://127.0.0.1:*")
    with pytest.raises(zmq.Again):
        push.send(b"a")
    summary = context.timings.summary()
    assert summary.refused == 1
    assert summary.sending_s >= 0.019


def test_the_quick_send_records_refusals(context):
    """The quick `send` records a refusal as the full one does."""
    pull = context.socket(zmq.PULL)
    pull.rcvhwm = 1
    pull.bind("inproc://full")
    push = context.socket(zmq.PUSH)
    push.sndhwm, push.sndtimeo = 1, 0
    push.connect("inproc://full")
    push.send(b"0")
    push.send(b"1")
    with pytest.raises(zmq.Again):
        push.send(b"2")
    pull.recv()
    pull.recv()
    summary = context.timings.summary()
    assert (summary.pushed, summary.refused, summary.handled) == (2, 1, 2)


def test_text_is_refused_with_the_remedy(connected, context):
    """`send` of a str raises with the remedy, and records nothing."""
    push, _ = connected
    with pytest.raises(TypeError, match="send_string"):
        push.send("text")
    assert len(context.timings) == 0


def test_a_subclass_that_overrides_send_gets_every_call(context):
    """A subclass that overrides `send` gets every call."""

    class Subclass(TimedPush):
        calls: list

        def send(self, *args, **kwargs):
            self.calls.append(args)
            return super().send(*args, **kwargs)

    push = context.socket(zmq.PUSH, socket_class=Subclass)
    push.calls = []
    push.connect("inproc://no-receiver")
    push.send(b"a")
    push.send_string("b")
    assert push.calls == [(b"a",), (b"b",)]
    assert context.timings.summary().pushed == 2
    push.close(linger=0)


def kept_method(context, name, sends_before):
    """Return a method of a PUSH, and keep nothing else of it."""
    push = zmq.Context.socket(context, zmq.PUSH, socket_class=TimedPush)
    push.connect("inproc://jobs")
    for _ in range(sends_before):
        push.send(b"before")
    return getattr(push, name)


@pytest.mark.parametrize("sends_before", [0, 1])
@pytest.mark.parametrize("name", ["send", "send_string", "send_multipart"])
def test_a_kept_method_keeps_its_socket_open(context, name, sends_before):
    """A bound method works as long as it is kept, whatever becomes of the socket's other names."""
    pull = context.socket(zmq.PULL)
    pull.bind("inproc://jobs")
    method = kept_method(context, name, sends_before)
    argument = {"send": b"x", "send_string": "x", "send_multipart": [b"x"]}[name]
    for _ in range(3):
        method(argument)
    received = [pull.recv() for _ in range(sends_before + 3)]
    assert received == [b"before"] * sends_before + [b"x"] * 3
    summary = context.timings.summary()
    assert (summary.handled, summary.untimed) == (sends_before + 3, 0)
    with pytest.warns(ResourceWarning, match="Unclosed socket"):
        del method


def test_a_kept_method_that_is_dropped_frees_the_port():
    """The port of a socket of which a `send` was kept is free when the `send` is dropped."""
    with Context() as context:
        push = context.socket(zmq.PUSH)
        push.bind("tcp://127.0.0.1:*")
        endpoint = push.last_endpoint.decode()
        with pytest.raises(zmq.Again):
            push.send(b"", zmq.NOBLOCK)
        send = push.send
        gc.disable()
        try:
            del push
            with pytest.raises(zmq.Again):
                send(b"", zmq.NOBLOCK)
            with pytest.warns(ResourceWarning, match="Unclosed socket"):
                del send
            with context.socket(zmq.PUSH) as again:
                again.bind(endpoint)
        finally:
            gc.enable()


def test_a_send_that_was_kept_before_a_multipart_message_goes_on_with_it(connected, context):
    """The quick `send`, looked up before a message was begun, sends that message's last frame."""
    push, pull = connected
    push.send(b"before")
    send = push.send
    push.send(b"a", zmq.SNDMORE)
    send(b"b")
    send(b"after")
    assert [pull.recv_multipart() for _ in range(3)] == [[b"before"], [b"a", b"b"], [b"after"]]
    assert [message.n_bytes for message in context.timings] == [6, 2, 5]


@pytest.mark.parametrize("sends_before", [0, 1])
def test_a_replaced_send_gets_every_call(connected, sends_before):
    """`push.send = wrapper` is honored by `send`, `send_string` and `send_multipart`."""
    push, _ = connected
    for _ in range(sends_before):
        push.send(b"before")
    calls = []
    push.send = lambda data, *args, **kwargs: calls.append(data)
    push.send(b"a")
    push.send_string("b")
    push.send_json({})
    assert calls == [b"a", b"b", b"{}"]


@pytest.mark.parametrize("sends_before", [0, 1])
def test_a_mocked_send_sends_nothing(connected, context, sends_before):
    """`mock.patch.object(push, "send")` takes the place of `send`, and is undone afterwards."""
    push, pull = connected
    for _ in range(sends_before):
        push.send(b"before")
    with mock.patch.object(push, "send") as send:
        push.send_string("x")
    send.assert_called_once()
    push.send(b"after")
    received = [pull.recv() for _ in range(sends_before + 1)]
    assert received == [b"before"] * sends_before + [b"after"]


@pytest.mark.parametrize("sends_before", [0, 1])
def test_a_mocked_send_of_the_class_sends_nothing(connected, sends_before):
    """`mock.patch.object(zmq.Socket, "send")` takes the place of every socket's `send`."""
    push, pull = connected
    for _ in range(sends_before):
        push.send(b"before")
    with mock.patch.object(zmq.Socket, "send") as send:
        push.send(b"x")
        push.send_string("x")
    assert send.call_count == 2
    push.send(b"after")
    received = [pull.recv() for _ in range(sends_before + 1)]
    assert received == [b"before"] * sends_before + [b"after"]


@pytest.mark.parametrize("option", [{"routing_id": 5}, {"group": "x"}])
@pytest.mark.parametrize("sends_before", [0, 1])
def test_options_that_a_push_does_not_have_are_refused(connected, context, option, sends_before):
    """`routing_id` and `group` raise what plain pyzmq raises, and nothing is sent."""
    push, _ = connected
    for _ in range(sends_before):
        push.send(b"before")
    plain = zmq.Context()
    with plain, plain.socket(zmq.PUSH) as plain_push, pytest.raises(Exception) as plain_error:  # noqa: PT011
        plain_push.send(b"x", **option)
    with pytest.raises(plain_error.type) as error:
        push.send(b"x", **option)
    assert str(error.value) == str(plain_error.value)
    assert context.timings.summary().pushed == sends_before


def test_a_refused_later_frame_leaves_the_message_open(context):
    """As in libzmq, the next frame goes on with a message of which one frame was refused."""
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    pull.bind("inproc://jobs")
    push.connect("inproc://jobs")
    push.send(b"a", zmq.SNDMORE)
    with pytest.raises(TypeError):
        push.send(5, zmq.SNDMORE)
    assert context.timings.summary().sending == 1
    push.send(b"b")
    assert pull.recv_multipart() == [b"a", b"b"]
    summary = context.timings.summary()
    assert (summary.pushed, summary.handled, summary.refused, summary.untimed) == (1, 1, 0, 0)


def test_a_refused_send_does_not_wait_for_a_reader(context, monkeypatch):
    """While a thread reads the log, refused sends return at once, also into a full buffer."""
    reading, may_go_on = threading.Event(), threading.Event()

    def drain(*args):
        reading.set()
        may_go_on.wait()
        return original(*args)

    original = SendBuffer.drain
    monkeypatch.setattr(SendBuffer, "drain", drain)
    other = context.socket(zmq.PUSH)  # something to read
    other.connect("inproc://no-receiver")
    other.send(b"x")

    def refuse():
        with context.socket(zmq.PUSH) as push:
            push.bind("inproc://nobody")
            for _ in range(2 * INGEST_AT):
                with suppress(zmq.Again):
                    push.send(b"y", zmq.NOBLOCK)

    reader = threading.Thread(target=context.timings.summary)
    sender = threading.Thread(target=refuse)
    reader.start()
    reading.wait()
    sender.start()
    sender.join(20)
    is_waiting = sender.is_alive()
    may_go_on.set()
    reader.join()
    sender.join()
    assert not is_waiting


def test_send_string_takes_pyzmqs_arguments(context, connected):
    """`send_string` takes any encoding, flag and option that pyzmq takes."""
    push, pull = connected
    for _ in range(2):
        push.send_string("é")
        push.send_string("é", encoding="latin-1")
        push.send_string("a", zmq.SNDMORE)
        push.send_string("b")
        push.send_string("c", copy=False, track=True)
        received = [pull.recv_multipart() for _ in range(4)]
        assert received == [[b"\xc3\xa9"], [b"\xe9"], [b"a", b"b"], [b"c"]]
    summary = context.timings.summary()
    assert (summary.pushed, summary.handled, summary.untimed) == (8, 8, 0)
    with pytest.raises(TypeError, match="str"):
        push.send_string(b"bytes")


def test_send_string_passes_options_on(connected):
    """The quick `send_string` passes the options that it does not know to pyzmq."""
    push, pull = connected
    push.send_string("a")
    tracker = push.send_string("b" * 100_000, copy=False, track=True)
    assert [pull.recv(), pull.recv()] == [b"a", b"b" * 100_000]
    assert tracker is not None
    tracker.wait(5)


def test_a_subclass_that_overrides_send_string_gets_every_call(context):
    """A subclass that overrides `send_string` gets every call."""

    class Subclass(TimedPush):
        def send_string(self, u, *args, **kwargs):
            return super().send_string(u.upper(), *args, **kwargs)

    push, pull = context.socket(zmq.PUSH, socket_class=Subclass), context.socket(zmq.PULL)
    pull.bind("inproc://loud")
    push.connect("inproc://loud")
    for text in ("a", "b"):
        push.send_string(text)
    assert [pull.recv(), pull.recv()] == [b"A", b"B"]
    push.close()
    pull.close()


@pytest.mark.parametrize("flags", [0, zmq.NOBLOCK], ids=["quick", "full"])
def test_a_full_buffer_is_ingested_by_the_next_send(context, flags):
    """A socket that only sends has its buffer ingested at the start of a send."""
    pull = context.socket(zmq.PULL, socket_class=zmq.Socket)
    push = context.socket(zmq.PUSH)
    pull.rcvhwm = push.sndhwm = 0
    pull.bind("inproc://wide")
    push.connect("inproc://wide")
    for _ in range(INGEST_AT):
        push.send(b"x", flags)
    assert context.timings.n_buffered == INGEST_AT
    push.send(b"x", flags)
    assert context.timings.n_buffered == 1


def test_refusals_are_ingested(context):
    """A loop of refused sends does not fill the buffer without bound."""
    push = context.socket(zmq.PUSH)
    push.bind("inproc://nobody")
    for _ in range(INGEST_AT + 10):
        with suppress(zmq.Again):
            push.send(b"x", zmq.NOBLOCK)
    assert context.timings.n_buffered == 10


def test_an_array_of_dates_is_sent(connected, context):
    """An object without a buffer format is sent as plain pyzmq sends it, and matched."""
    push, pull = connected
    dates = np.zeros(3, "M8[s]")
    push.send(dates)
    push.send(b"between")
    push.send(dates)
    assert [pull.recv() for _ in range(3)] == [bytes(24), b"between", bytes(24)]
    summary = context.timings.summary()
    assert (summary.handled, summary.untimed) == (3, 0)


def test_closing_inside_a_multipart_message_interrupts_it(context):
    """A socket that is closed between two frames records the message as interrupted."""
    push = context.socket(zmq.PUSH)
    push.connect("inproc://no-receiver")
    push.send(b"first", zmq.SNDMORE)
    assert context.timings.summary().sending == 1
    push.close(linger=0)
    summary = context.timings.summary()
    assert (summary.sending, summary.interrupted) == (0, 1)


def test_a_send_is_interrupted_when_its_context_is_terminated(context):
    """A send that blocks until the context is terminated is interrupted, not refused."""
    caught = []

    def send():
        push = context.socket(zmq.PUSH)
        push.connect("inproc://no-receiver")
        push.sndhwm = 1
        try:
            while True:
                push.send(b"x")
        except zmq.ContextTerminated as error:
            caught.append(error)
            push.close(linger=0)

    thread = threading.Thread(target=send)
    thread.start()
    while not context.timings.summary().sending:
        pass
    context.term()
    thread.join()
    assert caught
    summary = context.timings.summary()
    assert (summary.interrupted, summary.refused) == (1, 0)
