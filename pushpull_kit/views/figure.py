"""Entry point of the static picture: `draw` makes a matplotlib figure from one or more logs."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from ..recording.log import HasTimings, Timings, timings_of
from .painter import Painter
from .panel import Panel, Snapshot
from .styles import DPI, WIDTH_IN

_TITLE_IN, _NO_TITLE_IN, _FOOT_IN = 0.36, 0.06, 0.46  # heights in inches
_MIN_SPAN_NS = 1_000  # of the time axis


class Picture(Figure):
    """A matplotlib figure of one or more logs, made by `draw` and shown by Jupyter.

    It works without pyplot. Restyle it and save it as any other figure: `get_gid()` of an artist
    says what the artist shows, such as "handling" for the collection of those bars.

    Example:
        >>> from pushpull_kit import Timings, draw
        >>> picture = draw(Timings())
        >>> (headline,) = picture.findobj(lambda artist: artist.get_gid() == "headline")
        >>> headline.set_color("black")
        >>> picture
        <Picture: 1 panel>
    """

    panels = 1

    def __repr__(self) -> str:
        # Holds no measured value, because a strict nbval run compares it.
        return f"<Picture: {self.panels} panel{'s' * (self.panels > 1)}>"

    __str__ = __repr__

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        # Jupyter calls this method first. Otherwise pyplot, once loaded, would format the figure.
        png, size = self._repr_png_()
        return {"image/png": png, "text/plain": repr(self)}, {"image/png": size}

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        file = io.BytesIO()
        # Two pixels for each pixel of the page, so that the picture is sharp on a fine screen.
        self.savefig(file, format="png", dpi=2 * self.dpi)
        png = file.getvalue()
        width, height = struct.unpack(">II", png[16:24])
        return png, {"width": width // 2, "height": height // 2}

    def draw(self, renderer: Any) -> None:
        """Draw the figure. A character that no font has is shown as a box, without a warning."""
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
    """Draw the messages of a log, or of several logs below each other on one time scale.

    Args:
        source: a context, a `Timings`, or a dict from labels to these. Each log of a dict gets a
            panel that starts at the first instant of that log.
        log_time: show a logarithmic time axis, on which microseconds are visible beside seconds.
        title: a line above the picture, of at most 85 Latin characters.
        high_water_mark: a number of messages, drawn as a dashed line over the messages in flight.

    Returns:
        A matplotlib figure. A send or a handling that has not ended is drawn up to now. A message
        whose work was not timed, because a bare PULL received it, has a tick at its receipt.

    Raises:
        TypeError: `source`, or a value of the dict, has no timings.
        ValueError: the dict is empty.

    Example:
        >>> from pushpull_kit import Context, Timings, draw
        >>> with Context() as context:
        ...     draw(context, title="Before the first send")
        <Picture: 1 panel>
        >>> draw({"PUSH": Timings(), "HTTP": Timings()}, log_time=True)
        <Picture: 2 panels>
    """
    sources = source if isinstance(source, Mapping) else {"": source}
    if not sources:
        raise ValueError(
            "source: expected at least one log to draw; got an empty dict; "
            "put in a label and a context, as in draw({'PUSH': context})"
        )
    snapshots = [Snapshot(str(label), timings_of(log)) for label, log in sources.items()]
    span_ns = max(_MIN_SPAN_NS, *(snapshot.span_ns for snapshot in snapshots))
    panels = [Panel.of(snapshot, span_ns, log_time) for snapshot in snapshots]
    top_in = _TITLE_IN if title else _NO_TITLE_IN
    height_in = top_in + sum(panel.height_in for panel in panels) + _FOOT_IN
    picture = Picture(figsize=(WIDTH_IN, height_in), dpi=DPI, facecolor="white")
    picture.panels = len(panels)
    painter = Painter(picture, high_water_mark)
    painter.draw_title(title or "")
    for panel in panels:
        painter.draw_panel(panel, top_in)
        top_in += panel.height_in
    painter.draw_foot(panels)
    if not any(len(snapshot.rows) for snapshot in snapshots):
        for axes in picture.axes:  # without messages, ticks would show a time that never was
            axes.set_axis_off()
    return picture
