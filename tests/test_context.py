"""A context makes timed sockets, and ends in bounded time whatever is left in it."""

import subprocess
import sys
import textwrap
import threading
import warnings
from contextlib import contextmanager

import pytest
import zmq
import zmq.asyncio

from pushpull_kit import Context, WrongThreadError, fresh_context
from pushpull_kit.sockets.timed import TimedPull, TimedPush


@pytest.mark.parametrize("kind", [zmq.PUB, zmq.REQ, zmq.PAIR, zmq.DEALER])
def test_other_types_pass_through(context, kind):
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


def test_instance_is_not_zmqs():
    """`Context.instance()` is timed, whatever `zmq.Context.instance()` was before."""
    plain = zmq.Context.instance()
    timed = Context.instance()
    try:
        assert type(timed) is Context
        assert timed is not plain
    finally:
        timed.term()
        plain.term()


def test_fresh_context_closes_the_last_one():
    """The last fresh context is terminated, its sockets closed, and its port free at once."""
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
    """A PUSH that queued to nobody, lingering for ever, is dropped in bounded time."""
    context = fresh_context()
    socket = context.socket(zmq.PUSH)
    socket.connect("tcp://127.0.0.1:9")
    socket.send(b"to nobody")
    fresh_context().term()
    assert context.closed


@contextmanager
def a_thread_that_owns_a_socket(context):
    """A thread that has bound a PULL, and closes it at the end of the block."""
    ready, over = threading.Event(), threading.Event()

    def own():
        socket = context.socket(zmq.PULL)
        socket.bind("tcp://127.0.0.1:*")
        ready.set()
        over.wait()
        socket.close()

    thread = threading.Thread(target=own)
    thread.start()
    ready.wait()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_fresh_context_leaves_other_threads_sockets_alone():
    """A socket that a living thread owns is not touched, and a warning names it."""
    context = fresh_context()
    with (
        a_thread_that_owns_a_socket(context),
        pytest.warns(RuntimeWarning, match="belongs to a thread that is still running"),
    ):
        fresh = fresh_context()
    fresh.term()
    enders = [t for t in threading.enumerate() if t.name == "context-term"]
    for ender in enders:
        ender.join(5)
    assert context.closed


def test_destroy_refuses_before_it_closes_anything(context):
    """`destroy` with another thread's socket raises, and all sockets are still open."""
    mine = context.socket(zmq.PUSH)
    mine.bind("tcp://127.0.0.1:*")
    with a_thread_that_owns_a_socket(context):
        with pytest.raises(WrongThreadError):
            context.destroy()
        assert not mine.closed


def test_a_forgotten_context_does_not_freeze():
    """Collecting a context with a message to nobody waits a bounded time (pyzmq: for ever)."""
    code = """
        import warnings, zmq
        from pushpull_kit import Context
        warnings.simplefilter("ignore")
        def cell():
            socket = Context().socket(zmq.PUSH)
            socket.connect("tcp://127.0.0.1:9")
            socket.send(b"to nobody")
        cell()
        import gc; gc.collect()
        print("alive")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=30
    )
    assert done.stdout == "alive\n"


def test_term_warns_of_a_forgotten_worker(context):
    """`term` with a running worker ends it, and says that it should have been stopped."""
    from pushpull_kit import Worker

    worker = Worker(print, bind="tcp://127.0.0.1:*", context=context).start()
    with pytest.warns(ResourceWarning, match="was not stopped"):
        context.term()
    worker.stop()


def test_timed_classes_are_what_context_makes(context):
    """PUSH and PULL come timed by default, and pyzmq's own class can still be asked for."""
    assert isinstance(context.socket(zmq.PUSH), TimedPush)
    assert isinstance(context.socket(zmq.PULL), TimedPull)
    assert type(context.socket(zmq.PUSH, socket_class=zmq.Socket)) is zmq.Socket


def test_importing_raises_no_warning():
    """The package imports cleanly with every warning an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        subprocess.run([sys.executable, "-W", "error", "-c", "import pushpull_kit"], check=True)
