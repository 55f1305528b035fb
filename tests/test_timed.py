"""Timed sockets behave as pyzmq's do, and record each message once."""

import errno
import gc

import numpy as np
import pytest
import zmq

from pushpull_kit import Context
from pushpull_kit.recording.events import INGEST_AT, EventBuffer

SENDS = {
    "send": (lambda s: s.send(b"abc"), lambda s: s.recv(), b"abc"),
    "send, flags by name": (lambda s: s.send(b"abc", flags=0), lambda s: s.recv(flags=0), b"abc"),
    "long": (lambda s: s.send(b"x" * 9_999), lambda s: s.recv(), b"x" * 9_999),
    "empty": (lambda s: s.send(b""), lambda s: s.recv(), b""),
    "bytearray": (lambda s: s.send(bytearray(b"abc")), lambda s: s.recv(), b"abc"),
    "memoryview": (lambda s: s.send(memoryview(b"abc")), lambda s: s.recv(), b"abc"),
    "frame": (lambda s: s.send(zmq.Frame(b"abc")), lambda s: s.recv(), b"abc"),
    "no copy": (
        lambda s: s.send(b"x" * 99_999, copy=False),
        lambda s: s.recv(copy=False).bytes,
        b"x" * 99_999,
    ),
    "string": (lambda s: s.send_string("é"), lambda s: s.recv_string(), "é"),
    "json": (lambda s: s.send_json({"a": [1]}), lambda s: s.recv_json(), {"a": [1]}),
    "pyobj": (lambda s: s.send_pyobj((1, 2)), lambda s: s.recv_pyobj(), (1, 2)),
    "multipart": (
        lambda s: s.send_multipart([b"a", b"", b"c"]),
        lambda s: s.recv_multipart(),
        [b"a", b"", b"c"],
    ),
    "serialized": (
        lambda s: s.send_serialized("ab", lambda text: [text.encode()]),
        lambda s: s.recv_serialized(lambda frames: frames[0].decode()),
        "ab",
    ),
    "sndmore": (
        lambda s: (s.send(b"a", zmq.SNDMORE), s.send(b"b")),
        lambda s: [s.recv(), s.recv()],
        [b"a", b"b"],
    ),
}


@pytest.mark.parametrize("how", SENDS)
def test_every_way_to_send_arrives_and_is_timed_once(connected, context, how):
    """Each of pyzmq's methods carries its payload unchanged and makes one record."""
    push, pull = connected
    send, receive, expected = SENDS[how]
    send(push)
    assert receive(pull) == expected
    (message,) = context.timings
    assert message.send_start_ns <= message.send_end_ns
    assert message.send_start_ns < message.recv_ns


def test_n_bytes_counts_all_frames(connected, context):
    """A multipart message is one record with the size of all its frames."""
    push, pull = connected
    push.send_multipart([b"abc", b"", b"de"])
    pull.recv_multipart()
    assert [message.n_bytes for message in context.timings] == [5]


def test_nothing_is_added_to_the_wire(context, raw_context):
    """A raw PULL reads a timed PUSH's frames byte for byte."""
    raw = raw_context.socket(zmq.PULL)
    raw.bind("tcp://127.0.0.1:*")
    push = context.socket(zmq.PUSH)
    push.connect(raw.last_endpoint.decode())
    push.send_multipart([b"a", b"bc"])
    push.send(b"d")
    assert raw.recv_multipart() == [b"a", b"bc"]
    assert raw.recv_multipart() == [b"d"]
    raw.close()


def test_untimed_receiver_leaves_messages_in_flight(context, raw_context):
    """A message that a raw PULL received stays in flight."""
    raw = raw_context.socket(zmq.PULL)
    raw.bind("tcp://127.0.0.1:*")
    push = context.socket(zmq.PUSH)
    push.connect(raw.last_endpoint.decode())
    push.send(b"a")
    raw.recv()
    raw.close()
    assert context.timings.summary().in_flight == 1


def test_a_message_of_an_untimed_sender_has_no_send(context, raw_context):
    """A message from a raw PUSH has a receipt and no send."""
    pull = context.socket(zmq.PULL)
    pull.bind("tcp://127.0.0.1:*")
    raw = raw_context.socket(zmq.PUSH)
    raw.connect(pull.last_endpoint.decode())
    raw.send(b"a")
    pull.recv()
    raw.close()
    (message,) = context.timings
    assert (message.sender, message.send_start_ns) == (None, None)
    assert context.timings.summary().untimed == 1


