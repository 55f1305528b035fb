"""Wherever a signal handler raises in the kit's code, no message is lost or half known."""

import itertools
import signal
import sys
import types

import pytest
import zmq
from pairs import in_a_thread

from pushpull_kit.recording import events, quick


class Alarm(Exception):
    """What the signal handlers of these tests raise."""


#: Python looks for signals when it calls one of its own functions, and after it called one of these
#: kinds. (After a call of pyzmq's functions too: then plain pyzmq loses a message as well.)
BUILT_IN = (types.BuiltinFunctionType, types.MethodDescriptorType)


def raise_in_the_kit(number, call):
    """Call, and raise `Alarm` when the kit's code could be interrupted for the `number`th time.

    Returns:
        Whether there were as many instants.
    """
    count = 0

    def profile(frame, event, arg):
        nonlocal count
        if "pushpull_kit" not in frame.f_code.co_filename:
            return
        if event == "call" or (event == "c_return" and isinstance(arg, BUILT_IN)):
            count += 1
            if count == number:
                sys.setprofile(None)
                raise Alarm

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        call()
    except Alarm:
        return True
    finally:
        sys.setprofile(before)
    return False


@pytest.fixture
def wide_pair(context):
    """A PUSH and a PULL that are connected over inproc, where messages arrive at once."""
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    pull.bind("inproc://wide")
    push.connect("inproc://wide")
    pull.rcvtimeo = 5_000  # a lost message is an error, not a hang
    return push, pull


SENDS = {
    "quick": lambda push, data: push.send(data),
    "full": lambda push, data: push.send(data, zmq.NOBLOCK),
    "string": lambda push, data: push.send_string(data.decode()),
    "long": lambda push, data: push.send(data + bytes(10_000)),
    "multipart": lambda push, data: push.send_multipart([data, b"b"]),
}


def assert_nothing_is_half_known(context, n_received):
    """Each message is in one place of the sum, and was received once."""
    summary = context.timings.summary()
    assert summary.pushed == summary.handled + summary.failed + summary.handling + summary.in_flight
    assert summary.handled + summary.untimed == n_received
    assert (summary.sending, summary.handling) == (0, 0)
    rows = summary.pushed + summary.untimed + summary.interrupted + summary.refused
    assert len(context.timings) == rows


@pytest.mark.parametrize("how", SENDS)
@pytest.mark.parametrize("is_first", [False, True], ids=["", "first"])
def test_an_exception_anywhere_in_a_send(wide_pair, context, how, is_first):
    """Wherever a handler raises in the kit's code for `send`, the log and the socket stay right."""
    push, pull = wide_pair
    if not is_first:
        push.send(b"before")
        pull.recv()
    n_received = int(not is_first)
    for number in itertools.count(1):
        was_raised = raise_in_the_kit(number, lambda n=number: SENDS[how](push, b"%d" % n))
        push.send(b"next")
        is_last = False
        while not is_last:  # the next one may be the last frame of the message before
            is_last = pull.recv_multipart()[-1] == b"next"
            n_received += 1
        in_a_thread(push.poll, 0)  # no thread is in the socket any more
        if not was_raised:
            break
    assert number > 2
    assert_nothing_is_half_known(context, n_received)
    if how != "multipart":  # one that was interrupted is not matched
        assert (context.timings.summary().in_flight, context.timings.summary().untimed) == (0, 0)


RECEIPTS = {
    "quick": lambda pull: pull.recv(),
    "no copy": lambda pull: pull.recv(copy=False).bytes,
    "string": lambda pull: pull.recv_string().encode(),
    "into": lambda pull: received_into(pull, bytearray(20)),
}


def received_into(pull, buffer):
    return bytes(buffer[: pull.recv_into(buffer)])


