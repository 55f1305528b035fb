"""What a live view is sent, and when: batches of what has changed in a log.

A batch is a small dict and one block of bytes. The block holds columns, one after the other, each
with a value for every message: see `COLUMNS`. Instants are ns after `origin_ns`, as 64-bit floats,
which are exact for a hundred days; NaN where there is none.
"""

from __future__ import annotations

from collections import deque
from time import perf_counter_ns as clock_ns
from typing import Any

import numpy as np

from ...recording.log import Delta, Timings

#: The columns of a batch's block of bytes, little-endian, widest first so that all are aligned.
COLUMNS = (
    ("send_start_ns", "<f8"),
    ("send_end_ns", "<f8"),
    ("recv_ns", "<f8"),
    ("done_ns", "<f8"),
    ("n_bytes", "<f8"),
    ("number", "<u4"),  # since the log was made or cleared
    ("sender", "<u2"),
    ("worker", "<u2"),
    ("outcome", "<u1"),
)

#: A batch is sent every so often at the most: no eye sees more.
FRAME_S = 1 / 30

#: How many batches may be on their way that no page has acknowledged. A page acknowledges four
#: times a second, because every acknowledgment makes the kernel say that it is busy.
AHEAD = 12

#: How often batches are sent beyond that. While a cell runs, the kernel does not read what a page
#: acknowledges, so to wait for it would be to stop the picture when there is most to see.
UNHEARD_S = 0.1

#: Durations go on while nothing else happens: the headline is sent this often.
HEADLINE_S = 0.25

#: Beyond so many unacknowledged bytes no messages are sent, only the headline.
HELD_BYTES = 32_000_000

#: How many messages a batch holds at the most, and those sent before any page has answered.
MOST, MOST_UNHEARD = 50_000, 5_000

#: A sign of life is sent this often, so that a page can tell a silent kernel from a dead one ...
ALIVE_S = 1.0

#: ... until nothing has happened for so long: a server may want to end what is idle.
QUIET_S = 600.0


class Feed:
    """Batches from one log for the pages that show it: what to send now, if anything.

    One thread calls `batch`; `hello` and `ack` may be called from any. Until a page has answered,
    each batch tells everything from the beginning (the newest `MOST_UNHEARD` messages), so that a
    page that begins to listen late has missed nothing.
    """

    def __init__(self, timings: Timings) -> None:
        self.timings = timings
        self._origin_ns = clock_ns()
        self._dirty = timings.subscribe()
        self._answered = self._anew = False
        self._sequence = self._acked = 0
        self._on_the_way: deque[tuple[int, int]] = deque()  # sequence number, bytes
        self._sent_s = self._changed_s = float("-inf")
        self._headline = ""

    def hello(self) -> None:
        """Note that a page has begun to listen, and needs everything."""
        self._answered = self._anew = True
        self._acked = self._sequence  # what was sent before, it will never acknowledge

    def ack(self, sequence: int) -> None:
        """Note that a page has all batches up to this one."""
        self._answered = True
        if self._acked < sequence <= self._sequence:
            self._acked = sequence

    @property
    def asked(self) -> bool:
        """Whether a page has asked for everything and was not answered yet."""
        return self._anew

    @property
    def n_pending(self) -> int:
        """How many messages have changed and were not sent yet."""
        return len(self._dirty)

    def due_s(self, now_s: float) -> float:
        """Return in how many seconds the next batch may be sent."""
        ahead = self._sequence - self._acked > AHEAD or not self._answered
        return max(0.0, self._sent_s + (UNHEARD_S if ahead else FRAME_S) - now_s)

    def batch(self, now_s: float, *, closed: bool = False) -> tuple[dict[str, Any], bytes] | None:
        """Return what is to be sent now, or `None`; the last batch of a closed log says `ended`.

        `now_s` is a time from any clock that does not go back.
        """
        summary = self.timings.summary()  # which takes in what the sockets noted
        headline, since_s = str(summary), now_s - self._sent_s
        asked, self._anew = self._anew, False
        held = self._held()
        if len(self._dirty) and not held:
            self._changed_s = now_s
        elif not (
            closed
            or asked
            or (headline != self._headline and since_s >= HEADLINE_S)
            or (since_s >= ALIVE_S and now_s - self._changed_s < QUIET_S)
        ):
            return None
        again = self.timings.limit if asked else 0 if self._answered else MOST_UNHEARD
        delta = self.timings.delta(self._dirty, 0 if held else MOST, snapshot_rows=again)
        block = encode(delta, self._origin_ns)
        self._sequence += 1
        self._sent_s, self._headline = now_s, headline
        self._on_the_way.append((self._sequence, len(block)))
        ended = closed and (held or not delta.n_pending)
        alive = not ended and now_s - self._changed_s < QUIET_S - ALIVE_S
        return {
            "sequence": self._sequence,
            "acked": self._acked,
            "anew": bool(again),
            "count": len(delta.rows),
            "first": delta.first_id,
            "oldest": delta.oldest_id - delta.first_id,
            "next": delta.next_id - delta.first_id,
            "limit": self.timings.limit,
            "lanes": [(kind, sendable(name)) for kind, name in delta.lanes],
            "open": delta.open_lanes,
            "now_ns": clock_ns() - self._origin_ns,
            "headline": headline,
            "busy": bool(summary.sending or summary.handling),
            "in_flight": summary.in_flight,
            "ended": ended,
            "again_within_s": ALIVE_S if alive else None,
        }, block

    def _held(self) -> bool:
        """Whether too much is on its way already."""
        while self._on_the_way and self._on_the_way[0][0] <= self._acked:
            self._on_the_way.popleft()
        return sum(size for _, size in self._on_the_way) > HELD_BYTES


def sendable(name: str) -> str:
    """Return a name as UTF-8 can tell it: half a character (a lone surrogate) becomes `?`."""
    return name.encode("utf-8", "replace").decode()


def encode(delta: Delta, origin_ns: int) -> bytes:
    """Return the messages as a block of bytes, column by column; see `COLUMNS`."""
    columns = []
    for name, kind in COLUMNS:
        if name == "number":
            values = delta.ids - delta.first_id
        elif name.endswith("_ns"):
            instants = delta.rows[name]
            values = np.where(instants > 0, instants - origin_ns, np.nan)
        else:
            values = delta.rows[name]
        columns.append(values.astype(kind).tobytes())
    return b"".join(columns)
