"""Messages as a Chrome trace, the JSON that Perfetto opens (its "Trace Event Format" document)."""

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


def write_chrome_trace(
    path: str | os.PathLike[str], rows: npt.NDArray[Any], lanes: list[tuple[str, str]]
) -> None:
    """Write `rows` (of `messages.ROW`, by time) to a file; `lanes` are their (kind, name) pairs."""
    with open(path, "w", encoding="utf-8") as file:
        file.write('{"displayTimeUnit": "ms", "traceEvents": [\n')
        for number, event in enumerate(_events(rows, lanes)):
            file.write((",\n" if number else "") + json.dumps(event))
        file.write("\n]}\n")


def _events(rows: npt.NDArray[Any], lanes: list[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    yield {"ph": "M", "pid": 1, "name": "process_name", "args": {"name": "pushpull_kit"}}
    for number, (kind, name) in enumerate(lanes):
        if number:
            label = {"name": name if name == kind else f"{kind}: {name}"}
            yield {"ph": "M", "pid": 1, "tid": number, "name": "thread_name", "args": label}
    for number, row in enumerate(map(np.void.item, rows)):
        start, end, recv, done, n_bytes, sender, worker, outcome = row
        told = {"message": number, "bytes": n_bytes, "outcome": OUTCOMES[outcome]}
        if start and end:
            name = "refused" if outcome == REFUSED else "send"
            yield _slice(name, sender, start, end, told)
        if recv and done:
            name = "failed" if outcome == FAILED else "handle"
            yield _slice(name, worker, recv, done, told)
        if start and recv:
            flow = {"pid": 1, "cat": "message", "name": "in flight", "id": number + 1}
            yield {"ph": "s", "tid": sender, "ts": start / 1e3, **flow}
            yield {"ph": "f", "bp": "e", "tid": worker, "ts": recv / 1e3, **flow}
    instants, counts = in_flight_steps(rows)
    for instant, count in zip(instants.tolist(), counts.tolist(), strict=True):
        yield {
            "ph": "C",
            "pid": 1,
            "name": "messages in flight",
            "ts": instant / 1e3,
            "args": {"messages": count},
        }


def _slice(name: str, lane: int, begin: int, end: int, told: dict[str, Any]) -> dict[str, Any]:
    times = {"ts": begin / 1e3, "dur": (end - begin) / 1e3}  # in µs
    return {"ph": "X", "pid": 1, "tid": lane, "cat": "message", "name": name, **times, "args": told}
