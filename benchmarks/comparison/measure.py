"""Measures a line alternately with raw pyzmq."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import NamedTuple

from .. import paired
from .contenders import Contender
from .line import Measurable, Missing

BURST_BYTES = 100_000_000  # max size of a burst, because all of it may be queued in memory
FEW = 20  # messages in the first bursts, which show how fast a line is


class Plan(NamedTuple):
    """How much to measure."""

    pairs: int
    calls: int  # single calls in each half of a pair
    burst_s: float  # duration of a burst
    burst_least: int  # min messages in a burst: fewer do not show the steady rate


FULL = Plan(pairs=15, calls=30, burst_s=0.15, burst_least=300)
QUICK = Plan(pairs=3, calls=10, burst_s=0.02, burst_least=FEW)


@dataclass(frozen=True)
class Spread:
    """Median, quartiles (`low`, `high`) and 90th percentile of some figures."""

    median: float
    low: float
    high: float
    p90: float

    @classmethod
    def of(cls, figures: Iterable[float]) -> Spread:
        """Summarize figures with four digits. More digits would be noise."""
        found = list(figures)
        twentieths = statistics.quantiles(found, n=20, method="inclusive")
        summary = statistics.median(found), twentieths[4], twentieths[14], twentieths[17]
        return cls(*(float(f"{figure:.4g}") for figure in summary))


@dataclass(frozen=True)
class Figures:
    """The figures of a line, of raw pyzmq, and the ratios of the two."""

    calls: int
    bursts: int
    messages: int  # in a burst
    wait_us: Spread
    done_per_s: Spread
    raw_wait_us: Spread
    raw_done_per_s: Spread
    wait_over_raw: Spread
    done_over_raw: Spread


@dataclass(frozen=True)
class Row:
    """A row of the table: figures, or the reason why there are none."""

    group: str
    name: str
    to: str
    caller_waits_until: str
    size_bytes: int
    beside: str
    figures: Figures | None = None
    skipped: str | None = None
    failed: str | None = None


def row(contender: Contender, plan: Plan) -> Row:
    """Measure a contender. Missing software and errors become a text in the row."""
    group, name, to, waits_for, size, _, beside, _ = contender
    head = (group, name, to, waits_for, size, beside)
    try:
        with ExitStack() as stack:
            line = stack.enter_context(contender.open(size))
            raw = stack.enter_context(contender.open_beside(size))
            return Row(*head, figures=_measured(line, raw, size, plan))
    except Missing as missing:
        return Row(*head, skipped=str(missing))
    except Exception as error:  # go on with the other contenders
        return Row(*head, failed=f"{type(error).__name__}: {error}")


def _measured(line: Measurable, raw: Measurable, size: int, plan: Plan) -> Figures:
    first, second = _Half(line, size, plan), _Half(raw, size, plan)
    wait_over_raw = paired(first.wait, second.wait, plan.pairs)
    done_over_raw = paired(first.rate, second.rate, plan.pairs)
    return Figures(
        plan.calls * plan.pairs,
        plan.pairs,
        first.messages,
        # Without the first pair, which warms up.
        Spread.of(ns / 1e3 for ns in first.waits_ns[plan.calls :]),
        Spread.of(first.rates[1:]),
        Spread.of(ns / 1e3 for ns in second.waits_ns[plan.calls :]),
        Spread.of(second.rates[1:]),
        Spread.of(wait_over_raw),
        Spread.of(done_over_raw),
    )


class _Half:
    """One of the two lines of a pair, and its measurements."""

    def __init__(self, line: Measurable, size: int, plan: Plan) -> None:
        self.line, self.calls = line, plan.calls
        self.messages = burst_size(line, size, plan)
        self.waits_ns: list[int] = []
        self.rates: list[float] = []

    def wait(self) -> float:
        """Return the median wait of some calls."""
        waits_ns = self.line.waits_ns(self.calls)
        self.waits_ns += waits_ns
        return statistics.median(waits_ns)

    def rate(self) -> float:
        """Return the messages done per second in one burst."""
        self.rates.append(self.line.rate(self.messages))
        return self.rates[-1]


def burst_size(line: Measurable, size: int, plan: Plan) -> int:
    """Return how many messages take the planned time, found with larger and larger bursts."""
    most = max(FEW, BURST_BYTES // size)
    line.rate(FEW)  # the first message may have to start or connect something
    messages = FEW
    while True:
        took_s = messages / line.rate(messages)
        if took_s > plan.burst_s / 4 or messages == most:
            return min(most, max(plan.burst_least, round(messages * plan.burst_s / took_s)))
        messages = min(most, messages * 4)
