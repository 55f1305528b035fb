"""`run_apart` runs a function in a thread of its own, where nothing from outside interrupts it."""

import _thread
import signal
import threading
from contextlib import suppress

import pytest

from pushpull_kit.recording.apart import run_apart


def test_the_result_is_returned():
    """What the function returns is returned, and it runs in another thread."""
    assert run_apart(threading.get_ident) != threading.get_ident()


def test_what_the_function_raises_is_raised():
    """An exception of the function is raised in the calling thread, of any kind."""
    for kind in (ZeroDivisionError, KeyboardInterrupt, SystemExit):

        def fail(kind=kind):
            raise kind("failing")

        with pytest.raises(kind, match="failing"):
            run_apart(fail)


def test_without_a_new_thread_the_function_runs_here(monkeypatch):
    """Where no thread can be started, the calling thread runs the function."""

    def no_thread(function, args):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_thread, "start_new_thread", no_thread)
    assert run_apart(threading.get_ident) == threading.get_ident()


class Alarm(Exception):
    """Raised by a signal handler."""


@pytest.fixture
def _alarms_raise():
    """Make SIGALRM raise `Alarm`."""

    def handler(*_):
        raise Alarm

    before = signal.signal(signal.SIGALRM, handler)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs signal.setitimer")
@pytest.mark.usefixtures("_alarms_raise")
def test_a_signal_handler_does_not_interrupt_the_function():
    """A handler that raises ends the wait; the function runs to its end nevertheless."""
    may_end, ended = threading.Event(), threading.Event()

    def function():
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        may_end.wait(10)
        ended.set()

    with pytest.raises(Alarm):
        run_apart(function)
    assert not ended.is_set()
    may_end.set()
    assert ended.wait(10)


def test_no_thread_remains():
    """The thread has ended soon after the call, also if the function raised."""
    before = _thread._count()
    for function in (int, lambda: 1 / 0):
        with suppress(ZeroDivisionError):
            run_apart(function)
    for _ in range(1_000_000):
        if _thread._count() <= before:
            return
    raise AssertionError("a thread remains")


def test_the_thread_is_not_listed():
    """A function that asks for its thread, as garbage collection may, leaves no trace."""
    before = threading.enumerate()
    run_apart(threading.current_thread)
    assert threading.enumerate() == before
