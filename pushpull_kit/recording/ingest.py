"""From events to messages: takes what event buffers hold, matches it, and counts it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from time import perf_counter_ns as clock_ns
from typing import Any

import numpy as np
import numpy.typing as npt

from ..spec import OUTCOMES
from .events import EVENT, EventBuffer, ReceiveBuffer, SendBuffer
from .matching import UnmatchedSends
from .messages import FAILED, HANDLED, HANDLING, IN_FLIGHT, INTERRUPTED, REFUSED, SENDING
from .ring_buffer import RingBuffer

Events = npt.NDArray[Any]


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
class UnfinishedHandling:
    """A message whose handler had not returned when it was taken into the log."""

    row_id: int
    start_ns: int
    sender_timed: bool  # False for one that only counts as untimed


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
        self.senders: list[SendBuffer] = []
        self.receivers: list[ReceiveBuffer] = []
        self.counts = Counts()
        self.unfinished_sends: dict[EventBuffer, UnfinishedSend] = {}
        self.unfinished_handlings: dict[EventBuffer, UnfinishedHandling] = {}
        self.rows = rows
        # Where a receipt may find its send, in this order.
        self.accepted = UnmatchedSends(rows.limit)
        self.sending = UnmatchedSends(sys.maxsize)  # at most one a socket
        self.interrupted = UnmatchedSends(rows.limit)  # perhaps accepted
        self.cleared = UnmatchedSends(rows.limit)  # accepted before the log was cleared

    def run(self) -> None:
        """Take what the buffers hold."""
        receipts = self._take_receipts(until_ns=clock_ns())
        sends = self._take_sends()
        if len(sends):
            self._add_sends(sends)
        if len(receipts):
            self._add_receipts(receipts)
        self.senders = [buffer for buffer in self.senders if _is_needed(buffer)]
        self.receivers = [buffer for buffer in self.receivers if _is_needed(buffer)]

    def clear(self) -> None:
        """Forget all messages. A later receipt of one of them is not counted."""
        # `sending` stays: `_update_send` moves its sends when they return.
        for sends in (self.accepted, self.interrupted):
            sends.move_to(self.cleared)
        self.rows.clear()
        self.counts = Counts()

    def is_received(self, send: UnfinishedSend) -> bool:
        """Return whether a send that has not returned was accepted, as its receipt proves."""
        # Matching removes a send from `sending`.
        return send.payload_known and send.row_id not in self.sending

    # Sends.

    def _take_sends(self) -> Events:
        parts = []
        for index, buffer in enumerate(self.senders):
            events = buffer.drain(index)
            if len(events) and buffer in self.unfinished_sends:  # `drain` returns it again, first
                self._update_send(buffer, events[:1])
                events = events[1:]
            parts.append(events)
        return _merged(parts)

    def _add_sends(self, events: Events) -> None:
        """Add rows for sends that are new to the log."""
        outcomes = _send_outcomes(events)
        row_ids = self.rows.add(len(events))
        self.rows.write(
            row_ids,
            send_start_ns=events["start"],
            send_end_ns=abs(events["end"]),
            n_bytes=events["n_bytes"],
            sender=_lanes_of(self.senders)[events["buffer"]],
            outcome=outcomes,
        )
        self._count_sends(events, outcomes)
        self._offer(events, row_ids, outcomes)
        for i in np.flatnonzero(outcomes == SENDING):
            event = events[i]
            self.unfinished_sends[self.senders[event["buffer"]]] = UnfinishedSend(
                int(row_ids[i]), int(event["start"]), payload_known=not event["incomplete"]
            )

    def _update_send(self, buffer: EventBuffer, event: Events) -> None:
        """Update a send that had not returned. `event` is an array of one."""
        send = self.unfinished_sends[buffer]
        row_id = np.array([send.row_id])
        outcome = _send_outcomes(event)
        if not send.payload_known and not event["incomplete"][0]:  # its payload is known now
            self.rows.write(row_id, n_bytes=event["n_bytes"])
            self.sending.add(event["fingerprint"], event["start"], row_id)
            send.payload_known = True
        if outcome[0] == SENDING:
            return
        del self.unfinished_sends[buffer]
        was_unmatched = self.sending.remove(send.row_id)
        received = send.payload_known and not was_unmatched
        if send.row_id < self.rows.first_id:  # the log was cleared meanwhile
            if outcome[0] == IN_FLIGHT and not received:
                self.cleared.add(event["fingerprint"], event["start"], row_id)
            return
        self.rows.write(row_id, send_end_ns=abs(event["end"]))
        if received:  # so it was accepted, whatever happened to the sender afterwards
            outcome = np.array([IN_FLIGHT])
        else:
            self.rows.write(row_id, outcome=outcome)
            self._offer(event, row_id, outcome)
        self._count_sends(event, outcome)

    def _count_sends(self, events: Events, outcomes: npt.NDArray[Any]) -> None:
        count = np.bincount(outcomes, minlength=len(OUTCOMES))
        self.counts.pushed += int(count[IN_FLIGHT])
        self.counts.refused += int(count[REFUSED])
        self.counts.interrupted += int(count[INTERRUPTED])
        self.counts.sending_ns += self._count_time(events)

    def _offer(
        self, events: Events, row_ids: npt.NDArray[np.int64], outcomes: npt.NDArray[Any]
    ) -> None:
        """Let receipts find these sends. A multipart message without its last frame has none."""
        for outcome, sends in (
            (IN_FLIGHT, self.accepted),
            (SENDING, self.sending),
            (INTERRUPTED, self.interrupted),
        ):
            which = (outcomes == outcome) & ~events["incomplete"]
            sends.add(events["fingerprint"][which], events["start"][which], row_ids[which])

    # Receipts.

    def _take_receipts(self, until_ns: int) -> Events:
        parts = []
        for index, buffer in enumerate(self.receivers):
            events = buffer.drain(index, until_ns)
            if len(events) and buffer in self.unfinished_handlings:  # returned again, first
                self._update_handling(buffer, events[:1])
                events = events[1:]
            parts.append(events)
        return _merged(parts)

    def _add_receipts(self, events: Events) -> None:
        """Match receipts that are new to the log, and add rows for those of untimed senders."""
        row_ids = self._match(events)
        untimed = np.flatnonzero(row_ids < 0)
        row_ids[untimed] = self.rows.add(len(untimed))
        self.rows.write(row_ids[untimed], n_bytes=events["n_bytes"][untimed])
        outcomes = _handling_outcomes(events)
        self.rows.write(
            row_ids,
            recv_ns=events["start"],
            done_ns=abs(events["end"]),
            worker=_lanes_of(self.receivers)[events["buffer"]],
            outcome=outcomes,
        )
        # The others are receipts of messages that were sent before the log was cleared.
        is_current = row_ids >= self.rows.first_id
        is_counted = is_current.copy()  # and the sender is timed
        is_counted[untimed] = False
        self.counts.untimed += len(untimed)
        self.counts.received += int(is_counted.sum())
        self._count_handlings(events[is_current], is_counted[is_current])
        for i in np.flatnonzero(outcomes == HANDLING):
            event = events[i]
            self.unfinished_handlings[self.receivers[event["buffer"]]] = UnfinishedHandling(
                int(row_ids[i]), int(event["start"]), sender_timed=bool(is_counted[i])
            )

    def _match(self, events: Events) -> npt.NDArray[np.int64]:
        """Return the row of each receipt's send, or -1."""
        row_ids = np.full(len(events), -1)
        for sends in (self.accepted, self.sending, self.interrupted, self.cleared):
            matched = sends.match(events["fingerprint"], events["start"], row_ids)
            if sends is self.interrupted:  # the receipt proves that these were accepted
                self.counts.interrupted -= len(matched)
                self.counts.pushed += len(matched)
        return row_ids

    def _update_handling(self, buffer: EventBuffer, event: Events) -> None:
        """Update a message whose handler had not returned. `event` is an array of one."""
        handling = self.unfinished_handlings[buffer]
        outcome = _handling_outcomes(event)
        if outcome[0] == HANDLING:
            return
        del self.unfinished_handlings[buffer]
        if handling.row_id < self.rows.first_id:  # the log was cleared meanwhile
            return
        row_id = np.array([handling.row_id])
        self.rows.write(row_id, done_ns=abs(event["end"]), outcome=outcome)
        self._count_handlings(event, np.array([handling.sender_timed]))

    def _count_handlings(self, events: Events, sender_timed: npt.NDArray[np.bool_]) -> None:
        """Count how long handlers worked, and what became of messages whose sender is timed."""
        outcomes = _handling_outcomes(events[sender_timed])
        self.counts.handled += int((outcomes == HANDLED).sum())
        self.counts.failed += int((outcomes == FAILED).sum())
        self.counts.working_ns += self._count_time(events)

    # Both.

    def _count_time(self, events: Events) -> int:
        """Extend the time that the log covers, and return how long finished spans took, in ns."""
        if not len(events):
            return 0
        starts, ends = events["start"], abs(events["end"])
        first_ns, last_ns = int(starts.min()), int(np.maximum(starts, ends).max())
        self.counts.first_ns = min(self.counts.first_ns or first_ns, first_ns)
        self.counts.last_ns = max(self.counts.last_ns, last_ns)
        return int(np.where(ends > 0, ends - starts, 0).sum())


def _send_outcomes(events: Events) -> npt.NDArray[np.int64]:
    """Return what became of sends, as far as the senders know."""
    given_up = np.where(events["interrupted"], INTERRUPTED, REFUSED)
    unfinished = events["end"] == 0
    return np.where(events["end"] > 0, IN_FLIGHT, np.where(unfinished, SENDING, given_up))


def _handling_outcomes(events: Events) -> npt.NDArray[np.int64]:
    """Return what became of messages that were received."""
    unfinished = events["end"] == 0
    return np.where(events["end"] > 0, HANDLED, np.where(unfinished, HANDLING, FAILED))


def _merged(parts: list[Events]) -> Events:
    """Join events of several buffers, in the order of their start."""
    parts = [part for part in parts if len(part)]
    if len(parts) == 1:
        return parts[0]
    events = np.concatenate(parts) if parts else np.empty(0, EVENT)
    return np.asarray(events[np.argsort(events["start"], kind="stable")])


def _lanes_of(buffers: list[Any]) -> npt.NDArray[np.uint32]:
    return np.array([buffer.lane for buffer in buffers], np.uint32)


def _is_needed(buffer: EventBuffer) -> bool:
    return bool(buffer.starts) or not buffer.closed
