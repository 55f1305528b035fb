"""Which receipt belongs to which send: first in, first out among equal payloads.

Nothing on the wire tells, so among equal payloads the pairing may not be the true one. Yet no
receipt is given to a send that began after it, so no wait is negative; and where all of them
arrive, the mean wait is exact, because a sum of receipts minus a sum of sends does not depend on
who is subtracted from whom (the argument behind Little's law).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]

#: A send as the pairing knows it: the payload's key, when it began, and the row that tells of it.
SEND = np.dtype([("key", np.int64), ("begin", np.int64), ("row", np.int64)])


class OpenSends:
    """Sends that have no receipt yet, oldest first; at most `limit`, the oldest go first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[npt.NDArray[Any]] = [np.empty(0, SEND)]
        self._count = 0

    def __len__(self) -> int:
        return len(self._whole())

    def __contains__(self, row: int) -> bool:
        return bool((self._whole()["row"] == row).any())

    def _whole(self) -> npt.NDArray[Any]:
        if len(self._parts) > 1:
            sends = np.concatenate(self._parts)
            if (np.diff(sends["begin"]) < 0).any():  # learned of late
                sends = sends[np.argsort(sends["begin"], kind="stable")]
            self._keep(sends[-self._limit :])
        return self._parts[0]

    def _keep(self, sends: npt.NDArray[Any]) -> None:
        self._parts, self._count = [sends], len(sends)

    def add(self, keys: Int64s, begins: Int64s, rows: Int64s) -> None:
        """Add sends."""
        if len(keys):
            new = np.empty(len(keys), SEND)
            new["key"], new["begin"], new["row"] = keys, begins, rows
            self._parts.append(new)  # put together when asked for: where no receipt ever comes,
            self._count += len(new)  # adding must not copy all that waits
            if self._count > self._limit + self._limit // 8:
                self._whole()

    def discard(self, row: int) -> bool:
        """Take a send out; return whether it was there."""
        sends = self._whole()
        self._keep(sends[sends["row"] != row])
        return len(self) < len(sends)

    def move_to(self, others: OpenSends) -> None:
        """Give all sends to another."""
        sends = self._whole()
        others.add(sends["key"], sends["begin"], sends["row"])
        self._keep(sends[:0])

    def match(self, keys: Int64s, instants: Int64s, rows: Int64s) -> Int64s:
        """Fill in `rows` of receipts where they are negative and a send is open; say for which.

        A send that was matched is open no longer.
        """
        sends = self._whole()
        without = np.flatnonzero(rows < 0)
        if not len(sends) or not len(without):
            return without[:0]
        sent, received = _pair(sends, keys[without], instants[without])
        rows[without[received]] = sends["row"][sent]
        self._keep(np.delete(sends, sent))
        return without[received]


def _pair(sends: npt.NDArray[Any], keys: Int64s, instants: Int64s) -> tuple[Int64s, Int64s]:
    """Return the positions, in both, of what belongs together."""
    n = len(keys)
    head = sends[:n]
    if np.array_equal(head["key"], keys) and (head["begin"] <= instants).all():
        return np.arange(n), np.arange(n)  # what one sender and one worker always give
    is_send = np.repeat((True, False), (len(sends), n))
    key = np.concatenate((sends["key"], keys))
    order = np.lexsort((~is_send, np.concatenate((sends["begin"], instants)), key))
    key, is_send = key[order], is_send[order]
    # Walk through each payload's events, a send up, a receipt down: one that goes lower than any
    # before found no send open. Groups are set so far apart that one minimum serves for all.
    first = np.diff(key, prepend=key[:1] - 1) != 0
    group = np.cumsum(first) - 1
    level = np.cumsum(np.where(is_send, 1, -1))
    start = (level - np.where(is_send, 1, -1))[first]
    ground = -group * (len(key) + 1)
    lowest = np.minimum.accumulate(np.minimum(level - start[group], 0) + ground)
    sunk = lowest < np.where(first, ground, np.concatenate((ground[:1], lowest[:-1])))
    sent, received = order[is_send], order[~is_send & ~sunk] - len(sends)
    keys = keys[received]
    turn = np.arange(len(keys)) - np.searchsorted(keys, keys)  # this is the nth of its payload
    return sent[np.searchsorted(key[is_send], keys) + turn], received
