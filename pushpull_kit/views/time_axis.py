"""The time axis of a static picture: from instants in ns to pixels, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..spec import TIME_UNITS

Array = npt.NDArray[Any]

#: Length of the time axis, in pixels. A notebook's column has about 900.
AXIS_PX = 700.0

# Units of an axis, the largest first. An axis in ns is never needed: `draw` shows at least 1 µs.
_AXIS_UNITS = tuple((unit, ns) for unit, ns in TIME_UNITS if unit != "ns")


@dataclass(frozen=True)
class TimeAxis:
    """Maps instants to pixels.

    A logarithmic axis maps a time to log(1 + time in µs), so that it starts at a true zero.
    """

    origin_ns: int
    span_ns: float
    log: bool = False

    @property
    def unit(self) -> tuple[str, float]:
        """The unit of the axis: its name, and its length in ns."""
        smallest = _AXIS_UNITS[-1]
        if self.log:
            return smallest
        return next((unit for unit in _AXIS_UNITS if self.span_ns >= unit[1]), smallest)

    @property
    def end(self) -> float:
        """The last time on the axis, in the unit of the axis."""
        return self.span_ns / self.unit[1]

    def scale(self, time: Any) -> Any:
        """Return a value that is proportional to the pixels, from a time in the axis's unit."""
        return np.log1p(time) if self.log else time

    def unscale(self, value: Any) -> Any:
        """Return the time in the axis's unit; the inverse of `scale`."""
        return np.expm1(value) if self.log else value

    def to_px(self, ns: Array) -> Array:
        """Return the distance of instants from the left end of the axis, in pixels."""
        time = (ns - self.origin_ns) / self.unit[1]
        return np.asarray(self.scale(time) / self.scale(self.end) * AXIS_PX)

    def from_px(self, px: Any) -> Any:
        """Return the time at a distance from the left end, in the axis's unit."""
        return self.unscale(px / AXIS_PX * self.scale(self.end))


def tick_text(us: float, _position: object = None) -> str:
    """Return the label of a tick on a logarithmic axis, such as "10 µs".

    Unlike matplotlib's `EngFormatter`, it uses no unit above seconds: "1000 s", not "1 ks".

    >>> tick_text(0), tick_text(100), tick_text(1e9)
    ('0', '100 µs', '1000 s')
    """
    ns = us * 1e3
    for unit, unit_ns in _AXIS_UNITS:
        if ns >= unit_ns:
            return f"{ns / unit_ns:g} {unit}"
    return f"{us:g}"
