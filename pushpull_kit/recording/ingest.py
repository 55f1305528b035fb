"""From events to messages: takes what event buffers hold, matches it, and counts it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from time import perf_counter_ns as clock_ns
from typing import Any

import numpy as np
import numpy.typing as npt

from ..spec import OUTCOMES
from .events import EventBuffer, Events, SendBuffer, merged
from .matching import BlockedSends, UnmatchedSends
from .messages import FAILED, HANDLED, HANDLING, IN_FLIGHT, INTERRUPTED, REFUSED, SENDING
from .ring_buffer import RingBuffer

#: At most this share of the rows that are kept may be refused sends. Further ones are only counted:
#: a program that tries again and again must not evict the messages.
MAX_REFUSED = 0.1

Table = npt.NDArray[Any]  # of `events.EVENT`


@dataclass(slots=True)
class Counts:
    """What the log has counted since it was made or cleared."""

    pushed: int = 0
    received: int = 0
    handled: int = 0
    failed: int = 0
    refused: int = 0
    interrupted: int = 0
    untimed: int = 0  # receipts whose sender is not timed; in no other count
    sending_ns: int = 0
    working_ns: int = 0
    first_ns: int = 0
    last_ns: int = 0


@dataclass(slots=True)
class UnfinishedSend:
    """A send that had not returned when it was taken into the log."""

    row_id: int
    start_ns: int
    payload_known: bool  # False for a multipart message of which frames are missing


@dataclass(slots=True)
class Handling:
    """A message that was received, and whose handling may end later."""

    row_id: int
    start_ns: int
    sender_timed: bool  # False for one that only counts as untimed
    outcome: int = HANDLING
    worked_ns: int = 0  # as far as it is counted


class Ingest:
    """Turns events into rows of a ring buffer. Not thread-safe: the log holds its lock.

    `run` drains receipts first. A message is sent before it is received, so the sends that are
    drained afterwards include the send of every receipt. All receive buffers are drained up to the
    same instant. Otherwise a late receipt could take the send of an earlier receipt of an equal
    payload.

    Args:
        rows: where messages are kept.
    """

    def __init__(self, rows: RingBuffer) -> None:
        self.new_buffers: deque[EventBuffer] = deque()  # to which any thread appends
        self.senders: list[EventBuffer] = []
        self.receivers: list[EventBuffer] = []
        self.counts = Counts()
        self.unfinished_sends: dict[EventBuffer, UnfinishedSend] = {}
        self.unfinished_handlings: dict[EventBuffer, Handling] = {}
        self.last_receipts: dict[EventBuffer, Handling] = {}  # of buffers that may reopen one
        self.rows = rows
        self._refused_rows: deque[int] = deque()  # ids of refused sends that are kept
        # Where a receipt may find its send, in this order.
        self.accepted = UnmatchedSends(rows.limit)
        self.blocked = BlockedSends()
        self.interrupted = UnmatchedSends(rows.limit)  # perhaps accepted
        self.cleared = UnmatchedSends(rows.limit)  # accepted before the log was cleared

    def run(self) -> None:
        """Take what the buffers hold."""
        while self.new_buffers:
            buffer = self.new_buffers.popleft()
            kind = self.senders if isinstance(buffer, SendBuffer) else self.receivers
            kind.append(buffer)
        receipts = self._take_receipts(until_ns=clock_ns())
        sends = self._take_sends()
        if len(sends):
            self._add_sends(sends)
        if len(receipts):
            self._add_receipts(receipts)
        self.senders = self._needed(self.senders)
        self.receivers = self._needed(self.receivers)

    def _needed(self, buffers: list[EventBuffer]) -> list[EventBuffer]:
        """Return the buffers that may still get spans, and forget what is known of the others."""
        # In this order: a span is noted before it is not unfinished any more, then comes `close`.
        needed = [it for it in buffers if not it.closed or it.unfinished or it.spans]
        if len(needed) == len(buffers):
            return buffers
        for buffer in set(buffers) - set(needed):
            self.last_receipts.pop(buffer, None)
        return needed

    def clear(self) -> None:
        """Forget all messages. A later receipt of one of them is not counted."""
        # `blocked` stays: `_update_send` moves its sends when they return.
        for sends in (self.accepted, self.interrupted):
            sends.move_to(self.cleared)
        self.rows.clear()
        self._refused_rows.clear()
        self.counts = Counts()

    def is_received(self, send: UnfinishedSend) -> bool:
        """Return whether a send that has not returned was accepted, as its receipt proves."""
        # Matching removes a send from `blocked`.
        return send.payload_known and send.row_id not in self.blocked

    # Sends.

    def _take_sends(self) -> Events:
        parts = []
        for index, buffer in enumerate(self.senders):
            # In this order: a send that ends meanwhile is in `spans` afterwards.
            is_idle = not (buffer.unfinished or buffer.spans)
            if is_idle and buffer not in self.unfinished_sends:
                continue
            events = buffer.drain(index)
            if len(events) and buffer in self.unfinished_sends:
                events = self._without_known(buffer, events)
            parts.append(events)
        return merged(parts)

    def _without_known(self, buffer: EventBuffer, events: Events) -> Events:
        """Update the unfinished send that is in the log, and return the other events."""
        is_known = events.table["start"] == self.unfinished_sends[buffer].start_ns
        if is_known.any():
            self._update_send(buffer, events[np.flatnonzero(is_known)])
            return events[np.flatnonzero(~is_known)]
        # A signal handler sends during that send. Take its sends when they have ended.
        return events[np.flatnonzero(~events.table["unfinished"])]

    def _add_sends(self, sends: Events) -> None:
        """Add rows for sends that are new to the log."""
        outcomes = _send_outcomes(sends.table)
        self._count_sends(sends.table, outcomes)
        refused = outcomes == REFUSED
        if refused.any():
            is_kept = ~refused
            is_kept[np.flatnonzero(refused)[: self._room_for_refused()]] = True
            sends, outcomes = sends[np.flatnonzero(is_kept)], outcomes[is_kept]
        table = sends.table
        row_ids = self.rows.add(len(table))
        self._refused_rows.extend(row_ids[outcomes == REFUSED].tolist())
        self.rows.write(
            row_ids,
            send_start_ns=table["start"],
            send_end_ns=abs(table["end"]),
            n_bytes=sends.payloads.sizes(),
            sender=_lanes_of(self.senders)[table["buffer"]],
            outcome=outcomes,
        )
        self._offer(sends, row_ids, outcomes)
        for i in np.flatnonzero(outcomes == SENDING):
            self.unfinished_sends[self.senders[table["buffer"][i]]] = UnfinishedSend(
                int(row_ids[i]), int(table["start"][i]), payload_known=not table["incomplete"][i]
            )

    def _room_for_refused(self) -> int:
        """Return how many more refused sends may have a row."""
        while self._refused_rows and self._refused_rows[0] < self.rows.oldest_id:
            self._refused_rows.popleft()
        return max(1, int(self.rows.limit * MAX_REFUSED)) - len(self._refused_rows)

    def _update_send(self, buffer: EventBuffer, event: Events) -> None:
        """Update a send that had not returned. `event` is the one event of that send."""
        send = self.unfinished_sends[buffer]
        table = event.table
        row_id = np.array([send.row_id])
        outcome = _send_outcomes(table)
        if not send.payload_known and not table["incomplete"][0]:  # its payload is known now
            self.rows.write(row_id, n_bytes=event.payloads.sizes())
            self.blocked.add(event.payloads, table["start"], row_id)
            send.payload_known = True
        if outcome[0] == SENDING:
            return
        del self.unfinished_sends[buffer]
        was_unmatched = self.blocked.remove(send.row_id)
        received = send.payload_known and not was_unmatched
        if send.row_id < self.rows.first_id:  # the log was cleared meanwhile
            if outcome[0] == IN_FLIGHT and not received:
                self.cleared.add(event.payloads, table["start"], row_id)
            return
        self.rows.write(row_id, send_end_ns=abs(table["end"]))
        if received:  # so it was accepted, whatever happened to the sender afterwards
            outcome = np.array([IN_FLIGHT])
        else:
            self.rows.write(row_id, outcome=outcome)
            self._offer(event, row_id, outcome)
        self._count_sends(table, outcome)

    def _count_sends(self, table: Table, outcomes: npt.NDArray[Any]) -> None:
        count = np.bincount(outcomes, minlength=len(OUTCOMES))
        self.counts.pushed += int(count[IN_FLIGHT])
        self.counts.refused += int(count[REFUSED])
        self.counts.interrupted += int(count[INTERRUPTED])
        self.counts.sending_ns += self._count_time(table)

    def _offer(
        self, sends: Events, row_ids: npt.NDArray[np.int64], outcomes: npt.NDArray[Any]
    ) -> None:
        """Let receipts find these sends. A multipart message without its last frame has none."""
        for outcome, unmatched in (
            (IN_FLIGHT, self.accepted),
            (SENDING, self.blocked),
            (INTERRUPTED, self.interrupted),
        ):
            which = np.flatnonzero((outcomes == outcome) & ~sends.table["incomplete"])
            some = sends if len(which) == len(sends) else sends[which]
            unmatched.add(some.payloads, some.table["start"], row_ids[which])

    # Receipts.

    def _take_receipts(self, until_ns: int) -> Events:
        parts = []
        for index, buffer in enumerate(self.receivers):
            is_idle = not (buffer.appending or buffer.unfinished or buffer.spans)
            if is_idle and buffer not in self.unfinished_handlings:
                continue
            events = buffer.drain(index, until_ns)
            if buffer.reopens:
                events = self._with_handlings(buffer, events)
            if len(events) and buffer in self.unfinished_handlings:  # returned again, first
                self._update_handling(buffer, events.table[:1])
                events = events[1:]
            parts.append(events)
        return merged([part for part in parts if len(part)])

    def _with_handlings(self, buffer: EventBuffer, events: Events) -> Events:
        """Join each receipt with its handling, which is an event of its own in this buffer."""
        table = events.table
        reopened = np.flatnonzero(table["reopened"])
        if not len(reopened):
            return events
        if reopened[0] == 0 and buffer not in self.unfinished_handlings:
            self._reopen(buffer)
        is_needed = ~table["reopened"]
        is_needed[0] = True
        # A message may be handled several times. The last time counts.
        receipts = np.maximum.accumulate(np.where(is_needed, np.arange(len(table)), 0))[reopened]
        table["end"][receipts] = table["end"][reopened]
        table["unfinished"][receipts] = table["unfinished"][reopened]
        return events[np.flatnonzero(is_needed)]

    def _reopen(self, buffer: EventBuffer) -> None:
        """Have the last message of the buffer count as in the handler, as it did not before."""
        handling = self.unfinished_handlings[buffer] = self.last_receipts[buffer]
        if handling.row_id < self.rows.first_id:  # the log was cleared meanwhile
            return
        self.rows.write(np.array([handling.row_id]), outcome=HANDLING)
        self.counts.handled -= handling.sender_timed and handling.outcome == HANDLED
        self.counts.failed -= handling.sender_timed and handling.outcome == FAILED
        self.counts.working_ns -= handling.worked_ns

    def _add_receipts(self, receipts: Events) -> None:
        """Match receipts that are new to the log, and add rows for those of untimed senders."""
        table = receipts.table
        row_ids = self._match(receipts)
        untimed = np.flatnonzero(row_ids < 0)
        if len(untimed):
            row_ids[untimed] = self.rows.add(len(untimed))
            self.rows.write(row_ids[untimed], n_bytes=receipts.payloads[untimed].sizes())
        outcomes = _handling_outcomes(table)
        self.rows.write(
            row_ids,
            recv_ns=table["start"],
            done_ns=abs(table["end"]),
            worker=_lanes_of(self.receivers)[table["buffer"]],
            outcome=outcomes,
        )
        # The others are receipts of messages that were sent before the log was cleared.
        is_current = row_ids >= self.rows.first_id
        is_counted = is_current.copy()  # and the sender is timed
        is_counted[untimed] = False
        self.counts.untimed += len(untimed)
        self.counts.received += int(is_counted.sum())
        if is_counted.all():  # as usual: do not copy what is left as it is
            self._count_handlings(table, outcomes)
        else:
            self._count_handlings(table[is_current], outcomes[is_counted])
        for index, i in _last_of_each(table["buffer"]):
            buffer = self.receivers[index]
            start_ns, end_ns = int(table["start"][i]), abs(int(table["end"][i]))
            handling = Handling(
                int(row_ids[i]),
                start_ns,
                bool(is_counted[i]),
                int(outcomes[i]),
                end_ns - start_ns if end_ns else 0,
            )
            self.last_receipts[buffer] = handling
            if outcomes[i] == HANDLING:  # no other one of this buffer is unfinished
                self.unfinished_handlings[buffer] = handling

    def _match(self, receipts: Events) -> npt.NDArray[np.int64]:
        """Return the row of each receipt's send, or -1."""
        row_ids = np.full(len(receipts), -1)
        for sends in (self.accepted, self.blocked, self.interrupted, self.cleared):
            matched = sends.match(receipts.payloads, receipts.table["start"], row_ids)
            if sends is self.interrupted:  # the receipt proves that these were accepted
                self.counts.interrupted -= len(matched)
                self.counts.pushed += len(matched)
        return row_ids

    def _update_handling(self, buffer: EventBuffer, event: Table) -> None:
        """Update a message whose handler had not returned. `event` is the one event of it."""
        handling = self.unfinished_handlings[buffer]
        outcome = _handling_outcomes(event)
        row_id = np.array([handling.row_id])
        if outcome[0] == HANDLING:
            return
        del self.unfinished_handlings[buffer]
        handling.outcome = int(outcome[0])
        if handling.row_id < self.rows.first_id:  # the log was cleared meanwhile
            return
        self.rows.write(row_id, done_ns=abs(event["end"]), outcome=outcome)
        handling.worked_ns = abs(int(event["end"][0])) - handling.start_ns if event["end"][0] else 0
        self._count_handlings(event, outcome[: int(handling.sender_timed)])

    def _count_handlings(self, table: Table, outcomes: npt.NDArray[Any]) -> None:
        """Count how long handlers worked, and the outcomes of messages whose sender is timed."""
        self.counts.handled += int((outcomes == HANDLED).sum())
        self.counts.failed += int((outcomes == FAILED).sum())
        self.counts.working_ns += self._count_time(table)

    # Both.

    def _count_time(self, table: Table) -> int:
        """Extend the time that the log covers, and return how long finished spans took, in ns."""
        if not len(table):
            return 0
        starts, ends = table["start"], abs(table["end"])
        first_ns, last_ns = int(starts.min()), int(np.maximum(starts, ends).max())
        self.counts.first_ns = min(self.counts.first_ns or first_ns, first_ns)
        self.counts.last_ns = max(self.counts.last_ns, last_ns)
        return int(np.where(ends > 0, ends - starts, 0).sum())


def _send_outcomes(table: Table) -> npt.NDArray[np.int64]:
    """Return what became of sends, as far as the senders know."""
    given_up = np.where(table["interrupted"], INTERRUPTED, REFUSED)
    return np.where(table["end"] > 0, IN_FLIGHT, np.where(table["unfinished"], SENDING, given_up))


def _handling_outcomes(table: Table) -> npt.NDArray[np.int64]:
    """Return what became of messages that were received."""
    # One whose handling is not timed counts as handled. Its end is 0.
    finished = np.where(table["end"] < 0, FAILED, HANDLED)
    return np.where(table["unfinished"], HANDLING, finished)


def _last_of_each(indices: npt.NDArray[Any]) -> list[tuple[int, int]]:
    """Return each value with its last position."""
    values, from_end = np.unique(indices[::-1], return_index=True)
    return list(zip(values.tolist(), (len(indices) - 1 - from_end).tolist(), strict=True))


def _lanes_of(buffers: list[EventBuffer]) -> npt.NDArray[np.uint32]:
    return np.array([buffer.lane for buffer in buffers], np.uint32)
