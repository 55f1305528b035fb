"""Draws the panels of a static picture with matplotlib, from lanes, bars and time axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.markers import CARETRIGHTBASE
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator

from ..recording.in_flight import in_flight_steps
from ..spec import MERGE_PX
from .bars import BAR_IN, Bars, min_max_per_pixel
from .layout import LINE_IN, PAD_IN, WAIT_COUNTS_IN, Lane, printable
from .legend import LEGEND_IN, Legend
from .panel import IN_FLIGHT_GAP_IN, IN_FLIGHT_IN, MAX_TITLE_CHARS, Panel
from .styles import (
    BAR_STYLES,
    DPI,
    GRID_COLOR,
    LEFT_IN,
    PALE_COLOR,
    RIGHT_IN,
    TEXT_COLOR,
    WIDTH_IN,
    bar_labels,
    marker_style,
    text_width_px,
)
from .time_axis import AXIS_PX, Array, TimeAxis, tick_text

_WIDENED_NOTE = "short bars are widened; merged bars are as high as their share of busy time"


class Painter:
    """Draws panels below each other on one figure, then the legend."""

    def __init__(self, picture: Figure, high_water_mark: int | None) -> None:
        self.picture, self.high_water_mark = picture, high_water_mark
        self.legend = Legend()

    def draw_title(self, title: str) -> None:
        """Write the title of the picture."""
        self._write(0.1, 0.25, printable(title, MAX_TITLE_CHARS), 12, weight="bold")

    def draw_panel(self, panel: Panel, top_in: float) -> None:
        """Draw a whole panel that starts `top_in` inches below the top of the picture."""
        snapshot = panel.snapshot
        self._write(0.1, top_in + 0.18, snapshot.label, 10, weight="bold")
        headline_in = top_in + panel.label_in + 0.04
        headline_style = {"va": "top", "linespacing": 1.3, "gid": "headline"}
        self._write(0.1, headline_in, snapshot.headline, 9, **headline_style)
        lanes_top_in = top_in + panel.head_in
        axes = self._add_axes(lanes_top_in, panel.lanes_in, panel.axis)
        axes.set_ylim(panel.lanes_in, 0)
        axes.set_yticks([])
        if not len(snapshot.rows):
            center = {"transform": axes.transAxes, "ha": "center", "va": "center"}
            write(axes, 0.5, 0.5, "no messages yet", 11, halo="white", color=PALE_COLOR, **center)
        for lane in panel.lanes:
            self._draw_lane(axes, panel, lane)
        in_flight_top_in = lanes_top_in + panel.lanes_in + IN_FLIGHT_GAP_IN
        self._draw_in_flight(self._add_axes(in_flight_top_in, IN_FLIGHT_IN, panel.axis), panel)

    def draw_foot(self, panels: list[Panel]) -> None:
        """Draw the label of the time axis, the legend, and a note if some bars are widened."""
        self._label_time_axis(panels)
        self.legend.draw(self.picture)
        all_bars = (bars for panel in panels for lane in panel.lanes for bars in lane.bars)
        if any(bars.has_widened for bars in all_bars):
            y_in = self.picture.get_figheight() - LEGEND_IN
            right = {"ha": "right", "va": "center", "color": PALE_COLOR}
            self._write(WIDTH_IN - RIGHT_IN, y_in, _WIDENED_NOTE, 7, **right)

    def _write(self, x_in: float, y_in: float, text: str, size_pt: float, **style: Any) -> None:
        """Write on the picture, at inches from its left and from its top."""
        x, y = x_in / WIDTH_IN, 1 - y_in / self.picture.get_figheight()
        write(self.picture, x, y, text, size_pt, **style)

    def _add_axes(self, top_in: float, height_in: float, time_axis: TimeAxis) -> Axes:
        """Add axes on the common time axis, at inches below the top of the picture."""
        picture_in = self.picture.get_figheight()
        left, bottom = LEFT_IN / WIDTH_IN, 1 - (top_in + height_in) / picture_in
        width, height = AXIS_PX / DPI / WIDTH_IN, height_in / picture_in
        first = self.picture.axes[0] if self.picture.axes else None
        axes = self.picture.add_axes((left, bottom, width, height), sharex=first, facecolor="none")
        if first is None:  # the other axes share its scale
            _set_time_scale(axes, time_axis)
        axes.spines[:].set_visible(False)
        axes.grid(False)
        axes.grid(axis="x", color=GRID_COLOR, linewidth=0.8, linestyle="-")
        axes.set_axisbelow(True)
        axes.tick_params(length=0, labelsize=8, colors=PALE_COLOR, labelbottom=False)
        return axes

    def _draw_lane(self, axes: Axes, panel: Panel, lane: Lane) -> None:
        """Draw a lane: the line above it, markers, label, bars, and the count of waits."""
        if lane.top_in:
            axes.axhline(lane.top_in, color=GRID_COLOR, linewidth=0.8, zorder=0.5)
        self._draw_marks(axes, panel.axis, lane)
        has_notes_inside = self._write_notes_inside(axes, panel.axis, lane)
        _write_lane_label(axes, lane, [] if has_notes_inside else lane.notes)
        for bars in lane.bars:
            self._draw_bars(axes, panel, bars)
        if lane.wait_counts is not None:
            self._draw_wait_counts(axes, panel, lane, lane.wait_counts)

    def _draw_marks(self, axes: Axes, time_axis: TimeAxis, lane: Lane) -> None:
        """Draw a marker for each send that was given up, and for each receipt without a bar."""
        for kind, px in lane.marks_px.items():
            y = np.full(len(px), _bar_middle_in(lane))
            axes.plot(time_axis.from_px(px), y, gid=kind, **marker_style(kind))
            self.legend.add_drawn(kind)

    def _write_notes_inside(self, axes: Axes, time_axis: TimeAxis, lane: Lane) -> bool:
        """Write a sender's notes right of its last bar, if there is room; return whether."""
        ends_px = [bars.end_px.max() for bars in lane.bars]
        ends_px += [px[-1] for px in lane.marks_px.values()]
        if lane.kind != "sender" or not ends_px:
            return False
        first, *others = lane.notes
        text = ", ".join([f"{first} in all", *others])
        last_px = max(ends_px)
        if last_px + 10 + text_width_px(text, 8) >= AXIS_PX:
            return False
        x, y = time_axis.from_px(last_px + 8), _bar_middle_in(lane)
        write(axes, x, y, text, 8, halo="white", va="center")
        for outcome in lane.marks_px:
            self.legend.add_labeled(outcome)
        if len(lane.bars) < 2:  # all bars of the lane look alike, and the text says "sends"
            self.legend.add_labeled("sending")
        return True

    def _draw_wait_counts(self, axes: Axes, panel: Panel, lane: Lane, counts: Array) -> None:
        """Draw the number of waiting messages as an area, to one scale for the whole panel."""
        style = BAR_STYLES["waiting"]
        all_counts = [other.wait_counts for other in panel.lanes if other.wait_counts is not None]
        max_count = max(other.max() for other in all_counts)
        bottom_in = lane.wait_counts_bottom_in
        x = panel.axis.from_px(np.arange(len(counts) + 1.0))
        y = bottom_in - WAIT_COUNTS_IN * np.append(counts, counts[-1]) / max_count
        area = axes.fill_between(x, bottom_in, y, step="post", gid="waiting", linewidth=0)
        area.set(facecolor=style.face, edgecolor=style.edge, hatch=style.hatch)
        peak_px = int(np.argmax(counts))
        is_in_left_half = peak_px < AXIS_PX / 2
        text_px = peak_px + 8 if is_in_left_half else peak_px - 8
        side = "left" if is_in_left_half else "right"
        text = f"up to {counts.max():,} waiting"
        text_x = panel.axis.from_px(text_px)
        write(axes, text_x, bottom_in - 0.05, text, 8, halo="white", ha=side)
        self.legend.add_drawn("waiting")
        self.legend.add_labeled("waiting")

    def _draw_bars(self, axes: Axes, panel: Panel, bars: Bars) -> None:
        """Draw bars of one kind as one collection, and their labels."""
        kind, style = bars.kind, BAR_STYLES[bars.kind]
        left, right = panel.axis.from_px(bars.start_px), panel.axis.from_px(bars.end_px)
        top, bottom = bars.top_in, bars.bottom_in
        is_wide = bars.end_px - bars.start_px >= MERGE_PX
        # A narrow failure shows only its edge color. A white bar could not be seen.
        narrow_face = style.edge if kind == "failed" else style.face
        corners = np.stack([[left, right, right, left], [top, top, bottom, bottom]]).T
        shapes = PolyCollection(list(corners), gid=kind, hatch=style.hatch, edgecolors=style.edge)
        shapes.set_facecolor([style.face if wide else narrow_face for wide in is_wide])
        shapes.set_linewidth(list(np.where(is_wide, style.line_pt, 0)))
        shapes.set_zorder(3 if kind == "failed" else 2)  # failures stay visible above other bars
        axes.add_collection(shapes, autolim=False)
        if bars.is_open.any():
            x, y = right[bars.is_open], ((top + bottom) / 2)[bars.is_open]
            arrow: dict[str, Any] = {"marker": CARETRIGHTBASE, "markersize": 7, "linestyle": "none"}
            axes.plot(x, y, clip_on=False, color=narrow_face, gid="open", **arrow)
        self.legend.add_drawn(kind)
        self._label_bars(axes, panel, bars)

    def _label_bars(self, axes: Axes, panel: Panel, bars: Bars) -> None:
        """Write on bars what there is room for."""
        style = BAR_STYLES[bars.kind]
        halo = "white" if style.hatch else style.face
        centered = {"ha": "center", "va": "center_baseline", "color": style.text, "gid": "number"}
        for bar, text in bar_labels(bars, panel.snapshot.n_evicted):
            x = panel.axis.from_px((bars.start_px[bar] + bars.end_px[bar]) / 2)
            y = (bars.top_in[bar] + bars.bottom_in[bar]) / 2
            write(axes, x, y, text, style.text_pt, halo=halo, **centered)
            if not text[-1].isdigit():  # more than a message id
                self.legend.add_labeled(bars.kind)

    def _draw_in_flight(self, axes: Axes, panel: Panel) -> None:
        """Draw the number of messages in flight over time, and the high-water mark."""
        max_count = _draw_in_flight_line(axes, panel)
        max_y = max(max_count, self.high_water_mark or 0, 1)
        if self.high_water_mark is not None:
            _draw_high_water_mark(axes, self.high_water_mark, max_y)
        room_above = 1.3 if self.high_water_mark is None else 1.5
        axes.set_ylim(-0.04 * max_y, max_y * room_above)
        axes.set_yticks([0, max_y], ["0", f"{max_y:,}"])
        axes.tick_params(labelbottom=True)
        axes.spines["bottom"].set(visible=True, color=GRID_COLOR)
        label = axes.set_ylabel("messages\nin flight", rotation=0, fontsize=8, color=TEXT_COLOR)
        label.set(ha="right", va="center")

    def _label_time_axis(self, panels: list[Panel]) -> None:
        """Write below the last panel what the time axis shows. Without messages, write nothing."""
        all_rows = [panel.snapshot.rows for panel in panels if len(panel.snapshot.rows)]
        if not all_rows:
            return
        axis = panels[0].axis
        # A message from an untimed sender has no send.
        all_begin_with_send = all(rows["send_start_ns"][0] for rows in all_rows)
        event = "send" if all_begin_with_send else "message"
        scale = "log scale" if axis.log else f"in {axis.unit[0]}"
        label = f"time since the first {event}, {scale}"
        self.picture.axes[-1].set_xlabel(label, fontsize=8, color=TEXT_COLOR)


