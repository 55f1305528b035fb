"""Messages per second from a timed PUSH through a `Worker`, over two plain pyzmq threads."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator

import zmq

from pushpull_kit import Context, Worker

from . import Row, paired, spread

N = 40_000
TCP = "tcp://127.0.0.1:*"


def handler(message: object) -> None:
    """Do nothing."""


def rows() -> Iterator[Row]:
    """Yield the ratio for text, which the course sends, and for bytes."""
    for text in (True, False):
        rates: list[float] = []

        def timed(text: bool = text, rates: list[float] = rates) -> float:
            rates.append(_timed(text))
            return rates[-1]

        ratios = paired(timed, lambda text=text: _plain(text), 25)  # type: ignore[misc]
        methods = "send_string, recv_string" if text else "send, recv"
        yield Row(
            "messages/s, timed PUSH to Worker with an empty handler, over plain PUSH and PULL"
            if text
            else "... for bytes, where plain pyzmq decodes nothing and looks for no second frame",
            statistics.median(ratios),
            (">=", 0.5) if text else None,
            f"8 bytes over tcp, {methods}; timed {statistics.median(rates):,.0f}/s; "
            + spread(ratios),
        )


def _plain(text: bool) -> float:
    context = zmq.Context()
    pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    pull.bind(TCP)
    push.connect(pull.last_endpoint.decode())

    def serve() -> None:
        receive = pull.recv_string if text else pull.recv
        for _ in range(N):
            handler(receive())

    thread = threading.Thread(target=serve)
    thread.start()
    start_s = time.perf_counter()
    _push(push, text)
    thread.join()
    rate = N / (time.perf_counter() - start_s)
    context.destroy(linger=0)
    return rate


def _timed(text: bool) -> float:
    with Context() as context:
        receive = "string" if text else "bytes"
        with Worker(handler, bind=TCP, context=context, receive=receive) as worker:
            push = context.socket(zmq.PUSH)
            push.connect(worker.endpoint)
            start_s = time.perf_counter()
            _push(push, text)
            worker.wait(N, timeout=120)
            rate = N / (time.perf_counter() - start_s)
            push.close(linger=0)
    return rate


def _push(push: zmq.Socket[bytes], text: bool) -> None:
    if text:
        for _ in range(N):
            push.send_string("12345678")
    else:
        for _ in range(N):
            push.send(b"12345678")
