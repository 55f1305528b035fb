"""A context makes timed sockets, and is terminated in bounded time."""

import subprocess
import sys
import textwrap
import threading
import warnings
from contextlib import contextmanager

import pytest
import zmq
import zmq.asyncio

from pushpull_kit import Context, Worker, WrongThreadError, fresh_context
from pushpull_kit.sockets.pull import TimedPull
from pushpull_kit.sockets.push import TimedPush


@pytest.mark.parametrize("kind", [zmq.PUB, zmq.REQ, zmq.PAIR, zmq.DEALER])
def test_other_socket_types_are_pyzmqs(context, kind):
    """Sockets that are neither PUSH nor PULL are pyzmq's own."""
    socket = context.socket(kind)
    assert type(socket) is zmq.Socket
    socket.close()


def test_asyncio_sockets_may_share_the_context(context):
    """An asyncio socket made from the context is pyzmq's own."""
    socket = context.socket(zmq.PULL, socket_class=zmq.asyncio.Socket)
    assert isinstance(socket, zmq.asyncio.Socket)
    socket.close()


def test_context_defaults_reach_timed_sockets(context):
    """Options set on the context apply to the sockets that it makes."""
    context.sndhwm = 7
    assert context.socket(zmq.PUSH).sndhwm == 7


def test_instance_is_not_that_of_zmq():
    """`Context.instance()` is timed, and is not `zmq.Context.instance()`."""
    plain = zmq.Context.instance()
    timed = Context.instance()
    try:
        assert type(timed) is Context
        assert timed is not plain
    finally:
        timed.term()
        plain.term()


def test_fresh_context_closes_the_last_one():
    """`fresh_context` terminates the last one, closes its sockets, and frees its port at once."""
    address = "tcp://127.0.0.1:*"
    for _ in range(20):
        context = fresh_context()
        socket = context.socket(zmq.PUSH)
        socket.bind(address)
        address = socket.last_endpoint.decode()
        with pytest.raises(zmq.Again):
            socket.send(b"", zmq.NOBLOCK)
    last = fresh_context()
    assert context.closed
    assert socket.closed
    last.term()


def test_fresh_context_does_not_freeze_on_unsent_messages():
    """A message without a receiver does not delay `fresh_context` without limit."""
    context = fresh_context()
    socket = context.socket(zmq.PUSH)
    socket.connect("tcp://127.0.0.1:9")
    socket.send(b"without a receiver")
    fresh_context().term()
    assert context.closed


@contextmanager
def a_thread_that_owns_a_socket(context, kind=zmq.PULL):
    """Run a thread that polls a socket, and closes it at the end of the block."""
    ready, may_end = threading.Event(), threading.Event()

    def own():
        socket = context.socket(kind)
        socket.poll(0)
        ready.set()
        may_end.wait()
        socket.close()

    thread = threading.Thread(target=own)
    thread.start()
    ready.wait()
    try:
        yield
    finally:
        may_end.set()
        thread.join()


@pytest.mark.parametrize("kind", [zmq.PULL, zmq.PAIR], ids=["timed", "not timed"])
def test_fresh_context_does_not_close_sockets_of_other_threads(kind):
    """A socket of a living thread is not closed, and a warning names it."""
    context = fresh_context()
    with (
        a_thread_that_owns_a_socket(context, kind),
        pytest.warns(RuntimeWarning, match="belongs to a thread that is still running"),
    ):
        fresh = fresh_context()
    fresh.term()
    terminations = [t for t in threading.enumerate() if t.name == "context-term"]
    for termination in terminations:
        termination.join(5)
    assert context.closed


def test_destroy_raises_before_it_closes_anything(strict_context):
    """`destroy` raises if another thread owns a socket, and all sockets stay open."""
    mine = strict_context.socket(zmq.PUSH)
    mine.poll(0, zmq.POLLOUT)
    with a_thread_that_owns_a_socket(strict_context):
        with pytest.raises(WrongThreadError):
            strict_context.destroy()
        assert not mine.closed


