"""Timings as a static figure: for slides, for print, for reading without a kernel.

`layout` says what lies where; here it is decided how it looks.
"""

from __future__ import annotations

import io
import struct
import textwrap
import warnings
from collections.abc import Mapping
from time import perf_counter_ns as clock_ns
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import CARETRIGHTBASE
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator

from ..recording.in_flight import in_flight_steps
from ..recording.log import HasTimings, Timings, timings_of
from ..recording.messages import ROW
from .layout import (
    AXIS_PX,
    BAR_IN,
    CROWD_IN,
    LINE_IN,
    MAX_SINGLE,
    MERGE_PX,
    PAD_IN,
    Array,
    Bars,
    Lane,
    TimeAxis,
    by_pixel,
    lay_out,
    plain,
    spans,
)

DPI = 100
WIDTH_IN, LEFT_IN, RIGHT_IN = 9.0, 1.75, 0.25  # LEFT and RIGHT leave AXIS_PX between them
STEPS_IN, TICKS_IN, FOOT_IN = 0.6, 0.26, 0.46  # of the line in flight, its ticks, the foot


class Look(NamedTuple):
    """How a kind of bar is drawn, and what one and many of it are called."""

    face: str
    edge: str
    ink: str
    one: str
    many: str
    hatch: str | None = None
    line_pt: float = 0.8
    size_pt: float = 8


LOOKS = {
    "sending": Look("#0072B2", "white", "white", "sending", "sends"),
    "blocked": Look("#D55E00", "black", "white", "blocked", "blocked", line_pt=1.8),
    "handling": Look("#009E73", "white", "white", "handling", "handled"),
    "failed": Look("white", "black", "black", "failed", "failed", "xxxx"),
    "waiting": Look("#E69F00", "white", "black", "waiting", "waiting", "/////", size_pt=7),
}
ALWAYS_NAMED = ("blocked", "failed")
MARKERS = {"refused": "x", "interrupted": "D"}
INK, PALE, RULE = "#222222", "#666666", "#dddddd"


def words(bars: Bars, let_go: int = 0) -> list[tuple[int, str]]:
    """Return what to write on which bars: messages' numbers, and what is going on.

    That is said on all bars if all have room for it, or else on the widest; trouble always.
    """
    look, width = LOOKS[bars.kind], bars.end - bars.begin
    high = bars.bottom - bars.top > 0.12  # enough for a line of text
    by_width = np.argsort(-width, kind="stable")[:MAX_SINGLE]
    widest = [int(i) for i in by_width if width[i] > 9 and high[i]]
    numbers = {i: f"{bars.first[i] + let_go:,}" for i in widest if bars.count[i] == 1}
    full = {i: f"{numbers[i]}: {look.one}" for i in numbers}
    full |= {i: f"{bars.count[i]:,} {look.many}" for i in widest if i not in numbers}
    room = {i for i in widest if _text_px(full[i], look.size_pt) < width[i]}
    if not room.issuperset(numbers) and bars.kind not in ALWAYS_NAMED:
        room -= set(list(numbers)[1:])
    short = {i: text for i, text in numbers.items() if _text_px(text, look.size_pt) < width[i]}
    return [(i, full[i] if i in room else short[i]) for i in widest if i in room or i in short]


