"""Where messages are kept: columns that grow to a bound, and then forget the oldest row first."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

import numpy as np
import numpy.typing as npt

from .messages import ROW

Int64s = npt.NDArray[np.int64]


class Changes:
    """Which rows of a ring were written since somebody last took them; ends when forgotten."""

    def __init__(self, limit: int) -> None:
        self.places = np.zeros(limit, np.bool_)

    def __len__(self) -> int:
        return int(np.count_nonzero(self.places))


class Ring:
    """At most `limit` rows of `messages.ROW`, known by numbers that are never used twice.

    Writing to a row that was let go, or cleared, does nothing.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.next = 0  # the number of the next row
        self._watchers: WeakSet[Changes] = WeakSet()
        self.clear()

    def clear(self) -> None:
        """Let all rows go; numbers go on from where they are."""
        self.first = self.next  # the first number since then
        self._rows = np.zeros(min(self.limit, 256), ROW)
        for changes in self._watchers:
            changes.places[:] = False

    @property
    def oldest(self) -> int:
        """The number of the oldest row that is kept, or of the next one if none is."""
        return max(self.first, self.next - self.limit)

    def add(self, count: int) -> Int64s:
        """Return the numbers of so many new rows, all zero."""
        needed = self.next - self.first + count
        if needed > len(self._rows) < self.limit:
            size = min(self.limit, max(needed, len(self._rows) * 5 // 4))
            self._rows.resize(size, refcheck=False)  # in place; no view of it is ever given away
        numbers = np.arange(self.next, self.next + count)
        self.next += count
        places = self._places(numbers)
        if isinstance(places, slice):
            self._rows[places].view(np.uint8)[:] = 0
        else:
            self._rows[places] = np.zeros((), ROW)
        return numbers

    def write(self, numbers: Int64s, **columns: Any) -> None:
        """Set columns, each to an array as long as `numbers` or to one value for all."""
        kept = numbers >= self.oldest
        if not kept.all():
            numbers = numbers[kept]
            columns = {n: v[kept] if np.ndim(v) else v for n, v in columns.items()}
        places = self._places(numbers)
        for name, values in columns.items():
            self._rows[name][places] = values
        for changes in self._watchers:
            changes.places[places] = True

    def watch(self) -> Changes:
        """Return a note of what is written from now on, with all that is kept to begin with."""
        changes = Changes(self.limit)
        self._watchers.add(changes)
        self.mark(changes, self.limit)
        return changes

    def mark(self, changes: Changes, newest: int) -> None:
        """Have the newest so many rows count as written anew, and no others."""
        changes.places[:] = False
        changes.places[self._places(np.arange(max(self.oldest, self.next - newest), self.next))] = 1

    def take(self, changes: Changes, most: int) -> tuple[Int64s, npt.NDArray[Any]]:
        """Return numbers and copies of rows written since the last call, `most` at the most."""
        places = np.flatnonzero(changes.places[: len(self._rows)])[:most]
        changes.places[places] = False
        behind = (self.oldest - self.first) % len(self._rows)
        return self.oldest + (places - behind) % len(self._rows), self._rows[places]

    def copy(self) -> npt.NDArray[Any]:
        """Return the rows kept, oldest first."""
        rows = self._rows[self._places(np.arange(self.oldest, self.next))]
        return rows.copy() if rows.base is not None else rows  # a slice would be a view

    def _places(self, numbers: Int64s) -> Int64s | slice:
        """Return where rows of these numbers are; as a slice, which is quicker, if it can be."""
        size, count = len(self._rows), len(numbers)
        if count and (numbers[1:] - numbers[:-1] == 1).all():
            first = int(numbers[0] - self.first) % size
            if first + count <= size:
                return slice(first, first + count)
        return (numbers - self.first) % size
