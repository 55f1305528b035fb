"""Timed sockets behave as pyzmq's do, and record each message once."""

import errno
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest
import zmq
import zmq.asyncio

from pushpull_kit import Context, WrongThreadError
from pushpull_kit.recording import events
from pushpull_kit.recording.events import INGEST_AT, EventBuffer
from pushpull_kit.sockets.timed import TimedPush


@pytest.fixture
def connected(context):
    """A timed PULL, bound, and a timed PUSH that is connected to it."""
    pull = context.socket(zmq.PULL)
    pull.bind("tcp://127.0.0.1:*")
    push = context.socket(zmq.PUSH)
    push.connect(pull.last_endpoint.decode())
    return push, pull


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


def test_tracked_send_returns_its_tracker(connected):
    """`send(track=True)` returns pyzmq's tracker."""
    push, pull = connected
    tracker = push.send(b"x" * 100_000, copy=False, track=True)
    assert len(pull.recv()) == 100_000
    tracker.wait(5)


def test_recv_into_is_timed(connected, context):
    """A message received into a buffer is matched to its send."""
    push, pull = connected
    push.send(b"abc")
    buffer = bytearray(10)
    assert pull.recv_into(buffer) == 3
    assert context.timings.summary().in_flight == 0


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


def test_a_bare_pull_handles_until_the_next_recv(connected, context):
    """A message of a bare PULL is in the handler until its thread calls recv again."""
    push, pull = connected
    push.send(b"a")
    pull.recv()
    assert context.timings.summary().handling == 1
    with pytest.raises(zmq.Again):
        pull.recv(zmq.NOBLOCK)
    assert context.timings.summary().handled == 1


@pytest.mark.parametrize("call", [lambda s: s.poll(0), lambda s: s.close()], ids=["poll", "close"])
def test_poll_and_close_end_the_handling(connected, context, call):
    """Polling for the next message, and closing, end the handling of the last one."""
    push, pull = connected
    push.send(b"a")
    pull.recv()
    call(pull)
    assert context.timings.summary().handled == 1


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
    assert (summary.pushed, summary.refused, summary.handled, summary.handling) == (2, 1, 1, 1)


@pytest.mark.skipif(sys.platform == "win32", reason="a signal does not wake libzmq on Windows")
@pytest.mark.parametrize("quick", [False, True], ids=["first send", "later send"])
def test_interrupt_ends_a_blocked_send(context, quick):
    """An interrupt ends a blocked `send`, which is recorded; the socket still works."""
    pull = context.socket(zmq.PULL)
    pull.rcvhwm = 1
    push = context.socket(zmq.PUSH)
    push.sndhwm = 1
    address = "inproc://narrow"
    if quick:
        pull.bind(address)
        push.connect(address)
        push.send(b"0")
        push.send(b"1")
    else:
        push.bind(address)

    interrupted, once = threading.Event(), iter([KeyboardInterrupt])

    def raise_once(*_):
        for error in once:
            raise error

    def interrupt_when_blocked():
        while not context.timings.summary().sending:
            pass
        # More than once: a signal that comes just before libzmq waits does not wake it.
        while not interrupted.wait(0.02):
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, raise_once)
    thread = threading.Thread(target=interrupt_when_blocked)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            push.send(b"blocked")
    finally:
        interrupted.set()
        thread.join()
        signal.signal(signal.SIGINT, before)
    assert context.timings.summary().interrupted == 1
    if not quick:
        pull.connect(address)
    else:
        pull.recv()
        pull.recv()
    push.send(b"after")
    assert pull.recv() == b"after"


