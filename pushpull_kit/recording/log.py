"""The log: a bounded, thread-safe record of messages, each with four instants from one clock.

Each timed socket appends to an event buffer of its own. Whoever reads the log (`len`, `summary`,
`messages`, ...) has the buffers ingested; a thread that fills its buffer does so as well. That
costs time for what is new, never for what is in flight or for the whole log.

Only short-lived threads of the log's own change it. So neither a signal handler, which runs in the
main thread, nor an exception that is raised in another thread can stop a change in the middle.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from time import perf_counter_ns as clock_ns
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from .apart import run_apart
from .events import INGEST_AT, ITEMS, EventBuffer, ReceiveBuffer, SendBuffer
from .export import to_dataframe, write_chrome_trace
from .ingest import Ingest
from .lanes import Lanes
from .messages import Message, Summary, to_messages
from .ring_buffer import DirtyRows, RingBuffer

if TYPE_CHECKING:
    import os

    import pandas

T = TypeVar("T")

#: When so many sockets were opened, their buffers are ingested. Bounds the memory for sockets that
#: are closed again soon.
MAX_NEW_BUFFERS = 256


class Delta(NamedTuple):
    """What has changed in a log: rows of `messages.ROW` with their ids, and what they refer to."""

    ids: npt.NDArray[np.int64]  # a message keeps its id
    rows: npt.NDArray[Any]
    first_id: int  # of the first message since the log was made or cleared
    oldest_id: int  # of the oldest message that is kept
    next_id: int  # of the next message to come
    n_pending: int  # how many more rows have changed
    lanes: list[tuple[str, str]]
    open_lanes: list[int]  # lanes of sockets that are not closed


class Timings:
    """A bounded, thread-safe log of messages: what the sockets of one context were seen to do.

    A message takes about 50 bytes. When `limit` messages are kept, the oldest is evicted;
    `summary()` goes on counting it. (If more than `limit` messages are in flight, the oldest of
    them may not be matched any more: it stays in flight, and its receipt counts as untimed.)
    Refused sends take at most a tenth of the places; further ones are only counted.
    Iterating gives `Message` records by time; `len` says how many are kept.

    A context has a log as `Context.timings`. Make one yourself to time something by hand.

    Args:
        limit: how many messages to keep.

    Raises:
        ValueError: `limit` is less than one.

    >>> timings = Timings()
    >>> caller, server = timings.add_sender("caller"), timings.add_worker("server")
    >>> caller.start(b"job", at_ns=1_000_000)
    >>> caller.end(at_ns=1_200_000)
    >>> server.start(b"job", at_ns=2_000_000)
    >>> server.end(at_ns=5_000_000)
    >>> print(timings.summary())
    your cell waited 200 µs · the work took 3.00 ms · 1 pushed = 1 handled + 0 failed + 0 in the \