def write(
    where: Figure | Axes,
    x: float,
    y: float,
    text: str,
    size_pt: float,
    *,
    halo: str | None = None,
    **style: Any,
) -> None:
    """Write a text at coordinates of a figure or of axes.

    Args:
        where: the figure or the axes.
        x: horizontal coordinate.
        y: vertical coordinate.
        text: what to write. It is never read as a formula.
        size_pt: the font size, in points.
        halo: the color of an outline around the letters, or `None`.
        style: more keywords for matplotlib's `text`.
    """
    settings = {"color": TEXT_COLOR, "zorder": 5, "parse_math": False, "fontsize": size_pt}
    if halo:
        settings["path_effects"] = [withStroke(linewidth=2.5, foreground=halo)]
    where.text(x, y, text, **{**settings, **style})


def _bar_middle_in(lane: Lane) -> float:
    """Return where the middle of a lane's bars lies, in inches."""
    return lane.top_in + PAD_IN + BAR_IN / 2


def _set_time_scale(axes: Axes, time_axis: TimeAxis) -> None:
    """Set the limits of the time axis and, if it is logarithmic, its scale and its ticks."""
    if time_axis.log:
        axes.set_xscale("function", functions=(time_axis.scale, time_axis.unscale))
        powers_of_ten = 10.0 ** np.arange(np.log10(time_axis.end) + 0.01)
        axes.xaxis.set_major_locator(FixedLocator([0, *powers_of_ten]))
        axes.xaxis.set_major_formatter(tick_text)
    axes.set_xlim(0, time_axis.end)


