"""A line: what hands messages over from a caller to a consumer, and how it is measured."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter_ns as clock_ns
from typing import Any, Protocol

LIMIT_S = 60.0  # no wait is longer: whatever takes more than a minute here, is stuck
PACE_S = 0.001  # before each call that is timed, so that both ends are at rest, and wait for work
MARK = b""  # ends a burst: the consumer then tells how many it has counted
STOP = None  # ends a consumer, where what takes the messages can hold it


class Missing(Exception):
    """Something that a line needs is not here; says what, and how to get it."""


class Measurable(Protocol):
    """What can be measured."""

    def waits_ns(self, calls: int) -> list[int]:
        """Return how long each of so many calls kept the caller waiting."""

    def rate(self, messages: int) -> float:
        """Return how many messages a second got done, in a burst of so many."""


@dataclass(frozen=True)
class Line:
    """A line that is open: `put` hands a message over, `finish` waits until all are done.

    `finish` returns how many the consumer has counted since the last time.
    """

    put: Callable[[bytes], object]
    finish: Callable[[], int]
    payload: bytes

    def waits_ns(self, calls: int) -> list[int]:
        """Time calls one by one, each when the message before it is done and all are at rest."""
        put, payload, waits = self.put, self.payload, []
        for _ in range(calls):
            time.sleep(PACE_S)
            start_ns = clock_ns()
            put(payload)
            waits.append(clock_ns() - start_ns)
            self._finish(1)
        return waits

    def rate(self, messages: int) -> float:
        """Hand over one after the other, and stop the clock when the last one is done."""
        put, payload = self.put, self.payload
        start_ns = clock_ns()
        for _ in range(messages):
            put(payload)
        self._finish(messages)
        return messages / (clock_ns() - start_ns) * 1e9

    def _finish(self, expected: int) -> None:
        done = self.finish()
        if done != expected:
            raise RuntimeError(f"{expected:,} messages were handed over, and {done:,} were done")


# One count for a process: in each, only one line is in use at a time.
_counted = 0


def count(message: object) -> None:
    """Do nothing with a message but count it."""
    global _counted
    _counted += 1


def take_count() -> int:
    """Return how many were counted since the last time."""
    global _counted
    counted, _counted = _counted, 0
    return counted


def consume(get: Callable[[], bytes | None], tell: Callable[[int], object]) -> None:
    """Count what `get` returns, and tell the count at each mark, until told to stop."""
    while True:
        message = get()
        if message:  # neither a mark nor None
            count(message)
        elif message is STOP:
            return
        else:
            tell(take_count())


def needed(module: str) -> Any:
    """Import what only the comparison needs."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Missing(f"{module} is not installed; pip install -e '.[bench]'") from error
