"""A worker's inbox receives messages whole, and another thread can wake it up."""

import pytest
import zmq

from pushpull_kit import EndpointError, PushPullError
from pushpull_kit.sockets.inbox import Inbox


@pytest.fixture
def inbox(raw_context):
    """Make inboxes; they are closed at the end of the test."""
    made = []

    def make(mode="bind", endpoint="tcp://127.0.0.1:*", **options):
        made.append(Inbox(raw_context, mode, endpoint, options))
        return made[-1]

    yield make
    for box in made:
        box.close()


@pytest.fixture
def push_to(raw_context):
    """Make a PUSH that is connected to an inbox."""

    def make(box):
        push = raw_context.socket(zmq.PUSH)
        push.connect(box.endpoint)
        return push

    return make


def test_a_message_of_one_frame_is_bytes(inbox, push_to):
    """`receive` returns a message of one frame as bytes."""
    box = inbox()
    push_to(box).send(b"one")
    assert box.receive() == b"one"


def test_a_message_of_several_frames_is_a_list(inbox, push_to):
    """`receive` returns a message of several frames whole."""
    box = inbox()
    push_to(box).send_multipart([b"one", b"", b"three"])
    assert box.receive() == [b"one", b"", b"three"]


def test_a_wake_up_is_not_a_message(inbox, push_to):
    """After `wake_up`, `receive` returns None once, and then the next message."""
    box = inbox()
    box.wake_up()
    assert box.receive() is None
    push_to(box).send(b"next")
    assert box.receive() == b"next"


def test_a_wake_up_needs_no_free_socket(inbox, raw_context):
    """`wake_up` works when every socket of the context is taken."""
    raw_context.set(zmq.MAX_SOCKETS, 2)
    box = inbox()
    with pytest.raises(zmq.ZMQError, match="Too many open files"):
        raw_context.socket(zmq.PAIR)
    box.wake_up()
    assert box.receive() is None


def test_a_closed_inbox_may_be_woken_and_closed(inbox):
    """`wake_up` and `close` do nothing once the inbox is closed."""
    box = inbox()
    box.close()
    box.wake_up()
    box.close()


def test_a_closed_inbox_gives_up_its_address(inbox):
    """An inbox may bind the address of one that was just closed, again and again."""
    endpoint = "tcp://127.0.0.1:*"
    for _ in range(50):
        box = inbox(endpoint=endpoint)
        endpoint = box.endpoint
        box.close()


@pytest.mark.parametrize("free", [0, 1])
def test_without_two_free_sockets_there_is_no_inbox(inbox, raw_context, free):
    """An inbox needs two sockets; without them an error names the limits, and none is used."""
    raw_context.set(zmq.MAX_SOCKETS, 2)
    taken = [raw_context.socket(zmq.PAIR) for _ in range(2 - free)]
    with pytest.raises(PushPullError, match="expected two free sockets"):
        inbox()
    for socket in taken:
        socket.close()


def test_a_timeout_returns_none(inbox):
    """With `rcvtimeo`, `receive` returns None when no message comes in time."""
    assert inbox(rcvtimeo=1).receive() is None


def test_options_reach_the_socket(inbox, raw_context):
    """Options are set before the socket is bound: over inproc the high-water mark bounds it."""
    box = inbox(endpoint="inproc://small", rcvhwm=2)
    push = raw_context.socket(zmq.PUSH)
    push.sndhwm = 3
    push.connect(box.endpoint)
    for _ in range(2 + 3):
        push.send(b"x", zmq.NOBLOCK)
    with pytest.raises(zmq.Again):
        push.send(b"x", zmq.NOBLOCK)


def test_the_endpoint_is_the_resolved_one(inbox):
    """An inbox that binds port `*` knows which port it got."""
    assert inbox().endpoint.rpartition(":")[2].isdecimal()


def test_the_highest_port_is_allowed(inbox):
    """An inbox can connect to port 65535."""
    assert inbox("connect", "tcp://127.0.0.1:65535").endpoint == "tcp://127.0.0.1:65535"


@pytest.mark.parametrize("mode", ["connect", "bind"])
@pytest.mark.parametrize("endpoint", ["nonsense", "tcp://127.0.0.1:99999"])
def test_a_bad_endpoint_is_an_error(inbox, mode, endpoint):
    """An endpoint that libzmq refuses, or would misread, is named in an EndpointError."""
    with pytest.raises(EndpointError, match=endpoint):
        inbox(mode, endpoint)
