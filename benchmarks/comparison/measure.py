"""A line measured in turn with raw pyzmq."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import NamedTuple

from .. import paired
from .contenders import Contender
from .line import Measurable, Missing

BURST_BYTES = 100_000_000  # no more in a burst: it may all be waiting at once
FEW = 20  # messages of the first bursts, from which the length of the others is reckoned


class Plan(NamedTuple):
    """How much is measured."""

    pairs: int
    calls: int  # timed one by one, in each half of a pair
    burst_s: float  # how long a burst is to take
    burst_least: int  # messages in a burst, however long it takes: in a few there is no flow


FULL = Plan(pairs=15, calls=30, burst_s=0.15, burst_least=300)
QUICK = Plan(pairs=3, calls=10, burst_s=0.02, burst_least=FEW)


@dataclass(frozen=True)
class Spread:
    """The median of some figures, the middle half of them, and what nine in ten do not exceed."""

    median: float
    low: float
    high: float
    p90: float

    @classmethod
    def of(cls, figures: Iterable[float]) -> Spread:
        """Summarize, in four digits; more of them would be noise."""
        found = list(figures)
        twentieths = statistics.quantiles(found, n=20, method="inclusive")
        summary = statistics.median(found), twentieths[4], twentieths[14], twentieths[17]
        return cls(*(float(f"{figure:.4g}") for figure in summary))


@dataclass(frozen=True)
class Figures:
    """What was measured of a line, and over what raw pyzmq did in turn."""

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
    """A line of the table; without figures, why."""

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
    """Measure a contender; what is missing is skipped, and an error is told, not raised."""
    group, name, to, waits_for, size, _, beside, _ = contender
    head = (group, name, to, waits_for, size, beside)
    try:
        with ExitStack() as stack:
            line = stack.enter_context(contender.open(size))
            raw = stack.enter_context(contender.open_beside(size))
            return Row(*head, figures=_measured(line, raw, size, plan))
    except Missing as missing:
        return Row(*head, skipped=str(missing))
    except Exception as error:  # the others are still to be measured
        return Row(*head, failed=f"{type(error).__name__}: {error}")


def _measured(line: Measurable, raw: Measurable, size: int, plan: Plan) -> Figures:
    first, second = _Half(line, size, plan), _Half(raw, size, plan)
    wait_over_raw = paired(first.wait, second.wait, plan.pairs)
    done_over_raw = paired(first.rate, second.rate, plan.pairs)
    return Figures(
        plan.calls * plan.pairs,
        plan.pairs,
        first.messages,
        Spread.of(ns / 1e3 for ns in first.waits_ns[plan.calls :]),  # the first pair warmed up
        Spread.of(first.rates[1:]),
        Spread.of(ns / 1e3 for ns in second.waits_ns[plan.calls :]),
        Spread.of(second.rates[1:]),
        Spread.of(wait_over_raw),
        Spread.of(done_over_raw),
    )


class _Half:
    """One of the two lines of a pair, with all that was measured of it."""

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
        """Return the messages done in a second, in one burst."""
        self.rates.append(self.line.rate(self.messages))
        return self.rates[-1]


def burst_size(line: Measurable, size: int, plan: Plan) -> int:
    """Return how many messages take as long as planned, tried with bursts of more and more."""
    most = max(FEW, BURST_BYTES // size)
    line.rate(FEW)  # what starts or connects with the first message, does it now
    messages = FEW
    while True:
        took_s = messages / line.rate(messages)
        if took_s > plan.burst_s / 4 or messages == most:
            return min(most, max(plan.burst_least, round(messages * plan.burst_s / took_s)))
        messages = min(most, messages * 4)
