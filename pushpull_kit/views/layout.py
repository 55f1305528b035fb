"""The lanes of a static picture from top to bottom, with everything that lies in them.

Nothing is drawn here. Positions across are in pixels of the time axis, positions down in inches.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..recording.export import is_only_received
from ..recording.messages import FAILED, HANDLED, HANDLING, INTERRUPTED, REFUSED
from ..recording.units import duration
from ..spec import MAX_LANES, MAX_WAIT_SLOTS
from .bars import (
    BAR_IN,
    GAP_IN,
    Bars,
    Intervals,
    count_overlaps,
    intervals_by_kind,
    merged_bars,
    min_max_per_pixel,
    stacked_waits,
)
from .time_axis import Array, TimeAxis

#: Heights in inches: of the padding above and below a lane's content, of a line of small text, and
#: of the area that shows how many messages wait where they are too many for bars.
PAD_IN, LINE_IN, WAIT_COUNTS_IN = 0.08, 0.14, 0.36

# Slots for waiting messages in all lanes of workers together. More workers get fewer slots each, so
# that the picture stays low enough for a page; each has at least two.
_TOTAL_WAIT_SLOTS = 24

_MAX_NAME_CHARS = 24  # of a lane's name

#: Outcomes of a send that was not accepted. Each such send is drawn as a marker.
GIVEN_UP = {"refused": REFUSED, "interrupted": INTERRUPTED}


@dataclass
class Lane:
    """The lane of a sender, of a worker, or of the messages that no worker has received."""

    kind: str  # "sender", "worker" or "" (not received)
    name: str
    notes: list[str]  # lines of text below the name
    top_in: float
    bottom_in: float = 0.0
    bars: list[Bars] = field(default_factory=list)
    marks_px: dict[str, Array] = field(default_factory=dict)  # by a key of `styles.MARKERS`
    wait_counts: Array | None = None  # messages that wait, pixel by pixel, if too many for bars
    wait_counts_bottom_in: float = 0.0


def lay_out(rows: Array, lanes: list[tuple[str, str]], now_ns: int, axis: TimeAxis) -> list[Lane]:
    """Return the lanes of a panel: senders, then what was not received, then workers.

    Args:
        rows: messages as `Timings.rows` returns them.
        lanes: kind and name of each lane that the rows refer to, as `Timings.lanes`.
        now_ns: the time of drawing, up to which unfinished intervals last.
        axis: the time axis of the picture.
    """
    senders = [place for place, (kind, _) in enumerate(lanes) if kind == "sender"]
    workers = [place for place, (kind, _) in enumerate(lanes) if kind == "worker"]
    column = _Column(rows, now_ns, axis, n_workers=len(workers))
    for place in senders[:MAX_LANES]:
        column.add_sender(place, lanes[place][1])
    column.add_omitted("sender", len(senders) - MAX_LANES)
    column.add_not_received()
    for place in workers[:MAX_LANES]:
        column.add_worker(place, lanes[place][1])
    column.add_omitted("worker", len(workers) - MAX_LANES)
    return column.lanes


class _Column:
    """Adds lanes below each other; `y_in` is where the next one starts."""

    def __init__(self, rows: Array, now_ns: int, axis: TimeAxis, n_workers: int) -> None:
        self.rows, self.now_ns, self.axis = rows, now_ns, axis
        self.intervals = intervals_by_kind(rows, now_ns)
        slots_per_worker = _TOTAL_WAIT_SLOTS // max(1, n_workers)
        self.max_slots = max(2, min(MAX_WAIT_SLOTS, slots_per_worker))
        self.lanes: list[Lane] = []
        self.y_in = 0.0

    def add_sender(self, place: int, name: str) -> None:
        """Add a sender's lane: its sends, and markers for those that were not accepted."""
        is_mine = self.rows["sender"] == place
        notes = _sender_notes(self.rows[is_mine], self.now_ns)
        lane = Lane("sender", printable(name) or "sender", notes, self.y_in)
        content_in = lane.top_in + PAD_IN
        for kind in ("sending", "blocked"):
            mine = self.intervals[kind].where(is_mine)
            lane.bars += merged_bars(kind, mine, self.axis, content_in)
        for outcome, code in GIVEN_UP.items():
            is_given_up = is_mine & (self.rows["outcome"] == code)
            self._add_marks(lane, outcome, self.rows["send_end_ns"][is_given_up])
        self._finish(lane, content_in + BAR_IN)

    def add_worker(self, place: int, name: str) -> None:
        """Add a worker's lane: what it handled, and below it the messages that waited for it.

        Of a bare PULL only the receipts are known. Each is a mark.
        """
        is_mine = self.rows["worker"] == place
        notes = _worker_notes(self.rows[is_mine], self.now_ns)
        lane = Lane("worker", printable(name) or "worker", notes, self.y_in)
        content_in = lane.top_in + PAD_IN
        for kind in ("handling", "failed"):
            mine = self.intervals[kind].where(is_mine)
            lane.bars += merged_bars(kind, mine, self.axis, content_in)
        received_ns = self.rows["recv_ns"][is_mine & is_only_received(self.rows)]
        self._add_marks(lane, "received", received_ns)
        waits = self.intervals["waiting"].where(is_mine)
        self._finish(lane, self._add_waits(lane, waits, content_in + BAR_IN))

    def add_not_received(self) -> None:
        """Add the lane of messages that no worker has received, if there are any."""
        waits = self.intervals["waiting"].where(self.rows["worker"] == 0)
        n_waits = len(waits.rows)
        if n_waits:
            lane = Lane("", "not received", [f"{n_waits:,} in flight"], self.y_in)
            self._finish(lane, self._add_waits(lane, waits, lane.top_in + PAD_IN))

    def add_omitted(self, kind: str, n_omitted: int) -> None:
        """Add a line that says how many lanes are not drawn, if there are any."""
        if n_omitted > 0:
            lane = Lane(kind, f"{n_omitted:,} more {kind}s", ["not drawn"], self.y_in)
            self._append(lane, lane.top_in + 3 * LINE_IN)

    def _add_marks(self, lane: Lane, kind: str, instants_ns: Array) -> None:
        """Add marks of a kind, at most one a pixel."""
        if len(instants_ns):
            lane.marks_px[kind] = np.unique(self.axis.to_px(instants_ns).round())

    def _add_waits(self, lane: Lane, waits: Intervals, top_in: float) -> float:
        """Add waits as bars, or as a count if they are too many; return where they end."""
        if not len(waits.rows):
            return top_in
        bars = stacked_waits(waits, self.axis, top_in + GAP_IN, self.max_slots)
        if bars:
            lane.bars += bars
            return float(bars[0].bottom_in.max())
        start_px, end_px = self.axis.to_px(waits.start_ns), self.axis.to_px(waits.end_ns)
        _, lane.wait_counts = min_max_per_pixel(*count_overlaps(start_px, end_px))
        lane.wait_counts_bottom_in = top_in + GAP_IN + WAIT_COUNTS_IN
        return lane.wait_counts_bottom_in

    def _finish(self, lane: Lane, content_bottom_in: float) -> None:
        """Append a lane that is high enough for its content and for its label."""
        label_bottom_in = lane.top_in + LINE_IN * (1.4 + len(lane.notes))
        self._append(lane, PAD_IN + max(content_bottom_in, label_bottom_in))

    def _append(self, lane: Lane, bottom_in: float) -> None:
        lane.bottom_in = self.y_in = bottom_in
        self.lanes.append(lane)


