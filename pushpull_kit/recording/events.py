"""Event buffers: lists to which a socket's thread appends, and which the log empties.

A span is one send or one handling. This module alone knows how a span is noted in the lists:

- `payloads` and `starts` get an item when the span starts, in this order.
- `ends` gets an item when it ends. The instant is negative if the send was refused or interrupted,
  or if the handling failed. `EVENT` keeps the sign.
- Only the thread that owns the socket appends. A reader removes only what all three lists hold.
  List operations are atomic, so appending needs no lock. `abort` changes several lists, so it
  takes the log's lock.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from threading import get_ident
from time import perf_counter_ns as clock_ns
from time import sleep
from typing import Any
from weakref import ref

import numpy as np
import numpy.typing as npt

from .fingerprint import (
    CUT_OFF,
    INCOMPLETE,
    MAX_KEPT_BYTES,
    Fingerprint,
    fingerprint,
    fingerprint_frame,
)

#: When a buffer holds this many finished spans, the thread that fills it ingests them. That takes a
#: few milliseconds, and bounds the memory if nobody reads the log.
INGEST_AT = 8192

#: Maximum time a reader waits for a writer that was preempted between taking a timestamp and
#: appending it.
APPEND_TIMEOUT_NS = 20_000_000

#: A span as it leaves a buffer. `end` is 0 while it is unfinished.
EVENT = np.dtype(
    [
        ("start", np.int64),
        ("end", np.int64),
        ("fingerprint", np.int64),
        ("n_bytes", np.int64),
        ("buffer", np.int32),  # index of the buffer that it comes from
        ("interrupted", np.bool_),
        ("incomplete", np.bool_),  # a multipart message of which frames are missing
    ]
)


class EventBuffer:
    """The spans of one socket, or of anything else that is timed by hand.

    `SendBuffer` and `ReceiveBuffer` are the two kinds.

    Args:
        lane: index into `Timings.lanes`.
        lock: held while `abort` changes what a reader may be taking.
        on_full: called by the writing thread after each span while the buffer holds `INGEST_AT`.
    """

    __slots__ = (
        "_appending", "_lock", "_on_full", "closed", "ends", "lane", "payloads", "starts",
    )  # fmt: skip

    def __init__(
        self,
        lane: int,
        lock: AbstractContextManager[Any] | None = None,
        on_full: Callable[[], None] = lambda: None,
    ) -> None:
        self.lane = lane
        self.payloads: list[bytes | Fingerprint] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.closed = False
        self._lock, self._on_full = lock or nullcontext(), on_full
        self._appending = False  # whether a timestamp was taken that is not in `starts` yet

    # Called by the thread that owns the socket.

    def start(self, payload: bytes | Fingerprint, at_ns: int | None = None) -> None:
        """Note that a send, or the handling of a message, starts.

        Args:
            payload: the message, or its fingerprint. It is not copied.
            at_ns: when, as `time.perf_counter_ns` gives it. Now, if left out.
        """
        if isinstance(payload, bytes) and len(payload) > MAX_KEPT_BYTES:
            payload = fingerprint_frame(payload)
        self.payloads.append(payload)
        self.starts.append(clock_ns() if at_ns is None else at_ns)

    def end(self, ok: bool = True, at_ns: int | None = None) -> None:
        """Note that the span ended.

        Args:
            ok: False if the send was refused, or if the handling failed.
            at_ns: when, as `time.perf_counter_ns` gives it. Now, if left out.
        """
        at_ns = clock_ns() if at_ns is None else at_ns
        self.ends.append(at_ns if ok else -at_ns)
        if len(self.ends) >= INGEST_AT:
            self._on_full()

    def abort(self, *, interrupted: bool, at_ns: int | None = None) -> None:
        """End the last span as refused or interrupted, and drop what was noted only in part.

        Args:
            interrupted: whether the send may have been accepted nevertheless.
            at_ns: when, as `time.perf_counter_ns` gives it. Now, if left out.
        """
        with self._lock:  # so that no reader is between its deletions
            if self.unfinished:
                if interrupted:
                    index = len(self.ends)
                    self.payloads[index] = _interrupted(self.payloads[index])
                self.ends.append(-(clock_ns() if at_ns is None else at_ns))
            del self.payloads[len(self.starts) :]
            self._appending = False

    def close(self) -> None:
        """Note that the socket is closed, so that nothing follows."""
        self._appending, self.closed = False, True

    @property
    def unfinished(self) -> bool:
        """Whether the last span has started and not ended."""
        return len(self.starts) > len(self.ends)

    # Called by the log, from any thread.

    def drain(self, index: int, until_ns: int = sys.maxsize) -> npt.NDArray[Any]:
        """Remove and return the finished spans that started at or before `until_ns`.

        An unfinished last span is returned as well, and stays: the next call returns it again,
        first. A receipt whose instant is taken and not appended yet is waited for.

        Args:
            index: what to put into the column `buffer`.
            until_ns: spans that started later are left.

        Returns:
            An array of `EVENT`, oldest first.
        """
        deadline_ns = clock_ns() + APPEND_TIMEOUT_NS
        while self._appending and clock_ns() < deadline_ns:
            sleep(0)  # let the writer run
        # Read in the reverse order of appending: so each end has its start, and each start its
        # payload. There can be one more start than ends: the unfinished span.
        ends = self.ends[:]
        starts = self.starts[: len(ends) + 1]
        size = bisect_right(starts, until_ns)
        n_finished = min(len(ends), size)
        starts, ends = starts[:size], ends[:n_finished]
        payloads = self.payloads[:size]
        del self.ends[:n_finished], self.starts[:n_finished], self.payloads[:n_finished]
        events = np.zeros(size, EVENT)
        if not size:
            return events
        events["start"] = np.fromiter(starts, np.int64, size)
        events["end"][:n_finished] = np.fromiter(ends, np.int64, n_finished)
        events["fingerprint"] = np.fromiter(map(hash, payloads), np.int64, size)
        events["n_bytes"] = np.fromiter(map(len, payloads), np.int64, size)
        events["buffer"] = index
        events["incomplete"][-1] = payloads[-1] is INCOMPLETE
        for i in np.flatnonzero(events["end"] < 0):
            payload = payloads[i]
            events["incomplete"][i] = payload is CUT_OFF
            events["interrupted"][i] = isinstance(payload, Fingerprint) and payload.interrupted
        return events


class SendBuffer(EventBuffer):
    """The sends of one socket.

    >>> from pushpull_kit import Timings
    >>> timings = Timings()
    >>> sends = timings.add_sender("caller")
    >>> sends.start(b"job", at_ns=1_000_000)
    >>> sends.end(at_ns=1_200_000)
    >>> [(message.sender, message.outcome) for message in timings]
    [('caller', 'in_flight')]
    """

    __slots__ = ()

    def complete(self, payload: Fingerprint) -> None:
        """Set the payload of the last send, which started with `INCOMPLETE`.

        Args:
            payload: the fingerprint of the whole message.
        """
        self.payloads[-1] = payload

    def wrap(
        self,
        socket: ref[Any],
        send_frame: Callable[[Any, bytes], object],
        send_any: Callable[..., Any],
        on_error: Callable[[BaseException], None],
    ) -> Callable[..., Any]:
        """Return a `send` that is quick for what one thread sends most: messages of one frame.

        Uses closure variables because attribute lookup on a pyzmq socket costs as much as a clock
        read. Must not keep the socket alive: a socket that is dropped must free its port.

        Args:
            socket: the socket, weakly referenced.
            send_frame: sends bytes through the socket.
            send_any: called, with the arguments of `zmq.Socket.send`, from other threads and for
                other payloads and flags.
            on_error: called with what `send_frame` raised. It must call `abort`.
        """
        owner, on_full = get_ident(), self._on_full
        payloads, starts, ends = self.payloads, self.starts, self.ends

        def send(
            data: Any,
            flags: int = 0,
            copy: bool = True,
            track: bool = False,
            routing_id: int | None = None,
            group: str | None = None,
        ) -> Any:
            if type(data) is bytes and owner == get_ident() and copy and not flags:
                try:
                    payloads.append(
                        data if len(data) <= MAX_KEPT_BYTES else fingerprint_frame(data)
                    )
                    starts.append(clock_ns())
                    send_frame(socket(), data)
                    ends.append(clock_ns())
                except BaseException as error:
                    on_error(error)
                    raise
                if len(ends) >= INGEST_AT:
                    on_full()
                return None
            return send_any(data, flags, copy, track, routing_id, group)

        return send


class ReceiveBuffer(EventBuffer):
    """The receipts of one socket, each with the handling of the message.

    >>> from pushpull_kit import Timings
    >>> timings = Timings()
    >>> receipts = timings.add_worker("server")
    >>> receipts.start(b"job", at_ns=2_000_000)
    >>> receipts.end(ok=False, at_ns=5_000_000)
    >>> [(message.worker, message.outcome) for message in timings]
    [('server', 'failed')]
    """

    __slots__ = ()

    def clock_ns(self) -> int:
        """Return now. Readers wait until `start` has noted this instant, or `discard` is called."""
        self._appending = True
        return clock_ns()

    def discard(self) -> None:
        """Drop the instant that `clock_ns` returned last, because no span starts with it."""
        self._appending = False

    def start(self, payload: bytes | Fingerprint, at_ns: int | None = None) -> None:
        """Note that a message was received, so that its handling starts.

        Args:
            payload: the message, or its fingerprint. It is not copied.
            at_ns: when, as `clock_ns` gives it. Now, if left out.
        """
        super().start(payload, self.clock_ns() if at_ns is None else at_ns)
        self._appending = False

    def wrap(
        self,
        receive: Callable[[], bytes | list[bytes] | None],
        handle: Callable[[Any], object],
        on_error: Callable[[BaseException, Any, int], None],
    ) -> Callable[[], bool]:
        """Return a function that receives a message and handles it, and notes both.

        It returns whether there was a message. Uses closure variables because a worker spends most
        of its time here.

        Args:
            receive: waits for a message and returns it: bytes, a list of frames, or None.
            handle: called with the message. What it raises makes the message failed.
            on_error: called with what `handle` raised, the message, and when it was received (ns).
        """
        payloads, starts, ends, on_full = self.payloads, self.starts, self.ends, self._on_full

        def serve_one() -> bool:
            message = receive()
            if message is None:
                return False
            self._appending = True
            recv_ns = clock_ns()
            if type(message) is bytes and len(message) <= MAX_KEPT_BYTES:
                payloads.append(message)
            else:
                payloads.append(fingerprint([message] if isinstance(message, bytes) else message))
            starts.append(recv_ns)
            self._appending = False
            try:
                handle(message)
            except BaseException as error:  # SystemExit too: the worker goes on
                ends.append(-clock_ns())
                on_error(error, message, recv_ns)
            else:
                ends.append(clock_ns())
            if len(ends) >= INGEST_AT:
                on_full()
            return True

        return serve_one


def _interrupted(payload: bytes | Fingerprint) -> Fingerprint:
    if payload is INCOMPLETE:  # a message without its last frame is never accepted
        return CUT_OFF
    return Fingerprint(hash(payload), len(payload), interrupted=True)
