"""What a handler may do to its own worker and context, and what may fail around it."""

import logging
import threading
import time
from contextlib import contextmanager

import pytest
import zmq
from faults import DEADLINE_S, counts, needs_proc

from pushpull_kit import Context, Worker, fresh_context
from pushpull_kit.sockets.context import RETIRE_TIMEOUT_S


@pytest.fixture
def push(raw_context):
    """A PUSH of a plain context, so that no socket of the worker's context is open."""
    return raw_context.socket(zmq.PUSH)


@pytest.fixture
def timed_push(context):
    """A PUSH of the worker's context."""
    return context.socket(zmq.PUSH)


def ended(thread):
    """Wait for the end of a worker's thread, and return whether it came."""
    thread.join(DEADLINE_S)
    return not thread.is_alive()


# A handler that ends its context


@pytest.mark.parametrize("end", ["destroy", "term"])
def test_a_handler_may_end_its_context(push, end):
    """A handler that destroys or terminates its context returns, and the worker ends."""
    context = Context()
    worker = Worker(
        lambda text: getattr(context, end)(), bind="tcp://127.0.0.1:*", context=context
    ).start()
    thread = worker.thread
    push.connect(worker.endpoint)
    push.send(b"x")
    assert ended(thread)
    assert context.closed
    assert not context.workers
    assert not worker.errors
    assert worker.finished == 1
    worker.stop()
    assert not worker.running


@pytest.mark.filterwarnings("ignore:.*was not stopped:ResourceWarning")  # of the other worker
@pytest.mark.parametrize("end", ["destroy", "term"])
def test_each_of_two_handlers_may_end_their_context(raw_context, end):
    """Two handlers that end the same context at the same moment return, and both workers end."""
    context = Context()
    both = threading.Barrier(2)

    def handler(text):
        both.wait(DEADLINE_S)
        getattr(context, end)()

    workers = [
        Worker(handler, bind="tcp://127.0.0.1:*", context=context, name=name).start()
        for name in ("a", "b")
    ]
    threads = [worker.thread for worker in workers]
    began_s = time.monotonic()
    for worker in workers:
        push = raw_context.socket(zmq.PUSH)
        push.connect(worker.endpoint)
        push.send(b"x")
    assert all(map(ended, threads))
    assert time.monotonic() - began_s < RETIRE_TIMEOUT_S
    assert context.closed
    assert not [worker.errors for worker in workers if worker.errors]
    for worker in workers:
        worker.stop()


def test_a_handler_may_destroy_its_context_while_another_thread_waits_for_its_end(push):
    """While another thread terminates the context, a handler may destroy it too."""
    context = Context()
    entered, terminating = threading.Event(), threading.Event()

    def handler(text):
        entered.set()
        terminating.wait(DEADLINE_S)
        context.destroy()

    worker = Worker(handler, bind="tcp://127.0.0.1:*", context=context).start()
    thread = worker.thread
    push.connect(worker.endpoint)
    push.send(b"x")
    assert entered.wait(DEADLINE_S)
    assert not context.terminate_within(0.05)
    terminating.set()
    assert context.terminate_within(DEADLINE_S)
    assert ended(thread)
    assert not worker.errors
    worker.stop()


@pytest.mark.filterwarnings("ignore:.*was not stopped:ResourceWarning")
@pytest.mark.parametrize("end", ["destroy", "term"])
def test_a_handler_and_another_thread_may_end_the_context(push, end):
    """While another thread is in `term`, a handler may end the context too."""
    context = Context()
    entered, terminating = threading.Event(), threading.Event()

    def handler(text):
        entered.set()
        terminating.wait(DEADLINE_S)
        getattr(context, end)()

    idle = Worker(print, bind="inproc://idle", context=context, name="idle").start()
    worker = Worker(handler, bind="tcp://127.0.0.1:*", context=context).start()
    threads = [idle.thread, worker.thread, threading.Thread(target=context.term)]
    push.connect(worker.endpoint)
    push.send(b"x")
    assert entered.wait(DEADLINE_S)
    threads[2].start()
    assert ended(threads[0])  # zmq_ctx_term has woken it up
    terminating.set()
    assert all(map(ended, threads))
    assert context.closed
    assert not worker.errors
    worker.stop()
    idle.stop()