def _sender_notes(rows: Array, now_ns: int) -> list[str]:
    """Return what a sender's label says: how many sends, how long they took, what was refused."""
    if not len(rows):
        return ["nothing sent"]
    noun = "send" if len(rows) == 1 else "sends"
    took = _total(rows["send_start_ns"], rows["send_end_ns"], now_ns)
    return [f"{len(rows):,} {noun}, {took}", *_count_outcomes(rows, GIVEN_UP)]


def _worker_notes(rows: Array, now_ns: int) -> list[str]:
    """Return what a worker's label says: how many it handled, how long it took, what failed."""
    if not len(rows):
        return ["nothing received"]
    only_received = is_only_received(rows)
    notes, timed = [], rows[~only_received]
    if len(timed):
        n_handled = (timed["outcome"] == HANDLED).sum()
        notes.append(f"{n_handled:,} handled, {_total(timed['recv_ns'], timed['done_ns'], now_ns)}")
    if len(timed) < len(rows):
        notes.append(f"{only_received.sum():,} received, not timed")
    others = {"failed": FAILED, "in the handler": HANDLING}
    return notes + _count_outcomes(rows, others)


def _total(start_ns: Array, end_ns: Array, now_ns: int) -> str:
    """Return the sum of durations; one that has no end lasts until now."""
    total_ns = (np.where(end_ns > 0, end_ns, now_ns) - start_ns).sum()
    return duration(float(total_ns) / 1e9)


def _count_outcomes(rows: Array, outcomes: Mapping[str, int]) -> list[str]:
    """Return a text such as "3 failed" for each outcome that occurs."""
    counts = {name: int((rows["outcome"] == code).sum()) for name, code in outcomes.items()}
    return [f"{count:,} {name}" for name, count in counts.items() if count]


def printable(name: object, max_chars: int = _MAX_NAME_CHARS) -> str:
    """Return a name as one printable line, cut to the width of `max_chars` Latin characters.

    >>> printable("a name that is much too long"), printable("two\\nlines")
    ('a name that is much too…', 'two lines')
    """
    text = "".join(char if char.isprintable() else " " for char in str(name))
    width, start = 0, ""
    for char in text:
        width += 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if width < max_chars:
            start += char
    return text if width <= max_chars else start + "…"
