"""The instrument as a whole: CPU time of a process whose messages are timed, over plain pyzmq.

The process has one pair of threads and nothing else to do than to hand over messages of 8 bytes
over tcp. Its CPU time includes libzmq's threads, and everything until the log is up to date.
"""

from __future__ import annotations

import math
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from time import perf_counter_ns as clock_ns
from typing import NamedTuple

from . import Row, instrumented
from .instrumented import Program

# Many short bursts: the speed of a shared machine changes within a second.
N = 10_000  # messages of a burst
N_SLOW = 1_000  # ... with an instrument that takes much longer
PAYLOADS = [b"%08d" % number for number in range(N)]
PROCESSES = 5  # of each program
PAIRS = 20  # of bursts in each of them

SOCKETS_BOUND = ("<=", 3.5)
WORKER_BOUND = ("<=", 3.5)


class Kind(NamedTuple):
    """A kind of program, and what its row says."""

    what: str
    open: Callable[[], AbstractContextManager[Program]]
    details: str
    bound: tuple[str, float] | None = None
    burst: int = N  # messages
    module: str = "zmq"  # what must be installed
    package: str = "pyzmq"  # ... and its name in the package index


KINDS = {
    "plain": Kind(
        "CPU time of a process until its log is up to date: plain pyzmq, over plain pyzmq",
        instrumented.plain,
        "8 bytes over tcp, between two threads; shows how exact the next figures are",
    ),
    "sockets": Kind(
        "... timed PUSH and PULL, over plain pyzmq",
        instrumented.timed_sockets,
        "a send and a receipt of each message, matched",
        SOCKETS_BOUND,
    ),
    "worker": Kind(
        "... timed PUSH and Worker, over plain pyzmq",
        instrumented.worker,
        "the same; the handler gets bytes",
        WORKER_BOUND,
    ),
    "by hand": Kind(
        "... by hand: two perf_counter_ns and a list append on each side",
        instrumented.by_hand,
        "not matched, without bound",
    ),
    "logging": Kind(
        "... logging: a line in a file on each side",
        instrumented.log_file,
        "time, thread and payload",
        burst=N_SLOW,
    ),
    "OpenTelemetry": Kind(
        "... OpenTelemetry: a span on each side, a batch processor",
        instrumented.opentelemetry,
        "the exporter drops the spans",
        burst=N_SLOW,
        module="opentelemetry.sdk",
        package="opentelemetry-sdk",
    ),
    "viztracer": Kind(
        "... viztracer: each call of a Python function",
        instrumented.viztracer,
        "in its buffer, not read",
        module="viztracer",
        package="viztracer",
    ),
    "viztracer, saved": Kind(
        "... viztracer, and its trace saved to a file",
        instrumented.viztracer_saved,
        "the same calls as JSON",
        burst=N_SLOW,
        module="viztracer",
        package="viztracer",
    ),
}


class Cost(NamedTuple):
    """What a message takes, on average over a burst."""

    cpu_us: float
    wall_us: float


class Comparison(NamedTuple):
    """Medians over the pairs of bursts of two processes."""

    cpu_ratio: float
    wall_ratio: float
    cpu_us: float  # of a message


def rows() -> Iterator[Row]:
    """Yield the CPU time of each kind of program, over that of plain pyzmq.

    Each figure is the median of the medians of several processes. Each program has a process of its
    own, so that no instrument disturbs another. Its bursts alternate with those of plain pyzmq.
    """
    comparisons: dict[str, list[Comparison]] = {
        name: [] for name, kind in KINDS.items() if is_installed(kind.module)
    }
    for _ in range(PROCESSES):
        for name in comparisons:
            comparisons[name].append(_compare(name))
    for name, kind in KINDS.items():
        if name in comparisons:
            yield _row(kind, comparisons[name])
        else:
            missing = f"{kind.package} is not installed; pip install -e '.[bench]'"
            yield Row(kind.what, math.nan, None, missing)


def is_installed(module: str) -> bool:
    """Return whether a module can be imported."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package that contains it is missing
        return False


def _row(kind: Kind, comparisons: Sequence[Comparison]) -> Row:
    cpu_ratios, wall_ratios, cpu_us = zip(*comparisons, strict=True)
    details = (
        f"{kind.details}; {statistics.median(cpu_us):.3g} µs a message; wall clock: "
        f"{statistics.median(wall_ratios):.2f}; {len(comparisons)} processes of {PAIRS} pairs, "
        f"{min(cpu_ratios):.2f} to {max(cpu_ratios):.2f}"
    )
    return Row(kind.what, statistics.median(cpu_ratios), kind.bound, details)


def _compare(name: str) -> Comparison:
    """Run bursts of a program and of plain pyzmq alternately. A pair before them warms up."""
    cpu_ratios, wall_ratios, cpu_us = [], [], []
    with _process(name) as timed, _process("plain") as plain:
        timed(), plain()
        for _ in range(PAIRS):
            cost, plain_cost = timed(), plain()
            cpu_ratios.append(cost.cpu_us / plain_cost.cpu_us)
            wall_ratios.append(cost.wall_us / plain_cost.wall_us)
            cpu_us.append(cost.cpu_us)
    return Comparison(*map(statistics.median, (cpu_ratios, wall_ratios, cpu_us)))


@contextmanager
def _process(name: str) -> Iterator[Callable[[], Cost]]:
    """Open a program in a new process, and yield a function that runs a burst there."""
    here, there = Pipe()
    process = get_context("spawn").Process(target=_serve, args=(name, there))
    process.start()
    there.close()  # the process has its own; without it, `recv` raises when the process ends

    def burst() -> Cost:
        try:
            here.send(None)
            cost: Cost = here.recv()
        except (EOFError, ConnectionError):
            raise RuntimeError(f"the process of {name!r} has ended; its error is above") from None
        return cost

    try:
        yield burst
    finally:
        here.close()  # which ends the process
        process.join()


def _serve(name: str, requests: Connection) -> None:
    """Run a burst for each request, until the other end is closed."""
    kind = KINDS[name]
    with kind.open() as program:
        while True:
            try:
                requests.recv()
            except EOFError:
                return
            requests.send(measure(program, PAYLOADS[: kind.burst]))


def measure(program: Program, payloads: Sequence[bytes]) -> Cost:
    """Run a burst, and return what a message takes.

    Args:
        program: an open program of this process.
        payloads: the messages.

    Raises:
        RuntimeError: the log has not noted each send and each receipt once.
    """
    n = len(payloads)
    receiver = threading.Thread(target=program.receive_all, args=(n,))
    cpu_start_ns, start_ns = time.process_time_ns(), clock_ns()
    receiver.start()
    program.send_all(payloads)
    receiver.join()
    program.update()
    cpu_ns, wall_ns = time.process_time_ns() - cpu_start_ns, clock_ns() - start_ns
    if program.take_count is not None and (noted := program.take_count()) != 2 * n:
        raise RuntimeError(f"{2 * n:,} sends and receipts were made, and {noted:,} were noted")
    return Cost(cpu_ns / n / 1_000, wall_ns / n / 1_000)
