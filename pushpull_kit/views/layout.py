"""Where things lie in a picture of messages: bars, lanes and lines, from the rows of a log.

Nothing is drawn here. Lengths of time are in pixels of the axis, heights in inches down. What is
laid out is bounded by the pixels there are, however many messages there were.

Messages are numbered from 0 by their first instant, refused ones too: with one sender, number 3 is
what a loop over `range(10)` sent when its variable was 3.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..recording.messages import FAILED, HANDLED, HANDLING, INTERRUPTED, REFUSED, SENDING
from ..recording.units import duration

Array = npt.NDArray[Any]

#: A send that takes longer was blocked: others take microseconds, and less than this is not felt.
BLOCKED_NS = 50_000_000

AXIS_PX = 700.0  # how long the axis of time is, of a notebook's column of about 900

# Inches of height: of a bar, of a wait with the gap below it, of a crowd of waits, around a lane.
BAR_IN, SLOT_IN, GAP_IN, CROWD_IN, PAD_IN = 0.27, 0.15, 0.025, 0.36, 0.08
LINE_IN = 0.14  # of a line of small text

MIN_PX = 1.5  # a narrower bar could not be seen
MERGE_PX = 3.0  # bars that are narrower than this, and less than a pixel apart, become one
LOW_FROM_PX = 12.0  # such a one, if it is wider than this, is as high as the time it stands for
MAX_SINGLE = 300  # waits drawn one by one in a lane; numbers written in a panel
MAX_SLOTS = 8  # waits above each other in a lane
MAX_LANES = 40  # of senders, and of workers
MAX_CHARS = 24  # of a name


@dataclass(frozen=True)
class TimeAxis:
    """Where on paper an instant lies: linear, or log(1 + time in µs), which has a true zero."""

    origin_ns: int
    span_ns: float
    log: bool = False

    @property
    def unit(self) -> tuple[str, float]:
        """The unit of the axis: its name, and how many ns it is."""
        units = (("s", 1e9), ("ms", 1e6), ("µs", 1e3))
        return next((u for u in units if self.span_ns >= u[1] and not self.log), units[-1])

    @property
    def end(self) -> float:
        """The last time that is shown, in the axis's unit."""
        return self.span_ns / self.unit[1]

    def bend(self, time: Any) -> Any:
        """Turn a time in the axis's unit into something that is even on paper."""
        return np.log1p(time) if self.log else time

    def unbend(self, even: Any) -> Any:
        """Undo `bend`."""
        return np.expm1(even) if self.log else even

    def to_px(self, ns: Array) -> Array:
        """Return how far to the right instants lie."""
        time = (ns - self.origin_ns) / self.unit[1]
        return np.asarray(self.bend(time) / self.bend(self.end) * AXIS_PX)

    def from_px(self, px: Any) -> Any:
        """Return the time that lies there, in the axis's unit."""
        return self.unbend(px / AXIS_PX * self.bend(self.end))


class Spans(NamedTuple):
    """What is to be bars of one kind: which rows, from when to when, and whether it goes on."""

    rows: Array
    begin_ns: Array
    end_ns: Array
    open: Array


def spans(rows: Array, now_ns: int) -> dict[str, Spans]:
    """Return what was going on, by kind; what has not ended is drawn until `now_ns`."""
    start, sent, recv, done, outcome = (
        rows[name] for name in ("send_start_ns", "send_end_ns", "recv_ns", "done_ns", "outcome")
    )
    sent_by, recv_by, done_by = (np.where(ns > 0, ns, now_ns) for ns in (sent, recv, done))
    blocked = (outcome == SENDING) | (sent_by - start > BLOCKED_NS)
    gave_up, failed = np.isin(outcome, (REFUSED, INTERRUPTED)), outcome == FAILED
    kinds = {
        "sending": ((start > 0) & ~blocked & ~gave_up, start, sent_by, sent == 0),
        "blocked": ((start > 0) & blocked, start, sent_by, sent == 0),
        "handling": ((recv > 0) & ~failed, recv, done_by, done == 0),
        "failed": ((recv > 0) & failed, recv, done_by, done == 0),
        "waiting": ((start > 0) & ~gave_up & (outcome != SENDING), start, recv_by, recv == 0),
    }
    return {
        kind: Spans(which := np.flatnonzero(mask), begin[which], end[which], goes_on[which])
        for kind, (mask, begin, end, goes_on) in kinds.items()
    }


