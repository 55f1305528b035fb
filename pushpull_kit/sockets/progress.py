"""How many messages a worker has finished, and threads that wait for a count of them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from time import monotonic

#: How often `wait` looks whether the worker's thread is still alive.
ALIVE_CHECK_S = 0.5


class Progress:
    """A count of finished messages, which one thread increases and others wait for.

    The thread adds 1 to `finished`, and calls `notify` when that reaches `smallest_wanted`: two
    attributes, because a call for each message would cost more.
    """

    def __init__(self) -> None:
        self.finished = 0
        self.smallest_wanted = sys.maxsize
        self._wanted: list[int] = []  # the counts that calls of `wait` wait for
        self._changed = threading.Condition()

    def notify(self) -> None:
        """Let each waiting thread look at the count again, and whether the worker runs."""
        with self._changed:
            self._changed.notify_all()

    def wait(self, count: int, timeout: float, is_running: Callable[[], bool]) -> bool:
        """Wait for a count, as long as the worker runs, and return whether it was reached.

        Args:
            count: how many finished messages.
            timeout: how long to wait, in seconds.
            is_running: tells whether the worker runs.
        """
        with self._changed:
            self._wanted.append(count)
            self.smallest_wanted = min(self._wanted)
            try:
                self._wait_for(count, monotonic() + timeout, is_running)
            finally:
                self._wanted.remove(count)
                self.smallest_wanted = min(self._wanted, default=sys.maxsize)
            return self.finished >= count

    def _wait_for(self, count: int, deadline_s: float, is_running: Callable[[], bool]) -> None:
        while self.finished < count and is_running():
            left_s = deadline_s - monotonic()
            if left_s <= 0:
                return
            self._changed.wait(min(left_s, ALIVE_CHECK_S))
