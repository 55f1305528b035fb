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
from .messages import FAILED, REFUSED

if TYPE_CHECKING:
    import os

    import pandas

Lanes = list[tuple[str, str]]


def to_dataframe(rows: npt.NDArray[Any], lanes: Lanes) -> pandas.DataFrame:
    """Return messages as a DataFrame, with the columns that `Timings.to_pandas` describes."""
    import pandas

    names = np.array([name for _, name in lanes], dtype=object)
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


def _trace_events(rows: npt.NDArray[Any], lanes: Lanes) -> Iterator[dict[str, Any]]:
    yield {"ph": "M", "pid": 1, "name": "process_name", "args": {"name": "pushpull_kit"}}
    for lane, (kind, name) in enumerate(lanes):
        if lane:
            label = {"name": name if name == kind else f"{kind}: {name}"}
            yield {"ph": "M", "pid": 1, "tid": lane, "name": "thread_name", "args": label}
    for number, row in enumerate(rows):
        yield from _message_events(number, row.item())
    instants, counts = in_flight_steps(rows)
    for instant, count in zip(instants.tolist(), counts.tolist(), strict=True):
        yield {
            "ph": "C",
            "pid": 1,
            "name": "messages in flight",
            "ts": instant / 1e3,
            "args": {"messages": count},
        }


def _message_events(number: int, row: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    """Yield one message's slices, and the arrow between them."""
    start, end, recv, done, n_bytes, sender, worker, outcome = row
    args = {"message": number, "bytes": n_bytes, "outcome": OUTCOMES[outcome]}
    if start and end:
        yield _slice("refused" if outcome == REFUSED else "send", sender, start, end, args)
    if recv and done:
        yield _slice("failed" if outcome == FAILED else "handle", worker, recv, done, args)
    if start and recv:
        flow = {"pid": 1, "cat": "message", "name": "in flight", "id": number + 1}
        yield {"ph": "s", "tid": sender, "ts": start / 1e3, **flow}
        yield {"ph": "f", "bp": "e", "tid": worker, "ts": recv / 1e3, **flow}


def _slice(name: str, lane: int, start: int, end: int, args: dict[str, Any]) -> dict[str, Any]:
    times = {"ts": start / 1e3, "dur": (end - start) / 1e3}  # in µs
    return {"ph": "X", "pid": 1, "tid": lane, "cat": "message", "name": name, **times, "args": args}
