"""Programs whose messages are timed, each with another instrument, for `instrument.py`.

Each has one pair of threads: the main thread pushes messages over tcp, another one receives them
and calls an empty handler. An instrument is imported when its program is opened.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from time import perf_counter_ns as clock_ns
from typing import TYPE_CHECKING, Any, NamedTuple

import zmq

if TYPE_CHECKING:
    from pushpull_kit import Timings

TCP = "tcp://127.0.0.1:*"

#: Spans that wait in OpenTelemetry's batch processor. It drops a span that finds the queue full.
QUEUED_SPANS = 10_000

SendAll = Callable[[Sequence[bytes]], object]
ReceiveAll = Callable[[int], object]


class Program(NamedTuple):
    """A pair of threads and an instrument.

    `send_all` runs in the main thread and `receive_all`, with the number of messages, in another.
    `update` brings the log up to date. `take_count` returns how many sends and receipts the log has
    noted since the last call; plain pyzmq has none.
    """

    send_all: SendAll
    receive_all: ReceiveAll
    update: Callable[[], object]
    take_count: Callable[[], int] | None


def handler(message: object) -> None:
    """Do nothing."""


@contextmanager
def plain() -> Iterator[Program]:
    """Open a program without an instrument."""
    with _pair(zmq.Context()) as sockets:
        yield Program(*_loops(*sockets), _nothing, None)


@contextmanager
def timed_sockets() -> Iterator[Program]:
    """Open the same program with the kit's context."""
    from pushpull_kit import Context

    context = Context()
    timings = context.timings
    with _pair(context) as sockets:
        yield Program(*_loops(*sockets), timings.__len__, _counter(timings))


@contextmanager
def worker() -> Iterator[Program]:
    """Open a program in which the kit's `Worker` receives."""
    from pushpull_kit import Context, Worker

    with (
        Context() as context,
        Worker(handler, bind=TCP, context=context, receive="bytes") as worker,
        context.socket(zmq.PUSH) as push,
    ):
        push.connect(worker.endpoint)
        send_all, _ = _loops(push, None)

        def receive_all(n: int) -> None:
            worker.wait(worker.finished + n)

        timings = context.timings
        yield Program(send_all, receive_all, timings.__len__, _counter(timings))


@contextmanager
def by_hand() -> Iterator[Program]:
    """Open a program that takes two timestamps and appends them to a list, on each side."""
    sent: list[tuple[bytes, int, int]] = []
    received: list[tuple[bytes, int, int]] = []

    def take_count() -> int:
        count = len(sent) + len(received)
        sent.clear()
        received.clear()
        return count

    with _pair(zmq.Context()) as (push, pull):

        def send_all(payloads: Sequence[bytes]) -> None:
            for payload in payloads:
                start_ns = clock_ns()
                push.send(payload)
                sent.append((payload, start_ns, clock_ns()))

        def receive_all(n: int) -> None:
            for _ in range(n):
                message = pull.recv()
                start_ns = clock_ns()
                handler(message)
                received.append((message, start_ns, clock_ns()))

        yield Program(send_all, receive_all, _nothing, take_count)


@contextmanager
def log_file() -> Iterator[Program]:
    """Open a program that writes a line with `logging` on each side."""
    with tempfile.TemporaryDirectory() as folder, _pair(zmq.Context()) as (push, pull):
        path = Path(folder) / "messages.log"
        log = logging.Logger("messages", logging.INFO)
        counted = 0
        with closing(logging.FileHandler(path)) as file:
            file.setFormatter(logging.Formatter("%(asctime)s %(threadName)s %(message)s"))
            log.addHandler(file)

            def send_all(payloads: Sequence[bytes]) -> None:
                for payload in payloads:
                    push.send(payload)
                    log.info("sent %r", payload)

            def receive_all(n: int) -> None:
                for _ in range(n):
                    message = pull.recv()
                    handler(message)
                    log.info("handled %r", message)

            def take_count() -> int:
                nonlocal counted
                before, counted = counted, len(path.read_text().splitlines())
                return counted - before

            yield Program(send_all, receive_all, file.flush, take_count)


