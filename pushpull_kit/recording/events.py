"""Where the hot path writes: a track per socket, to which only the socket's own thread appends.

Whoever wants to know `drain`s the tracks, from any thread. The two sides need no lock between them,
because list operations are atomic, and because the reader removes only what all lists hold.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter_ns as clock_ns
from time import sleep
from typing import Any

import numpy as np
import numpy.typing as npt

#: A payload up to this size is its own key, kept by reference until it is digested.
WHOLE_KEY_BYTES = 256

#: A longer one is known by its length and three samples of this size: start, middle, end.
SAMPLE_BYTES = 64

#: When a track holds this many messages that nobody has asked for, its own thread digests them:
#: a few milliseconds once in so many messages, against memory that would grow without end.
DIGEST_AT = 8192

#: How long a reader waits for a thread that has looked at the clock to note it: it has only to run.
NOTING_TIMEOUT_NS = 20_000_000


class Known:
    """A payload that is not kept: its key and size, and whether its send was interrupted.

    Answers `hash` and `len` as the payload itself would, so that a track may hold either.
    """

    __slots__ = ("interrupted", "key", "n_bytes")

    def __init__(self, key: int, n_bytes: int, interrupted: bool = False) -> None:
        self.key, self.n_bytes, self.interrupted = key, n_bytes, interrupted

    def __hash__(self) -> int:
        return self.key

    def __len__(self) -> int:
        return self.n_bytes


#: Stands for a multipart message of which not all frames are known yet; in no pairing.
UNKNOWN = Known(0, 0)

#: Stands for one that was broken off before its last frame.
CUT = Known(0, 0, interrupted=True)


def known(frames: Iterable[bytes | memoryview]) -> Known:
    """Return key and size of a payload of one frame or several, whatever its length."""
    parts = [known_frame(frame) for frame in frames]
    if len(parts) == 1:
        return parts[0]
    return Known(hash(tuple(part.key for part in parts)), sum(part.n_bytes for part in parts))


def known_frame(frame: bytes | memoryview) -> Known:
    """Return key and size of one frame."""
    size = len(frame)
    if size <= WHOLE_KEY_BYTES:
        return Known(hash(bytes(frame)), size)
    middle = size // 2
    samples = frame[:SAMPLE_BYTES], frame[middle : middle + SAMPLE_BYTES], frame[-SAMPLE_BYTES:]
    if type(frame) is not bytes:
        samples = bytes(samples[0]), bytes(samples[1]), bytes(samples[2])
    return Known(hash((size, samples)), size)


class Track:
    """One socket's messages as they happen; only the thread that owns the socket appends.

    `payloads` and `begins` get an item before a send (or a handling), `ends` one after it, negative
    where it was refused (or failed). The reader removes only what all three hold, so the two sides
    need no lock between them: list operations are atomic. While a receipt's instant is looked up
    and not yet in `begins`, `noting` is set, so that a reader can wait for it.
    """

    __slots__ = ("begins", "closed", "ends", "lane", "noting", "payloads", "unfinished")

    def __init__(self, lane: int) -> None:
        self.lane = lane
        self.payloads: list[bytes | Known] = []
        self.begins: list[int] = []
        self.ends: list[int] = []
        self.closed = self.noting = False
        self.unfinished: Unfinished | None = None  # the reader's: what it saw only half of

    def begin(self, payload: bytes | Known) -> None:
        """Note that a send or a handling starts now."""
        if isinstance(payload, bytes) and len(payload) > WHOLE_KEY_BYTES:
            payload = known_frame(payload)
        self.payloads.append(payload)
        self.noting = True
        self.begins.append(clock_ns())
        self.noting = False

    def end(self, ok: bool = True) -> None:
        """Note that it ended now, well or not."""
        self.ends.append(clock_ns() if ok else -clock_ns())


@dataclass(slots=True)
class Unfinished:
    """A send that has not returned, or a handling that has not: its row, and what it counts as."""

    row: int
    begin_ns: int
    counts: bool  # a send: its payload is known; a handling: its sender is timed


#: What is taken off the tracks, a row for each message; `end` is 0 for one that is unfinished.
RAW = np.dtype(
    [
        ("begin", np.int64),
        ("end", np.int64),
        ("key", np.int64),
        ("n_bytes", np.int64),
        ("track", np.int32),
        ("interrupted", np.bool_),
        ("unknown", np.bool_),
    ]
)


def drain(track: Track, number: int, until_ns: int = sys.maxsize) -> npt.NDArray[Any]:
    """Take what the track holds that began by then, oldest first; an unfinished last one is left.

    None is missed, so what later calls take began later, whichever track it is in.
    """
    deadline_ns = clock_ns() + NOTING_TIMEOUT_NS
    while track.noting and clock_ns() < deadline_ns:
        sleep(0)  # let that thread go on
    ends = track.ends[:]
    begins = track.begins[: len(ends) + 1]
    size = bisect_right(begins, until_ns)
    n = min(len(ends), size)
    begins, ends = begins[:size], ends[:n]
    payloads = track.payloads[:size]
    del track.ends[:n], track.begins[:n], track.payloads[:n]
    raw = np.zeros(size, RAW)
    if size:
        raw["begin"] = np.fromiter(begins, np.int64, size)
        raw["end"][:n] = np.fromiter(ends, np.int64, n)
        raw["key"] = np.fromiter(map(hash, payloads), np.int64, size)
        raw["n_bytes"] = np.fromiter(map(len, payloads), np.int64, size)
        raw["track"] = number
        raw["unknown"][-1] = payloads[-1] is UNKNOWN
        for i in np.flatnonzero(raw["end"] < 0):
            payload = payloads[i]
            raw["unknown"][i] = payload is CUT
            raw["interrupted"][i] = isinstance(payload, Known) and payload.interrupted
    return raw
