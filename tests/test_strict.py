"""A socket of a strict context belongs to the thread that first sends, receives or polls."""

import threading

import pytest
import zmq
from pairs import connected_pair, in_a_thread

from pushpull_kit import WrongThreadError, fresh_context
from pushpull_kit.sockets.strict import StrictPull, StrictPush


@pytest.fixture
def strict_pair(strict_context):
    """A PUSH and a PULL of a strict context, connected; no thread owns them."""
    return connected_pair(strict_context)


def test_a_fresh_context_is_strict():
    """The sockets of `fresh_context` belong to one thread."""
    context = fresh_context()
    with context, context.socket(zmq.PUSH) as push, context.socket(zmq.PULL) as pull:
        assert (type(push), type(pull)) == (StrictPush, StrictPull)


USES = {
    "send": lambda push, pull: push.send(b"x"),
    "send_string": lambda push, pull: push.send_string("x"),
    "poll the sender": lambda push, pull: push.poll(0, zmq.POLLOUT),
    "close the sender": lambda push, pull: push.close(),
    "recv": lambda push, pull: pull.recv(zmq.NOBLOCK),
    "recv_into": lambda push, pull: pull.recv_into(bytearray(5), flags=zmq.NOBLOCK),
    "poll the receiver": lambda push, pull: pull.poll(0),
    "hand the receiver over": lambda push, pull: pull.hand_over(),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("messages_before", [1, 2], ids=["used once", "used twice"])
def test_a_second_thread_is_refused_each_time(strict_pair, use, messages_before):
    """Another thread gets the error each time, names and remedies in it; the owner goes on."""
    push, pull = strict_pair
    for _ in range(messages_before):
        push.send(b"x")
        pull.recv()
    for _ in range(2):
        with pytest.raises(WrongThreadError) as caught:
            in_a_thread(USES[use], push, pull, name="second")
        text = str(caught.value)
        assert "'MainThread'" in text
        assert "'second" in text
        assert "queue.Queue" in text
        assert "hand_over()" in text
    push.send(b"y")
    assert pull.recv() == b"y"


SET_UPS = {
    "nothing": lambda push: None,
    "bind": lambda push: push.bind("tcp://127.0.0.1:*"),
    "connect": lambda push: push.connect("inproc://jobs"),
    "set an option": lambda push: setattr(push, "sndhwm", 5),
    "setsockopt": lambda push: push.setsockopt(zmq.LINGER, 0),
    "read an option": lambda push: push.sndhwm,
    "name": lambda push: setattr(push, "name", "mail"),
    "disconnect": lambda push: (push.connect("inproc://a"), push.disconnect("inproc://a")),
}


@pytest.mark.parametrize("set_up", SET_UPS)
def test_setting_up_is_not_use(strict_context, set_up):
    """A socket that one thread set up may be used first by another thread."""
    pull = strict_context.socket(zmq.PULL)
    pull.bind("inproc://in")
    push = strict_context.socket(zmq.PUSH)
    SET_UPS[set_up](push)

    def use():
        push.connect("inproc://in")
        push.send(b"x")
        push.close()

    in_a_thread(use)
    assert push.closed


def test_setting_up_is_allowed_while_another_thread_owns(strict_pair):
    """Options may be read while another thread owns the socket and is not in it."""
    push, _ = strict_pair
    push.send(b"x")
    assert in_a_thread(lambda: push.sndhwm) == 1000


def test_default_options_are_not_use(strict_context):
    """A socket that the context gave default options may be used first by another thread."""
    strict_context.sndhwm = 7
    push = strict_context.socket(zmq.PUSH)
    assert in_a_thread(push.poll, 0, zmq.POLLOUT) == 0


def test_the_next_thread_owns_the_socket_when_the_owner_has_ended(strict_pair):
    """When the thread that used a socket has ended, another thread may use it."""
    push, pull = strict_pair
    in_a_thread(push.send, b"a")
    push.send(b"b")
    assert [pull.recv(), pull.recv()] == [b"a", b"b"]
    with pytest.raises(WrongThreadError):
        in_a_thread(push.send, b"c")


@pytest.mark.parametrize("messages_before", [1, 2], ids=["used once", "used twice"])
def test_hand_over_lets_the_next_thread_own(strict_pair, messages_before):
    """After `hand_over` another thread may use the socket, and then owns it."""
    push, pull = strict_pair
    for _ in range(messages_before):
        push.send(b"x")
        pull.recv()
    push.hand_over()
    may_end, has_sent = threading.Event(), threading.Event()

    def own():
        push.send(b"y")
        has_sent.set()
        may_end.wait()

    thread = threading.Thread(target=own)
    thread.start()
    has_sent.wait()
    try:
        with pytest.raises(WrongThreadError):
            push.send(b"z")
    finally:
        may_end.set()
        thread.join()
    assert pull.recv() == b"y"


def test_hand_over_of_a_socket_that_may_be_shared_does_nothing(connected):
    """Code for strict contexts works with others: their sockets have `hand_over` too."""
    push, pull = connected
    push.send(b"a")
    push.hand_over()
    in_a_thread(push.send, b"b")
    assert [pull.recv(), pull.recv()] == [b"a", b"b"]


def test_a_socket_may_be_collected_in_another_thread(strict_context):
    """A socket whose owner is alive is closed without an error when another thread drops it."""
    made, sockets, may_end = threading.Event(), [], threading.Event()

    def own():
        sockets.append(zmq.Context.socket(strict_context, zmq.PUSH, socket_class=StrictPush))
        sockets[0].poll(0, zmq.POLLOUT)
        made.set()
        may_end.wait()

    thread = threading.Thread(target=own)
    thread.start()
    made.wait()
    try:
        with pytest.warns(ResourceWarning, match="Unclosed socket"):
            sockets.clear()
        assert strict_context.open_sockets() == []
    finally:
        may_end.set()
        thread.join()


def test_another_thread_may_send_the_last_frame(strict_pair, strict_context):
    """A multipart message is recorded once if its first frame came from a thread that has ended."""
    push, pull = strict_pair
    in_a_thread(push.send, b"a", zmq.SNDMORE)
    push.send(b"bc")
    assert pull.recv_multipart() == [b"a", b"bc"]
    assert [message.n_bytes for message in strict_context.timings] == [3]
