"""Which receipt belongs to which send: first in, first out among equal payloads.

Nothing on the wire says which, so among equal payloads the match may not be the true one. Still, no
receipt is matched to a send that started after it, so no duration is negative. And once all equal
payloads have arrived, their mean duration is exact: the sum of the receipts' instants minus the sum
of the sends' instants is the same for every match.
"""

from __future__ import annotations

from array import array
from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .payloads import Payloads, joined

Int64s = npt.NDArray[np.int64]

#: How many of the newest unmatched sends keep their payloads rather than fingerprints.
MAX_WITH_PAYLOADS = 65_536


#: A batch with fewer sends than this is joined with the next one.
MIN_BATCH = 1024


@dataclass(frozen=True, slots=True)
class Sends:
    """Sends that have no receipt yet, in the order in which they started."""

    payloads: Payloads
    starts: Int64s  # in ns
    row_ids: Int64s

    def __getitem__(self, index: slice) -> Sends:
        return Sends(self.payloads[index], self.starts[index], self.row_ids[index])


class UnmatchedSends:
    """Sends that wait for their receipt.

    If messages are received in the order in which they were sent, a batch of receipts is compared
    with the oldest sends as a whole. Otherwise sends wait in an index: per fingerprint a queue. So
    a receipt takes the same time however many messages are in flight.

    Args:
        limit: how many sends are kept at least. The oldest are dropped before there are twice as
            many.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._batches: deque[Sends] = deque()  # younger than what is in the index
        self._count = 0  # in the batches
        self._index = _Index(limit)

    def __len__(self) -> int:
        return self._count + len(self._index)

    def add(self, payloads: Payloads, starts: Int64s, row_ids: Int64s) -> None:
        """Add sends, in the order in which they started."""
        if not len(row_ids):
            return
        if self._batches and starts[0] < self._batches[-1].starts[-1]:
            self._index_all()  # which puts sends that come late into their place
        self._append(Sends(payloads, starts, row_ids))
        self._count += len(row_ids)
        while self._count - len(self._batches[0].row_ids) >= self._limit:
            self._count -= len(self._batches.popleft().row_ids)
            self._index = _Index(self._limit)  # which holds still older ones

    def _append(self, batch: Sends) -> None:
        if self._batches and len(self._batches[-1].row_ids) < MIN_BATCH:
            last = self._batches.pop()
            batch = Sends(
                joined([last.payloads, batch.payloads]),
                np.concatenate((last.starts, batch.starts)),
                np.concatenate((last.row_ids, batch.row_ids)),
            )
        self._batches.append(batch)
        if self._count > MAX_WITH_PAYLOADS:
            for young in reversed(self._batches):
                if young.payloads.is_compact:
                    break
                young.payloads.compact()

    def move_to(self, target: UnmatchedSends) -> None:
        """Move all sends to another collection."""
        self._index_all()
        target._index_all()
        self._index.move_to(target._index)

    def match(self, payloads: Payloads, instants: Int64s, row_ids: Int64s) -> Int64s:
        """Match receipts to sends, fill in `row_ids` in place, and remove these sends.

        Args:
            payloads: of the receipts, in the order of their instants.
            instants: when they were received, in ns.
            row_ids: of the receipts' messages; -1 for those that have none yet.

        Returns:
            The indices of the receipts that were matched now.
        """
        waiting = np.flatnonzero(row_ids < 0)
        if not len(waiting) or not len(self):
            return waiting[:0]
        if len(waiting) < len(row_ids):
            payloads, instants = payloads[waiting], instants[waiting]
        found = self._match_in_order(payloads, instants)
        if found is None:
            self._index_all()
            found = self._index.match(payloads, instants)
        row_ids[waiting] = found
        return waiting[found >= 0]

    def _match_in_order(self, payloads: Payloads, instants: Int64s) -> Int64s | None:
        """Return the rows of the oldest sends if they are those of the receipts, in order."""
        count = len(instants)
        if len(self._index) or count > self._count:
            return None
        found: list[Int64s] = []
        matched = 0
        for batch in self._batches:
            part = batch[: count - matched]
            upto = matched + len(part.row_ids)
            if (
                part.payloads != payloads[matched:upto]
                or (part.starts > instants[matched:upto]).any()
            ):
                return None
            found.append(part.row_ids)
            matched = upto
            if matched == count:
                break
        self._drop_oldest(count)
        return np.concatenate(found)

    def _drop_oldest(self, count: int) -> None:
        self._count -= count
        while count:
            batch = self._batches.popleft()
            if len(batch.row_ids) > count:
                self._batches.appendleft(batch[count:])
                return
            count -= len(batch.row_ids)

    def _index_all(self) -> None:
        for batch in self._batches:
            self._index.add(batch.payloads.fingerprints(), batch.starts, batch.row_ids)
        self._batches.clear()
        self._count = 0


class _Index:
    """Per fingerprint, a queue of sends by their start.

    There are two generations. When the younger one has had `limit` sends, it becomes the older one.
    What was left in that is dropped if more than `limit` sends are unmatched, and kept otherwise.
    So dropping the oldest costs nothing for each send.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._older, self._younger = _Generation(), _Generation()

    def __len__(self) -> int:
        return self._older.count + self._younger.count

    def add(self, fingerprints: Int64s, starts: Int64s, row_ids: Int64s) -> None:
        """Add sends."""
        if len(self._younger.starts) >= self._limit:
            self._drop_oldest()
        self._younger.add(fingerprints, starts, row_ids)

    def _drop_oldest(self) -> None:
        if len(self) > self._limit:
            self._older = self._younger
        else:
            kept = _Generation()
            kept.add(*self._older.sends())
            kept.add(*self._younger.sends())
            self._older = kept
        self._younger = _Generation()

    def match(self, payloads: Payloads, instants: Int64s) -> Int64s:
        """Remove the sends of these receipts, and return their rows; -1 where there is none."""
        found = np.full(len(instants), -1)
        fingerprints = payloads.fingerprints().tolist()
        for i, (value, instant) in enumerate(zip(fingerprints, instants.tolist(), strict=True)):
            generation = self._older if value in self._older.queues else self._younger
            if value in generation.queues:
                found[i] = generation.take(value, instant)
        return found

    def move_to(self, target: _Index) -> None:
        """Move all sends to another index."""
        for generation in (self._older, self._younger):
            target.add(*generation.sends())
        self._older, self._younger = _Generation(), _Generation()


