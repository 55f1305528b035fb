"""A line hands messages from a caller to a consumer. This module says how it is measured."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter_ns as clock_ns
from typing import Any, Protocol

LIMIT_S = 60.0  # max time of any wait: what takes longer is stuck
PACE_S = 0.001  # pause before each timed call, so that both ends are idle
MARK = b""  # ends a burst: the consumer answers with its count
STOP = None  # ends a consumer; only for queues of Python objects


class Missing(Exception):
    """A line needs something that is not installed. The text says what, and how to install it."""


class Measurable(Protocol):
    """A line, or a program that measures itself as a line does."""

    def waits_ns(self, calls: int) -> list[int]:
        """Return how long the caller waited in each of `calls` calls, in ns."""

    def rate(self, messages: int) -> float:
        """Return the messages done per second in a burst of `messages`."""


@dataclass(frozen=True)
class Line:
    """An open line: `put` hands a message over, `finish` waits until all messages are done.

    `finish` returns how many messages the consumer has counted since the last call.
    """

    put: Callable[[bytes], object]
    finish: Callable[[], int]
    payload: bytes

    def waits_ns(self, calls: int) -> list[int]:
        """Time single calls. Before each, the last message is done and both ends are idle."""
        put, payload, waits = self.put, self.payload, []
        for _ in range(calls):
            time.sleep(PACE_S)
            start_ns = clock_ns()
            put(payload)
            waits.append(clock_ns() - start_ns)
            self._finish(1)
        return waits

    def rate(self, messages: int) -> float:
        """Hand over messages one after the other; stop the clock when the last one is done."""
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


# One count for each process, because a process uses one line at a time.
_counted = 0


def count(message: object) -> None:
    """Count a message."""
    global _counted
    _counted += 1


def take_count() -> int:
    """Return how many messages were counted since the last call."""
    global _counted
    counted, _counted = _counted, 0
    return counted


def consume(get: Callable[[], bytes | None], tell: Callable[[int], object]) -> None:
    """Count messages from `get`. Pass the count to `tell` at each MARK; return at STOP."""
    while True:
        message = get()
        if message:  # neither a mark nor None
            count(message)
        elif message is STOP:
            return
        else:
            tell(take_count())


def needed(module: str) -> Any:
    """Import a module that only the comparison needs."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Missing(f"{module} is not installed; pip install -e '.[bench]'") from error
