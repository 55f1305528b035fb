"""What the stopwatch costs, and how far it can be trusted: `python -m benchmarks`, or `make bench`.

Every figure is a ratio of two things that ran alternately in one run, so that a busy or a slow
machine hits both alike; the median over the pairs is shown, with the middle half of them.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """One line of the table: what, how much, what it is to be (None: only told), and details."""

    what: str
    figure: float
    bound: tuple[str, float] | None
    details: str

    @property
    def holds(self) -> bool:
        """Whether the figure is what it is to be."""
        if self.bound is None:
            return True
        sign, limit = self.bound
        return self.figure <= limit if sign == "<=" else self.figure >= limit


def paired(first: Callable[[], float], second: Callable[[], float], pairs: int) -> Sequence[float]:
    """Run both in turn, and return first over second for each pair; the first pair warms up."""
    first(), second()
    return [first() / second() for _ in range(pairs)]


def spread(ratios: Sequence[float]) -> str:
    """Say how far the middle half of the ratios reaches."""
    low, _, high = statistics.quantiles(ratios, n=4)
    return f"{len(ratios)} pairs, middle half {low:.2f} to {high:.2f}"
