"""The kernel's side of the page protocol: subscriptions, batches of dirty rows, heartbeats.

A page sends `{"kind": "subscribe"}`, and gets a snapshot. From then on it gets what has changed,
and sends `{"kind": "acknowledge", "sequence": n}` for what it has drawn. While nothing changes, it
gets batches without messages as heartbeats.

A batch is a header (a small dict) and one block of bytes. The block holds the columns of
`spec.BATCH_COLUMNS`, one after the other, each with one value per message. Instants are in ns after
an origin, as 64-bit floats, which are exact for a hundred days; an unknown instant is NaN.

A header has the lanes if they have changed, and in a snapshot. The page then replaces its own.

If the log cannot be read, the page gets `{"kind": "error", "text": "..."}`, and the next batch is a
snapshot.

The log gives each message a row id that is never used twice. A page shows message ids, which count
from 0 since the log was last cleared: the message id is the row id minus `first_row_id`.
"""

from __future__ import annotations

from collections import deque
from time import perf_counter_ns as clock_ns
from typing import Any

import numpy as np

from ...recording.export import as_utf8
from ...recording.log import Delta, Timings
from ...recording.messages import Summary
from ...spec import BATCH_COLUMNS

#: Minimum time between batches: a screen shows no more than 30 different pictures a second.
FRAME_S = 1 / 30

#: With more unacknowledged batches than this, `SLOW_FRAME_S` is between them. A page acknowledges
#: four times a second, because the kernel reports "busy" and "idle" for each acknowledgment.
MAX_UNACKNOWLEDGED = 12

#: Minimum time between batches that are not acknowledged. They go on, because the kernel does not
#: read acknowledgments while a cell runs.
SLOW_FRAME_S = 0.1

#: With more bytes than this unacknowledged, batches have no messages.
MAX_UNACKNOWLEDGED_BYTES = 32_000_000

#: Minimum time between batches that only bring a new headline, such as growing durations.
HEADLINE_S = 0.25

#: Maximum number of messages in a batch, and in a snapshot that is sent before a page subscribes.
MAX_BATCH_ROWS, MAX_EARLY_ROWS = 50_000, 5_000

#: Time between heartbeats. A page that misses them knows that the kernel is gone.
HEARTBEAT_S = 1.0

#: Heartbeats stop this long after the last change, because servers may want to stop an idle kernel.
IDLE_S = 600.0


