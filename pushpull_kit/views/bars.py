"""Static picture: computes bars from the rows of a log, merges narrow ones, stacks waiting ones.

Positions across are in pixels of the time axis, positions down in inches. The number of bars is
bounded by the number of pixels, not by the number of messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..recording.export import is_only_received
from ..recording.messages import FAILED, INTERRUPTED, REFUSED, SENDING
from ..spec import (
    BLOCKED_NS,
    DENSE_FROM_PX,
    MAX_SINGLE_WAITS,
    MAX_WAIT_SLOTS,
    MERGE_PX,
    MIN_BAR_PX,
    MIN_DENSE_SHARE,
)
from .time_axis import AXIS_PX, Array, TimeAxis

#: Heights in inches: of a bar, of a slot for a waiting message, and of the gap below it.
BAR_IN, SLOT_IN, GAP_IN = 0.27, 0.15, 0.025


class Intervals(NamedTuple):
    """Intervals of one kind, one for each message: a column for each property."""

    rows: Array  # indices of the messages
    start_ns: Array
    end_ns: Array
    is_open: Array  # it has not ended: `end_ns` is the time of drawing

    def where(self, is_selected: Array) -> Intervals:
        """Return the intervals of the messages that a mask over all rows selects."""
        mask = is_selected[self.rows]
        return Intervals(*(column[mask] for column in self))


def intervals_by_kind(rows: Array, now_ns: int) -> dict[str, Intervals]:
    """Return the intervals to draw, by kind. An interval that has not ended lasts until `now_ns`.

    A message of which only the receipt was seen has a wait and no handling.

    Args:
        rows: messages as `Timings.rows` returns them.
        now_ns: the time of drawing.
    """
    start_ns, send_end_ns, outcome = rows["send_start_ns"], rows["send_end_ns"], rows["outcome"]
    send_ns = np.where(send_end_ns > 0, send_end_ns, now_ns) - start_ns
    has_sender = start_ns > 0
    is_received = rows["recv_ns"] > 0
    is_sending = outcome == SENDING
    is_blocked = is_sending | (send_ns > BLOCKED_NS)
    is_given_up = np.isin(outcome, (REFUSED, INTERRUPTED))
    is_failed = outcome == FAILED
    is_handled = is_received & ~is_failed & ~is_only_received(rows)

    def select(mask: Array, start: str, end: str) -> Intervals:
        """Return the intervals of some messages, from one column to another."""
        selected = np.flatnonzero(mask)
        end_ns = rows[end][selected]
        end_or_now_ns = np.where(end_ns > 0, end_ns, now_ns)
        return Intervals(selected, rows[start][selected], end_or_now_ns, end_ns == 0)

    quick_sends = has_sender & ~is_blocked & ~is_given_up
    accepted = has_sender & ~is_given_up & ~is_sending
    return {
        "sending": select(quick_sends, "send_start_ns", "send_end_ns"),
        "blocked": select(has_sender & is_blocked, "send_start_ns", "send_end_ns"),
        "handling": select(is_handled, "recv_ns", "done_ns"),
        "failed": select(is_received & is_failed, "recv_ns", "done_ns"),
        "waiting": select(accepted, "send_start_ns", "recv_ns"),
    }


def group_narrow(start_px: Array, end_px: Array) -> Array:
    """Return for each bar the number of its group. Each group is drawn as one bar.

    Narrow bars that are less than a pixel apart share a group. A wide bar has its own.
    """
    is_wide = end_px - start_px >= MERGE_PX
    order = np.lexsort((start_px, is_wide))  # narrow bars first; among equals, by start
    sorted_start_px, sorted_is_wide = start_px[order], is_wide[order]
    furthest_end_px = np.maximum.accumulate(end_px[order])
    has_gap_before = sorted_start_px[1:] > furthest_end_px[:-1] + 1
    opens_group = np.ones(len(order), np.bool_)
    opens_group[1:] = sorted_is_wide[1:] | has_gap_before
    groups = np.empty(len(order), np.int64)
    groups[order] = np.cumsum(opens_group) - 1
    return groups


def assign_slots(start_px: Array, end_px: Array, max_slots: int = MAX_WAIT_SLOTS) -> Array | None:
    """Return a slot for each bar, or `None` if there are too many bars or slots.

    Bars in one slot may overlap by a few pixels, so that a very short bar needs no slot of its own.
    """
    if len(start_px) > MAX_SINGLE_WAITS:
        return None
    slot_ends_px: list[float] = []  # the end of the last bar in each slot
    slots = np.zeros(len(start_px), np.int64)
    for bar in np.argsort(start_px, kind="stable"):
        latest_end_px = start_px[bar] + MERGE_PX
        free = [slot for slot, slot_end in enumerate(slot_ends_px) if slot_end <= latest_end_px]
        if free:
            slots[bar] = free[0]
            slot_ends_px[free[0]] = end_px[bar]
        else:
            slots[bar] = len(slot_ends_px)
            slot_ends_px.append(end_px[bar])
    return slots if len(slot_ends_px) <= max_slots else None


def count_overlaps(start_px: Array, end_px: Array) -> tuple[Array, Array]:
    """Return where the number of overlapping bars changes, and the number from there on."""
    changes_px = np.concatenate((start_px, end_px))
    order = np.argsort(changes_px, kind="stable")
    changes = np.repeat((1, -1), len(start_px))
    return changes_px[order], np.cumsum(changes[order])


def min_max_per_pixel(steps_px: Array, counts: Array) -> tuple[Array, Array]:
    """Return the lowest and the highest value of a step line in each pixel of the axis."""
    pixels = np.clip(steps_px, 0, AXIS_PX - 1).astype(np.int64)
    n_steps_before = np.searchsorted(pixels, np.arange(round(AXIS_PX)))
    low = np.concatenate(([0], counts))[n_steps_before]
    high = low.copy()
    np.minimum.at(low, pixels, counts)
    np.maximum.at(high, pixels, counts)
    return low, high


@dataclass(frozen=True)
class Bars:
    """Bars of one kind: a column for each property."""

    kind: str
    start_px: Array
    end_px: Array
    top_in: Array
    bottom_in: Array
    n_messages: Array  # more than one in a merged bar
    first_row: Array  # index of the first of these messages
    is_open: Array  # a message of the bar has not ended
    has_widened: bool  # some bars are drawn wider than they lasted, so that they can be seen


def merged_bars(kind: str, intervals: Intervals, axis: TimeAxis, top_in: float) -> list[Bars]:
    """Return bars in one line, narrow neighbors merged; no element if there are no intervals."""
    if not len(intervals.rows):
        return []
    start_px, end_px, true_width_px = _visible(intervals, axis)
    groups = group_narrow(start_px, end_px)
    order = np.argsort(groups, kind="stable")
    first_of_group = np.flatnonzero(np.diff(groups[order], prepend=-1))
    n_messages = np.diff(np.append(first_of_group, len(order)))
    group_start_px = np.minimum.reduceat(start_px[order], first_of_group)
    group_end_px = np.maximum.reduceat(end_px[order], first_of_group)
    group_width_px = group_end_px - group_start_px
    # A merged bar is only as high as the share of time that its messages took. Otherwise many
    # short intervals would look like one long interval. A failure always has its full height.
    busy_px = np.add.reduceat(true_width_px[order], first_of_group)
    busy_share = np.clip(busy_px / group_width_px, MIN_DENSE_SHARE, 1)
    is_dense = (n_messages > 1) & (group_width_px > DENSE_FROM_PX) & (kind != "failed")
    bottom_in = np.full(len(first_of_group), top_in + BAR_IN)
    merged = Bars(
        kind=kind,
        start_px=group_start_px,
        end_px=group_end_px,
        top_in=bottom_in - np.where(is_dense, busy_share, 1) * BAR_IN,
        bottom_in=bottom_in,
        n_messages=n_messages,
        first_row=np.minimum.reduceat(intervals.rows[order], first_of_group),
        is_open=np.logical_or.reduceat(intervals.is_open[order], first_of_group),
        has_widened=bool((true_width_px < MIN_BAR_PX).any()),
    )
    return [merged]


def stacked_waits(
    waits: Intervals, axis: TimeAxis, top_in: float, max_slots: int = MAX_WAIT_SLOTS
) -> list[Bars]:
    """Return a bar for each wait, those that overlap in different slots.

    No element if there are no waits, or too many to draw one by one.
    """
    start_px, end_px, true_width_px = _visible(waits, axis)
    slots = assign_slots(start_px, end_px, max_slots)
    if slots is None or not len(slots):
        return []
    height_in = SLOT_IN - GAP_IN
    bottom_in = top_in + slots * SLOT_IN + height_in
    stacked = Bars(
        kind="waiting",
        start_px=start_px,
        end_px=end_px,
        top_in=bottom_in - height_in,
        bottom_in=bottom_in,
        n_messages=np.ones(len(slots), np.int64),
        first_row=waits.rows,
        is_open=waits.is_open,
        has_widened=bool((true_width_px < MIN_BAR_PX).any()),
    )
    return [stacked]


def _visible(intervals: Intervals, axis: TimeAxis) -> tuple[Array, Array, Array]:
    """Return where bars start and end so that all can be seen, and how wide they really are."""
    start_px, end_px = axis.to_px(intervals.start_ns), axis.to_px(intervals.end_ns)
    true_width_px = end_px - start_px
    # A bar at the end of the axis is moved to the left, so that it has room.
    start_px = np.minimum(start_px, AXIS_PX - MIN_BAR_PX)
    end_px = np.maximum(end_px, start_px + MIN_BAR_PX)
    return start_px, end_px, true_width_px
