"""The result as a figure for a slide or a README: two panels, one row for each contender."""

from __future__ import annotations

import textwrap
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, NullLocator

from .contenders import IN_LIBZMQ, IN_QUEUE
from .report import Result, by_rate, foot, label

WIDTH_IN, ROW_IN, HEAD_IN, FOOT_IN = 12.8, 0.42, 1.2, 1.65
DPI = 150  # twice the resolution of a page
LEFT, SPLIT, RIGHT = 0.27, 0.645, 0.985  # edges of the panels, as shares of the width
GAP = 0.02

INK, PALE, RULE, BAND = "#222222", "#555555", "#d8d8d8", "#e6eff6"
RAW, KIT = "#0072B2", "#D55E00"
SIZE, SMALL = 13, 11.5  # in points, readable at half the size

TITLE = "Handing over 8 bytes: how long you wait, and how much gets done"
HOW = (
    "Dot: median. Bar: middle half. Filled: to another process; open: to another thread. "
    "Dashed: raw pyzmq over tcp to a process. A wait ends when the message is in a queue of the "
    "caller's own process, unless it says otherwise."
)


class Panel(NamedTuple):
    """What a panel shows, and where it lies."""

    key: str
    title: str
    left: float
    right: float
    margins: tuple[float, float]  # factors for the axis limits: room for texts


PANELS = (
    Panel("wait_us", "The caller waits for one message", LEFT, SPLIT - GAP, (0.5, 3.5)),
    Panel("done_per_s", "Messages done per second", SPLIT, RIGHT, (0.5, 6)),
)


def draw(result: Result) -> Figure:
    """Draw the ways to hand over messages, the highest rate at the top."""
    rows = by_rate(row for row in result["rows"] if row["group"] == "ways")
    height_in = HEAD_IN + ROW_IN * max(len(rows), 1) + FOOT_IN
    figure = Figure(figsize=(WIDTH_IN, height_in), dpi=DPI, facecolor="white")
    figure.text(0.015, 1 - 0.48 / height_in, TITLE, fontsize=20, weight="bold", color=INK)
    bottom, top = FOOT_IN / height_in, 1 - HEAD_IN / height_in
    for panel in PANELS:
        axes = figure.add_axes((panel.left, bottom, panel.right - panel.left, top - bottom))
        _panel(axes, panel, rows)
    for place, row in enumerate(rows):
        y = top - (place + 0.5) * ROW_IN / height_in
        weight = "bold" if _color(row) != PALE else "normal"
        text = label(row).replace(">", "→")
        figure.text(
            LEFT - 0.01, y, text, fontsize=SIZE, weight=weight, color=INK, ha="right", va="center"
        )
    notes = [*textwrap.wrap(HOW, 150), *textwrap.wrap(foot(result), 150)]
    figure.text(
        0.015, 0.12 / height_in, "\n".join(notes), fontsize=10.5, color=PALE, linespacing=1.35
    )
    return figure


def _panel(axes: Axes, panel: Panel, rows: list[Any]) -> None:
    axes.set_title(panel.title, fontsize=15, weight="bold", color=INK, loc="left", pad=10)
    axes.set_facecolor("none")  # texts of the other panel may reach into this one
    axes.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    axes.set_xscale("log")
    axes.set_yticks([])
    axes.set_axisbelow(True)
    axes.grid(axis="x", color=RULE)
    axes.spines[:].set_visible(False)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _written(panel.key, value)))
    axes.tick_params(axis="x", length=0, labelsize=SMALL, labelcolor=PALE)
    unit = "time, logarithmic" if panel.key == "wait_us" else "messages a second, logarithmic"
    axes.set_xlabel(unit, fontsize=SMALL, color=PALE)
    measured = [row["figures"][panel.key] for row in rows if row["figures"]]
    if measured:
        least, most = (min(s["low"] for s in measured), max(s["high"] for s in measured))
        axes.set_xlim(least * panel.margins[0], most * panel.margins[1])
    for y, row in enumerate(rows):
        _row(axes, panel.key, y, row)


def _row(axes: Axes, key: str, y: int, row: Any) -> None:
    color, figures = _color(row), row["figures"]
    if color == RAW:
        axes.axhspan(y - 0.5, y + 0.5, color=BAND, zorder=0, linewidth=0)
    if not figures:
        why = f"skipped: {row['skipped']}" if row["skipped"] else f"failed: {row['failed']}"
        if key == "wait_us":
            axes.text(
                0.01, y, why, fontsize=SMALL, color=PALE, va="center", transform=_across(axes)
            )
        return
    spread = figures[key]
    if row["name"] == "raw pyzmq, tcp" and row["to"] == "process":
        axes.axvline(spread["median"], color=RAW, linestyle=(0, (4, 3)), linewidth=1.5, zorder=1)
    axes.plot(
        (spread["low"], spread["high"]), (y, y), color=color, linewidth=5, alpha=0.45, zorder=2,
        solid_capstyle="round",
    )  # fmt: skip
    axes.plot(
        spread["median"], y, "o", markersize=11, color=color, markeredgewidth=2, zorder=3,
        markerfacecolor=color if row["to"] == "process" else "white",
    )  # fmt: skip
    waits_for = row["caller_waits_until"]
    text, place, side = _written(key, spread["median"]), (spread["high"], 13), "left"
    # The other callers wait for another process. The text says for what.
    if key == "wait_us" and waits_for not in (IN_QUEUE, IN_LIBZMQ):
        text, place, side = f"until {waits_for}: {text}", (spread["low"], -13), "right"
    weight = "bold" if color != PALE else "normal"
    axes.annotate(
        text, (place[0], y), (place[1], 0), textcoords="offset points", ha=side, va="center",
        fontsize=SMALL, weight=weight, color=INK, zorder=4,
        path_effects=[withStroke(linewidth=4, foreground=BAND if color == RAW else "white")],
    )  # fmt: skip


def _across(axes: Axes) -> Any:
    return axes.get_yaxis_transform()  # x from 0 to 1, y in row numbers


def _color(row: Any) -> str:
    return {"raw pyzmq": RAW, "pushpull_kit": KIT}.get(row["name"].partition(",")[0], PALE)


def _written(key: str, value: float) -> str:
    """Return a figure with its unit and two digits."""
    units: tuple[tuple[float, str], ...] = ((1e-3, "ns"), (1, "µs"), (1e3, "ms"), (1e6, "s"))
    if key != "wait_us":
        units = ((1, ""), (1e3, "k"), (1e6, "M"))
    fitting = (pair for pair in reversed(units) if value >= pair[0] * 0.999)
    scale, unit = next(fitting, units[0])
    rounded = float(f"{value / scale:.2g}")
    return f"{rounded:g} {unit}".strip()
