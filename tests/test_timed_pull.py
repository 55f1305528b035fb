"""A timed PULL receives as pyzmq's does, and its idle time is not counted as work."""

from time import perf_counter_ns as clock_ns
from unittest import mock

import pytest
import zmq

from pushpull_kit import PushPullError
from pushpull_kit.recording import events
from pushpull_kit.recording.events import INGEST_AT
from pushpull_kit.sockets.pull import TimedPull


def test_recv_into_is_timed(connected, context):
    """A message received into a buffer is matched to its send."""
    push, pull = connected
    push.send(b"abc")
    buffer = bytearray(10)
    assert pull.recv_into(buffer) == 3
    assert context.timings.summary().in_flight == 0


def test_the_work_on_a_message_is_not_guessed(connected, context):
    """A message counts as handled when it is received, and no time after that counts as work."""
    push, pull = connected
    push.send(b"a")
    pull.recv()
    pull.poll(5)
    summary = context.timings.summary()
    assert (summary.handled, summary.handling, summary.working_s) == (1, 0, 0)
    (message,) = context.timings
    assert message.done_ns is None


def poll_with_a_poller(pull):
    poller = zmq.Poller()
    poller.register(pull, zmq.POLLIN)
    return poller.poll(5)


@pytest.mark.parametrize(
    "wait",
    [
        poll_with_a_poller,
        lambda pull: zmq.select([pull], [], [], 0.005),
        lambda pull: pull.get(zmq.EVENTS),
        lambda pull: pull.poll(5),
    ],
    ids=["poller", "select", "events", "poll"],
)
def test_idle_waiting_is_not_work(connected, context, wait):
    """Waiting for the next message adds nothing to the time of work, however it is done."""
    push, pull = connected
    for _ in range(3):
        push.send(b"job")
        pull.recv()
        with pull.handling():
            pass
        worked_s = context.timings.summary().working_s
        wait(pull)
        assert context.timings.summary().working_s == worked_s


def test_a_block_of_handling_is_the_service_time(connected, context):
    """While `handling` runs, the message is in the handler; the end of the block is its end."""
    push, pull = connected
    push.send(b"a")
    pull.recv()
    with pull.handling():
        assert context.timings.summary().handling == 1
        in_block_ns = clock_ns()
    after_ns = clock_ns()
    (message,) = context.timings
    assert message.recv_ns < in_block_ns < message.done_ns < after_ns
    assert message.outcome == "handled"


def test_an_exception_in_a_block_of_handling_fails_the_message(connected, context):
    """A message whose handling raises counts as failed, and the exception goes on."""
    push, pull = connected
    push.send(b"a")
    pull.recv()
    with pytest.raises(ZeroDivisionError), pull.handling():
        1 / 0  # noqa: B018
    summary = context.timings.summary()
    assert (summary.handled, summary.failed) == (0, 1)


def test_the_next_message_ends_the_handling(connected, context):
    """A message that is received inside the block ends the handling of the one before."""
    push, pull = connected
    push.send(b"a")
    push.send(b"b")
    pull.recv()
    with pull.handling():
        pull.recv()
        assert context.timings.summary().handling == 0
    summary = context.timings.summary()
    assert (summary.handled, summary.handling, summary.in_flight) == (2, 0, 0)


def test_handling_needs_a_message(connected):
    """`handling` before the first message, and between two frames, says what to do."""
    push, pull = connected
    with pytest.raises(PushPullError, match="receive one first"), pull.handling():
        pass
    push.send_multipart([b"a", b"b"])
    pull.recv()
    with pytest.raises(PushPullError, match="receive one first"), pull.handling():
        pass
    pull.recv()


def test_a_full_buffer_is_ingested_by_the_next_recv(context):
    """The buffer of a socket that only receives is ingested at the start of a `recv`."""
    push = context.socket(zmq.PUSH, socket_class=zmq.Socket)
    pull = context.socket(zmq.PULL)
    pull.rcvhwm = push.sndhwm = 0
    pull.bind("inproc://wide")
    push.connect("inproc://wide")
    for _ in range(INGEST_AT + 1):
        push.send(b"x")
    for _ in range(INGEST_AT):
        pull.recv()
    assert context.timings.n_buffered == INGEST_AT
    pull.recv()
    assert context.timings.n_buffered == 1


@pytest.mark.parametrize("messages_before", [0, 1])
def test_a_replaced_recv_gets_every_call(connected, messages_before):
    """`pull.recv = wrapper` is honored by `recv`, `recv_string` and `recv_multipart`."""
    push, pull = connected
    receive(push, pull, messages_before)
    pull.recv = lambda *args, **kwargs: b"mine"
    assert pull.recv() == b"mine"
    assert pull.recv_string() == "mine"
    assert pull.recv_multipart() == [b"mine"]


@pytest.mark.parametrize("messages_before", [0, 1])
def test_a_mocked_recv_of_the_class_gets_every_call(connected, messages_before):
    """`mock.patch.object(zmq.Socket, "recv")` takes the place of every socket's `recv`."""
    push, pull = connected
    receive(push, pull, messages_before)
    with mock.patch.object(zmq.Socket, "recv", return_value=b"mine"):
        assert pull.recv(zmq.NOBLOCK) == b"mine"
        assert pull.recv_string(zmq.NOBLOCK) == "mine"
    receive(push, pull, 1)


def receive(push, pull, count):
    for number in range(count):
        push.send(b"%d" % number)
        assert pull.recv() == b"%d" % number


@pytest.mark.parametrize("messages_before", [0, 1])
def test_a_kept_recv_keeps_its_socket_open(context, messages_before):
    """A kept `recv` works as long as it is kept."""
    push = context.socket(zmq.PUSH)
    push.connect("inproc://jobs")

    def make():
        pull = zmq.Context.socket(context, zmq.PULL, socket_class=TimedPull)
        pull.bind("inproc://jobs")
        receive(push, pull, messages_before)
        return pull.recv

    recv = make()
    push.send(b"x")
    push.send(b"y")
    assert [recv(), recv()] == [b"x", b"y"]
    assert context.timings.summary().untimed == 0
    with pytest.warns(ResourceWarning, match="Unclosed socket"):
        del recv


def test_no_reader_waits_between_two_frames(connected, context, monkeypatch):
    """Reading the log while a multipart message is half received does not wait for the rest."""
    push, pull = connected
    push.send_multipart([b"a", b"b"])
    pull.recv()
    monkeypatch.setattr(events, "sleep", lambda _: pytest.fail("the reader waited"))
    assert context.timings.summary().in_flight == 1
    pull.recv()
