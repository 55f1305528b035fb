"""The log's end-to-end times over an independent measurement, at the median."""

from __future__ import annotations

import statistics
import struct
import threading
import time
from collections.abc import Iterator
from time import perf_counter_ns as clock_ns

import zmq

from pushpull_kit import Context, Worker

from . import Row

N, ROUNDS = 120, 100  # short rounds, so that both see the same weather
FIRST = 20  # of each round are not counted: they wait until the sockets are connected
PACE_S = 200e-6  # one at a time, so that it is the way that is measured, and not a queue
TCP = "tcp://127.0.0.1:*"


def rows() -> Iterator[Row]:
    """Yield the ratio of the medians over 10,000 messages each, measured in alternate rounds."""
    logged: list[int] = []
    stamped: list[int] = []
    for number in range(-1, ROUNDS):
        for waits, measure in ((logged, _logged), (stamped, _stamped)):
            measured = measure()[FIRST:]
            waits += measured if number >= 0 else []  # the first round warms up
    ratio = statistics.median(logged) / statistics.median(stamped)
    yield Row(
        "end-to-end time in the log, over time stamps in the payload of plain sockets",
        ratio,
        ("<=", 1.05),
        f"medians of {len(logged):,} messages: {statistics.median(logged) / 1e3:.1f} µs and "
        f"{statistics.median(stamped) / 1e3:.1f} µs",
    )
    yield Row("... and not less either", ratio, (">=", 0.95), "the same figure, its other bound")


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
