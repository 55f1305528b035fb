"""Event buffers: lists to which a socket's thread appends, and which the log empties.

A span is one send, or one receipt with the handling of the message. This module, and `quick` with
fewer steps, know how a span is noted:

- While a send or a handling is unfinished, `current_payload` and `current_ns` hold it.
- When it ends, `spans` grows by three items: payload, start and end. The end is negative if the
  send was refused or interrupted, or if the handling failed. It is 0 for a receipt whose handling
  is not timed.
- Extending a list is one step, which neither another thread nor a signal handler can divide. So no
  lock is needed, and no span is ever noted in part.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter_ns as clock_ns
from time import sleep
from typing import Any

import numpy as np
import numpy.typing as npt

from .fingerprint import (
    CUT_OFF,
    INCOMPLETE,
    MAX_KEPT_BYTES,
    REOPENED,
    Fingerprint,
    fingerprint_frame,
)
from .payloads import Payloads, joined

#: When a buffer holds this many spans, the thread that fills it has them ingested. That takes a few
#: milliseconds, and bounds the memory if nobody reads the log.
INGEST_AT = 8192

#: A span is three items of the list `spans`: payload, start, end.
ITEMS = 3

#: Maximum time a reader waits for a writer that was preempted between taking a timestamp and
#: appending it.
APPEND_TIMEOUT_NS = 20_000_000

#: A span as it leaves a buffer. `end` is 0 while it is unfinished, or if it is not known.
EVENT = np.dtype(
    [
        ("start", np.int64),
        ("end", np.int64),
        ("buffer", np.int32),  # index of the buffer that it comes from
        ("unfinished", np.bool_),
        ("interrupted", np.bool_),
        ("incomplete", np.bool_),  # a multipart message of which frames are missing
        ("reopened", np.bool_),  # the handling of the buffer's last receipt, which came before
    ]
)


@dataclass(frozen=True, slots=True)
class Events:
    """Spans that have left their event buffers, in the order of their start.

    Args:
        table: what is known of each, as a structured array of the type `EVENT`.
        payloads: the payload of each, or its fingerprint.

    >>> from pushpull_kit import Timings
    >>> sends = Timings().add_sender()
    >>> sends.start(b"job", at_ns=1_000_000)
    >>> sends.end(at_ns=1_200_000)
    >>> len(sends.drain(index=0))
    1
    """

    table: npt.NDArray[Any]  # of `EVENT`
    payloads: Payloads

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, index: slice | npt.NDArray[Any]) -> Events:
        """Return some of the events: those of a slice, or of an array of indices."""
        return Events(self.table[index], self.payloads[index])


def merged(parts: list[Events]) -> Events:
    """Return events of several buffers, in the order of their start."""
    if len(parts) == 1:
        return parts[0]
    table = np.concatenate([np.empty(0, EVENT), *(part.table for part in parts)])
    order = np.argsort(table["start"], kind="stable")
    return Events(table[order], joined([part.payloads for part in parts])[order])


class EventBuffer:
    """The spans of one socket, or of anything else that is timed by hand.

    `SendBuffer` and `ReceiveBuffer` are the two kinds.

    Args:
        lane: number of its lane, see `Timings.lanes`; 0 until `Timings.register` gives it one.
        on_full: called by the writing thread while the buffer holds `full_at` items or more.
        on_close: called once, when the buffer is closed.
    """

    __slots__ = (
        "_on_close", "_on_full", "appending", "closed", "current_ns", "current_payload", "full_at",
        "lane", "reopens", "spans",
    )  # fmt: skip

    def __init__(
        self,
        lane: int = 0,
        on_full: Callable[[EventBuffer], None] = lambda buffer: None,
        on_close: Callable[[EventBuffer], None] = lambda buffer: None,
    ) -> None:
        self.lane = lane
        self.spans: list[Any] = []
        self.current_payload: bytes | Fingerprint = b""
        self.current_ns = 0  # when the unfinished span started; 0 if there is none
        self.appending = False  # whether a timestamp was taken that is not noted yet
        # A buffer without a lane counts as full, so that quick methods leave it to the others.
        self.full_at = INGEST_AT * ITEMS if lane else 0
        self.reopens = False  # whether a span may be `REOPENED`
        self.closed = False
        self._on_full, self._on_close = on_full, on_close

    def open(
        self,
        lane: int,
        on_full: Callable[[EventBuffer], None],
        on_close: Callable[[EventBuffer], None],
    ) -> None:
        """Give the buffer its lane. `Timings.register` calls this.

        Args:
            lane: number of the lane, see `Timings.lanes`.
            on_full: called by the writing thread while the buffer holds `full_at` items or more.
            on_close: called once, when the buffer is closed.
        """
        self.lane, self._on_full, self._on_close = lane, on_full, on_close
        self.full_at = INGEST_AT * ITEMS

    # Called by the thread that uses the socket.

    def start(self, payload: bytes | Fingerprint, at_ns: int | None = None) -> None:
        """Note that a send, or the handling of a message, starts.

        Args:
            payload: the message, or its fingerprint. It is not copied.
            at_ns: when, as `time.perf_counter_ns` gives it. Now, if left out.
        """
        self.ingest_if_full()
        if isinstance(payload, bytes) and len(payload) > MAX_KEPT_BYTES:
            payload = fingerprint_frame(payload)
        self.current_payload = payload
        self.current_ns = clock_ns() if at_ns is None else at_ns

    def end(self, ok: bool = True, at_ns: int | None = None) -> None:
        """Note that the span ended.

        Args:
            ok: False if the send was refused, or if the handling failed.
            at_ns: when, as `time.perf_counter_ns` gives it. Now, if left out.
        """
        at_ns = clock_ns() if at_ns is None else at_ns
        self._append(self.current_payload, self.current_ns, at_ns if ok else -at_ns)

    def abort(self, *, interrupted: bool, at_ns: int | None = None) -> None:
        """End the unfinished span, if there is one, as refused or interrupted.

        Args:
            interrupted: whether the send may have been accepted nevertheless.
            at_ns: when, as `time.perf_counter_ns` gives it. Now, if left out.
        """
        if not self.current_ns:
            return
        payload = self.current_payload
        if interrupted:
            payload = _interrupted(payload)
        self._append(payload, self.current_ns, -(clock_ns() if at_ns is None else at_ns))

    def _append(self, payload: bytes | Fingerprint, start_ns: int, end_ns: int) -> None:
        spans = self.spans
        spans += (payload, start_ns, end_ns)
        self.current_ns = 0

    def ingest_if_full(self) -> None:
        """Have the spans ingested if there are many."""
        if len(self.spans) >= self.full_at:
            self._on_full(self)

    def close(self) -> None:
        """Note that the socket is closed, so that nothing follows."""
        if not self.closed:
            self.closed = True
            self._on_close(self)

    @property
    def unfinished(self) -> bool:
        """Whether the last span has started and not ended."""
        return self.current_ns > 0

    # Called by the log, from any thread.

    def drain(self, index: int, until_ns: int = sys.maxsize) -> Events:
        """Remove and return the finished spans that started at or before `until_ns`.

        The unfinished span is returned as well, as the last one, and stays. So a later call returns
        it again, first. A receipt whose instant is taken and not noted yet is waited for.

        Args:
            index: what to put into the column `buffer`.
            until_ns: spans that started later are left.

        Returns:
            The spans, oldest first.
        """
        deadline_ns = clock_ns() + APPEND_TIMEOUT_NS
        while self.appending and clock_ns() < deadline_ns:
            sleep(0)  # let the writer run
        # First what is unfinished: so a span that ends meanwhile is seen twice rather than never.
        payload, start_ns = self._current()
        items = self.spans[:]
        starts = items[1::ITEMS]
        size = len(starts)
        if size and starts[-1] > until_ns:
            size = bisect_right(starts, until_ns)
            del items[size * ITEMS :]
        del self.spans[: size * ITEMS]
        unfinished = 0 < start_ns <= until_ns and not _has_ended(items, payload, start_ns)
        if unfinished:
            items += (payload, start_ns, 0)
        events = _events(index, items)
        if unfinished:
            events.table["unfinished"][-1] = True
            events.table["incomplete"][-1] = payload is INCOMPLETE
        if self.reopens:
            events.table["reopened"] = [item is REOPENED for item in items[0::ITEMS]]
        return events

    def _current(self) -> tuple[bytes | Fingerprint, int]:
        """Return payload and start of the unfinished span; the start is 0 if there is none."""
        start_ns = self.current_ns
        payload = self.current_payload
        # The payload belongs to this start only if no other span has started meanwhile.
        return payload, start_ns if self.current_ns == start_ns else 0


def _has_ended(items: list[Any], payload: bytes | Fingerprint, start_ns: int) -> bool:
    """Return whether the span that was unfinished a moment ago is one of the finished ones."""
    is_reopened = payload is REOPENED  # which has the start of the receipt before it
    for i in range(len(items) - ITEMS, -1, -ITEMS):
        if items[i + 1] < start_ns:
            return False
        if items[i + 1] == start_ns and (items[i] is REOPENED) == is_reopened:
            return True
    return False


def _events(index: int, items: list[Any]) -> Events:
    """Return events from items of `EventBuffer.spans`."""
    payloads = items[0::ITEMS]
    size = len(payloads)
    table = np.zeros(size, EVENT)
    table["buffer"] = index
    table["start"] = np.fromiter(items[1::ITEMS], np.int64, size)
    ends = items[2::ITEMS]
    if not any(ends):  # the receipts of a bare PULL
        return Events(table, Payloads(payloads))
    table["end"] = np.fromiter(ends, np.int64, size)
    for i in np.flatnonzero(table["end"] < 0).tolist():
        payload = payloads[i]
        if type(payload) is Fingerprint:
            table["incomplete"][i] = payload is CUT_OFF
            table["interrupted"][i] = payload.interrupted
    return Events(table, Payloads(payloads))


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

    def complete(self, payload: bytes | Fingerprint) -> None:
        """Set the payload of the unfinished send, which started with `INCOMPLETE`.

        Args:
            payload: the fingerprint of the whole message.
        """
        self.current_payload = payload


class ReceiveBuffer(EventBuffer):
    """The receipts of one socket, each with the handling of the message if that is timed.

    >>> from pushpull_kit import Timings
    >>> timings = Timings()
    >>> receipts = timings.add_worker("server")
    >>> receipts.start(b"job", at_ns=2_000_000)
    >>> receipts.end(ok=False, at_ns=5_000_000)
    >>> [(message.worker, message.outcome) for message in timings]
    [('server', 'failed')]
    """

    __slots__ = ("last_ns",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.last_ns = 0  # when the last message was received

    def clock_ns(self) -> int:
        """Return now. Readers wait until `receive` or `start` notes this instant, or `discard`."""
        self.appending = True
        return clock_ns()

    def discard(self) -> None:
        """Drop the instant that `clock_ns` returned last, because no span starts with it."""
        self.appending = False

    def start(self, payload: bytes | Fingerprint, at_ns: int | None = None) -> None:
        """Note that a message was received, and that its handling starts.

        Args:
            payload: the message, or its fingerprint. It is not copied.
            at_ns: when, as `clock_ns` gives it. Now, if left out.
        """
        super().start(payload, at_ns)
        self.appending = False

    def receive(self, payload: bytes | Fingerprint, at_ns: int) -> None:
        """Note that a message was received whose handling is not timed.

        Args:
            payload: the message, or its fingerprint. It is not copied.
            at_ns: when, as `clock_ns` gives it.
        """
        self.last_ns = at_ns
        self._append(payload, at_ns, 0)
        self.appending = False

    def restart(self) -> None:
        """Note that the handling of the message that `receive` noted last is timed from now on."""
        self.reopens = True
        self.current_payload = REOPENED
        self.current_ns = self.last_ns


def _interrupted(payload: bytes | Fingerprint) -> Fingerprint:
    if payload is INCOMPLETE:  # a message without its last frame is never accepted
        return CUT_OFF
    return Fingerprint(hash(payload), len(payload), interrupted=True)
