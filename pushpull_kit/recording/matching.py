"""Which receipt belongs to which send: first in, first out among equal payloads.

Nothing on the wire says which, so among equal payloads the match may not be the true one. Still, no
receipt is matched to a send that started after it, so no duration is negative. And once all equal
payloads have arrived, their mean duration is exact: the sum of the receipts' instants minus the sum
of the sends' instants is the same for every match.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]

#: A send that waits for its receipt: its fingerprint, when it started, and the id of its row.
SEND = np.dtype([("fingerprint", np.int64), ("start", np.int64), ("row_id", np.int64)])


class UnmatchedSends:
    """Sends that have no receipt yet, in the order in which they started.

    Args:
        limit: how many are kept. Beyond it the oldest are dropped.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # Joined when they are read: where no receipt ever comes, adding must not copy all of them.
        self._parts: list[npt.NDArray[Any]] = [np.empty(0, SEND)]
        self._count = 0

    def __len__(self) -> int:
        return len(self._joined())

    def __contains__(self, row_id: int) -> bool:
        return bool((self._joined()["row_id"] == row_id).any())

    def add(self, fingerprints: Int64s, starts: Int64s, row_ids: Int64s) -> None:
        """Add sends."""
        if not len(row_ids):
            return
        sends = np.empty(len(row_ids), SEND)
        sends["fingerprint"], sends["start"], sends["row_id"] = fingerprints, starts, row_ids
        self._parts.append(sends)
        self._count += len(sends)
        if self._count > self._limit + self._limit // 8:
            self._joined()  # which drops the oldest

    def remove(self, row_id: int) -> bool:
        """Remove a send, and return whether it was there."""
        sends = self._joined()
        others = sends[sends["row_id"] != row_id]
        self._replace(others)
        return len(others) < len(sends)

    def move_to(self, target: UnmatchedSends) -> None:
        """Move all sends to another collection."""
        sends = self._joined()
        target.add(sends["fingerprint"], sends["start"], sends["row_id"])
        self._replace(sends[:0])

    def match(self, fingerprints: Int64s, instants: Int64s, row_ids: Int64s) -> Int64s:
        """Match receipts to sends, fill in `row_ids` in place, and remove these sends.

        Args:
            fingerprints: of the receipts, in the order of their instants.
            instants: when they were received, in ns.
            row_ids: of the receipts' messages; -1 for those that have none yet.

        Returns:
            The indices of the receipts that were matched now.
        """
        sends = self._joined()
        waiting = np.flatnonzero(row_ids < 0)
        if not len(sends) or not len(waiting):
            return waiting[:0]
        sent, received = _match(sends, fingerprints[waiting], instants[waiting])
        row_ids[waiting[received]] = sends["row_id"][sent]
        self._replace(np.delete(sends, sent))
        return waiting[received]

    def _joined(self) -> npt.NDArray[Any]:
        if len(self._parts) > 1:
            sends = np.concatenate(self._parts)
            if (np.diff(sends["start"]) < 0).any():  # a part was added late
                sends = sends[np.argsort(sends["start"], kind="stable")]
            self._replace(sends[-self._limit :])
        return self._parts[0]

    def _replace(self, sends: npt.NDArray[Any]) -> None:
        self._parts, self._count = [sends], len(sends)


def _match(
    sends: npt.NDArray[Any], fingerprints: Int64s, instants: Int64s
) -> tuple[Int64s, Int64s]:
    """Return the indices of sends and of receipts that belong together, as two arrays."""
    count = len(fingerprints)
    oldest = sends[:count]
    in_order = np.array_equal(oldest["fingerprint"], fingerprints)
    if in_order and (oldest["start"] <= instants).all():  # such as one sender and one receiver
        return np.arange(count), np.arange(count)

    # Per fingerprint, a queue of the sends that wait for a receipt.
    queues: defaultdict[int, deque[int]] = defaultdict(deque)
    candidates = np.flatnonzero(np.isin(sends["fingerprint"], fingerprints))
    for i, value in zip(
        candidates.tolist(), sends["fingerprint"][candidates].tolist(), strict=True
    ):
        queues[value].append(i)
    starts = sends["start"]
    sent, received = [], []
    for j, (value, instant) in enumerate(
        zip(fingerprints.tolist(), instants.tolist(), strict=True)
    ):
        queue = queues[value]
        if queue and starts[queue[0]] <= instant:
            sent.append(queue.popleft())
            received.append(j)
    return np.array(sent, np.int64), np.array(received, np.int64)