class Picture(Figure):
    """A matplotlib figure of timings, shown by Jupyter as it is; made by `draw`.

    pyplot does not know it. Restyle it and save it as any figure: `get_gid()` of an artist tells
    what it shows, such as "handling" for the collection of those bars.
    """

    panels = 1

    def __repr__(self) -> str:  # no live value, since a strict nbval run compares it
        return f"<Picture: {self.panels} panel{'s' * (self.panels > 1)}>"

    __str__ = __repr__

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        # Jupyter asks this first: a loaded pyplot has a formatter of its own for figures.
        png, size = self._repr_png_()
        return {"image/png": png, "text/plain": repr(self)}, {"image/png": size}

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=2 * self.dpi)  # shown at half the size: sharp
        width, height = struct.unpack(">II", file.getvalue()[16:24])
        return file.getvalue(), {"width": width // 2, "height": height // 2}

    def draw(self, renderer: Any) -> None:
        """Draw as any figure; what no font has a glyph for is shown as a box, without a warning."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing from")
            super().draw(renderer)


def draw(
    source: Timings | HasTimings | Mapping[str, Timings | HasTimings],
    *,
    log_time: bool = False,
    title: str | None = None,
    high_water_mark: int | None = None,
) -> Picture:
    """Draw what a context's sockets did, or several logs one above the other on one scale of time.

    For several, give a dict from labels to contexts or `Timings`; each starts at its own zero.
    `log_time` shows microseconds beside seconds, `high_water_mark` is a dashed line over the
    messages in flight. What has not ended is drawn up to now. Raises `TypeError` for a source that
    has no timings, and `ValueError` for an empty dict.
    """
    sources = source if isinstance(source, Mapping) else {"": source}
    if not sources:
        raise ValueError(
            "source: expected at least one log to draw; got an empty dict; "
            "put in a label and a context, as in draw({'PUSH': context})"
        )
    panels = [_Panel(str(label), timings_of(some)) for label, some in sources.items()]
    span_ns = max(1_000, *(panel.span_ns for panel in panels))
    for panel in panels:
        panel.lay_out(span_ns, log_time)
    heading_in = 0.36 if title else 0.06
    height_in = heading_in + sum(panel.height_in for panel in panels) + FOOT_IN
    picture = Picture(figsize=(WIDTH_IN, height_in), dpi=DPI, facecolor="white")
    picture.panels = len(panels)
    pen = _Pen(picture, high_water_mark)
    pen.write(0.1, 0.25, plain(title or "", 85), 12, weight="bold")
    down_in = heading_in
    for panel in panels:
        pen.draw_panel(panel, down_in)
        down_in += panel.height_in
    pen.explain(panels)
    if not any(len(panel.rows) for panel in panels):  # then there is no time to have an axis of
        for axes in picture.axes:
            axes.set_axis_off()
    return picture


class _Panel:
    """A log as it was at one instant: its label, headline, lanes, and messages in flight."""

    def __init__(self, label: str, timings: Timings) -> None:
        self.rows, summary = timings.rows(), timings.summary()
        shown = {0, *timings.open_lanes(), *self.rows["sender"], *self.rows["worker"]}
        # Of what was closed, and has left nothing, nothing is to be seen.
        self.lanes = [
            lane if number in shown else ("closed", "") for number, lane in enumerate(timings.lanes)
        ]
        self.let_go = summary.let_go
        self.label = plain(label, 85)
        # Broken between its parts only: what stands for a space here is none to textwrap.
        parts = str(summary).replace(" ", "\0").replace("\0·\0", "\0· ")
        self.headline = textwrap.fill(parts, 126).replace("\0", " ")
        instants = np.concatenate([self.rows[name] for name in ROW.names[:4]])  # type: ignore[index]
        instants = instants[instants > 0]
        kinds = spans(self.rows, 0)
        goes_on = any(kinds[kind].open.any() for kind in kinds if kind != "waiting")
        self.now_ns = clock_ns() if goes_on else int(instants.max(initial=0))
        self.first_ns = int(instants.min(initial=self.now_ns))
        self.span_ns = self.now_ns - self.first_ns

    def lay_out(self, span_ns: int, log_time: bool) -> None:
        self.axis = TimeAxis(self.first_ns, span_ns, log_time)
        self.laid = lay_out(self.rows, self.lanes, self.now_ns, self.axis)
        self.lanes_in = self.laid[-1].bottom if self.laid else 0.5
        self.label_in = 0.26 * bool(self.label)
        self.head_in = self.label_in + 0.17 * len(self.headline.split("\n")) + 0.1
        self.height_in = self.head_in + self.lanes_in + 0.06 + STEPS_IN + TICKS_IN


class _Pen:
    """Draws panels on a picture, and keeps in mind what they leave to be explained."""

    def __init__(self, picture: Picture, high_water_mark: int | None) -> None:
        self.picture, self.high_water_mark = picture, high_water_mark
        self.drawn: set[str] = set()
        self.worded: set[str] = set()  # the marks say themselves what they are
        self.widened = False

    def write(self, across: float, down: float, text: str, size: float, **how: Any) -> None:
        """Write on the picture, so many inches from its left and top, or on `axes` in its data."""
        axes: Axes | None = how.pop("axes", None)
        if axes is None:
            across, down = across / WIDTH_IN, 1 - down / self.picture.get_figheight()
        if halo := how.pop("halo", "white" if axes else None):
            how["path_effects"] = [withStroke(linewidth=2.5, foreground=halo)]
        how = {"color": INK, "zorder": 5, "parse_math": False, "fontsize": size, **how}
        (axes or self.picture).text(across, down, text, **how)

    def axes(self, down_in: float, height_in: float, panel: _Panel) -> Axes:
        """Return axes on the time axis, so many inches below the top."""
        all_in = self.picture.get_figheight()
        box = LEFT_IN / WIDTH_IN, 1 - (down_in + height_in) / all_in
        size = AXIS_PX / DPI / WIDTH_IN, height_in / all_in
        first = next(iter(self.picture.axes), None)
        axes = self.picture.add_axes((*box, *size), sharex=first, facecolor="none")
        if first is None:
            if panel.axis.log:
                axes.set_xscale("function", functions=(panel.axis.bend, panel.axis.unbend))
                powers = 10.0 ** np.arange(np.log10(panel.axis.end) + 0.01)
                axes.xaxis.set_major_locator(FixedLocator([0, *powers]))
                axes.xaxis.set_major_formatter(_power_of_ten)
            axes.set_xlim(0, panel.axis.end)
        axes.spines[:].set_visible(False)
        axes.grid(False)
        axes.grid(axis="x", color=RULE, linewidth=0.8, linestyle="-")
        axes.set_axisbelow(True)
        axes.tick_params(length=0, labelsize=8, colors=PALE, labelbottom=False)
        return axes

    def draw_panel(self, panel: _Panel, down_in: float) -> None:
        """Draw all of a panel, from so many inches below the top."""
        self.write(0.1, down_in + 0.18, panel.label, 10, weight="bold")
        head_in = down_in + panel.label_in + 0.04
        self.write(0.1, head_in, panel.headline, 9, va="top", linespacing=1.3, gid="headline")
        down_in += panel.head_in
        axes = self.axes(down_in, panel.lanes_in, panel)
        axes.set_ylim(panel.lanes_in, 0)
        axes.set_yticks([])
        if not len(panel.rows):
            where: dict[str, Any] = {"transform": axes.transAxes, "ha": "center", "va": "center"}
            self.write(0.5, 0.5, "no messages yet", 11, axes=axes, color=PALE, **where)
        for lane in panel.laid:
            self.draw_lane(axes, panel, lane)
        self.draw_in_flight(self.axes(down_in + panel.lanes_in + 0.06, STEPS_IN, panel), panel)

    def draw_lane(self, axes: Axes, panel: _Panel, lane: Lane) -> None:
        """Write a lane's label, and draw what is in it."""
        if lane.top:
            axes.axhline(lane.top, color=RULE, linewidth=0.8, zorder=0.5)
        middle, notes = lane.top + PAD_IN + BAR_IN / 2, lane.notes
        for name, px in lane.marks.items():
            self.drawn.add(name)
            axes.plot(panel.axis.from_px(px), np.full(len(px), middle), gid=name, **_mark(name))
        if lane.kind == "sender" and (lane.bars or lane.marks):
            note = ", ".join([f"{notes[0]} in all", *notes[1:]])
            px = max([some.end.max() for some in lane.bars] + [m[-1] for m in lane.marks.values()])
            if px + 10 + _text_px(note, 8) < AXIS_PX:
                self.write(panel.axis.from_px(px + 8), middle, note, 8, axes=axes, va="center")
                self.worded |= {"sending", *lane.marks} if len(lane.bars) < 2 else set(lane.marks)
                notes = []
        top = lane.top + PAD_IN - 0.01
        how: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "ha": "right", "halo": None}
        if notes:
            text, y = "\n".join(notes), top + LINE_IN
            self.write(-0.02, top, lane.name, 8, axes=axes, va="top", gid="lane", **how)
            self.write(-0.02, y, text, 7.5, axes=axes, va="top", color=PALE, **how)
        else:
            self.write(-0.02, middle, lane.name, 8, axes=axes, va="center", gid="lane", **how)
        for bars in lane.bars:
            self.draw_bars(axes, panel, bars)
        if lane.crowd is not None:
            self.draw_crowd(axes, panel, lane, lane.crowd)

    def draw_crowd(self, axes: Axes, panel: _Panel, lane: Lane, crowd: Array) -> None:
        """Draw how many wait, on one scale for the panel, where they are too many for bars."""
        look = LOOKS["waiting"]
        most = max(other.crowd.max() for other in panel.laid if other.crowd is not None)
        x = panel.axis.from_px(np.arange(len(crowd) + 1.0))
        y = lane.floor - CROWD_IN * np.append(crowd, crowd[-1]) / most
        area = axes.fill_between(x, lane.floor, y, step="post", gid="waiting", linewidth=0)
        area.set(facecolor=look.face, edgecolor=look.edge, hatch=look.hatch)
        peak = int(np.argmax(crowd))
        ha, aside_px = ("left", 8) if peak < AXIS_PX / 2 else ("right", -8)
        x, text = panel.axis.from_px(peak + aside_px), f"up to {crowd.max():,} waiting"
        self.write(x, lane.floor - 0.05, text, 8, axes=axes, ha=ha)
        self.drawn.add("waiting")
        self.worded.add("waiting")

    def draw_bars(self, axes: Axes, panel: _Panel, some: Bars) -> None:
        """Draw bars of a kind as one collection, and write on them what fits."""
        kind, look, at = some.kind, LOOKS[some.kind], panel.axis.from_px
        x0, x1, wide = at(some.begin), at(some.end), some.end - some.begin >= MERGE_PX
        y0, y1 = some.top, some.bottom
        corners = np.stack([[x0, x1, x1, x0], [y0, y0, y1, y1]]).T
        bars = PolyCollection(list(corners), gid=kind, hatch=look.hatch, edgecolors=look.edge)
        bars.set_facecolor([look.face if w or kind != "failed" else look.edge for w in wide])
        bars.set_linewidth(list(np.where(wide, look.line_pt, 0)))
        bars.set_zorder(3 if kind == "failed" else 2)  # seen, however many were handled around it
        axes.add_collection(bars, autolim=False)
        if some.open.any():
            tip: dict[str, Any] = {"linestyle": "none", "marker": CARETRIGHTBASE, "markersize": 7}
            color, y = look.edge if kind == "failed" else look.face, (y0 + y1) / 2
            axes.plot(x1[some.open], y[some.open], clip_on=False, color=color, gid="open", **tip)
        self.drawn.add(kind)
        self.widened |= some.widened
        for i, text in words(some, panel.let_go):
            x, y = at((some.begin[i] + some.end[i]) / 2), (y0[i] + y1[i]) / 2
            how = {"axes": axes, "color": look.ink, "ha": "center", "va": "center_baseline"}
            halo = "white" if look.hatch else look.face
            self.write(x, y, text, look.size_pt, halo=halo, gid="number", **how)
            if not text[-1].isdigit():
                self.worded.add(kind)

    def draw_in_flight(self, axes: Axes, panel: _Panel) -> None:
        """Draw the number of messages in flight: a line, or where that is dense, what it covers."""
        instants, counts = in_flight_steps(panel.rows)
        px = np.concatenate(([0], panel.axis.to_px(np.append(instants, panel.now_ns))))
        y = np.concatenate(([0], counts, counts[-1:], [0]))[: len(px)]
        if len(px) <= 2 * AXIS_PX:
            axes.step(
                panel.axis.from_px(px), y, where="post", color=INK, linewidth=1.3, gid="in flight"
            )
        else:
            low, high = by_pixel(px, y)
            x = panel.axis.from_px(np.arange(len(low), dtype=float))
            axes.fill_between(x, low, high, step="post", color=INK, linewidth=1.3, gid="in flight")
        most = max(int(y.max()), self.high_water_mark or 0, 1)
        if self.high_water_mark is not None:
            mark, edge = self.high_water_mark, LOOKS["blocked"].face
            axes.axhline(mark, color=edge, linestyle=(0, (4, 3)), linewidth=1.5, zorder=4)
            where: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "ha": "right"}
            text = f"high-water mark {mark:,}"
            self.write(0.995, mark + 0.06 * most, text, 8, axes=axes, va="bottom", **where)
        axes.set_ylim(-0.04 * most, most * (1.3 if self.high_water_mark is None else 1.5))
        axes.set_yticks([0, most], ["0", f"{most:,}"])
        axes.tick_params(labelbottom=True)
        axes.spines["bottom"].set(visible=True, color=RULE)
        label = axes.set_ylabel("messages\nin flight", rotation=0, fontsize=8, color=INK)
        label.set(ha="right", va="center")

    def explain(self, panels: list[_Panel]) -> None:
        """Say below what the marks do not say themselves: the time, the kinds, the liberties."""
        rows = [panel.rows["send_start_ns"][:1] for panel in panels if len(panel.rows)]
        if rows:
            axis, which = panels[0].axis, "send" if np.all(rows) else "message"
            scale = "log scale" if axis.log else f"in {axis.unit[0]}"
            label = f"time since the first {which}, {scale}"
            self.picture.axes[-1].set_xlabel(label, fontsize=8, color=INK)
        handles: list[Artist] = []
        for kind in [kind for kind in LOOKS if kind in self.drawn - self.worded]:
            look = LOOKS[kind]
            patch = Patch(facecolor=look.face, edgecolor=look.edge, hatch=look.hatch)
            patch.set(linewidth=look.line_pt, label=look.one)
            handles.append(patch)
        marks = [name for name in MARKERS if name in self.drawn - self.worded]
        handles += [Line2D([], [], label=name, **_mark(name)) for name in marks]
        y_in = self.picture.get_figheight() - 0.14
        if handles:
            place = ((LEFT_IN - 0.08) / WIDTH_IN, 0.14 / self.picture.get_figheight())
            how: dict[str, Any] = {"ncols": len(handles), "frameon": False, "fontsize": 8}
            how |= {"loc": "center left", "bbox_to_anchor": place, "labelcolor": INK}
            self.picture.legend(handles=handles, **how)
        if self.widened:
            note = (
                "bars too short to see are drawn wider; dense ones as one, as high as it was busy"
            )
            right = {"ha": "right", "va": "center", "color": PALE}
            self.write(WIDTH_IN - RIGHT_IN, y_in, note, 7, **right)


def _mark(name: str) -> dict[str, Any]:
    look = {"marker": MARKERS[name], "markeredgecolor": INK, "markerfacecolor": "white"}
    sizes = {"markersize": 6, "markeredgewidth": 1.6}
    return {**look, **sizes, "linestyle": "none", "clip_on": False, "zorder": 4}


def _text_px(text: str, size_pt: float) -> float:
    """Estimate how much room a text takes: the usual font's letters are 0.6 of its size."""
    return len(text) * size_pt * 0.6 * DPI / 72 + 4


def _power_of_ten(us: float, _: float) -> str:
    sizes = {"s": 1e6, "ms": 1e3, "µs": 1.0}
    return next((f"{us / size:g} {unit}" for unit, size in sizes.items() if us >= size), f"{us:g}")
