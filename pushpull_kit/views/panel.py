"""One panel of a static picture: a snapshot of one log, and the area in which it is drawn."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from time import perf_counter_ns as clock_ns

import numpy as np

from ..recording.log import Timings
from .bars import intervals_by_kind
from .layout import Lane, lay_out, printable
from .time_axis import Array, TimeAxis

#: Width of a title and of a panel's label, in Latin characters.
MAX_TITLE_CHARS = 85

#: Heights in inches: of the line of messages in flight, of the gap above it, of the ticks below it.
IN_FLIGHT_IN, IN_FLIGHT_GAP_IN, TICKS_IN = 0.6, 0.06, 0.26

_HEADLINE_CHARS = 126  # in one line
_HEADLINE_LINE_IN = 0.17
_LABEL_IN = 0.26
_EMPTY_IN = 0.5  # of a panel without lanes


class Snapshot:
    """What a picture shows of a log: its messages, lanes and summary at one time."""

    def __init__(self, label: str, timings: Timings) -> None:
        summary = timings.summary()
        self.rows, lanes = timings.rows_and_lanes()
        self.label = printable(label, MAX_TITLE_CHARS)
        self.headline = _wrap(str(summary))
        self.n_evicted = summary.let_go
        self.lanes = _visible_lanes(lanes, timings.open_lanes(), self.rows)
        names = ("send_start_ns", "send_end_ns", "recv_ns", "done_ns")
        instants = np.concatenate([self.rows[name] for name in names])
        instants = instants[instants > 0]
        # The clock is read only if something has not ended. Otherwise a picture of the same
        # messages is always the same.
        is_unfinished = _has_unfinished(self.rows)
        self.now_ns = clock_ns() if is_unfinished else int(instants.max(initial=0))
        self.first_ns = int(instants.min(initial=self.now_ns))
        self.span_ns = self.now_ns - self.first_ns


@dataclass(frozen=True)
class Panel:
    """A snapshot that is laid out on a time axis. Heights are in inches."""

    snapshot: Snapshot
    axis: TimeAxis
    lanes: list[Lane]
    lanes_in: float
    label_in: float
    head_in: float  # of label and headline together

    @property
    def height_in(self) -> float:
        """Height of the whole panel."""
        return self.head_in + self.lanes_in + IN_FLIGHT_GAP_IN + IN_FLIGHT_IN + TICKS_IN

    @classmethod
    def of(cls, snapshot: Snapshot, span_ns: float, log_time: bool) -> Panel:
        """Lay out a snapshot on an axis of a given length."""
        axis = TimeAxis(snapshot.first_ns, span_ns, log_time)
        lanes = lay_out(snapshot.rows, snapshot.lanes, snapshot.now_ns, axis)
        label_in = _LABEL_IN if snapshot.label else 0
        n_lines = len(snapshot.headline.split("\n"))
        return cls(
            snapshot=snapshot,
            axis=axis,
            lanes=lanes,
            lanes_in=lanes[-1].bottom_in if lanes else _EMPTY_IN,
            label_in=label_in,
            head_in=label_in + _HEADLINE_LINE_IN * n_lines + 0.1,
        )


def _visible_lanes(
    lanes: list[tuple[str, str]], open_lanes: list[int], rows: Array
) -> list[tuple[str, str]]:
    """Return the lanes. A closed lane without messages becomes one that is not drawn."""
    visible = {0, *open_lanes, *rows["sender"], *rows["worker"]}
    return [lane if place in visible else ("closed", "") for place, lane in enumerate(lanes)]


def _has_unfinished(rows: Array) -> bool:
    """Return whether a send or a handling has not ended. A wait for a worker does not count."""
    kinds = intervals_by_kind(rows, now_ns=0)
    return any(kinds[kind].is_open.any() for kind in kinds if kind != "waiting")


def _wrap(headline: str) -> str:
    """Break a headline into lines, after a "·" only."""
    # textwrap breaks at every space. Replace those where it must not by another character.
    text = headline.replace(" ", "\0").replace("\0·\0", "\0· ")
    return textwrap.fill(text, _HEADLINE_CHARS).replace("\0", " ")
