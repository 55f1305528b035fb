"""The legend of a static picture."""

from __future__ import annotations

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from .styles import BAR_STYLES, LEFT_IN, MARKERS, TEXT_COLOR, WIDTH_IN, marker_style

#: Distance of the legend's middle from the lower edge of the picture, in inches.
LEGEND_IN = 0.14


class Legend:
    """Explains the kinds of bars and markers that are drawn and have no text in the picture."""

    def __init__(self) -> None:
        self._drawn: set[str] = set()
        self._labeled: set[str] = set()

    def add_drawn(self, kind: str) -> None:
        """Note that a kind of bars or markers is drawn."""
        self._drawn.add(kind)

    def add_labeled(self, kind: str) -> None:
        """Note that a text in the picture names a kind. Then the legend does not explain it."""
        self._labeled.add(kind)

    def draw(self, picture: Figure) -> None:
        """Draw the legend, unless texts in the picture name all kinds."""
        handles = self._handles()
        if handles:
            x, y = (LEFT_IN - 0.08) / WIDTH_IN, LEGEND_IN / picture.get_figheight()
            picture.legend(
                handles=handles,
                ncols=len(handles),
                frameon=False,
                fontsize=8,
                loc="center left",
                bbox_to_anchor=(x, y),
                labelcolor=TEXT_COLOR,
            )

    def _handles(self) -> list[Artist]:
        unexplained = self._drawn - self._labeled
        handles: list[Artist] = []
        for kind, style in BAR_STYLES.items():
            if kind in unexplained:
                patch = Patch(facecolor=style.face, edgecolor=style.edge, hatch=style.hatch)
                patch.set(linewidth=style.line_pt, label=style.singular)
                handles.append(patch)
        for kind, marker in MARKERS.items():
            if kind in unexplained:
                handles.append(Line2D([], [], label=marker.label, **marker_style(kind)))
        return handles
