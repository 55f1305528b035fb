"""The lines that are compared, and their names in the table."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NamedTuple

from . import clusters, executors, native, queues, services, zeromq
from .line import Measurable

Opener = Callable[[int], AbstractContextManager[Measurable]]  # takes the size of a message

BYTES = 8  # size of a message in the table of ways
SIZES = {"8 B": 8, "1 kB": 1_000, "64 kB": 64_000, "1 MB": 1_000_000}
TRANSPORTS = ("tcp", "ipc", "inproc")

IN_QUEUE = "it is in a queue of this process"
IN_LIBZMQ = "it is in libzmq's queue"


class Contender(NamedTuple):
    """A line and its description."""

    group: str  # of rows in the table: "ways" or "kit"
    name: str
    to: str  # where the consumer is: "thread" or "process"
    waits_for: str  # the caller waits until ...
    size: int
    open: Opener
    beside: str  # name of the line that it alternates with
    open_beside: Opener


def ways() -> list[Contender]:
    """Return the ways to hand over a message. Each alternates with raw pyzmq, tcp, to a process."""
    thread, process = "thread", "process"
    raw_tcp: Opener = partial(zeromq.raw_to_process, "tcp")
    lines: list[tuple[str, str, str, Any]] = [
        ("raw pyzmq, tcp", process, IN_LIBZMQ, raw_tcp),
        ("raw pyzmq, ipc", process, IN_LIBZMQ, partial(zeromq.raw_to_process, "ipc")),
        ("raw pyzmq, tcp", thread, IN_LIBZMQ, partial(zeromq.raw_to_thread, "tcp")),
        ("raw pyzmq, inproc", thread, IN_LIBZMQ, partial(zeromq.raw_to_thread, "inproc")),
        ("pushpull_kit, tcp", thread, IN_LIBZMQ, partial(zeromq.kit_to_worker, "tcp")),
        ("libzmq in C, tcp", thread, IN_LIBZMQ, partial(native.libzmq, "tcp")),
        ("libzmq in C, inproc", thread, IN_LIBZMQ, partial(native.libzmq, "inproc")),
        ("queue.SimpleQueue", thread, IN_QUEUE, queues.simple_queue),
        ("queue.Queue", thread, IN_QUEUE, queues.queue_queue),
        ("multiprocessing.Queue", process, IN_QUEUE, queues.multiprocessing_queue),
        ("ThreadPoolExecutor", thread, IN_QUEUE, executors.thread_pool),
        ("ProcessPoolExecutor", process, IN_QUEUE, executors.process_pool),
        ("HTTP keep-alive", process, "the answer is here", services.http_keep_alive),
        ("Redis list", process, "the server has it", services.redis_list),
        ("ipyparallel", process, IN_QUEUE, clusters.ipyparallel_engine),
        ("dask.distributed", process, IN_QUEUE, clusters.dask_worker),
    ]
    return [
        Contender("ways", *line[:3], BYTES, line[3], "raw pyzmq, tcp, process", raw_tcp)
        for line in lines
    ]


def kit() -> list[Contender]:
    """Return the timed kit. It alternates with raw pyzmq to a thread, same transport and size."""
    return [
        Contender(
            "kit",
            f"{what}, {transport}, {size}",
            "thread",
            IN_LIBZMQ,
            n_bytes,
            partial(opened, transport),
            f"raw pyzmq, {transport}, {size}",
            partial(zeromq.raw_to_thread, transport),
        )
        for what, opened in (
            ("PUSH", zeromq.timed_to_thread),
            ("PUSH and Worker", zeromq.kit_to_worker),
        )
        for transport in TRANSPORTS
        for size, n_bytes in SIZES.items()
    ]
