"""The cost and the accuracy of timed sockets: `python -m benchmarks`, or `make bench`.

Every figure is a ratio of two measurements that alternate in one run. A busy or slow machine
affects both in the same way. The table shows the median of the ratios and their middle half.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """A line of the table: description, figure, bound (`None`: no bound), and details."""

    what: str
    figure: float
    bound: tuple[str, float] | None
    details: str

    @property
    def holds(self) -> bool:
        """Whether the figure is within its bound."""
        if self.bound is None:
            return True
        sign, limit = self.bound
        return self.figure <= limit if sign == "<=" else self.figure >= limit


def paired(first: Callable[[], float], second: Callable[[], float], pairs: int) -> Sequence[float]:
    """Run both alternately and return first / second for each pair. A pair before them warms up."""
    first(), second()
    return [first() / second() for _ in range(pairs)]


def spread(ratios: Sequence[float]) -> str:
    """Return the number of ratios and their middle half as text."""
    low, _, high = statistics.quantiles(ratios, n=4)
    return f"{len(ratios)} pairs, middle half {low:.2f} to {high:.2f}"
