"""After an Interrupt during a stop, the kit still knows which threads run.

An exception inside `Thread.join` makes Python 3.11 mark a running thread as ended (bpo-45274), and
an Interrupt raises such an exception.
"""

import os
import signal
import sys
import threading
from contextlib import contextmanager

import pytest
import zmq
from faults import DEADLINE_S, counts, needs_signals, until

from pushpull_kit import Context, Worker, WorkerStuckError

pytestmark = needs_signals

MAIN = threading.main_thread()


@contextmanager
def interrupted(function):
    """Send SIGINT in the block as soon as the main thread waits in this function."""

    def press():
        until(waits, f"the main thread waits in {function.__qualname__}")
        signal.pthread_kill(MAIN.ident, signal.SIGINT)

    def waits():
        frame, codes = sys._current_frames()[MAIN.ident], []
        innermost = os.path.basename(frame.f_code.co_filename)
        while frame is not None:
            codes.append(frame.f_code)
            frame = frame.f_back
        return innermost == "threading.py" and function.__code__ in codes

    # A process started in the background of a shell script may ignore SIGINT.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    presser = threading.Thread(target=press)
    presser.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        presser.join(DEADLINE_S)
        signal.signal(signal.SIGINT, before)


@pytest.fixture
def busy(context):
    """A worker with a message in its handler, and the event that lets the handler return."""
    entered, over = threading.Event(), threading.Event()

    def handler(text):
        entered.set()
        over.wait(DEADLINE_S)

    worker = Worker(handler, bind="tcp://127.0.0.1:*", context=context).start()
    push = context.socket(zmq.PUSH)
    push.connect(worker.endpoint)
    push.send(b"")
    assert entered.wait(DEADLINE_S)
    try:
        yield worker, over
    finally:
        over.set()


def test_a_worker_runs_on_after_an_interrupted_stop(busy, context):
    """After an Interrupt in `stop`, a worker whose handler has not returned is running."""
    worker, over = busy
    with interrupted(Worker.stop):
        worker.stop(DEADLINE_S)
    assert worker.running
    assert counts(context.timings.summary()) == {"pushed": 1, "handling": 1}
    over.set()
    worker.stop(DEADLINE_S)
    assert not worker.running
    assert counts(context.timings.summary()) == {"pushed": 1, "handled": 1}


def test_an_interrupted_stop_may_be_repeated(busy):
    """After an Interrupt in `stop`, the next `stop` reports that the handler has not returned."""
    worker, _ = busy
    with interrupted(Worker.stop):
        worker.stop(DEADLINE_S)
    with pytest.raises(WorkerStuckError):
        worker.stop(0.05)


def test_a_worker_is_not_doubled_after_an_interrupted_stop(busy, monkeypatch):
    """After an Interrupt in `stop`, `start` adds no thread while the handler has not returned."""
    worker, over = busy
    with interrupted(Worker.stop):
        worker.stop(DEADLINE_S)
    threads = threading.active_count()
    monkeypatch.setattr("pushpull_kit.sockets.worker.REPLACE_TIMEOUT_S", 0.05)
    with pytest.raises(WorkerStuckError):
        worker.start()
    assert threading.active_count() == threads
    over.set()
    worker.stop(DEADLINE_S)
    assert worker.start().running


@contextmanager
def held(context):
    """During the block, a raw socket of this context is open in a live thread."""
    opened, over = threading.Event(), threading.Event()

    def hold():
        with zmq.Socket(context, zmq.PAIR):
            opened.set()
            over.wait(DEADLINE_S)

    holder = threading.Thread(target=hold)
    holder.start()
    assert opened.wait(DEADLINE_S)
    try:
        yield
    finally:
        over.set()
        holder.join(DEADLINE_S)


def enders():
    return [thread for thread in threading.enumerate() if thread.name == "context-term"]


def test_a_context_is_terminated_once_after_an_interrupted_retirement():
    """After an Interrupt during termination, the next attempt waits for the same termination."""
    context = Context()
    with held(context):
        with interrupted(Context.terminate_within):
            context.retire(DEADLINE_S)
        with pytest.warns(RuntimeWarning, match="could not be closed"):
            context.retire(0.1)
        assert len(enders()) == 1
        assert not context.closed
    context.term()
    assert context.closed
