"""CPU time of the parts of a timed send and of a timed receipt.

It is measured over inproc, and nothing else runs, so that only the part itself makes a difference.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from time import perf_counter_ns as clock_ns
from weakref import ref

import zmq
from zmq.backend import Socket as CompiledSocket

from pushpull_kit import Context, Worker
from pushpull_kit.recording.quick import SOME_THREAD
from pushpull_kit.sockets.guard import Guard
from pushpull_kit.sockets.more_frames import more_frames

from . import Row, paired, spread

N = 1_000
PAYLOADS = [b"%08d" % number for number in range(N)]
PAIRS = 200

compiled_send = CompiledSocket.send
spans: list[bytes | int] = []


def rows() -> Iterator[Row]:
    """Yield the cost of a send, then of a receipt, with more and more parts, over pyzmq's own."""
    with _Pipe(zmq.Context) as plain, _Pipe(zmq.Context) as partly, _Pipe(Context) as timed:
        for what, send in (
            ("the compiled one that zmq.Socket's wraps, alone", _bare(partly.push)),
            ("... and two clock reads", _clocked(partly.push)),
            ("... and payload, start and end added to a list in one step", _noted(partly.push)),
            ("... and the check that no other thread is in the socket", _guarded(partly.push)),
            ("the timed send: that, and checks of type, size, options and mocks", None),
        ):
            if send is not None:
                vars(partly.push)["send"] = send  # setattr on a socket would set an option
            ratios = paired((partly if send else timed).send_all, plain.send_all, PAIRS)
            yield _row(f"CPU time of a send: {what}", "send", ratios)
        for what, measure in (
            ("a Frame and its bytes; a Frame knows whether more follow", partly.receive_frames),
            ("bytes, and zmq.Socket.get(RCVMORE)", partly.receive_and_get),
            ("bytes, and libzmq asked whether more follow", partly.receive_and_ask),
            ("... and payload and instant added to a list in one step", partly.receive_and_note),
            ("a timed PULL's receipt: that, and the checks", timed.receive_timed),
            ("a Worker's receipt: that, the handler's call, and ingest", _work),
        ):
            ratios = paired(measure, plain.receive_all, PAIRS)
            yield _row(f"CPU time of a receipt: {what}", "recv", ratios)


def _row(what: str, method: str, ratios: list[float]) -> Row:
    details = f"over zmq.Socket.{method}; {spread(ratios)}"
    return Row(what, statistics.median(ratios), None, details)


def _bare(push: zmq.Socket[bytes]) -> Callable[[bytes], None]:
    that = ref(push)

    def send(data: bytes) -> None:
        compiled_send(that(), data)

    return send


def _clocked(push: zmq.Socket[bytes]) -> Callable[[bytes], None]:
    that = ref(push)

    def send(data: bytes) -> None:
        clock_ns()
        compiled_send(that(), data)
        clock_ns()

    return send


def _noted(push: zmq.Socket[bytes]) -> Callable[[bytes], None]:
    that = ref(push)

    def send(data: bytes) -> None:
        global spans
        start_ns = clock_ns()
        compiled_send(that(), data)
        end_ns = clock_ns()
        spans += (data, start_ns, end_ns)

    return send


def _guarded(push: zmq.Socket[bytes]) -> Callable[[bytes], None]:
    that, guard = ref(push), Guard("PUSH")

    def send(data: bytes) -> None:
        global spans
        if guard.thread:
            return
        guard.thread = SOME_THREAD
        try:
            start_ns = clock_ns()
            compiled_send(that(), data)
            end_ns = clock_ns()
            spans += (data, start_ns, end_ns)
        finally:
            guard.thread = 0

    return send


