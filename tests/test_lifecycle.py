"""Threads, contexts and addresses are ended, or waited for, in bounded time."""

import multiprocessing
import signal
import sys
import threading
import time

import pytest
import zmq

from pushpull_kit.sockets.lifecycle import (
    BackgroundThread,
    Termination,
    bind_with_retry,
    is_alive,
    raise_in_thread,
)

LONG_S = 30.0


@pytest.fixture
def gate():
    """An event that a test's threads wait for; set at the end of the test."""
    gate = threading.Event()
    yield gate
    gate.set()


# BackgroundThread


def test_a_thread_that_runs_is_running(gate):
    """A thread is running from its start until its target has returned."""
    thread = BackgroundThread(gate.wait, "waits")
    assert not thread.running
    thread.start()
    assert thread.running
    gate.set()
    assert thread.wait(LONG_S)
    assert not thread.running


def test_waiting_is_bounded(gate):
    """`wait` returns False when the time is over, and the thread continues."""
    thread = BackgroundThread(gate.wait, "waits")
    thread.start()
    assert not thread.wait(0.01)
    assert thread.running
    gate.set()
    assert thread.wait(LONG_S)


def test_a_thread_that_was_never_started_needs_no_wait():
    """`wait` returns at once for a thread that was never started."""
    assert BackgroundThread(lambda: None, "never").wait(LONG_S)


def test_on_end_is_called_after_the_end():
    """When `on_end` is called, the thread does not count as running any more."""
    seen = []
    thread = BackgroundThread(lambda: None, "short", on_end=lambda: seen.append(thread.running))
    thread.start()
    assert thread.wait(LONG_S)
    assert seen == [False]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer signal")
def test_an_interrupted_wait_leaves_the_thread_running(gate):
    """A KeyboardInterrupt in `wait` does not make a running thread count as ended (bpo-45274)."""
    thread = BackgroundThread(gate.wait, "waits")
    thread.start()
    old = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            thread.wait(LONG_S)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert thread.running
    gate.set()
    assert thread.wait(LONG_S)


def _in_child(thread, results):
    results.send((thread.running, thread.wait(LONG_S)))


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # 3.12: fork with threads
def test_a_forked_child_does_not_wait_for_its_parents_thread(gate):
    """In a forked child the thread is not running, and `wait` returns at once."""
    thread = BackgroundThread(gate.wait, "waits")
    thread.start()
    ours, theirs = multiprocessing.get_context("fork").Pipe()
    with ours, theirs:
        child = multiprocessing.get_context("fork").Process(target=_in_child, args=(thread, theirs))
        child.start()
        assert ours.poll(LONG_S)
        assert ours.recv() == (False, True)
        child.join()
        child.close()
    gate.set()
    assert thread.wait(LONG_S)


# Termination


def test_a_context_is_terminated_once_for_all_callers(gate):
    """However many callers wait, the terminating function is called once."""
    calls = []
    termination = Termination(lambda: (calls.append(1), gate.wait()), "term")
    assert not termination.wait(0.01)
    assert not termination.wait(0.01)
    gate.set()
    assert termination.wait(LONG_S)
    assert calls == [1]


def test_a_wait_for_termination_is_bounded(raw_context):
    """A caller waits no longer than its timeout while an open socket delays the termination."""
    socket = raw_context.socket(zmq.PULL)
    termination = Termination(lambda: zmq.Context.term(raw_context), "term")
    assert not termination.wait(0.05)
    socket.close()
    assert termination.wait(LONG_S)


# bind_with_retry


def test_an_address_that_becomes_free_is_bound():
    """A busy address is tried again until it is free."""
    answers = [zmq.ZMQError(zmq.EADDRINUSE), zmq.ZMQError(zmq.EADDRINUSE), None]
    asked = []

    def bind(endpoint):
        asked.append(endpoint)
        if error := answers.pop(0):
            raise error
        return "bound"

    assert bind_with_retry(bind, "tcp://127.0.0.1:1") == "bound"
    assert asked == ["tcp://127.0.0.1:1"] * 3


def test_an_address_that_stays_busy_is_an_error(raw_context):
    """After a bounded time the last error is raised."""
    first, second = raw_context.socket(zmq.PULL), raw_context.socket(zmq.PULL)
    first.bind("inproc://taken")
    with pytest.raises(zmq.ZMQError) as raised:
        bind_with_retry(second.bind, "inproc://taken")
    assert raised.value.errno == zmq.EADDRINUSE


def test_another_error_is_raised_at_once(raw_context):
    """An endpoint that cannot be bound at all is not tried again."""
    calls = []

    def bind(endpoint):
        calls.append(endpoint)
        raise zmq.ZMQError(zmq.EINVAL)

    with pytest.raises(zmq.ZMQError):
        bind_with_retry(bind, "tcp://nowhere")
    assert calls == ["tcp://nowhere"]


# raise_in_thread, is_alive


class Stop(BaseException):
    """What the tests raise in a thread."""


def test_an_exception_is_raised_in_a_thread_that_runs_python():
    """A thread that loops in Python gets the exception."""
    caught = threading.Event()
    looping = threading.Event()

    def loop():
        try:
            while True:
                looping.set()
                time.sleep(0)
        except Stop:
            caught.set()

    thread = BackgroundThread(loop, "loops")
    thread.start()
    assert looping.wait(LONG_S)
    assert is_alive(thread.ident)
    raise_in_thread(thread.ident, Stop)
    assert caught.wait(LONG_S)
    assert thread.wait(LONG_S)
    assert not is_alive(thread.ident)


def test_a_thread_that_never_started_is_not_alive():
    """No thread has the ident `None`, and raising there does nothing."""
    raise_in_thread(None, Stop)
    assert not is_alive(None)
