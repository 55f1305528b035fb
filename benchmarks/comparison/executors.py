"""Lines through the executors of `concurrent.futures`, one thread or one process each."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

from .line import LIMIT_S, Line, count, take_count
from .queues import SPAWN


@contextmanager
def thread_pool(size: int) -> Iterator[Line]:
    """`ThreadPoolExecutor` with one thread."""
    with ThreadPoolExecutor(1) as executor:
        yield _through(executor.submit, size)


@contextmanager
def process_pool(size: int) -> Iterator[Line]:
    """`ProcessPoolExecutor` with one process."""
    with ProcessPoolExecutor(1, SPAWN, initializer=_ignore_interrupts) as executor:
        yield _through(executor.submit, size)


def _through(submit: Callable[..., Future[Any]], size: int) -> Line:
    # One worker runs tasks in order, so this count includes all tasks submitted before.
    def finish() -> int:
        return int(submit(take_count).result(LIMIT_S))

    return Line(partial(submit, count), finish, bytes(size))


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops this process
