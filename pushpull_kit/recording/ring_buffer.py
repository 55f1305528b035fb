"""A bounded table of messages: it grows to its limit, then evicts the oldest row."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

import numpy as np
import numpy.typing as npt

from .messages import ROW

Int64s = npt.NDArray[np.int64]


class DirtyRows:
    """Which rows of a ring buffer have changed since a subscriber last took them.

    The subscription ends when the subscriber drops this object.
    """

    def __init__(self, limit: int) -> None:
        self.slots = np.zeros(limit, np.bool_)

    def __len__(self) -> int:
        return int(np.count_nonzero(self.slots))


class RingBuffer:
    """At most `limit` rows of `messages.ROW`. Each has an id that is never used twice.

    Writing to a row that was evicted or cleared does nothing.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.next_id = 0
        self._subscribers: WeakSet[DirtyRows] = WeakSet()
        self.clear()

    def clear(self) -> None:
        """Evict all rows. Ids go on from where they are."""
        self.first_id = self.next_id  # of the rows added since the buffer was last cleared
        self._rows = np.zeros(min(self.limit, 256), ROW)
        for dirty in self._subscribers:
            dirty.slots[:] = False

    @property
    def oldest_id(self) -> int:
        """The id of the oldest row that is kept, or of the next one if none is."""
        return max(self.first_id, self.next_id - self.limit)

    @property
    def nbytes(self) -> int:
        """How much memory the rows take, in bytes, those that are not used yet included."""
        return self._rows.nbytes

    def add(self, count: int) -> Int64s:
        """Add `count` rows of zeros, and return their ids."""
        needed = self.next_id - self.first_id + count
        # Growing moves no row: it ends before the first slot is used a second time.
        if needed > len(self._rows) and len(self._rows) < self.limit:
            size = min(self.limit, max(needed, len(self._rows) * 5 // 4))
            # In place. NumPy need not look for references (refcheck): no caller ever gets a view.
            self._rows.resize(size, refcheck=False)
        ids = np.arange(self.next_id, self.next_id + count)
        self.next_id += count
        slots = self._slots(ids)
        if isinstance(slots, slice):
            self._rows[slots].view(np.uint8)[:] = 0  # four times quicker than assigning a record
        else:
            self._rows[slots] = np.zeros((), ROW)
        return ids

    def write(self, ids: Int64s, **columns: Any) -> None:
        """Set columns of these rows, each to an array as long as `ids` or to one value for all."""
        kept = ids >= self.oldest_id
        if not kept.all():
            ids = ids[kept]
            columns = {name: v[kept] if np.ndim(v) else v for name, v in columns.items()}
        slots = self._slots(ids)
        for name, values in columns.items():
            self._rows[name][slots] = values
        for dirty in self._subscribers:
            dirty.slots[slots] = True

    def subscribe(self) -> DirtyRows:
        """Return a subscription in which every row that is kept counts as changed."""
        dirty = DirtyRows(self.limit)
        self._subscribers.add(dirty)
        self.mark_newest(dirty, self.limit)
        return dirty

    def mark_newest(self, dirty: DirtyRows, count: int) -> None:
        """Have the newest `count` rows count as changed, and no others."""
        dirty.slots[:] = False
        ids = np.arange(max(self.oldest_id, self.next_id - count), self.next_id)
        dirty.slots[self._slots(ids)] = True

    def take(self, dirty: DirtyRows, max_rows: int) -> tuple[Int64s, npt.NDArray[Any]]:
        """Return ids and copies of at most `max_rows` rows that changed since the last call."""
        slots = np.flatnonzero(dirty.slots[: len(self._rows)])[:max_rows]
        dirty.slots[slots] = False
        # The inverse of `_slots`. The rows come in the order of slots, not of ids.
        oldest_slot = (self.oldest_id - self.first_id) % len(self._rows)
        return self.oldest_id + (slots - oldest_slot) % len(self._rows), self._rows[slots]

    def copy(self) -> npt.NDArray[Any]:
        """Return the rows kept, oldest first."""
        rows = self._rows[self._slots(np.arange(self.oldest_id, self.next_id))]
        return rows.copy() if rows.base is not None else rows  # indexing by a slice gives a view

    def _slots(self, ids: Int64s) -> Int64s | slice:
        """Return where these rows are: as a slice if they lie side by side, which is quicker."""
        size, count = len(self._rows), len(ids)
        if count and (np.diff(ids) == 1).all():
            first = int(ids[0] - self.first_id) % size
            if first + count <= size:
                return slice(first, first + count)
        return (ids - self.first_id) % size
