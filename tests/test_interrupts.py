"""A KeyboardInterrupt is deferred until a block of code is done."""

import signal
import threading

import pytest

from pushpull_kit.recording.interrupts import interrupt_deferred


@pytest.fixture
def set_handler():
    """Return a function that sets the handler of SIGINT; it is reset at the end of the test."""
    before = signal.getsignal(signal.SIGINT)
    yield lambda handler: signal.signal(signal.SIGINT, handler)
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_is_raised_after_the_block(set_handler):
    """An interrupt in the block is raised when the block is done, and not before."""
    set_handler(signal.default_int_handler)
    done = []

    def interrupted():
        with interrupt_deferred():
            signal.raise_signal(signal.SIGINT)
            done.append("the rest of the block")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done


def test_several_interrupts_are_one(set_handler):
    """However often an interrupt occurs in the block, the handler is called once."""
    calls = []
    set_handler(lambda *args: calls.append(args))
    with interrupt_deferred():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert calls == []
    assert [number for number, _ in calls] == [signal.SIGINT]


def test_the_handler_is_set_again_after_the_block(set_handler):
    """After the block, an interrupt is not deferred any more."""
    set_handler(signal.default_int_handler)
    with interrupt_deferred():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_ignored_interrupt_is_ignored_in_the_block(set_handler):
    """A process that ignores interrupts, such as a background job of a shell, goes on doing so."""
    set_handler(signal.SIG_IGN)
    with interrupt_deferred():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_another_thread_leaves_the_handler_alone(set_handler):
    """In another thread than the main one, the block changes no handler."""
    set_handler(signal.default_int_handler)
    seen = []

    def use():
        with interrupt_deferred():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