class _Pipe:
    """A PUSH, and a plain PULL that is not timed, in a context of a given class."""

    def __init__(self, kind: type[zmq.Context[zmq.Socket[bytes]]]) -> None:
        self.context = kind()
        self.push = self.context.socket(zmq.PUSH)
        self.pull = self.context.socket(zmq.PULL, socket_class=zmq.Socket)
        self.push.sndhwm = self.pull.rcvhwm = 0
        self.pull.bind("inproc://pipe")
        self.push.connect("inproc://pipe")

    def __enter__(self) -> _Pipe:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.context.destroy(linger=0)

    def send_all(self) -> float:
        start_ns = time.thread_time_ns()
        for payload in PAYLOADS:
            self.push.send(payload)
        cost_ns = time.thread_time_ns() - start_ns
        for _ in range(N):
            self.pull.recv()
        self._forget()
        return cost_ns

    def _fill(self) -> None:
        for payload in PAYLOADS:
            compiled_send(self.push, payload)

    def _forget(self) -> None:
        spans.clear()
        if isinstance(self.context, Context):
            self.context.timings.clear()

    def receive_all(self) -> float:
        self._fill()
        receive, start_ns = self.pull.recv, time.thread_time_ns()
        for _ in range(N):
            receive()
        return time.thread_time_ns() - start_ns

    def receive_frames(self) -> float:
        self._fill()
        receive, start_ns = self.pull.recv, time.thread_time_ns()
        for _ in range(N):
            frame = receive(0, False)
            frame.bytes, frame.more  # noqa: B018  # a worker reads both
        return time.thread_time_ns() - start_ns

    def receive_and_get(self) -> float:
        self._fill()
        receive, get, start_ns = self.pull.recv, self.pull.get, time.thread_time_ns()
        for _ in range(N):
            receive()
            get(zmq.RCVMORE)
        return time.thread_time_ns() - start_ns

    def receive_and_ask(self) -> float:
        self._fill()
        more = more_frames(self.pull)
        ask, flag = more.ask, more.flag
        receive, start_ns = self.pull.recv, time.thread_time_ns()
        for _ in range(N):
            receive()
            ask()
            flag.value  # noqa: B018
        return time.thread_time_ns() - start_ns

    def receive_and_note(self) -> float:
        global spans
        self._fill()
        more = more_frames(self.pull)
        ask, flag = more.ask, more.flag
        receive, start_ns = self.pull.recv, time.thread_time_ns()
        for _ in range(N):
            data = receive()
            recv_ns = clock_ns()
            ask()
            if not flag.value:
                spans += (data, recv_ns, 0)
        cost_ns = time.thread_time_ns() - start_ns
        self._forget()
        return cost_ns

    def receive_timed(self) -> float:
        with self.context.socket(zmq.PUSH) as push, self.context.socket(zmq.PULL) as pull:
            push.sndhwm = pull.rcvhwm = 0
            pull.bind("inproc://timed")
            push.connect("inproc://timed")
            for payload in PAYLOADS:
                compiled_send(push, payload)
            receive, start_ns = pull.recv, time.thread_time_ns()
            for _ in range(N):
                receive()
            cost_ns = time.thread_time_ns() - start_ns
        self._forget()
        return cost_ns


def _work() -> float:
    """Return the CPU time, in ns, that a worker's thread needs for N queued messages."""
    all_there, stamps_ns = threading.Event(), []

    def handler(message: bytes) -> None:
        if not stamps_ns:
            all_there.wait(60)
        if message in (PAYLOADS[0], PAYLOADS[-1]):
            stamps_ns.append(time.thread_time_ns())

    with Context() as context:
        bound = {"bind": "inproc://worker", "context": context, "receive": "bytes", "rcvhwm": 0}
        with Worker(handler, **bound) as worker, context.socket(zmq.PUSH) as push:
            push.connect(worker.endpoint)
            for payload in PAYLOADS:
                push.send(payload)
            all_there.set()
            worker.wait(N)
            start_ns = time.perf_counter_ns()
            len(context.timings)
            ingest_ns = time.perf_counter_ns() - start_ns
    first_ns, last_ns = stamps_ns
    return last_ns - first_ns + ingest_ns
