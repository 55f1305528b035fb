"""Timings as a live view in the notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anywidget

from ..timings import HasTimings, Timings, timings_of

if TYPE_CHECKING:
    from ..picture import Picture


class Timeline(anywidget.AnyWidget):
    """The live view of what a context's sockets do, drawn in the browser as it happens."""

    def __init__(self, source: Timings | HasTimings, *, high_water_mark: int | None = None) -> None:
        super().__init__()
        self._timings = timings_of(source)
        self._mark = high_water_mark

    def picture(self, **how: Any) -> Picture:
        """Return a static figure of the same messages; keywords are those of `draw`."""
        from ..picture import draw  # matplotlib takes half a second

        return draw(self._timings, **{"high_water_mark": self._mark, **how})

    def __repr__(self) -> str:  # no live value, since a strict nbval run compares it
        return "<Timeline: a live view; run this cell to see it>"