INTERRUPTED_SENDS = """
    import os, signal, threading, zmq
    from pushpull_kit import Context
    from pushpull_kit.recording.events import INGEST_AT

    context = Context()
    pull = context.socket(zmq.PULL)
    pull.rcvhwm = 0
    pull.bind("inproc://wide")
    push = context.socket(zmq.PUSH)
    push.sndhwm = 0
    push.connect("inproc://wide")
    done = threading.Event()
    armed = False
    interrupts = sent = 0

    def interrupt(*_):  # once for each time that it is armed, so never outside the try
        global armed, interrupts
        if armed:
            armed, interrupts = False, interrupts + 1
            raise KeyboardInterrupt

    def send_signals():
        while not done.wait(0.0005):
            os.kill(os.getpid(), signal.SIGINT)

    signal.signal(signal.SIGINT, interrupt)
    thread = threading.Thread(target=send_signals)
    thread.start()
    while interrupts < 300:
        try:
            armed = True
            for _ in range(INGEST_AT):
                push.send(b"next")
                sent += 1
            armed = False
        except KeyboardInterrupt:
            pass
    done.set()
    thread.join()
    received = 0
    while pull.poll(0):
        pull.recv()
        received += 1
    s = context.timings.summary()
    print(sent <= received <= sent + interrupts, s.pushed == received == s.handled + s.handling,
          len(context.timings) == s.pushed + s.interrupted + s.refused)
    context.destroy(linger=0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals on Windows")
def test_interrupts_leave_the_log_consistent():
    """Every message is counted once, however often interrupts occur during sends."""
    code = textwrap.dedent(INTERRUPTED_SENDS)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == "True True True\n"


def test_text_is_refused_with_the_remedy(connected, context):
    """`send` of a str raises with the remedy, and records nothing."""
    push, _ = connected
    with pytest.raises(TypeError, match="send_string"):
        push.send("text")
    assert len(context.timings) == 0


def test_wrong_thread_raises_with_the_remedy(connected):
    """A call from a second thread raises an error that names both threads and the remedy."""
    push, _ = connected
    caught = []

    def use():
        for call in (lambda: push.send(b""), push.close, lambda: push.setsockopt(zmq.LINGER, 0)):
            try:
                call()
            except WrongThreadError as error:
                caught.append(str(error))

    thread = threading.Thread(target=use, name="second")
    thread.start()
    thread.join()
    assert len(caught) == 3
    assert all("'MainThread'" in text and "'second'" in text for text in caught)
    assert "PUSH socket" in caught[0]
    assert "queue.Queue" in caught[0]


def test_the_quick_send_checks_the_thread(connected):
    """A socket that has sent before raises in a second thread too."""
    push, pull = connected
    push.send(b"a")
    push.send(b"b")
    caught = []

    def use():
        try:
            push.send(b"c")
        except WrongThreadError as error:
            caught.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert len(caught) == 1
    assert [pull.recv(), pull.recv()] == [b"a", b"b"]


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


@pytest.mark.parametrize(
    ("method", "argument"),
    [("send", b"short"), ("send", bytearray(b"a")), ("send_string", "a"), ("send_string", b"a")],
    ids=["bytes", "a buffer", "text", "no text"],
)
def test_a_bound_method_that_outlives_its_socket_raises(context, method, argument):
    """A method that was kept of a collected socket raises ENOTSOCK."""
    push = zmq.Context.socket(context, zmq.PUSH, socket_class=TimedPush)
    push.connect("inproc://no-receiver")
    method_kept = getattr(push, method)
    with pytest.warns(ResourceWarning, match="Unclosed socket"):
        del push
    with pytest.raises(zmq.ZMQError) as caught:
        method_kept(argument)
    assert caught.value.errno == zmq.ENOTSOCK
    assert context.timings.summary().pushed == 0


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
    pull.poll(0)
    summary = context.timings.summary()
    assert (summary.pushed, summary.handled, summary.untimed) == (8, 8, 0)
    with pytest.raises(TypeError, match="str"):
        push.send_string(b"bytes")


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
    pull.poll(0)
    summary = context.timings.summary()
    assert (summary.pushed, summary.handled, summary.untimed) == (10, 10, 0)


def test_creation_is_not_use(context):
    """A socket made in one thread may be used in another, if that one uses it first."""
    push = context.socket(zmq.PUSH)
    failed = []

    def use():
        try:
            push.bind("tcp://127.0.0.1:*")
            push.close()
        except WrongThreadError as error:
            failed.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert not failed


def test_the_next_thread_owns_the_socket_when_the_owner_has_ended(context):
    """When the thread that used a socket has ended, another thread may use it."""
    push = context.socket(zmq.PUSH)
    thread = threading.Thread(target=lambda: push.bind("tcp://127.0.0.1:*"))
    thread.start()
    thread.join()
    push.close()
    assert push.closed


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


def test_the_quick_send_ingests_a_full_buffer(context):
    """A socket that only sends has an empty buffer after `INGEST_AT` messages."""
    pull = context.socket(zmq.PULL, socket_class=zmq.Socket)
    push = context.socket(zmq.PUSH)
    pull.rcvhwm = push.sndhwm = 0
    pull.bind("inproc://wide")
    push.connect("inproc://wide")
    for _ in range(INGEST_AT):
        push.send(b"x")
    assert context.timings.n_buffered == 0


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


def test_no_reader_waits_between_two_frames(connected, context, monkeypatch):
    """Reading the log while a multipart message is half received does not wait for the rest."""
    push, pull = connected
    push.send_multipart([b"a", b"b"])
    pull.recv()
    monkeypatch.setattr(events, "sleep", lambda _: pytest.fail("the reader waited"))
    assert context.timings.summary().in_flight == 1
    pull.recv()


def test_a_socket_may_be_collected_in_another_thread(context):
    """A socket whose owner is alive is closed without an error when another thread drops it."""
    made, sockets, may_end = threading.Event(), [], threading.Event()

    def own():
        sockets.append(zmq.Context.socket(context, zmq.PUSH, socket_class=TimedPush))
        sockets[0].bind("inproc://jobs")
        made.set()
        may_end.wait()

    thread = threading.Thread(target=own)
    thread.start()
    made.wait()
    try:
        with pytest.warns(ResourceWarning, match="Unclosed socket"):
            sockets.clear()
        assert context.open_sockets() == []
    finally:
        may_end.set()
        thread.join()


def test_send_string_passes_options_on(connected):
    """The quick `send_string` passes the options that it does not know to pyzmq."""
    push, pull = connected
    push.send_string("a")
    tracker = push.send_string("b" * 100_000, copy=False, track=True)
    assert [pull.recv(), pull.recv()] == [b"a", b"b" * 100_000]
    assert tracker is not None
    tracker.wait(5)


def test_default_options_are_not_use(context):
    """A socket that the context gave default options may be used first by another thread."""
    context.sndhwm = 7
    push = context.socket(zmq.PUSH)
    caught = []

    def use():
        try:
            push.bind("tcp://127.0.0.1:*")
            push.close()
        except WrongThreadError as error:
            caught.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert not caught


def test_an_array_in_another_memory_order_is_matched(connected, context):
    """An array in column order is sent, and matched to its receipt, as its bytes in memory."""
    push, pull = connected
    array = np.asfortranarray(np.arange(6, dtype=np.uint8).reshape(2, 3))
    push.send(array)
    assert pull.recv() == array.tobytes("A")
    summary = context.timings.summary()
    assert (summary.handling, summary.untimed) == (1, 0)


def test_another_thread_may_send_the_last_frame(connected, context):
    """A multipart message is recorded once if its first frame came from a thread that has ended."""
    push, pull = connected
    push.disown()
    thread = threading.Thread(target=lambda: push.send(b"a", zmq.SNDMORE))
    thread.start()
    thread.join()
    push.poll(0, zmq.POLLOUT)  # from here on, this thread owns the socket
    push.send(b"bc")
    assert pull.recv_multipart() == [b"a", b"bc"]
    assert [message.n_bytes for message in context.timings] == [3]
