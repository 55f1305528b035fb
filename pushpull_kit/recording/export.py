"""Messages in other programs' formats: a pandas DataFrame, and a Chrome trace for Perfetto.

The trace follows Chrome's "Trace Event Format":
https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..spec import OUTCOMES
from .in_flight import in_flight_steps
from .messages import FAILED, HANDLED, REFUSED

if TYPE_CHECKING:
    import os

    import pandas

Lanes = list[tuple[str, str]]
Instants = npt.NDArray[np.int64]


def is_only_received(rows: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return which messages a bare PULL received: what its thread did with them is not known."""
    return np.asarray((rows["outcome"] == HANDLED) & (rows["done_ns"] == 0))


def as_utf8(name: object) -> str:
    """Return a name as text that UTF-8 can encode: a lone surrogate becomes `?`."""
    return str(name).encode("utf-8", "replace").decode()


def to_dataframe(rows: npt.NDArray[Any], lanes: Lanes) -> pandas.DataFrame:
    """Return messages as a DataFrame, with the columns that `Timings.to_pandas` describes."""
    import pandas

    names = np.array([as_utf8(name) for _, name in lanes], dtype=object)
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


def write_chrome_trace(path: str | os.PathLike[str], rows: npt.NDArray[Any], lanes: Lanes) -> None:
    """Write messages to a file as a Chrome trace.

    Args:
        path: the file.
        rows: messages as `Timings.rows` returns them, ordered by time.
        lanes: what their lane numbers stand for.
    """
    with open(path, "w", encoding="utf-8") as file:
        file.write('{"displayTimeUnit": "ms", "traceEvents": [\n')
        for number, event in enumerate(_trace_events(rows, lanes)):
            file.write((",\n" if number else "") + json.dumps(event))
        file.write("\n]}\n")


class _Threads:
    """The threads of a trace: as many for each lane as it has slices at the same time.

    The sockets of one lane may be used at the same time, and rows do not tell them apart. Perfetto
    draws slices of one thread correctly only if they do not overlap.
    """

    def __init__(self, lanes: Lanes) -> None:
        self.names = [name if name == kind else f"{kind}: {name}" for kind, name in lanes]
        # For each lane, its threads, and when the last slice of each ends.
        self._last_ends: list[dict[int, int]] = [{lane: 0} for lane in range(len(lanes))]

    def threads_of(
        self, lanes: npt.NDArray[np.uint32], starts: Instants, ends: Instants
    ) -> npt.NDArray[np.uint32]:
        """Return the thread of each slice. A slice without an end takes no room."""
        threads = lanes.copy()
        for i in np.argsort(starts, kind="stable"):
            if ends[i]:
                threads[i] = self._free_thread(int(lanes[i]), int(starts[i]), int(ends[i]))
        return threads

    def _free_thread(self, lane: int, start: int, end: int) -> int:
        """Return the first thread of a lane that is free at `start`, and occupy it until `end`."""
        last_ends = self._last_ends[lane]
        free = (thread for thread, last_end in last_ends.items() if last_end <= start)
        thread = next(free, len(self.names))
        if thread == len(self.names):
            self.names.append(f"{self.names[lane]} ({len(last_ends) + 1})")
        last_ends[thread] = end
        return thread


def _trace_events(rows: npt.NDArray[Any], lanes: Lanes) -> Iterator[dict[str, Any]]:
    only_received = is_only_received(rows)
    threads = _Threads(lanes)
    send_threads = threads.threads_of(rows["sender"], rows["send_start_ns"], rows["send_end_ns"])
    handling_ends = np.where(only_received, rows["recv_ns"], rows["done_ns"])
    handling_threads = threads.threads_of(rows["worker"], rows["recv_ns"], handling_ends)
    yield {"ph": "M", "pid": 1, "name": "process_name", "args": {"name": "pushpull_kit"}}
    for thread, name in enumerate(threads.names):
        if name:  # lane 0 is no lane, and a log may have lanes that are not in use
            label = {"name": name}
            yield {"ph": "M", "pid": 1, "tid": thread, "name": "thread_name", "args": label}
    places = zip(send_threads.tolist(), handling_threads.tolist(), strict=True)
    for number, (row, place) in enumerate(zip(rows, places, strict=True)):
        yield from _message_events(number, row.item(), place, bool(only_received[number]))
    instants, counts = in_flight_steps(rows)
    for instant, count in zip(instants.tolist(), counts.tolist(), strict=True):
        yield {
            "ph": "C",
            "pid": 1,
            "name": "messages in flight",
            "ts": instant / 1e3,
            "args": {"messages": count},
        }


def _message_events(
    number: int, row: tuple[Any, ...], threads: tuple[int, int], only_received: bool
) -> Iterator[dict[str, Any]]:
    """Yield one message's slices, or the mark of its receipt, and the arrow between them."""
    start, end, recv, done, n_bytes, _, _, outcome = row
    send_thread, handling_thread = threads
    args = {"message": number, "bytes": n_bytes, "outcome": OUTCOMES[outcome]}
    if start and end:
        yield _slice("refused" if outcome == REFUSED else "send", send_thread, start, end, args)
    if recv and done:
        yield _slice("failed" if outcome == FAILED else "handle", handling_thread, recv, done, args)
    if only_received:
        mark = {"ph": "i", "s": "t", "pid": 1, "tid": handling_thread, "ts": recv / 1e3}
        yield {**mark, "cat": "message", "name": "receive", "args": args}
    if start and recv:
        flow = {"pid": 1, "cat": "message", "name": "in flight", "id": number + 1}
        yield {"ph": "s", "tid": send_thread, "ts": start / 1e3, **flow}
        yield {"ph": "f", "bp": "e", "tid": handling_thread, "ts": recv / 1e3, **flow}


def _slice(name: str, thread: int, start: int, end: int, args: dict[str, Any]) -> dict[str, Any]:
    times = {"ts": start / 1e3, "dur": (end - start) / 1e3}  # in µs
    slice_ = {"ph": "X", "pid": 1, "tid": thread, "cat": "message", "name": name}
    return {**slice_, **times, "args": args}