class _Generation:
    def __init__(self) -> None:
        # Places of sends in the arrays. Most fingerprints have one send, which needs no queue.
        self.queues: dict[int, int | deque[int]] = {}
        self.starts, self._row_ids = array("q"), array("q")
        self.count = 0

    def add(self, fingerprints: Int64s, starts: Int64s, row_ids: Int64s) -> None:
        queues = self.queues
        first = len(self.starts)
        self.starts.frombytes(starts.tobytes())
        self._row_ids.frombytes(row_ids.tobytes())
        self.count += len(starts)
        for place, value in enumerate(fingerprints.tolist(), first):
            queue = queues.get(value)
            if queue is None:
                queues[value] = place
                continue
            if isinstance(queue, int):
                queue = queues[value] = deque([queue])
            queue.append(place)
            if self.starts[queue[-2]] > self.starts[place]:  # it comes late
                queues[value] = deque(sorted(queue, key=self.starts.__getitem__))

    def take(self, value: int, instant: int) -> int:
        """Remove the first send with this fingerprint, and return its row; -1 if it is too late."""
        queue = self.queues[value]
        place = queue if isinstance(queue, int) else queue[0]
        if self.starts[place] > instant:
            return -1
        if isinstance(queue, int) or len(queue) == 1:
            del self.queues[value]
        else:
            queue.popleft()
        self.count -= 1
        return self._row_ids[place]

    def sends(self) -> tuple[Int64s, Int64s, Int64s]:
        """Return fingerprints, starts and rows of all sends, in the order of their start."""
        entries = [
            (self.starts[place], value, self._row_ids[place])
            for value, queue in self.queues.items()
            for place in ([queue] if isinstance(queue, int) else queue)
        ]
        starts, values, row_ids = np.array(sorted(entries), np.int64).reshape(-1, 3).T
        return values, starts, row_ids


class BlockedSends:
    """Sends that have not returned, at most one a socket. Some may have been accepted."""

    def __init__(self) -> None:
        self._sends: dict[int, tuple[int, int]] = {}  # by row id: start and fingerprint

    def __contains__(self, row_id: int) -> bool:
        return row_id in self._sends

    def add(self, payloads: Payloads, starts: Int64s, row_ids: Int64s) -> None:
        """Add sends."""
        fingerprints = payloads.fingerprints().tolist()
        for row_id, start, value in zip(
            row_ids.tolist(), starts.tolist(), fingerprints, strict=True
        ):
            self._sends[row_id] = start, value

    def remove(self, row_id: int) -> bool:
        """Remove a send, and return whether it was there."""
        return self._sends.pop(row_id, None) is not None

    def match(self, payloads: Payloads, instants: Int64s, row_ids: Int64s) -> Int64s:
        """Match receipts to sends as `UnmatchedSends.match` does."""
        waiting = np.flatnonzero(row_ids < 0)
        if not len(waiting) or not self._sends:
            return waiting[:0]
        index = _Generation()
        sends = sorted((start, value, row_id) for row_id, (start, value) in self._sends.items())
        starts, values, ids = np.array(sends, np.int64).T
        index.add(values, starts, ids)
        fingerprints = payloads[waiting].fingerprints().tolist()
        matched = []
        for i, value in zip(waiting.tolist(), fingerprints, strict=True):
            row_id = index.take(value, int(instants[i])) if value in index.queues else -1
            if row_id >= 0:
                row_ids[i] = row_id
                matched.append(i)
                del self._sends[row_id]
        return np.array(matched, np.int64)