def test_destroy_raises_before_it_stops_a_worker(strict_context):
    """`destroy` raises if another thread owns a socket, and workers go on."""
    with (
        Worker(print, bind="tcp://127.0.0.1:*", context=strict_context) as worker,
        a_thread_that_owns_a_socket(strict_context),
    ):
        with pytest.raises(WrongThreadError):
            strict_context.destroy()
        assert worker.running


def test_destroy_stops_workers(context):
    """`destroy` stops the context's workers, and warns that they were not stopped."""
    worker = Worker(print, bind="tcp://127.0.0.1:*", context=context).start()
    with pytest.warns(ResourceWarning, match="was not stopped"):
        context.destroy()
    assert not worker.running
    assert not context.workers


def test_destroying_a_closed_context_does_nothing(context):
    """`destroy` after `term` does not warn again."""
    worker = Worker(print, bind="tcp://127.0.0.1:*", context=context).start()
    with pytest.warns(ResourceWarning, match="was not stopped"):
        context.term()
    context.destroy()
    worker.stop()


def test_workers_are_stopped_at_the_same_time(context):
    """A worker whose handler waits for the end of another worker does not delay `retire`."""
    started = threading.Event()

    def wait_for_the_other(text):
        started.set()
        other.join()

    Worker(wait_for_the_other, bind="inproc://jobs", context=context, name="first").start()
    other = Worker(print, bind="inproc://idle", context=context, name="second").start().thread
    push = context.socket(zmq.PUSH)
    push.connect("inproc://jobs")
    push.send(b"x")
    started.wait(10)
    context.retire(10)
    assert not context.workers


def test_collecting_a_context_is_bounded():
    """Collecting a context with an unsent message takes a bounded time (pyzmq: no limit)."""
    code = """
        import warnings, zmq
        from pushpull_kit import Context
        warnings.simplefilter("ignore")
        def cell():
            socket = Context().socket(zmq.PUSH)
            socket.connect("tcp://127.0.0.1:9")
            socket.send(b"without a receiver")
        cell()
        import gc; gc.collect()
        print("alive")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=30
    )
    assert done.stdout == "alive\n"


def test_term_warns_of_a_running_worker(context):
    """`term` ends a running worker, and warns that it was not stopped."""
    worker = Worker(print, bind="tcp://127.0.0.1:*", context=context).start()
    with pytest.warns(ResourceWarning, match="was not stopped"):
        context.term()
    worker.stop()


def test_push_and_pull_are_timed_by_default(context):
    """PUSH and PULL are timed by default, and `socket_class` selects another class."""
    assert isinstance(context.socket(zmq.PUSH), TimedPush)
    assert isinstance(context.socket(zmq.PULL), TimedPull)
    assert type(context.socket(zmq.PUSH, socket_class=zmq.Socket)) is zmq.Socket


def test_importing_raises_no_warning():
    """The package imports cleanly with every warning an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        subprocess.run([sys.executable, "-W", "error", "-c", "import pushpull_kit"], check=True)


def test_the_class_can_be_subscripted():
    """`Context[zmq.Socket]` works in annotations, as `zmq.Context[zmq.Socket]` does."""
    assert Context[zmq.Socket].__origin__ is Context


def test_pyzmqs_modules_can_be_imported_with_the_context_in_pyzmqs_place():
    """`zmq.green` and pyzmq's event loops derive from `zmq.Context`, whichever that is."""
    code = """
        import zmq
        from pushpull_kit import Context
        zmq.Context = Context
        import zmq.asyncio, zmq.eventloop.future
        context = zmq.asyncio.Context()
        assert isinstance(context, Context), type(context).__mro__
        socket = context.socket(zmq.PUSH)
        assert isinstance(socket, zmq.asyncio.Socket)
        socket.close()
        context.term()
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_subclass_may_have_a_socket_class():
    """A subclass's `_socket_class` makes its sockets, and gets the arguments of `socket`."""

    class Socket(zmq.Socket):
        test_kwarg_value = None

        def __init__(self, *args, test_kwarg=None, **kwargs):
            super().__init__(*args, **kwargs)
            self.test_kwarg_value = test_kwarg

    class Subclass(Context):
        _socket_class = Socket

    with Subclass() as context, context.socket(zmq.PUSH, test_kwarg="x") as socket:
        assert type(socket) is Socket
        assert socket.test_kwarg_value == "x"
