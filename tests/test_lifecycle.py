"""Threads, contexts and addresses are ended, or waited for, in bounded time."""

import multiprocessing
import signal
import sys
import threading
import time

import pytest
import zmq

from pushpull_kit.sockets.lifecycle import (
    MAX_RELEASED,
    REBIND_TIMEOUT_S,
    BackgroundThread,
    Termination,
    bind_with_retry,
    is_alive,
    note_released,
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


def test_a_context_is_terminated_in_the_thread_that_calls_run():
    """`run` terminates in the calling thread, and later calls return at once."""
    threads = []
    termination = Termination(lambda: threads.append(threading.current_thread()), "term")
    termination.run()
    termination.run()
    assert termination.wait(0)
    assert threads == [threading.current_thread()]


def test_run_waits_for_the_thread_that_terminates_already(gate):
    """While one caller terminates, `run` in another thread waits for it."""
    calls = []
    termination = Termination(lambda: (calls.append(1), gate.wait()), "term")
    assert not termination.wait(0.01)
    thread = BackgroundThread(termination.run, "runs")
    thread.start()
    assert not thread.wait(0.01)
    gate.set()
    assert thread.wait(LONG_S)
    assert calls == [1]


def test_an_interrupted_termination_may_be_repeated():
    """After an Interrupt in `run`, the next call terminates the context."""
    answers = [KeyboardInterrupt, None]

    def terminate():
        if error := answers.pop(0):
            raise error

    termination = Termination(terminate, "term")
    with pytest.raises(KeyboardInterrupt):
        termination.run()
    termination.run()
    assert termination.wait(0)


# note_released, bind_with_retry


class Port:
    """Answers `bind` with EADDRINUSE as often as it is told."""

    def __init__(self, n_busy):
        self.n_busy = n_busy
        self.asked = []

    def bind(self, endpoint):
        self.asked.append(endpoint)
        if len(self.asked) <= self.n_busy:
            raise zmq.ZMQError(zmq.EADDRINUSE)
        return "bound"


@pytest.mark.parametrize(
    ("released", "bound"),
    [
        ("tcp://127.0.0.1:1", "tcp://127.0.0.1:1"),
        ("tcp://0.0.0.0:2", "tcp://127.0.0.1:2"),
        ("tcp://[::1]:3", "tcp://*:3"),
        (b"tcp://127.0.0.1:4", "tcp://lo:4"),
        ("ipc:///tmp/jobs", "ipc:///tmp/jobs"),
        ("inproc://jobs", "inproc://jobs"),
    ],
)
def test_an_address_that_was_just_given_up_is_waited_for(released, bound):
    """An address that this process has given up is tried again until it is free."""
    note_released(released)
    port = Port(n_busy=2)
    assert bind_with_retry(port.bind, bound) == "bound"
    assert port.asked == [bound] * 3


@pytest.mark.parametrize(
    ("released", "bound"),
    [
        ("tcp://127.0.0.1:5", "tcp://127.0.0.1:6"),
        ("ipc:///tmp/7", "tcp://127.0.0.1:7"),
        ("ipc:///tmp/jobs", "ipc:///var/jobs"),
        ("inproc://a", "inproc://b"),
    ],
)
def test_an_address_that_another_program_holds_is_an_error_at_once(released, bound):
    """An address that this process has not given up is tried once."""
    note_released(released)
    port = Port(n_busy=1)
    with pytest.raises(zmq.ZMQError, match="in use"):
        bind_with_retry(port.bind, bound)
    assert port.asked == [bound]


def test_an_address_that_was_bound_again_is_not_waited_for():
    """Once an address that was given up is bound again, a second socket is refused at once."""
    note_released("tcp://127.0.0.1:8")
    bind_with_retry(Port(n_busy=0).bind, "tcp://127.0.0.1:8")
    port = Port(n_busy=1)
    with pytest.raises(zmq.ZMQError):
        bind_with_retry(port.bind, "tcp://127.0.0.1:8")
    assert len(port.asked) == 1


def test_an_address_that_stays_busy_is_an_error():
    """After a bounded time an address that was given up counts as held by another program."""
    note_released("tcp://127.0.0.1:9")
    port = Port(n_busy=sys.maxsize)
    began_s = time.monotonic()
    with pytest.raises(zmq.ZMQError):
        bind_with_retry(port.bind, "tcp://127.0.0.1:9")
    assert time.monotonic() - began_s < REBIND_TIMEOUT_S + 2
    again = Port(n_busy=1)
    with pytest.raises(zmq.ZMQError):
        bind_with_retry(again.bind, "tcp://127.0.0.1:9")
    assert len(again.asked) == 1


def test_the_newest_addresses_are_remembered():
    """However many addresses are given up, the newest are known."""
    for number in range(3 * MAX_RELEASED):
        note_released(f"inproc://{number}")
    port = Port(n_busy=1)
    assert bind_with_retry(port.bind, f"inproc://{number}") == "bound"
    with pytest.raises(zmq.ZMQError):
        bind_with_retry(Port(n_busy=1).bind, "inproc://0")


def test_a_busy_address_is_refused_as_quickly_as_by_pyzmq(context, raw_context):
    """`bind_to_random_port` over a busy port does not wait for each try."""
    taken = raw_context.socket(zmq.PULL)
    port = taken.bind_to_random_port("tcp://127.0.0.1")
    began_s = time.monotonic()
    with pytest.raises(zmq.ZMQBindError):
        context.socket(zmq.PUSH).bind_to_random_port("tcp://127.0.0.1", port, port + 1)
    assert time.monotonic() - began_s < REBIND_TIMEOUT_S


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
