"""Lines of pyzmq: raw to another process or thread, and the timed kit to another thread."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

import zmq

from pushpull_kit import Context, Worker

from .line import LIMIT_S, MARK, Line, consume, count, take_count
from .processes import consumer

LIMIT_MS = int(LIMIT_S * 1000)


@contextmanager
def _endpoint(transport: str) -> Iterator[str]:
    """Yield an endpoint to bind. For ipc it lies in a temporary folder."""
    if transport == "ipc":
        with tempfile.TemporaryDirectory() as folder:
            yield f"ipc://{folder}/line"
    else:
        yield {"tcp": "tcp://127.0.0.1:*", "inproc": "inproc://line"}[transport]


def _bind(socket: zmq.Socket[bytes], endpoint: str) -> str:
    socket.bind(endpoint)
    return socket.get_string(zmq.LAST_ENDPOINT)


@contextmanager
def raw_to_process(transport: str, size: int) -> Iterator[Line]:
    """PUSH to a PULL in another process, both plain pyzmq with default settings."""
    with (
        _endpoint(transport) as endpoint,
        zmq.Context() as context,
        context.socket(zmq.PUSH) as push,
        context.socket(zmq.PULL) as counts,
    ):
        push.linger, push.sndtimeo, counts.rcvtimeo = 0, LIMIT_MS, LIMIT_MS
        messages_at, counts_at = _bind(push, endpoint), _bind(counts, "tcp://127.0.0.1:*")
        with consumer("zmq", messages_at, counts_at):

            def finish() -> int:
                push.send(MARK)
                return int(counts.recv())

            yield Line(push.send, finish, bytes(size))


@contextmanager
def raw_to_thread(transport: str, size: int) -> Iterator[Line]:
    """PUSH to a PULL in another thread, both plain pyzmq with default settings."""
    with zmq.Context() as context:
        yield from _to_thread(context, transport, size)


@contextmanager
def timed_to_thread(transport: str, size: int) -> Iterator[Line]:
    """The kit's timed PUSH to a thread with a plain pyzmq PULL."""
    with Context() as context:
        yield from _to_thread(context, transport, size)


def _to_thread(
    context: zmq.Context[zmq.Socket[bytes]], transport: str, size: int
) -> Iterator[Line]:
    counts: SimpleQueue[int] = SimpleQueue()
    with _endpoint(transport) as endpoint:
        pull = zmq.Socket(context, zmq.PULL)  # not timed, whichever context it has
        bound = _bind(pull, endpoint)

        def serve() -> None:
            with pull:
                try:
                    consume(pull.recv, counts.put)
                except zmq.ContextTerminated:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        push = context.socket(zmq.PUSH)
        push.sndtimeo = LIMIT_MS
        push.connect(bound)

        try:
            yield _from_thread(push, counts, size)
        finally:
            push.close(linger=0)
            context.term()  # ends the recv of the thread, which then closes its socket
            thread.join(LIMIT_S)


def _from_thread(push: zmq.Socket[bytes], counts: SimpleQueue[int], size: int) -> Line:
    """Return a line whose consumer passes its counts through a queue."""

    def finish() -> int:
        push.send(MARK)
        return counts.get(timeout=LIMIT_S)

    return Line(push.send, finish, bytes(size))


@contextmanager
def kit_to_worker(transport: str, size: int) -> Iterator[Line]:
    """A timed PUSH and a `Worker`, which is a timed PULL in a thread."""
    counts: SimpleQueue[int] = SimpleQueue()

    def handler(message: bytes) -> None:
        if message:
            count(message)
        else:
            counts.put(take_count())

    with (
        _endpoint(transport) as endpoint,
        Context() as context,
        Worker(handler, bind=endpoint, context=context, receive="bytes") as worker,
    ):
        push = context.socket(zmq.PUSH)
        push.sndtimeo = LIMIT_MS
        push.connect(worker.endpoint)

        try:
            yield _from_thread(push, counts, size)
        finally:
            push.close(linger=0)