def merge(begin: Array, end: Array) -> Array:
    """Return for each bar the number of the group that it is to be drawn in.

    Narrow bars that are less than a pixel apart make a group; any other bar is one by itself.
    """
    wide = end - begin >= MERGE_PX
    order = np.lexsort((begin, wide))  # the narrow ones first
    reach = np.maximum.accumulate(end[order])
    new = np.ones(len(order), np.bool_)
    new[1:] = wide[order][1:] | (begin[order][1:] > reach[:-1] + 1)
    groups = np.empty(len(order), np.int64)
    groups[order] = np.cumsum(new) - 1
    return groups


def stack(begin: Array, end: Array, most: int = MAX_SLOTS) -> Array | None:
    """Return a slot for each bar, or `None` if more than `most` would be needed.

    Bars in a slot overlap by a few pixels at the most, so that one too short to tell from nothing
    does not keep a slot for itself.
    """
    if len(begin) > MAX_SINGLE:
        return None
    free_px: list[float] = []
    slots = np.zeros(len(begin), np.int64)
    for i in np.argsort(begin, kind="stable"):
        free = (slot for slot, px in enumerate(free_px) if px <= begin[i] + MERGE_PX)
        slots[i] = next(free, len(free_px))
        free_px[slots[i] : slots[i] + 1] = [end[i]]
    return slots if len(free_px) <= most else None


def overlap(begin: Array, end: Array) -> tuple[Array, Array]:
    """Return where the number of bars above each other changes, and the numbers."""
    where = np.concatenate((begin, end))
    order = np.argsort(where, kind="stable")
    return where[order], np.cumsum(np.repeat((1, -1), len(begin))[order])


def by_pixel(steps_px: Array, counts: Array) -> tuple[Array, Array]:
    """Return the lowest and the highest value that a step line has in each pixel of the axis."""
    pixels = np.clip(steps_px, 0, AXIS_PX - 1).astype(np.int64)
    before = np.searchsorted(pixels, np.arange(round(AXIS_PX)))
    low = np.concatenate(([0], counts))[before]
    high = low.copy()
    np.minimum.at(low, pixels, counts)
    np.maximum.at(high, pixels, counts)
    return low, high


@dataclass(frozen=True)
class Bars:
    """Bars of one kind: pixels across, inches down, and what each stands for."""

    kind: str
    begin: Array
    end: Array
    top: Array
    bottom: Array
    count: Array  # how many messages
    first: Array  # the row of the first of them
    open: Array
    widened: bool  # some would be too narrow to be seen


@dataclass
class Lane:
    """What there is of one sender, of one worker, or of messages that no worker has taken."""

    kind: str
    name: str
    notes: list[str]
    top: float
    bottom: float
    bars: list[Bars] = field(default_factory=list)
    marks: dict[str, Array] = field(default_factory=dict)  # where a send was given up, in pixels
    crowd: Array | None = None  # how many wait, pixel by pixel, where bars would be too many
    floor: float = 0.0  # where the crowd stands


BARS_OF = {"sender": ("sending", "blocked"), "": (), "worker": ("handling", "failed")}
MARKS = {"refused": REFUSED, "interrupted": INTERRUPTED}


