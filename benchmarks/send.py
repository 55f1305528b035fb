"""CPU time of a timed send of 8 bytes, and of a text of 8 characters, over pyzmq's send."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing import get_context

import zmq

from pushpull_kit import Context

from . import Row, paired

N = 1_000  # too few to start an ingest, so that ingest is measured alone
PAYLOADS = [b"%08d" % number for number in range(N)]
TEXTS = [payload.decode() for payload in PAYLOADS]
PROCESSES = 9
PAIRS = 60

# Receives in another process, because a worker usually does.
RECEIVER = """
import sys, zmq
context = zmq.Context()
pull, done = context.socket(zmq.PULL), context.socket(zmq.PUSH)
pull.connect(sys.argv[1]); done.connect(sys.argv[2])
while True:
    for _ in range(int(sys.argv[3])):
        pull.recv()
    done.send(b"")
"""


# For each figure of `_measure`: description, bound, and details.
TOLD = (
    (
        "CPU time of a timed 8-byte send over tcp, over zmq.Socket.send",
        ("<=", 1.8),
        "of the calling thread",
    ),
    ("... over inproc", ("<=", 1.8), "of the calling thread"),
    (
        "... of text over tcp, over zmq.Socket.send_string",
        ("<=", 1.8),
        "of the calling thread",
    ),
    (
        "... over tcp, with ingest",
        None,
        "taking the messages into the log, which whoever asks for them pays",
    ),
)


def rows() -> Iterator[Row]:
    """Yield the cost over tcp and inproc, of text, and with ingest.

    Each figure is the median of the medians of several processes. The memory addresses of code and
    data change a figure by up to a tenth, and they stay the same while a process lives.
    """
    with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        runs = [pool.apply(_measure) for _ in range(PROCESSES)]
    for (what, bound, details), medians in zip(TOLD, zip(*runs, strict=True), strict=True):
        low, high = min(medians), max(medians)
        details += f"; {PROCESSES} processes of {PAIRS} pairs, {low:.2f} to {high:.2f}"
        yield Row(what, statistics.median(medians), bound, details)


def _measure() -> list[float]:
    with _Sender(zmq.Context) as raw, _Sender(Context) as timed:
        pairs = (
            (timed.over_tcp, raw.over_tcp),
            (timed.inproc, raw.inproc),
            (timed.text_over_tcp, raw.text_over_tcp),
            (timed.over_tcp_with_ingest, raw.over_tcp),
        )
        return [statistics.median(paired(*pair, PAIRS)) for pair in pairs]


class _Sender:
    """A PUSH to another process and a PUSH to this one, made by a context of a given class."""

    def __init__(self, kind: type[zmq.Context[zmq.Socket[bytes]]]) -> None:
        self.context = kind()
        plain = {"socket_class": zmq.Socket}
        self.push, self.done = self.context.socket(zmq.PUSH), self.context.socket(zmq.PULL, **plain)
        self.near, self.pull = self.context.socket(zmq.PUSH), self.context.socket(zmq.PULL, **plain)
        for socket in (self.push, self.near):
            socket.sndhwm = 0
        self.pull.rcvhwm = 0
        endpoints = []
        for socket in (self.push, self.done):
            socket.bind("tcp://127.0.0.1:*")
            endpoints.append(socket.last_endpoint.decode())
        self.pull.bind("inproc://near")
        self.near.connect("inproc://near")
        self.receiver = subprocess.Popen([sys.executable, "-c", RECEIVER, *endpoints, str(N)])

    def __enter__(self) -> _Sender:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.receiver.kill()
        self.receiver.wait()
        self.context.destroy(linger=0)

    def over_tcp(self) -> float:
        cost_ns = self._send_all(self.push)
        self.done.recv()
        self._ingest()
        return cost_ns

    def text_over_tcp(self) -> float:
        start_ns = time.thread_time_ns()
        for text in TEXTS:
            self.push.send_string(text)
        cost_ns = time.thread_time_ns() - start_ns
        self.done.recv()
        self._ingest()
        return cost_ns

    def over_tcp_with_ingest(self) -> float:
        cost_ns = self._send_all(self.push)
        self.done.recv()
        start_ns = time.thread_time_ns()
        self._ingest()
        return cost_ns + time.thread_time_ns() - start_ns

    def inproc(self) -> float:
        cost_ns = self._send_all(self.near)
        for _ in range(N):
            self.pull.recv()
        self._ingest()
        return cost_ns

    def _ingest(self) -> None:
        if isinstance(self.context, Context):
            self.context.timings.clear()

    @staticmethod
    def _send_all(socket: zmq.Socket[bytes]) -> float:
        start_ns = time.thread_time_ns()
        for payload in PAYLOADS:
            socket.send(payload)
        return time.thread_time_ns() - start_ns
