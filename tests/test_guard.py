"""Threads may take turns in a timed socket; two in it at the same moment are refused."""

import asyncio
import logging
import os
import queue
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import zmq
from pairs import connected_pair, in_a_thread

from pushpull_kit import Context, WrongThreadError
from pushpull_kit.recording import events, quick
from pushpull_kit.sockets import guard as guard_module
from pushpull_kit.sockets.guard import Guard

#: How often two threads share a socket in a process of their own.
RACES = int(os.environ.get("PUSHPULL_RACES", "10"))

# What plain pyzmq allows.


def test_a_socket_may_be_set_up_in_one_thread_and_used_in_another(connected):
    """A thread may use the sockets that its `__init__` connected."""
    push, pull = connected
    push.sndtimeo = 5_000

    class Sender(threading.Thread):
        def run(self):
            for _ in range(3):
                push.send(b"x")

    sender = Sender()
    sender.start()
    sender.join()
    assert [pull.recv() for _ in range(3)] == [b"x"] * 3


def test_threads_may_share_a_socket_behind_a_lock(connected, context):
    """A pool of threads that sends through one PUSH behind a lock loses nothing."""
    push, pull = connected
    lock = threading.Lock()

    def send(number):
        with lock:
            push.send(b"%d" % number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(400)))
    received = {pull.recv() for _ in range(400)}
    assert len(received) == 400
    assert context.timings.summary().handled == 400


def test_threads_may_take_sockets_from_a_queue(context):
    """Each thread takes a socket from a queue, uses it, and puts it back."""
    pairs = [connected_pair(context) for _ in range(2)]
    free = queue.Queue()
    for push, _ in pairs:
        free.put(push)

    def send(_):
        push = free.get()
        push.send(b"x")
        free.put(push)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(100)))
    assert context.timings.summary().pushed == 100


def test_asyncio_may_call_a_socket_in_threads(connected):
    """`asyncio.to_thread(push.send)` and `run_in_executor(None, pull.recv)` work."""
    push, pull = connected

    async def main():
        for number in range(5):
            await asyncio.to_thread(push.send, b"%d" % number)
        loop = asyncio.get_running_loop()
        return [await loop.run_in_executor(None, pull.recv) for _ in range(5)]

    # In a thread: a browser test in this process may have left its loop in the main thread.
    assert in_a_thread(lambda: asyncio.run(main())) == [b"%d" % number for number in range(5)]


def test_a_logging_handler_may_push(connected):
    """A handler that pushes records works from every thread: logging locks it."""
    push, pull = connected

    class Pushing(logging.Handler):
        def emit(self, record):
            push.send_string(record.getMessage())

    logger = logging.Logger("jobs")
    logger.addHandler(Pushing())
    in_a_thread(logger.warning, "from a thread")
    logger.warning("from the main thread")
    assert [pull.recv_string(), pull.recv_string()] == ["from a thread", "from the main thread"]


def test_a_timer_may_send(connected):
    """A `threading.Timer` sends through a socket that the main thread used before."""
    push, pull = connected
    push.send(b"a")
    timer = threading.Timer(0, push.send, [b"b"])
    timer.start()
    assert [pull.recv(), pull.recv()] == [b"a", b"b"]
    timer.join()


def test_a_context_closes_sockets_of_idle_threads():
    """The main thread may close what an idle thread of a pool has made and used."""
    with ThreadPoolExecutor(1) as pool, Context() as context:

        def use():
            push = context.socket(zmq.PUSH)
            push.bind("tcp://127.0.0.1:*")
            push.poll(0, zmq.POLLOUT)
            return push

        push = pool.submit(use).result()
        push.close()
    assert context.closed


# Two threads in one socket at the same moment.


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.recv(),
        lambda s: s.recv_multipart(),
        lambda s: s.recv_into(bytearray(5)),
        lambda s: s.poll(0),
        lambda s: s.setsockopt(zmq.LINGER, 0),
        lambda s: s.get(zmq.EVENTS),
        lambda s: s.bind("inproc://other"),
        lambda s: s.connect("inproc://other"),
        lambda s: s.close(),
    ],
    ids=["recv", "multipart", "recv_into", "poll", "set", "get", "bind", "connect", "close"],
)
@pytest.mark.parametrize("messages_before", [0, 1])
def test_a_second_thread_is_refused_while_one_waits(connected, call, messages_before):
    """While a thread waits in `recv`, another one's call raises; then both may go on."""
    push, pull = connected
    for _ in range(messages_before):
        push.send(b"x")
        pull.recv()
    with ThreadPoolExecutor(1, thread_name_prefix="first") as pool:
        received = pool.submit(pull.recv)
        while not pull.belongs_elsewhere():
            pass
        with pytest.raises(WrongThreadError) as caught:
            call(pull)
        push.send(b"a")
        assert received.result() == b"a"
    text = str(caught.value)
    assert "PULL socket" in text
    assert "'first" in text
    assert "'MainThread'" in text
    assert "put a lock around" in text
    push.send(b"b")
    assert pull.recv() == b"b"


