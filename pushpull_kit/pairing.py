"""Which receipt belongs to which send: first in, first out among equal payloads.

Nothing on the wire tells, so among equal payloads the pairing may not be the true one. Yet every
wait comes out positive, and the mean wait exact: a sum of receipts minus a sum of sends does not
depend on who is subtracted from whom (the argument behind Little's law).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_SEND = np.dtype([("key", np.int64), ("row", np.int64)])


class OpenSends:
    """The sends that have no receipt yet, oldest first; at most `limit`, the oldest go first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[npt.NDArray[Any]] = [np.empty(0, _SEND)]
        self._count = 0

    def __len__(self) -> int:
        return len(self._whole())

    def __contains__(self, row: int) -> bool:
        return bool((self._whole()["row"] == row).any())

    def _whole(self) -> npt.NDArray[Any]:
        if len(self._parts) > 1:
            self._keep(np.concatenate(self._parts)[-self._limit :])
        return self._parts[0]

    def _keep(self, sends: npt.NDArray[Any]) -> None:
        self._parts, self._count = [sends], len(sends)

    def add(self, keys: Int64s, rows: Int64s) -> None:
        """Add sends that come after all that are there."""
        if len(keys):
            new = np.empty(len(keys), _SEND)
            new["key"], new["row"] = keys, rows
            self._parts.append(new)  # put together when asked for: where no receipt ever comes,
            self._count += len(new)  # adding must not copy all that waits
            if self._count > self._limit + self._limit // 8:
                self._whole()

    def discard(self, row: int) -> None:
        """Take a send out, if it is there."""
        sends = self._whole()
        self._keep(sends[sends["row"] != row])

    def match(self, keys: Int64s, rows: Int64s) -> int:
        """Fill in `rows` where it is negative and a send of that key is open; return how many.

        A send that was matched is open no longer.
        """
        without = np.flatnonzero(rows < 0)
        sends = self._whole()
        sent, received = _pair(sends["key"], keys[without])
        rows[without[received]] = sends["row"][sent]
        self._keep(np.delete(sends, sent))
        return len(sent)


def _pair(sends: Int64s, receipts: Int64s) -> tuple[Int64s, Int64s]:
    """Return the positions, in both, of what belongs together."""
    n = len(receipts)
    if np.array_equal(sends[:n], receipts):  # what one sender and one worker always give
        return np.arange(n), np.arange(n)
    by_key, by_key_too = np.argsort(sends, kind="stable"), np.argsort(receipts, kind="stable")
    sends, receipts = sends[by_key], receipts[by_key_too]
    turn = np.arange(n) - np.searchsorted(receipts, receipts)  # this is the nth of its payload
    place = np.searchsorted(sends, receipts) + turn
    found = np.flatnonzero(place < len(sends))
    found = found[sends[place[found]] == receipts[found]]
    return by_key[place[found]], by_key_too[found]
