"""How a static picture looks: sizes, colors, hatches, markers, and the labels of bars."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..spec import COLORS, RECEIVED_LABEL
from .bars import Bars

DPI = 100
WIDTH_IN, LEFT_IN, RIGHT_IN = 9.0, 1.75, 0.25  # LEFT_IN and RIGHT_IN leave AXIS_PX between them

#: Colors of text, of less important text, and of grid lines.
TEXT_COLOR, PALE_COLOR, GRID_COLOR = "#222222", "#666666", "#dddddd"

_MAX_LABELS = 300  # labels on bars of one kind in one lane
_MIN_LABEL_PX = 9  # width of the narrowest bar that has room for one digit
_MIN_LABEL_IN = 0.12  # height of the lowest bar that has room for a line of text


class BarStyle(NamedTuple):
    """How bars of one kind look, and what one and several of them are called."""

    face: str
    edge: str
    text: str
    singular: str
    plural: str
    hatch: str | None = None
    line_pt: float = 0.8
    text_pt: float = 8


BAR_STYLES = {
    "sending": BarStyle(COLORS["sending"], "white", "white", "sending", "sends"),
    "blocked": BarStyle(COLORS["blocked"], "black", "white", "blocked", "blocked", line_pt=1.8),
    "handling": BarStyle(COLORS["handling"], "white", "white", "handling", "handled"),
    "failed": BarStyle("white", "black", "black", "failed", "failed", "xxxx"),
    "waiting": BarStyle(
        COLORS["waiting"], "white", "black", "waiting", "waiting", "/////", text_pt=7
    ),
}

# Kinds whose name stands on each bar that has room for it.
_ALWAYS_NAMED = ("blocked", "failed")


class MarkerStyle(NamedTuple):
    """A marker of matplotlib, its size in points, and what the legend calls it."""

    marker: str
    label: str
    size_pt: float = 6


#: Markers of sends that were not accepted, and of receipts of which nothing later is known.
MARKERS = {
    "refused": MarkerStyle("x", "refused"),
    "interrupted": MarkerStyle("D", "interrupted"),
    "received": MarkerStyle("|", RECEIVED_LABEL, size_pt=9),
}


def marker_style(kind: str) -> dict[str, Any]:
    """Return matplotlib's keywords for markers of one kind."""
    return {
        "marker": MARKERS[kind].marker,
        "markeredgecolor": TEXT_COLOR,
        "markerfacecolor": "white",
        "markersize": MARKERS[kind].size_pt,
        "markeredgewidth": 1.6,
        "linestyle": "none",
        "clip_on": False,
        "zorder": 4,
    }


def text_width_px(text: str, size_pt: float) -> float:
    """Estimate the width of a text: a letter of the default font is 0.6 of the font size wide."""
    return len(text) * size_pt * 0.6 * DPI / 72 + 4


def bar_labels(bars: Bars, n_evicted: int = 0) -> list[tuple[int, str]]:
    """Return (index of the bar, text) for each bar that gets a label.

    A label is a message id, and the kind of the bar if there is room: "3: handling". If some single
    messages have no room for the kind, only the widest of them shows it. A merged bar says how many
    messages it stands for: "40 handled".

    Args:
        bars: bars of one kind.
        n_evicted: how many older messages the log has evicted. Message ids include them.
    """
    style = BAR_STYLES[bars.kind]
    width_px = bars.end_px - bars.start_px
    ids, full = {}, {}  # texts by bar, from the widest to the narrowest
    for bar in _widest_bars(bars):
        if bars.n_messages[bar] == 1:
            ids[bar] = f"{bars.first_row[bar] + n_evicted:,}"
            full[bar] = f"{ids[bar]}: {style.singular}"
        else:
            full[bar] = f"{bars.n_messages[bar]:,} {style.plural}"

    def fitting(texts: dict[int, str]) -> dict[int, str]:
        """Return the texts that have room on their bars."""
        return {
            bar: text
            for bar, text in texts.items()
            if text_width_px(text, style.text_pt) < width_px[bar]
        }

    full_labels, id_labels = fitting(full), fitting(ids)
    all_ids_have_room = full_labels.keys() >= ids.keys()
    if not all_ids_have_room and bars.kind not in _ALWAYS_NAMED:
        for bar in list(ids)[1:]:
            full_labels.pop(bar, None)
    labels = {**id_labels, **full_labels}
    return [(bar, labels[bar]) for bar in full if bar in labels]


def _widest_bars(bars: Bars) -> list[int]:
    """Return the bars that may get a label, from the widest to the narrowest."""
    width_px = bars.end_px - bars.start_px
    height_in = bars.bottom_in - bars.top_in
    has_room = (width_px > _MIN_LABEL_PX) & (height_in > _MIN_LABEL_IN)
    by_width = np.argsort(-width_px, kind="stable")[:_MAX_LABELS]
    return [int(bar) for bar in by_width if has_room[bar]]