@contextmanager
def opentelemetry() -> Iterator[Program]:
    """Open a program with a span on each side; the exporter counts the spans and drops them."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    exported = []  # sizes of the batches

    class Exporter(SpanExporter):
        def export(self, spans: Sequence[Any]) -> SpanExportResult:
            exported.append(len(spans))
            return SpanExportResult.SUCCESS

    def take_count() -> int:
        count = sum(exported)
        exported.clear()
        return count

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Exporter(), max_queue_size=QUEUED_SPANS))
    span = provider.get_tracer("messages").start_as_current_span
    with _pair(zmq.Context()) as (push, pull):

        def send_all(payloads: Sequence[bytes]) -> None:
            for payload in payloads:
                with span("send"):
                    push.send(payload)

        def receive_all(n: int) -> None:
            for _ in range(n):
                message = pull.recv()
                with span("handle"):
                    handler(message)

        yield Program(send_all, receive_all, provider.force_flush, take_count)
    provider.shutdown()


@contextmanager
def viztracer() -> Iterator[Program]:
    """Open a program under viztracer, which keeps the calls of functions in its buffer."""
    from viztracer import VizTracer

    tracer = VizTracer(verbose=0)

    def take_count() -> int:
        tracer.parse()
        count = _count_calls(tracer.data)
        tracer.clear()
        tracer.start()
        return count

    with _pair(zmq.Context()) as sockets:
        tracer.start()
        yield Program(*_loops(*sockets), tracer.stop, take_count)
        tracer.stop()


@contextmanager
def viztracer_saved() -> Iterator[Program]:
    """Open a program under viztracer, which saves its trace to a file."""
    from viztracer import VizTracer

    with tempfile.TemporaryDirectory() as folder, _pair(zmq.Context()) as sockets:
        path = Path(folder) / "trace.json"
        tracer = VizTracer(verbose=0, output_file=str(path))

        def update() -> None:
            tracer.stop()
            tracer.save()

        def take_count() -> int:
            count = _count_calls(json.loads(path.read_text()))
            tracer.clear()
            tracer.start()
            return count

        tracer.start()
        yield Program(*_loops(*sockets), update, take_count)
        tracer.stop()


def _count_calls(trace: Any) -> int:
    names: list[str] = [event["name"].split(" ")[0] for event in trace["traceEvents"]]
    return names.count("Socket.send") + names.count("handler")


@contextmanager
def _pair(context: Any) -> Iterator[tuple[Any, Any]]:
    """Yield a PUSH and a PULL that are connected over tcp."""
    with context, context.socket(zmq.PUSH) as push:
        push.bind(TCP)
        # The thread that makes the PULL has ended when another one receives, so it may.
        with ThreadPoolExecutor(1) as pool:
            pull = pool.submit(_connected, context, push.last_endpoint.decode()).result()
        with pull:
            yield push, pull


def _connected(context: Any, endpoint: str) -> Any:
    pull = context.socket(zmq.PULL)
    pull.connect(endpoint)
    return pull


def _loops(push: Any, pull: Any) -> tuple[SendAll, ReceiveAll]:
    """Return the loops of a program that contains no instrument."""

    def send_all(payloads: Sequence[bytes]) -> None:
        for payload in payloads:
            push.send(payload)

    def receive_all(n: int) -> None:
        for _ in range(n):
            handler(pull.recv())

    return send_all, receive_all


def _counter(timings: Timings) -> Callable[[], int]:
    """Return a `take_count` for a log of the kit."""
    counted = 0

    def take_count() -> int:
        nonlocal counted
        summary = timings.summary()
        before = counted
        counted = summary.pushed + summary.pushed - summary.in_flight
        return counted - before

    return take_count


def _nothing() -> None:
    """Do nothing: the log is always up to date."""
