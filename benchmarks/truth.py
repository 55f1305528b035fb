"""The median end-to-end time in the log over the median of an independent measurement."""

from __future__ import annotations

import statistics
import struct
import threading
import time
from collections.abc import Callable, Iterator
from time import perf_counter_ns as clock_ns

import zmq

from pushpull_kit import Context, Worker

from . import Row, paired, spread

N, PAIRS = 120, 100  # short rounds, so that both run under the same load
FIRST = 20  # not counted in each round: these wait until the sockets are connected
PACE_S = 200e-6  # between sends, so that messages do not wait in a queue
TCP = "tcp://127.0.0.1:*"


def rows() -> Iterator[Row]:
    """Yield the median, over pairs of rounds, of the ratio of their medians."""
    logged: list[float] = []
    stamped: list[float] = []
    ratios = paired(_median_us(_logged, logged), _median_us(_stamped, stamped), PAIRS)
    ratio = statistics.median(ratios)
    log_us, stamps_us = statistics.median(logged), statistics.median(stamped)
    yield Row(
        "end-to-end time in the log, over time stamps in the payload of plain sockets",
        ratio,
        ("<=", 1.15),
        f"{log_us:.1f} µs and {stamps_us:.1f} µs in rounds of {N - FIRST}; {spread(ratios)}",
    )
    yield Row("... and not less either", ratio, (">=", 0.95), "the same figure, its other bound")


def _median_us(measure: Callable[[], list[int]], medians_us: list[float]) -> Callable[[], float]:
    def median_us() -> float:
        medians_us.append(statistics.median(measure()[FIRST:]) / 1e3)
        return medians_us[-1]

    return median_us


def _logged() -> list[int]:
    with Context() as context:
        with Worker(lambda payload: None, bind=TCP, context=context, receive="bytes") as worker:
            push = context.socket(zmq.PUSH)
            push.connect(worker.endpoint)
            for number in range(N):
                push.send(struct.pack("q", number))
                time.sleep(PACE_S)
            worker.wait(N)
            push.close()
        return [message.waited_ns for message in context.timings if message.waited_ns is not None]


def _stamped() -> list[int]:
    context = zmq.Context()
    pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    pull.bind(TCP)
    push.connect(pull.last_endpoint.decode())
    waits = []

    def serve() -> None:
        for _ in range(N):
            payload = pull.recv()
            waits.append(clock_ns() - struct.unpack("q", payload)[0])

    thread = threading.Thread(target=serve)
    thread.start()
    for _ in range(N):
        push.send(struct.pack("q", clock_ns()))
        time.sleep(PACE_S)
    thread.join()
    context.destroy(linger=0)
    return waits