@pytest.mark.parametrize("how", RECEIPTS)
@pytest.mark.parametrize("is_first", [False, True], ids=["", "first"])
@pytest.mark.parametrize("is_kept", [False, True], ids=["", "kept"])
def test_an_exception_anywhere_in_a_recv(wide_pair, context, how, is_first, is_kept):
    """Wherever a handler raises in the kit's code for `recv`, no message is lost or noted twice."""
    push, pull = wide_pair
    n_sent = 0
    if not is_first:
        push.send(b"before")
        pull.recv()
        n_sent = 1
    for number in itertools.count(1):
        sent = [b"%d" % number, b"next"]
        for data in sent:
            push.send(data)
        n_sent += 2
        if is_kept:
            keep_a_frame(pull)
        received = []

        def receive():
            data = RECEIPTS[how](pull)
            received.append(data)  # noqa: B023

        was_raised = raise_in_the_kit(number, receive)
        while len(received) < 2:
            received.append(RECEIPTS[how](pull))
        assert received == sent
        assert not in_a_thread(pull.poll, 0)
        if not was_raised:
            break
    assert number > 2
    assert_nothing_is_half_known(context, n_sent)
    summary = context.timings.summary()
    assert (summary.in_flight, summary.untimed) == (0, 0)


def keep_a_frame(pull, **how):
    """Receive a frame, and raise before it is returned, so that the socket keeps it."""
    clock_ns = quick.clock_ns

    def raise_once():
        events.clock_ns = quick.clock_ns = clock_ns
        signal.raise_signal(signal.SIGINT)
        return clock_ns()

    def handler(*_):
        raise Alarm

    before = signal.signal(signal.SIGINT, handler)
    events.clock_ns = quick.clock_ns = raise_once
    try:
        with pytest.raises(Alarm):
            pull.recv(**how)
    finally:
        events.clock_ns = quick.clock_ns = clock_ns
        signal.signal(signal.SIGINT, before)


AFTER_A_KEPT_FRAME = {
    "recv": lambda pull: pull.recv(),
    "no copy": lambda pull: pull.recv(copy=False).bytes,
    "string": lambda pull: pull.recv_string().encode(),
    "multipart": lambda pull: pull.recv_multipart()[0],
    "multipart, no copy": lambda pull: pull.recv_multipart(copy=False)[0].bytes,
    "into": lambda pull: received_into(pull, bytearray(20)),
    "poll": lambda pull: pull.poll(10_000) and pull.recv(),
    "poll without limit": lambda pull: pull.poll() and pull.recv(),
    "noblock": lambda pull: pull.recv(zmq.NOBLOCK),
}


@pytest.mark.parametrize("how", AFTER_A_KEPT_FRAME)
@pytest.mark.parametrize("copy", [True, False], ids=["", "kept uncopied"])
@pytest.mark.parametrize("messages_before", [0, 1])
def test_a_frame_that_came_with_an_exception_is_kept(
    wide_pair, context, how, copy, messages_before
):
    """A frame that was received when a handler raised is returned by the next call."""
    push, pull = wide_pair
    for _ in range(messages_before):
        push.send(b"before")
        pull.recv()
    push.send(b"kept")
    keep_a_frame(pull, copy=copy)
    push.send(b"next")
    assert AFTER_A_KEPT_FRAME[how](pull) == b"kept"
    assert AFTER_A_KEPT_FRAME[how](pull) == b"next"
    summary = context.timings.summary()
    assert (summary.handled, summary.untimed) == (messages_before + 2, 0)


def test_recv_into_tells_the_size_of_a_kept_frame(wide_pair):
    """As in pyzmq, `recv_into` returns the size of the frame, also if the buffer is smaller."""
    push, pull = wide_pair
    push.send(b"longer")
    keep_a_frame(pull)
    buffer = bytearray(4)
    assert pull.recv_into(buffer) == 6
    assert buffer == b"long"


def test_frames_of_a_multipart_message_are_kept_in_order(wide_pair, context):
    """A message whose first frame was kept is received and noted as one."""
    push, pull = wide_pair
    push.send(b"before")
    pull.recv()
    push.send_multipart([b"a", b"b", b"c"])
    keep_a_frame(pull)
    assert pull.recv() == b"a"
    keep_a_frame(pull)
    assert pull.recv_multipart() == [b"b", b"c"]
    summary = context.timings.summary()
    assert (summary.handled, summary.untimed) == (2, 0)
