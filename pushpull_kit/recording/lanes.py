"""The lanes of a log: which names there are, and which of them have an open socket."""

from __future__ import annotations

import heapq
import threading
from collections import Counter

#: How many lanes there may be. Sockets with further names share a lane, one a kind.
MAX_NAMES = 4096

#: The name of the lane for sockets that have none of their own.
SHARED_NAME = "others"


class Lanes:
    """Numbers for lanes, each with a kind and a name. Number 0 is no lane.

    Takes the same short time however many lanes there are. Thread-safe: its lock is held for a few
    microseconds only, never while the log is read.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # reentrant, because a signal handler may make a socket
        self._names: list[tuple[str, str]] = [("", "")]
        self._numbers: dict[tuple[str, str], int] = {}
        self._open: Counter[int] = Counter()  # how many open sockets a lane has
        self._next: dict[str, int] = {}  # by kind, the first number that no default name has had
        self._free: dict[str, list[int]] = {}  # by kind, a heap of smaller numbers that are free
        self._default: dict[int, int] = {}  # by lane, the number in its default name
        self._unused: list[int] = []  # lanes that `forget_closed` has emptied

    @property
    def names(self) -> list[tuple[str, str]]:
        """Kind and name of each lane, by its number."""
        return list(self._names)

    def open_numbers(self) -> list[int]:
        """Return the numbers of the lanes that have an open socket."""
        with self._lock:
            return sorted(number for number, count in self._open.items() if count)

    def open(self, kind: str, name: str | None) -> int:
        """Return the lane for a new socket.

        Args:
            kind: `"sender"` or `"worker"`.
            name: the lane's name. If left out: the first of `"sender"`, `"sender 2"` and so on that
                no open socket has.
        """
        with self._lock:
            if name is None:
                default = self._default_number(kind)
                number = self._number(kind, _numbered(kind, default))
                self._default[number] = default
            else:
                number = self._number(kind, name)
            self._open[number] += 1
            return number

    def close(self, number: int) -> None:
        """Note that a socket of this lane is closed."""
        with self._lock:
            self._open[number] -= 1
            if self._open[number] > 0:
                return
            del self._open[number]
            if number in self._default:
                kind, _ = self._names[number]
                heapq.heappush(self._free.setdefault(kind, []), self._default.pop(number))

    def forget_closed(self) -> None:
        """Drop the names of lanes without an open socket, when no row refers to them any more."""
        with self._lock:
            for (kind, name), number in list(self._numbers.items()):
                if not self._open[number]:
                    del self._numbers[kind, name]
                    self._names[number] = ("", "")
                    self._unused.append(number)

    def rename(self, number: int, name: str) -> int:
        """Return the lane of that name and of the same kind, for a socket that leaves its lane."""
        with self._lock:
            renamed = self.open(self._names[number][0], name)
            self.close(number)
            return renamed

    def _default_number(self, kind: str) -> int:
        free = self._free.setdefault(kind, [])
        while True:
            if free:
                number = heapq.heappop(free)
            else:
                number = self._next.get(kind, 1)
                self._next[kind] = number + 1
            name = _numbered(kind, number)
            if not self._is_open(kind, name):
                return number
            # A socket was given this name. When it is closed, the name is free.
            self._default[self._numbers[kind, name]] = number

    def _is_open(self, kind: str, name: str) -> bool:
        return self._open[self._numbers.get((kind, name), 0)] > 0

    def _number(self, kind: str, name: str) -> int:
        if (kind, name) not in self._numbers:
            if len(self._numbers) >= MAX_NAMES and name != SHARED_NAME:
                return self._number(kind, SHARED_NAME)
            if not self._unused:
                self._unused.append(len(self._names))
                self._names.append(("", ""))
            number = self._unused.pop()
            self._names[number] = (kind, name)
            self._numbers[kind, name] = number
        return self._numbers[kind, name]


def _numbered(kind: str, number: int) -> str:
    return kind if number == 1 else f"{kind} {number}"