def lay_out(rows: Array, lanes: list[tuple[str, str]], now_ns: int, axis: TimeAxis) -> list[Lane]:
    """Return a panel's lanes from top to bottom, with all that lies in them."""
    laid: list[Lane] = []
    kinds = spans(rows, now_ns)
    most = max(2, min(MAX_SLOTS, 24 // max(1, sum(lane[0] == "worker" for lane in lanes))))
    all_of = {key: [i for i, lane in enumerate(lanes) if lane[0] == key] for key in BARS_OF}
    for kind, place in [(key, i) for key in BARS_OF for i in all_of[key][: MAX_LANES + 1]]:
        top = laid[-1].bottom if laid else 0.0
        if place in all_of[kind][MAX_LANES:]:
            name = f"{len(all_of[kind]) - MAX_LANES:,} more {kind}s"
            laid.append(Lane("", name, ["not drawn"], top, top + 3 * LINE_IN))
            continue
        mine = rows["sender" if kind == "sender" else "worker"] == place
        parts = {
            name: Spans(*(column[mine[some.rows]] for column in some))
            for name, some in kinds.items()
        }
        waits = parts["waiting"]
        if not kind and not len(waits.rows):
            continue  # every message was taken
        notes = _notes(kind, rows[mine] if kind else rows[waits.rows], now_ns)
        name = plain(lanes[place][1]) or kind or "not received"
        lane = Lane(kind, name, notes, top, top + PAD_IN)
        laid.append(lane)
        for bar_kind in BARS_OF[kind]:
            lane.bars += _bars(bar_kind, parts[bar_kind], axis, lane.bottom)
        lane.bottom += BAR_IN if kind else 0
        if kind != "sender" and len(waits.rows):
            stacked = _bars("waiting", waits, axis, lane.bottom + GAP_IN, most)
            lane.bars += stacked
            if not stacked:
                steps = overlap(axis.to_px(waits.begin_ns), axis.to_px(waits.end_ns))
                lane.crowd, lane.floor = by_pixel(*steps)[1], lane.bottom + GAP_IN + CROWD_IN
            lane.bottom = max((bars.bottom.max() for bars in stacked), default=lane.floor)
        for mark, outcome in MARKS.items() if kind == "sender" else ():
            ends_ns = rows["send_end_ns"][mine & (rows["outcome"] == outcome)]
            if len(ends_ns):
                lane.marks[mark] = np.unique(axis.to_px(ends_ns).round())
        lane.bottom = PAD_IN + max(lane.bottom, top + LINE_IN * (1.4 + len(lane.notes)))
    return laid


def _bars(kind: str, some: Spans, axis: TimeAxis, top: float, most: int = MAX_SLOTS) -> list[Bars]:
    """Return the bars of a kind, or nothing where there are none, or too many to be stacked."""
    if not len(some.rows):
        return []
    begin, end = axis.to_px(some.begin_ns), axis.to_px(some.end_ns)
    took = end - begin
    begin = np.minimum(begin, AXIS_PX - MIN_PX)  # the last one too has room to be seen
    widened = bool((took < MIN_PX).any())
    end = np.maximum(end, begin + MIN_PX)
    slots = stack(begin, end, most) if kind == "waiting" else np.zeros(len(begin))
    if slots is None:
        return []
    groups = np.arange(len(begin)) if kind == "waiting" else merge(begin, end)
    height = SLOT_IN - GAP_IN if kind == "waiting" else BAR_IN
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    bottoms = top + slots[order][starts] * SLOT_IN + height
    counts = np.diff(np.append(starts, len(order)))
    begin, end = np.minimum.reduceat(begin[order], starts), np.maximum.reduceat(end[order], starts)
    # Many short ones drawn as one must not look like one long one.
    dense = (counts > 1) & (end - begin > LOW_FROM_PX) & (kind != "failed")
    share = np.clip(np.add.reduceat(took[order], starts) / (end - begin), 0.12, 1)
    return [
        Bars(
            kind,
            begin,
            end,
            bottoms - np.where(dense, share, 1) * height,
            bottoms,
            counts,
            np.minimum.reduceat(some.rows[order], starts),
            np.logical_or.reduceat(some.open[order], starts),
            widened,
        )
    ]


def _notes(kind: str, rows: Array, now_ns: int) -> list[str]:
    """Return what a lane says of its messages."""
    n, outcome = len(rows), rows["outcome"]
    if not kind:
        return [f"{n:,} in flight"]
    if not n:
        return ["nothing sent" if kind == "sender" else "nothing received"]
    begin, end = ("send_start_ns", "send_end_ns") if kind == "sender" else ("recv_ns", "done_ns")
    took = duration(float((np.where(rows[end] > 0, rows[end], now_ns) - rows[begin]).sum()) / 1e9)
    if kind == "sender":
        first, others = f"{n:,} send{'s' * (n > 1)}, {took}", MARKS
    else:
        first = f"{(outcome == HANDLED).sum():,} handled, {took}"
        others = {"failed": FAILED, "in the handler": HANDLING}
    counts = {name: int((outcome == code).sum()) for name, code in others.items()}
    return [first, *(f"{count:,} {name}" for name, count in counts.items() if count)]


def plain(name: object, chars: int = MAX_CHARS) -> str:
    """Return a name as one printable line, no wider than so many Latin characters."""
    text = "".join(c if c.isprintable() else " " for c in str(name))
    widths = np.cumsum([1 + (unicodedata.east_asian_width(c) in "WF") for c in text])
    return text if widths[-1:].sum() <= chars else text[: int((widths < chars).sum())] + "…"