def test_messages_of_all_kinds_in_a_row_are_timed_once(context, connected):
    """Short and long, single and multipart messages may follow each other in any order."""
    push, pull = connected
    for _ in range(2):
        push.send(b"a")
        push.send(b"b", zmq.SNDMORE)
        push.send(b"c")
        push.send(bytes(10_000))
        push.send_multipart([b"d", b"e"])
        push.send(b"f", flags=zmq.NOBLOCK)
        assert [len(pull.recv_multipart()) for _ in range(5)] == [1, 2, 1, 2, 1]
    summary = context.timings.summary()
    assert (summary.pushed, summary.handled, summary.untimed) == (10, 10, 0)


def test_lanes_are_named_and_numbered(context):
    """Sockets without a name are numbered, and a name may be set before and after use."""
    first, second, third = (context.socket(zmq.PUSH) for _ in range(3))
    third.name = "mail"
    for socket in (first, second, third):
        with pytest.raises(zmq.Again):
            socket.send(b"", zmq.NOBLOCK)
    assert (first.name, second.name, third.name) == ("sender", "sender 2", "mail")
    second.name = "web"
    with pytest.raises(zmq.Again):
        second.send(b"", zmq.NOBLOCK)
    assert [message.sender for message in context.timings] == ["sender", "sender 2", "mail", "web"]


@pytest.mark.parametrize("is_used", [False, True])
def test_a_name_is_a_str(connected, is_used):
    """`socket.name = 5` raises at once, and the socket keeps its name."""
    push, _ = connected
    push.name = "mail"
    if is_used:
        push.send(b"x")
    with pytest.raises(TypeError, match="give a str"):
        push.name = 5
    assert push.name == "mail"


def test_options_can_be_set_as_attributes(context):
    """`socket.sndhwm = 5` sets the option, as in pyzmq."""
    push = context.socket(zmq.PUSH)
    push.sndhwm = 5
    assert push.getsockopt(zmq.SNDHWM) == push.sndhwm == 5


def test_rebinding_at_once_succeeds(context):
    """A socket can be bound at once to the port of a socket that was just closed."""
    socket = context.socket(zmq.PUSH)
    socket.bind("tcp://127.0.0.1:*")
    address = socket.last_endpoint.decode()
    for _ in range(50):
        socket.close()
        socket = context.socket(zmq.PUSH)
        socket.bind(address)


def test_a_taken_address_is_an_error(context, raw_context):
    """An address that another socket holds raises pyzmq's own error."""
    raw = raw_context.socket(zmq.PUSH)
    raw.bind("tcp://127.0.0.1:*")
    with pytest.raises(zmq.ZMQError) as caught:
        context.socket(zmq.PUSH).bind(raw.last_endpoint.decode())
    assert caught.value.errno == errno.EADDRINUSE
    raw.close()


def test_a_dropped_socket_is_freed_at_once():
    """A socket without references is freed without the garbage collector."""
    context = Context()
    socket = context.socket(zmq.PUSH)
    socket.bind("tcp://127.0.0.1:*")
    with pytest.raises(zmq.Again):
        socket.send(b"", zmq.NOBLOCK)
    gc.disable()
    try:
        with pytest.warns(ResourceWarning, match="Unclosed socket"):
            del socket
    finally:
        gc.enable()
        context.term()


def test_ingest_happens_without_a_reader(connected, context, monkeypatch):
    """The buffers of a busy socket stay short although nothing reads the log."""
    push, pull = connected
    sizes, drain = [], EventBuffer.drain

    def counting(buffer, *args):
        events = drain(buffer, *args)
        sizes.append(len(events))
        return events

    monkeypatch.setattr(EventBuffer, "drain", counting)
    for _ in range(2 * INGEST_AT):
        push.send(b"x")
        pull.recv()
    assert sum(sizes) >= 2 * INGEST_AT
    assert max(sizes) <= INGEST_AT + 1
    assert context.timings.summary().pushed == 2 * INGEST_AT


def test_an_array_in_another_memory_order_is_matched(connected, context):
    """An array in column order is sent, and matched to its receipt, as its bytes in memory."""
    push, pull = connected
    array = np.asfortranarray(np.arange(6, dtype=np.uint8).reshape(2, 3))
    push.send(array)
    assert pull.recv() == array.tobytes("A")
    summary = context.timings.summary()
    assert (summary.handled, summary.untimed) == (1, 0)