@pytest.mark.parametrize("sends_before", [0, 1])
def test_a_second_sender_is_refused_while_one_is_blocked(context, sends_before):
    """While a thread is blocked in `send`, another one's `send` raises, and is not recorded."""
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    pull.rcvhwm = push.sndhwm = 1
    push.bind("inproc://narrow")
    if sends_before:
        pull.connect("inproc://narrow")
        push.send(b"a")
        push.send(b"b")
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(push.send, b"c")
        while not context.timings.summary().sending:
            pass
        with pytest.raises(WrongThreadError):
            push.send(b"refused")
        if not sends_before:
            pull.connect("inproc://narrow")
            assert pull.recv() == b"c"
        else:
            assert [pull.recv() for _ in range(3)] == [b"a", b"b", b"c"]
        sent.result()
    summary = context.timings.summary()
    assert summary.pushed == summary.handled == 1 + 2 * sends_before
    assert (summary.interrupted, summary.sending) == (0, 0)


def second_thread_enters_at(monkeypatch, module, enter):
    """Have `enter` called when this module next asks for the thread's ident.

    Python may switch threads after each call of a C function such as this one.
    """
    once = iter([enter])

    def get_ident():
        ident = threading.get_ident()
        for call in once:
            call()
        return ident

    monkeypatch.setattr(module, "get_ident", get_ident)


def test_two_threads_that_enter_in_the_same_instant(monkeypatch):
    """A thread that is preempted while it enters sees that another one has entered meanwhile."""
    guard = Guard("PUSH")
    second_thread_enters_at(monkeypatch, guard_module, lambda: in_a_thread(guard.enter))
    with pytest.raises(WrongThreadError):
        guard.enter()


RACE = """
    import sys, threading, zmq
    from pushpull_kit import Context, WrongThreadError

    sys.setswitchinterval(1e-6)
    context = Context()
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    push.sndhwm = pull.rcvhwm = 0
    pull.bind("inproc://jobs")
    push.connect("inproc://jobs")
    counts = {"sent": 0, "refused": 0, "received": 0}
    lock, both = threading.Lock(), threading.Barrier(3)

    def count(what):
        with lock:
            counts[what] += 1

    def send():
        both.wait()
        for number in range(3_000):
            try:
                push.send(b"%d" % number)
                count("sent")
            except WrongThreadError:
                count("refused")

    def receive():
        both.wait()
        for number in range(3_000):
            try:
                pull.recv(zmq.NOBLOCK)
                count("received")
            except (zmq.Again, WrongThreadError):
                pass

    for work in (send, receive):
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    while pull.poll(0):
        pull.recv()
        counts["received"] += 1
    assert counts["sent"] + counts["refused"] == 9_000, counts
    assert counts["received"] == counts["sent"], counts
    summary = context.timings.summary()
    assert summary.pushed == summary.handled == counts["sent"], (summary, counts)
    context.destroy(linger=0)
    print("served")
"""


def test_a_race_of_threads_never_ends_the_process():
    """Threads that send and receive at once are refused or served, and nothing is lost."""
    for _ in range(RACES):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(RACE)],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (0, "served\n"), done.stderr


# One thread twice in a socket: in a signal handler.


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals on Windows")
@pytest.mark.parametrize("sends_before", [0, 1], ids=["full", "quick"])
def test_a_signal_handler_may_send_during_a_send(connected, context, monkeypatch, sends_before):
    """A send from a handler that interrupts a send of the same thread is recorded, and so is it."""
    push, pull = connected
    pull.rcvtimeo = 10_000
    for _ in range(sends_before):
        push.send(b"before")
    clock_ns, once = quick.clock_ns, iter([signal.SIGUSR1])

    def interrupted_clock_ns():
        for number in once:
            signal.raise_signal(number)
        return clock_ns()

    before = signal.signal(signal.SIGUSR1, lambda *_: push.send(b"inner"))
    try:
        for module in (events, quick):
            monkeypatch.setattr(module, "clock_ns", interrupted_clock_ns)
        push.send(b"outer")
    finally:
        signal.signal(signal.SIGUSR1, before)
    received = [pull.recv() for _ in range(sends_before + 2)]
    assert received == [b"before"] * sends_before + [b"inner", b"outer"]
    summary = context.timings.summary()
    assert (summary.pushed, summary.untimed, summary.sending) == (sends_before + 2, 0, 0)