def test_other_workers_end_when_a_handler_destroys_the_context(push):
    """`destroy` in a handler stops the other workers, with the usual warning."""
    context = Context()
    other = Worker(print, bind="inproc://other", context=context, name="other").start()
    seen = []

    def handler(text):
        with pytest.warns(ResourceWarning, match="'other'.*was not stopped") as warnings:
            context.destroy()
        seen.extend(str(warning.message) for warning in warnings)

    worker = Worker(handler, bind="tcp://127.0.0.1:*", context=context).start()
    thread = worker.thread
    push.connect(worker.endpoint)
    push.send(b"x")
    assert ended(thread)
    assert not worker.errors
    assert len(seen) == 1
    assert not other.running
    assert context.closed
    worker.stop()


def test_a_handler_may_make_a_fresh_context(push):
    """`fresh_context` in a handler closes the handler's context without delay."""
    context = fresh_context()
    made = []
    worker = Worker(
        lambda text: made.append(fresh_context()), bind="tcp://127.0.0.1:*", context=context
    ).start()
    thread = worker.thread
    push.connect(worker.endpoint)
    push.send(b"x")
    assert ended(thread)
    assert not worker.errors
    assert context.closed
    assert Context.instance() is made[0]
    worker.stop()


# A handler that ends its worker


def test_a_handler_may_restart_its_worker_for_each_message(context, timed_push):
    """A worker whose handler stops and starts it for each message handles all of them."""

    def handler(text):
        worker.stop()
        worker.start()

    with Worker(handler, bind="tcp://127.0.0.1:*", context=context) as worker:
        thread = worker.thread
        timed_push.connect(worker.endpoint)
        for _ in range(1_000):
            timed_push.send(b"x")
        worker.wait(1_000)
        assert worker.thread is thread
    assert counts(context.timings.summary()) == {"pushed": 1_000, "handled": 1_000}
    assert not worker.errors


# Logging that fails


@contextmanager
def logging_to(emit):
    """During the block, this function gets what the package logs."""
    handler = logging.Handler()
    handler.emit = emit
    logger = logging.getLogger("pushpull_kit")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


@pytest.mark.parametrize("error", [OSError("disk full"), SystemExit(1), KeyboardInterrupt()])
def test_a_worker_goes_on_when_logging_fails(context, timed_push, error):
    """A logging handler that raises ends no worker: each failure is kept and counted."""

    def emit(record):
        raise error

    with (
        logging_to(emit),
        Worker(lambda text: 1 / int(text), bind="tcp://127.0.0.1:*", context=context) as worker,
    ):
        timed_push.connect(worker.endpoint)
        for text in (b"0", b"0", b"1"):
            timed_push.send(text)
        worker.wait(3)
        assert worker.running
    assert len(worker.errors) == 2
    assert counts(context.timings.summary()) == {"pushed": 3, "handled": 1, "failed": 2}


# No free descriptor


NO_DESCRIPTOR = """
import os, resource, zmq
from pushpull_kit import Context, PushPullError, Worker

context = Context()
worker = Worker(print, bind="tcp://127.0.0.1:*", context=context).start()
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
taken = []
try:
    while True:
        taken.append(os.dup(0))
except OSError:
    pass
try:
    Worker(print, bind="inproc://other", context=context, name="other").start()
except PushPullError as error:
    say(str(error))
worker.stop(1)
say(worker.running)
context.term()
say(context.closed)
"""


@needs_proc
def test_without_a_free_descriptor_workers_stop_and_none_starts(child):
    """When no descriptor is free, a worker can be stopped, and `start` names the limits."""
    process = child(NO_DESCRIPTOR)
    assert "expected two free sockets, and free descriptors" in process.hear()
    assert process.hear() is False
    assert process.hear() is True