handler + 0 in flight
    """

    def __init__(self, limit: int = 1_000_000) -> None:
        if not isinstance(limit, int) or limit < 1:
            raise ValueError(
                f"limit: expected how many messages to keep, a whole number from 1; got {limit!r}; "
                "leave it out to keep a million"
            )
        self.limit = limit
        self._lock = threading.Lock()
        self._lanes = Lanes()
        self._rows = RingBuffer(limit)
        self._ingest = Ingest(self._rows)

    # Writing.

    def add_sender(self, name: str | None = None) -> SendBuffer:
        """Return an event buffer for what one socket sends.

        Args:
            name: the lane's name. If left out: `"sender"`, or `"sender 2"` and so on.
        """
        buffer = SendBuffer()
        self.register(buffer, "sender", name)
        return buffer

    def add_worker(self, name: str | None = None) -> ReceiveBuffer:
        """Return an event buffer for what one socket receives.

        Args:
            name: the lane's name. If left out: `"worker"`, or `"worker 2"` and so on.
        """
        buffer = ReceiveBuffer()
        self.register(buffer, "worker", name)
        return buffer

    def register(self, buffer: EventBuffer, kind: str, name: str | None) -> None:
        """Give a new buffer its lane, and have it ingested from now on. Waits for no reader.

        Args:
            buffer: an event buffer without a lane.
            kind: `"sender"` or `"worker"`.
            name: the lane's name. If left out: the first of `"sender"`, `"sender 2"` and so on that
                no open socket has.
        """
        buffer.open(self._lanes.open(kind, name), self._on_full, self._on_close)
        new_buffers = self._ingest.new_buffers
        new_buffers.append(buffer)
        if len(new_buffers) % MAX_NEW_BUFFERS == 0:  # perhaps short-lived sockets
            self.ingest()

    def _on_full(self, buffer: EventBuffer) -> None:
        if self.ingest():
            buffer.full_at = INGEST_AT * ITEMS
        else:  # a reader holds the log; try again a little later
            buffer.full_at = len(buffer.spans) + INGEST_AT * ITEMS // 8

    def _on_close(self, buffer: EventBuffer) -> None:
        self._lanes.close(buffer.lane)

    def rename(self, buffer: EventBuffer, name: str) -> None:
        """Move a buffer to the lane of that name. What it did before stays in the old lane.

        Args:
            buffer: an event buffer of this log.
            name: the lane's name. The lane is made if there is none of that name.
        """

        def rename() -> None:
            buffer.lane = self._lanes.rename(buffer.lane, name)

        self._change(rename)

    def name_of(self, buffer: EventBuffer) -> str:
        """Return the name of a buffer's lane; empty if it has none yet.

        Args:
            buffer: an event buffer of this log.
        """
        return self._lanes.names[buffer.lane][1]

    def ingest(self) -> bool:
        """Take in what the event buffers hold, unless a reader holds the log.

        Returns:
            Whether that was done.
        """
        if self._lock.locked():  # do not start a thread in vain
            return False
        return run_apart(self._ingest_now)

    def _ingest_now(self) -> bool:
        if not self._lock.acquire(blocking=False):
            return False
        try:
            self._ingest.run()
        finally:
            self._lock.release()
        return True

    @property
    def n_buffered(self) -> int:
        """How many finished sends and handlings wait in event buffers for the next ingest."""
        buffers = (*self._ingest.senders, *self._ingest.receivers, *self._ingest.new_buffers)
        return sum(len(buffer.spans) // ITEMS for buffer in buffers)

    def _change(self, function: Callable[[], T]) -> T:
        """Ingest and call `function`, in a thread that holds the log; return its result."""

        def call() -> T:
            with self._lock:
                self._ingest.run()
                return function()

        return run_apart(call)

    # Reading.

    def __len__(self) -> int:
        return self._change(lambda: self._rows.next_id - self._rows.oldest_id)

    def __repr__(self) -> str:
        return f"<Timings: {len(self):,} messages, at most {self.limit:,}>"

    @property
    def lanes(self) -> list[tuple[str, str]]:
        """What lane numbers in `rows()` stand for: ("sender" or "worker", name); 0 is no lane.

        There are at most `lanes.MAX_NAMES`. Sockets with further names share a lane, one a kind.
        """
        return self._lanes.names

    def open_lanes(self) -> list[int]:
        """Return the numbers of the lanes that have a socket which is not closed."""
        return self._lanes.open_numbers()

    def rows(self) -> npt.NDArray[Any]:
        """Return the messages that are kept, by their first instant, as a structured array.

        Returns:
            A copy, of the type `messages.ROW`. Instants are in ns, 0 where there is none. Lane
            numbers index `lanes`, outcomes index `spec.OUTCOMES`.
        """
        return self.rows_and_lanes()[0]

    def rows_and_lanes(self) -> tuple[npt.NDArray[Any], list[tuple[str, str]]]:
        """Return `rows()` and the `lanes` that they refer to, as they were at one moment."""
        rows, lanes = self._change(lambda: (self._rows.copy(), self.lanes))
        first_ns = np.where(rows["send_start_ns"] > 0, rows["send_start_ns"], rows["recv_ns"])
        return np.asarray(rows[np.argsort(first_ns, kind="stable")]), lanes

    def messages(self) -> list[Message]:
        """Return the messages that are kept, by their first instant."""
        return list(self)

    def __iter__(self) -> Iterator[Message]:
        return to_messages(*self.rows_and_lanes())

    def summary(self) -> Summary:
        """Return the counts and totals so far. Unfinished sends and handlings count up to now."""
        return self._change(self._summary)

    def _summary(self) -> Summary:
        now_ns = clock_ns()
        ingest, counts, first_id = self._ingest, self._ingest.counts, self._rows.first_id
        sends = [s for s in ingest.unfinished_sends.values() if s.row_id >= first_id]
        handlings = [h for h in ingest.unfinished_handlings.values() if h.row_id >= first_id]
        sending_ns = counts.sending_ns + sum(now_ns - send.start_ns for send in sends)
        working_ns = counts.working_ns + sum(now_ns - handling.start_ns for handling in handlings)
        last_ns = now_ns if sends or handlings else counts.last_ns
        # Received before their send returned.
        received_early = sum(map(ingest.is_received, sends))
        pushed = counts.pushed + received_early
        return Summary(
            pushed=pushed,
            handled=counts.handled,
            failed=counts.failed,
            handling=counts.received - counts.handled - counts.failed,
            in_flight=pushed - counts.received,
            refused=counts.refused,
            interrupted=counts.interrupted,
            sending=len(sends) - received_early,
            untimed=counts.untimed,
            let_go=self._rows.oldest_id - first_id,
            sending_s=sending_ns / 1e9,
            working_s=working_ns / 1e9,
            span_s=(last_ns - counts.first_ns) / 1e9 if counts.first_ns else 0.0,
        )

    def subscribe(self) -> DirtyRows:
        """Return a subscription for `delta`; at first every kept message counts as changed."""
        return self._change(self._rows.subscribe)

    def delta(self, dirty: DirtyRows, max_rows: int, *, snapshot_rows: int = 0) -> Delta:
        """Return what has changed since the last call. Costs time for what is new only.

        Args:
            dirty: the subscription.
            max_rows: how many messages to return at most.
            snapshot_rows: if given, so many of the newest messages count as changed, and no others.
        """

        def delta() -> Delta:
            rows = self._rows
            if snapshot_rows:
                rows.mark_newest(dirty, snapshot_rows)
            ids, changed = rows.take(dirty, max_rows)
            return Delta(
                ids=ids,
                rows=changed,
                first_id=rows.first_id,
                oldest_id=rows.oldest_id,
                next_id=rows.next_id,
                n_pending=len(dirty),
                lanes=self.lanes,
                open_lanes=self.open_lanes(),
            )

        return self._change(delta)

    def clear(self) -> None:
        """Forget all messages, and count from zero.

        The receipt of a message that is on its way is neither shown nor counted. (Nor is that of an
        equal payload which is pushed afterwards and received first.)
        """

        def clear() -> None:
            self._ingest.clear()
            self._lanes.forget_closed()

        self._change(clear)

    # Exporting.

    def to_pandas(self) -> pandas.DataFrame:
        """Return the messages that are kept as a pandas DataFrame.

        Returns:
            The fields of `Message` and `waited_ns` as columns. Instants are nullable integers, in
            ns.

        Raises:
            ModuleNotFoundError: pandas is not installed.
        """
        return to_dataframe(*self.rows_and_lanes())

    def to_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write the messages that are kept as a Chrome trace, which ui.perfetto.dev opens.

        It has a slice for each send and each handling, an arrow from each send to its receipt, and
        a counter of messages in flight.

        Args:
            path: the file to write.

        Raises:
            OSError: the file cannot be written.
        """
        write_chrome_trace(path, *self.rows_and_lanes())


class HasTimings(Protocol):
    """What has a log, such as a context."""

    timings: Timings


def timings_of(source: object) -> Timings:
    """Return the log that `source` is or has.

    Raises:
        TypeError: it is none and has none.
    """
    timings = source if isinstance(source, Timings) else getattr(source, "timings", None)
    if not isinstance(timings, Timings):
        raise TypeError(
            "source: expected Timings, or something that has them as .timings (a Context); "
            f"got {source!r}; pass the context whose sockets you used"
        )
    return timings