class BatchStream:
    """The batches that the pages of one log get, and when they are due.

    One thread calls `batch`; `subscribe` and `acknowledge` may be called from any. Until a page has
    sent something, every batch is a snapshot, so that a page that subscribes late misses nothing.
    """

    def __init__(self, timings: Timings) -> None:
        self.timings = timings
        self.origin_ns = clock_ns()
        #: Sequence numbers of the last batch, and of the last one that was acknowledged.
        self.sequence = self.acknowledged = 0
        #: Whether a page has subscribed and has not been sent a snapshot yet.
        self.snapshot_due = False
        self._dirty = timings.subscribe()
        self._page_seen = False
        self._unacknowledged: deque[tuple[int, int]] = deque()  # sequence number, size in bytes
        self._sent_s = self._changed_s = float("-inf")
        self._headline = ""
        self._sent_lanes: tuple[object, ...] = ()

    def subscribe(self) -> None:
        """Make the next batch a snapshot."""
        self._page_seen = self.snapshot_due = True
        self.acknowledged = self.sequence  # a new page does not acknowledge older batches

    def acknowledge(self, sequence: int) -> None:
        """Note that a page has drawn all batches up to this one."""
        self._page_seen = True
        if self.acknowledged < sequence <= self.sequence:
            self.acknowledged = sequence

    @property
    def n_pending(self) -> int:
        """Number of messages that have changed and were not sent since."""
        return len(self._dirty)

    def due_s(self, now_s: float) -> float:
        """Return the time in seconds until the next batch may be sent."""
        is_slow = not self._page_seen or self.sequence - self.acknowledged > MAX_UNACKNOWLEDGED
        return max(0.0, self._sent_s + (SLOW_FRAME_S if is_slow else FRAME_S) - now_s)

    def batch(self, now_s: float, *, closed: bool = False) -> tuple[dict[str, Any], bytes] | None:
        """Return the header and the block of the next batch, or `None` if there is nothing to send.

        Args:
            now_s: the time in seconds, from any monotonic clock.
            closed: the log gets no more messages. The last batch then says `ended`.
        """
        summary = self.timings.summary()  # ingests the events of the sockets
        headline = str(summary)
        subscribed, self.snapshot_due = self.snapshot_due, False
        full = self._unacknowledged_bytes() > MAX_UNACKNOWLEDGED_BYTES
        changed = self.n_pending > 0 and not full
        if changed:
            self._changed_s = now_s
        if not (changed or closed or subscribed or self._headline_or_heartbeat(headline, now_s)):
            return None
        if subscribed:
            snapshot_rows = self.timings.limit
        else:
            snapshot_rows = 0 if self._page_seen else MAX_EARLY_ROWS
        max_rows = 0 if full else MAX_BATCH_ROWS
        delta = self.timings.delta(self._dirty, max_rows, snapshot_rows=snapshot_rows)
        block = encode(delta, self.origin_ns)
        self.sequence += 1
        self._sent_s, self._headline = now_s, headline
        self._unacknowledged.append((self.sequence, len(block)))
        ended = closed and (full or not delta.n_pending)
        return self._header(delta, summary, now_s, snapshot=bool(snapshot_rows), ended=ended), block

    def _headline_or_heartbeat(self, headline: str, now_s: float) -> bool:
        """Whether a batch without messages is due."""
        since_s = now_s - self._sent_s
        if headline != self._headline and since_s >= HEADLINE_S:
            return True
        return since_s >= HEARTBEAT_S and now_s - self._changed_s < IDLE_S

    def _header(
        self, delta: Delta, summary: Summary, now_s: float, *, snapshot: bool, ended: bool
    ) -> dict[str, Any]:
        beats = not ended and now_s - self._changed_s < IDLE_S - HEARTBEAT_S
        return {
            "sequence": self.sequence,
            "acknowledged": self.acknowledged,
            "snapshot": snapshot,
            "count": len(delta.rows),
            "first_row_id": delta.first_id,
            "oldest_id": delta.oldest_id - delta.first_id,
            "next_id": delta.next_id - delta.first_id,
            "limit": self.timings.limit,
            **self._lanes_to_send(delta, snapshot=snapshot),
            "now_ns": clock_ns() - self.origin_ns,
            "headline": str(summary),
            "busy": bool(summary.sending or summary.handling),
            "in_flight": summary.in_flight,
            "ended": ended,
            "heartbeat_within_s": HEARTBEAT_S if beats else None,
        }

    def _lanes_to_send(self, delta: Delta, *, snapshot: bool) -> dict[str, Any]:
        """Return the part of a header about lanes, which can be thousands: empty if unchanged."""
        lanes = (delta.lanes, delta.open_lanes)
        if lanes == self._sent_lanes and not snapshot:
            return {}
        self._sent_lanes = lanes
        names = [(kind, as_utf8(name)) for kind, name in delta.lanes]
        return {"lanes": names, "open_lanes": delta.open_lanes}

    def _unacknowledged_bytes(self) -> int:
        while self._unacknowledged and self._unacknowledged[0][0] <= self.acknowledged:
            self._unacknowledged.popleft()
        return sum(size for _, size in self._unacknowledged)


def encode(delta: Delta, origin_ns: int) -> bytes:
    """Return the messages of a delta as a block of bytes."""
    columns = []
    for name, kind in BATCH_COLUMNS:
        if name == "message_id":
            values = delta.ids - delta.first_id
        elif name.endswith("_ns"):
            instants = delta.rows[name]
            values = np.where(instants > 0, instants - origin_ns, np.nan)
        else:
            values = delta.rows[name]
        columns.append(values.astype(f"<{kind}").tobytes())
    return b"".join(columns)
