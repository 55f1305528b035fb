"""What was measured: a bounded log of messages, each with four instants from one clock.

Every timed socket appends to a `Track` of its own; that is all that the hot path does. Whoever asks
(`len`, `summary`, `messages`, ...) takes what the tracks hold, turns it into columns, and pairs
sends with receipts (see `pairing`). That costs time for what is new and for what is in flight,
never for the whole log.

This module knows no sockets and draws nothing.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter_ns as clock_ns
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ..spec import OUTCOMES
from .events import CUT, RAW, UNKNOWN, Known, Track, Unfinished, drain
from .export import write_chrome_trace
from .matching import OpenSends
from .messages import (
    FAILED,
    HANDLED,
    HANDLING,
    IN_FLIGHT,
    INTERRUPTED,
    REFUSED,
    SENDING,
    Message,
    Summary,
)
from .ring_buffer import DirtyRows, RingBuffer

if TYPE_CHECKING:
    import os

    import pandas


class Delta(NamedTuple):
    """What has changed in a log: rows of `messages.ROW` with their ids, and what they refer to."""

    ids: npt.NDArray[np.int64]  # a message keeps its id
    rows: npt.NDArray[Any]
    first_id: int  # of the first message since the log was made or cleared
    oldest_id: int  # of the oldest message that is kept
    next_id: int  # of the next message to come
    n_pending: int  # how many more rows have changed
    lanes: list[tuple[str, str]]
    open_lanes: list[int]  # lanes of sockets that are not closed, and may send more


class Timings:
    """A bounded, thread-safe log of messages: what the sockets of one context were seen to do.

    Keeps `limit` messages in about 50 bytes each; the oldest are let go first, and `summary()` goes
    on counting them. (One that is let go while more than `limit` others are in flight cannot be
    paired any more: it stays in flight, and its receipt counts as `untimed`.) Iterating gives
    `Message` records by time, `len` how many are kept.

    Raises `ValueError` if `limit` is less than one.
    """

    def __init__(self, limit: int = 1_000_000) -> None:
        if limit < 1:
            raise ValueError(
                f"limit: expected how many messages to keep, 1 or more; got {limit!r}; "
                "leave it out to keep a million"
            )
        self.limit = limit
        self._lock = threading.RLock()
        self._senders: list[Track] = []
        self._workers: list[Track] = []
        self._lanes: list[tuple[str, str]] = [("", "")]  # (kind, name); 0 in a row: not timed
        self._ring = RingBuffer(limit)
        # Where a receipt may find its send, in this order:
        self._open = OpenSends(limit)  # accepted
        self._begun = OpenSends(sys.maxsize)  # not returned yet: one a socket at the most
        self._doubtful = OpenSends(limit)  # interrupted, so perhaps accepted, perhaps not
        self._cleared = OpenSends(limit)  # pushed before the log was cleared
        self._zero()

    def _zero(self) -> None:
        self._pushed = self._received = self._handled = self._failed = 0
        self._refused = self._interrupted = self._untimed = 0
        self._sending_ns = self._working_ns = 0
        self._first_ns = self._last_ns = 0

    # The writing side: tracks.

    def add_sender(self, name: str | None = None) -> Track:
        """Return a new track for a socket that sends; without a name it gets a free one."""
        return self._add("sender", name, self._senders)

    def add_worker(self, name: str | None = None) -> Track:
        """Return a new track for a socket that receives; without a name it gets a free one."""
        return self._add("worker", name, self._workers)

    def _add(self, kind: str, name: str | None, tracks: list[Track]) -> Track:
        with self._digested():
            if name is None:
                taken = {self._lanes[track.lane][1] for track in tracks}
                numbered = (f"{kind} {number}" for number in range(2, len(taken) + 3))
                name = next(free for free in (kind, *numbered) if free not in taken)
            track = Track(self._lane(kind, name))
            tracks.append(track)
            return track

    def _lane(self, kind: str, name: str) -> int:
        if (kind, name) not in self._lanes:
            self._lanes.append((kind, name))
        return self._lanes.index((kind, name))

    def rename(self, track: Track, name: str) -> None:
        """Move a track to the lane of that name; what it did before stays in its old lane."""
        with self._digested():
            track.lane = self._lane(self._lanes[track.lane][0], name)

    def abort(self, track: Track, *, interrupted: bool) -> None:
        """End the track's last message as refused or interrupted, and put its lists in step."""
        with self._lock:  # no reader stands between its three deletions now
            if len(track.begins) > len(track.ends):
                if interrupted:
                    last = track.payloads[len(track.ends)]
                    cut = last is UNKNOWN  # then it cannot have been accepted
                    track.payloads[len(track.ends)] = (
                        CUT if cut else Known(hash(last), len(last), interrupted=True)
                    )
                track.ends.append(-clock_ns())
            del track.payloads[len(track.begins) :]
            track.noting = False

    def digest(self) -> None:
        """Take in what the tracks hold, unless another thread is at it: this never waits."""
        if self._lock.acquire(blocking=False):
            try:
                with self._digested():
                    pass
            finally:
                self._lock.release()

    # From tracks to rows.

    @contextmanager
    def _digested(self) -> Iterator[None]:
        """Hold the log with all in it that happened; an Interrupt waits until it is whole again."""
        with self._lock, _uninterrupted():
            self._digest()
            yield

    def _digest(self) -> None:
        # Receipts are taken first: each one's send was begun before it, so it is there to be found.
        # And all of them up to one instant: among equal payloads none may be paired before an
        # earlier one, whose send it would take.
        receipts = self._take(self._workers, self._finish_handling, clock_ns())
        sends = self._take(self._senders, self._finish_send)
        if len(sends):
            self._enter_sends(sends)
        if len(receipts):
            self._enter_receipts(receipts)
        for tracks in (self._senders, self._workers):
            if any(track.closed for track in tracks):
                tracks[:] = [track for track in tracks if track.begins or not track.closed]

    def _take(
        self,
        tracks: list[Track],
        finish: Callable[[Track, Any], None],
        until_ns: int = sys.maxsize,
    ) -> npt.NDArray[Any]:
        parts = []
        for number, track in enumerate(tracks):
            raw = drain(track, number, until_ns)
            if len(raw) and track.unfinished is not None:
                finish(track, raw[0])
                raw = raw[1:]
            if len(raw):
                parts.append(raw)
        if len(parts) == 1:
            return parts[0]
        taken = np.concatenate(parts) if parts else np.empty(0, RAW)
        return taken[np.argsort(taken["begin"], kind="stable")]

    def _count(self, raw: npt.NDArray[Any]) -> int:
        """Stretch the span over these, and return how long they took, in ns."""
        if not len(raw):
            return 0
        begin, end = raw["begin"], abs(raw["end"])
        first_ns, last_ns = int(begin.min()), int(np.maximum(begin, end).max())
        self._first_ns = min(self._first_ns or first_ns, first_ns)
        self._last_ns = max(self._last_ns, last_ns)
        return int(np.where(end == 0, 0, end - begin).sum())

    def _enter_sends(self, raw: npt.NDArray[Any]) -> None:
        end = raw["end"]
        refusal = np.where(raw["interrupted"], INTERRUPTED, REFUSED)
        outcome = np.where(end > 0, IN_FLIGHT, np.where(end == 0, SENDING, refusal))
        rows = self._ring.add(len(raw))
        self._ring.write(
            rows,
            send_start_ns=raw["begin"],
            send_end_ns=abs(end),
            n_bytes=raw["n_bytes"],
            sender=_lanes_of(self._senders)[raw["track"]],
            outcome=outcome,
        )
        counts = np.bincount(outcome, minlength=len(OUTCOMES))
        self._pushed += int(counts[IN_FLIGHT])
        self._refused += int(counts[REFUSED])
        self._interrupted += int(counts[INTERRUPTED])
        self._sending_ns += self._count(raw)
        pools = {
            self._open: end > 0,
            self._begun: (end == 0) & ~raw["unknown"],
            self._doubtful: raw["interrupted"] & ~raw["unknown"],
        }
        for pool, which in pools.items():
            pool.add(raw["key"][which], raw["begin"][which], rows[which])
        for i in np.flatnonzero(end == 0):
            self._senders[raw["track"][i]].unfinished = Unfinished(
                int(rows[i]), int(raw["begin"][i]), not raw["unknown"][i]
            )

    def _finish_send(self, track: Track, raw: Any) -> None:
        """Bring up to date a send that was entered before it had returned."""
        assert track.unfinished is not None
        send, end = track.unfinished, int(raw["end"])
        row = np.array([send.row])
        this = raw["key"].reshape(1), raw["begin"].reshape(1), row
        if not send.counts and not raw["unknown"]:  # a multipart message, whole by now
            self._ring.write(row, n_bytes=raw["n_bytes"])
            self._begun.add(*this)
            send.counts = True
        if end == 0:
            return
        track.unfinished = None
        received = send.counts and not self._begun.discard(send.row)
        if send.row < self._ring.first_id:  # cleared meanwhile
            if end > 0 and not received:
                self._cleared.add(*this)
            return
        self._sending_ns += self._count(raw.reshape(1))
        self._ring.write(row, send_end_ns=abs(end))
        if received:  # which proves that it was accepted, whatever came after
            self._pushed += 1
        elif end > 0:
            self._pushed += 1
            self._open.add(*this)
            self._ring.write(row, outcome=IN_FLIGHT)
        elif raw["interrupted"]:
            self._interrupted += 1
            self._ring.write(row, outcome=INTERRUPTED)
            if not raw["unknown"]:
                self._doubtful.add(*this)
        else:
            self._refused += 1
            self._ring.write(row, outcome=REFUSED)

    def _enter_receipts(self, raw: npt.NDArray[Any]) -> None:
        rows = np.full(len(raw), -1)
        for pool in (self._open, self._begun, self._doubtful, self._cleared):
            found = pool.match(raw["key"], raw["begin"], rows)
            if pool is self._doubtful:  # no doubt any more
                self._interrupted -= len(found)
                self._pushed += len(found)
        untimed = np.flatnonzero(rows < 0)
        rows[untimed] = self._ring.add(len(untimed))
        self._ring.write(rows[untimed], n_bytes=raw["n_bytes"][untimed])
        end = raw["end"]
        outcome = np.where(end > 0, HANDLED, np.where(end == 0, HANDLING, FAILED))
        self._ring.write(
            rows,
            recv_ns=raw["begin"],
            done_ns=abs(end),
            worker=_lanes_of(self._workers)[raw["track"]],
            outcome=outcome,
        )
        shown = rows >= self._ring.first_id  # the others were pushed before the log was cleared
        timed = shown.copy()
        timed[untimed] = False
        counts = np.bincount(outcome[timed], minlength=len(OUTCOMES))
        self._received += int(timed.sum())
        self._handled += int(counts[HANDLED])
        self._failed += int(counts[FAILED])
        self._untimed += len(untimed)
        self._working_ns += self._count(raw if shown.all() else raw[shown])
        for i in np.flatnonzero(end == 0):
            self._workers[raw["track"][i]].unfinished = Unfinished(
                int(rows[i]), int(raw["begin"][i]), bool(timed[i])
            )

    def _finish_handling(self, track: Track, raw: Any) -> None:
        """Bring up to date a message that was entered while it was in the handler."""
        assert track.unfinished is not None
        handling, end = track.unfinished, int(raw["end"])
        if end == 0:
            return
        track.unfinished = None
        if handling.row < self._ring.first_id:  # cleared meanwhile
            return
        self._working_ns += self._count(raw.reshape(1))
        outcome = HANDLED if end > 0 else FAILED
        self._ring.write(np.array([handling.row]), done_ns=abs(end), outcome=outcome)
        if handling.counts:
            self._handled += end > 0
            self._failed += end < 0

    # The reading side.

    def __len__(self) -> int:
        with self._digested():
            return self._ring.next_id - self._ring.oldest_id

    def __repr__(self) -> str:
        return f"<Timings: {len(self):,} messages, at most {self.limit:,}>"

    @property
    def lanes(self) -> list[tuple[str, str]]:
        """What lane numbers in `rows()` stand for: ("sender" or "worker", name); 0 is no lane."""
        return list(self._lanes)

    def open_lanes(self) -> list[int]:
        """Return the numbers of the lanes whose socket is not closed."""
        return sorted({track.lane for track in (*self._senders, *self._workers)})

    def rows(self) -> npt.NDArray[Any]:
        """Return the messages kept by their first instant: a structured array of `messages.ROW`.

        Instants are in ns, 0 where there is none; lane numbers index `lanes`, outcomes `OUTCOMES`.
        The array is a copy.
        """
        with self._digested():
            rows = self._ring.copy()
        first_ns = np.where(rows["send_start_ns"] > 0, rows["send_start_ns"], rows["recv_ns"])
        return np.asarray(rows[np.argsort(first_ns, kind="stable")])

    def subscribe(self) -> DirtyRows:
        """Return a subscription for `delta`; at first every message that is kept counts as new."""
        with self._digested():
            return self._ring.subscribe()

    def delta(self, dirty: DirtyRows, max_rows: int, *, snapshot_rows: int = 0) -> Delta:
        """Return what has changed since the last call, at most `max_rows` messages.

        Costs time for what is new, never for the whole log. With `snapshot_rows`, that many of the
        newest messages count as changed, and older ones do not.
        """
        with self._digested():
            ring = self._ring
            if snapshot_rows:
                ring.mark_newest(dirty, snapshot_rows)
            ids, rows = ring.take(dirty, max_rows)
            kept = ring.first_id, ring.oldest_id, ring.next_id
            return Delta(ids, rows, *kept, len(dirty), self.lanes, self.open_lanes())

    def messages(self) -> list[Message]:
        """Return the messages kept, by their first instant."""
        return list(self)

    def __iter__(self) -> Iterator[Message]:
        rows = self.rows()
        names = [name or None for _, name in self._lanes]
        for start, end, recv, done, n_bytes, sender, worker, outcome in map(np.void.item, rows):
            yield Message(
                send_start_ns=start or None,
                send_end_ns=end or None,
                recv_ns=recv or None,
                done_ns=done or None,
                n_bytes=n_bytes,
                sender=names[sender],
                worker=names[worker],
                outcome=OUTCOMES[outcome],
            )

    def summary(self) -> Summary:
        """Return the counts and totals so far, unfinished sends and handlings up to now."""
        with self._digested():
            now_ns, first = clock_ns(), self._ring.first_id
            unfinished = [
                [t.unfinished for t in tracks if t.unfinished and t.unfinished.row >= first]
                for tracks in (self._senders, self._workers)
            ]
            sending_ns, working_ns = (sum(now_ns - u.begin_ns for u in us) for us in unfinished)
            # A send whose message is in a worker's hands was accepted, though it has not returned.
            early = sum(send.counts and send.row not in self._begun for send in unfinished[0])
            last_ns = now_ns if any(unfinished) else self._last_ns
            return Summary(
                pushed=self._pushed + early,
                handled=self._handled,
                failed=self._failed,
                handling=self._received - self._handled - self._failed,
                in_flight=self._pushed + early - self._received,
                refused=self._refused,
                interrupted=self._interrupted,
                sending=len(unfinished[0]) - early,
                untimed=self._untimed,
                let_go=self._ring.oldest_id - first,
                sending_s=(self._sending_ns + sending_ns) / 1e9,
                working_s=(self._working_ns + working_ns) / 1e9,
                span_s=(last_ns - self._first_ns) / 1e9 if self._first_ns else 0.0,
            )

    def clear(self) -> None:
        """Forget all messages and count anew.

        What is on its way is forgotten too: its receipt will be neither shown nor counted. (Nor is
        that of an equal payload pushed afterwards, if it comes first.)
        """
        with self._digested():
            for pool in (self._open, self._doubtful):
                pool.move_to(self._cleared)
            self._ring.clear()
            self._zero()

    # Taking it elsewhere.

    def to_pandas(self) -> pandas.DataFrame:
        """Return the messages kept as a DataFrame: the fields of `Message`, and `waited_ns`.

        Instants are nullable integers in ns. Needs pandas.
        """
        import pandas

        rows = self.rows()
        names = np.array([name for _, name in self._lanes], dtype=object)
        columns: dict[str, Any] = {}
        for field in ("send_start_ns", "send_end_ns", "recv_ns", "done_ns"):
            columns[field] = pandas.arrays.IntegerArray(rows[field].copy(), rows[field] == 0)
        columns["waited_ns"] = columns["recv_ns"] - columns["send_start_ns"]
        columns["n_bytes"] = rows["n_bytes"].copy()
        for field in ("sender", "worker"):
            named = np.where(rows[field] > 0, names[rows[field]], None)
            columns[field] = pandas.array(named, dtype="string")
        columns["outcome"] = pandas.Categorical.from_codes(rows["outcome"], list(OUTCOMES))
        return pandas.DataFrame(columns)

    def to_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write the messages kept as a Chrome trace, to be opened at ui.perfetto.dev.

        Slices for sending and handling, an arrow from each send to its receipt, and a counter of
        messages in flight. Raises `OSError` if the file cannot be written.
        """
        write_chrome_trace(path, self.rows(), self.lanes)


class HasTimings(Protocol):
    """What has a log, such as a context."""

    timings: Timings


def timings_of(source: object) -> Timings:
    """Return the log that `source` is or has, or raise `TypeError`."""
    timings = source if isinstance(source, Timings) else getattr(source, "timings", None)
    if not isinstance(timings, Timings):
        raise TypeError(
            "source: expected Timings, or something that has them as .timings (a Context); "
            f"got {source!r}; pass the context whose sockets you used"
        )
    return timings


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put off a KeyboardInterrupt until the block is done; only the main thread ever gets one."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    pressed: list[tuple[int, Any]] = []
    signal.signal(signal.SIGINT, lambda *args: pressed.append(args))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if pressed:
            handler(*pressed[0])


def _lanes_of(tracks: list[Track]) -> npt.NDArray[np.uint32]:
    return np.array([track.lane for track in tracks], np.uint32)