def _write_lane_label(axes: Axes, lane: Lane, notes: list[str]) -> None:
    """Write the name of a lane, and notes below it, left of the axes."""
    label_top_in = lane.top_in + PAD_IN - 0.01
    left: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "ha": "right"}
    if not notes:
        write(axes, -0.02, _bar_middle_in(lane), lane.name, 8, va="center", gid="lane", **left)
        return
    notes_in = label_top_in + LINE_IN
    write(axes, -0.02, label_top_in, lane.name, 8, va="top", gid="lane", **left)
    write(axes, -0.02, notes_in, "\n".join(notes), 7.5, va="top", color=PALE_COLOR, **left)


def _draw_in_flight_line(axes: Axes, panel: Panel) -> int:
    """Draw the number of messages in flight, and return its maximum.

    If the number changes more often than every half pixel, an area is drawn that covers the line.
    """
    instants, counts = in_flight_steps(panel.snapshot.rows)
    ends_px = panel.axis.to_px(np.append(instants, panel.snapshot.now_ns))
    px = np.concatenate(([0], ends_px))
    y = np.concatenate(([0], counts, counts[-1:], [0]))[: len(px)]
    style: dict[str, Any] = {"color": TEXT_COLOR, "linewidth": 1.3, "gid": "in flight"}
    if len(px) <= 2 * AXIS_PX:
        axes.step(panel.axis.from_px(px), y, where="post", **style)
    else:
        low, high = min_max_per_pixel(px, y)
        x = panel.axis.from_px(np.arange(len(low), dtype=float))
        axes.fill_between(x, low, high, step="post", **style)
    return int(y.max())


def _draw_high_water_mark(axes: Axes, high_water_mark: int, max_y: int) -> None:
    """Draw the high-water mark as a dashed line with its value."""
    color = BAR_STYLES["blocked"].face
    axes.axhline(high_water_mark, color=color, linestyle=(0, (4, 3)), linewidth=1.5, zorder=4)
    right = {"transform": axes.get_yaxis_transform(), "ha": "right", "va": "bottom"}
    y = high_water_mark + 0.06 * max_y
    write(axes, 0.995, y, f"high-water mark {high_water_mark:,}", 8, halo="white", **right)
