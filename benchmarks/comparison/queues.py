"""Lines through queues of the standard library, to a thread or to a process."""

from __future__ import annotations

import multiprocessing
import queue
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from .line import LIMIT_S, MARK, STOP, Line, consume

# "spawn", because a forked process would inherit locks of threads and contexts of libzmq.
SPAWN = multiprocessing.get_context("spawn")


def simple_queue(size: int) -> Any:
    """`queue.SimpleQueue` to a thread."""
    return _through(queue.SimpleQueue, threading.Thread, size)


def queue_queue(size: int) -> Any:
    """`queue.Queue` to a thread."""
    return _through(queue.Queue, threading.Thread, size)


def multiprocessing_queue(size: int) -> Any:
    """`multiprocessing.Queue` to a process."""
    return _through(SPAWN.Queue, SPAWN.Process, size)


@contextmanager
def _through(kind: Any, consumer: Any, size: int) -> Iterator[Line]:
    messages, counts = kind(), kind()
    other = consumer(target=_serve, args=(messages, counts), daemon=True)
    other.start()

    def finish() -> int:
        messages.put(MARK)
        return int(counts.get(timeout=LIMIT_S))

    try:
        yield Line(messages.put, finish, bytes(size))
    finally:
        messages.put(STOP)
        other.join(5)
        if isinstance(other, multiprocessing.process.BaseProcess):
            other.kill()  # in case it has not ended
            other.join()
            other.close()
            for ended in (messages, counts):
                ended.close()
                ended.cancel_join_thread()


def _serve(messages: Any, counts: Any) -> None:
    if multiprocessing.parent_process():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops this process
    consume(partial(messages.get), counts.put)
