"""What is said of messages: the record of one, the summary of many, how a duration reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

OUTCOMES = ("sending", "in_flight", "handling", "handled", "failed", "refused", "interrupted")
SENDING, IN_FLIGHT, HANDLING, HANDLED, FAILED, REFUSED, INTERRUPTED = range(len(OUTCOMES))

#: One message: instants in ns of the one clock, 0 where there is none; lanes index `Timings.lanes`.
ROW = np.dtype(
    [
        ("send_start_ns", np.int64),
        ("send_end_ns", np.int64),
        ("recv_ns", np.int64),
        ("done_ns", np.int64),
        ("n_bytes", np.int64),
        ("sender", np.uint32),
        ("worker", np.uint32),
        ("outcome", np.uint8),
    ]
)


@dataclass(frozen=True, slots=True)
class Message:
    """One message as far as it was seen; an instant that was not seen is `None`.

    The instants are `time.perf_counter_ns` values of this process. `send_end_ns` says that libzmq
    accepted the message, not that it was delivered; `recv_ns` may precede it, because another
    thread was quicker. `outcome` is one of `OUTCOMES`.
    """

    send_start_ns: int | None
    send_end_ns: int | None
    recv_ns: int | None
    done_ns: int | None
    n_bytes: int
    sender: str | None
    worker: str | None
    outcome: str

    @property
    def waited_ns(self) -> int | None:
        """From the call of send to the worker's hands; `None` unless both ends were timed."""
        if self.send_start_ns is None or self.recv_ns is None:
            return None
        return self.recv_ns - self.send_start_ns


@dataclass(frozen=True, slots=True)
class Summary:
    """All messages since the log was made or cleared, those it has let go among them.

    `pushed == handled + failed + handling + in_flight` holds for messages whose sender is timed.
    `in_flight` means pushed and not seen again: in a queue, on the wire, or taken by a PULL that
    has no stopwatch; no one can tell which from here. `untimed` counts receipts whose sender has no
    stopwatch; they are in no other count. `sending_s` is how long callers of send have waited in
    all, refused and unfinished sends included, `working_s` the same for handlers, `span_s` from the
    first instant to the last.
    """

    pushed: int
    handled: int
    failed: int
    handling: int
    in_flight: int
    refused: int
    interrupted: int
    sending: int
    untimed: int
    let_go: int
    sending_s: float
    working_s: float
    span_s: float

    def __str__(self) -> str:
        parts = [
            f"your cell waited {duration(self.sending_s)}",
            f"the work took {duration(self.working_s)}",
            f"{self.pushed:,} pushed = {self.handled:,} handled + {self.failed:,} failed"
            f" + {self.handling:,} in the handler + {self.in_flight:,} in flight",
        ]
        for count, meaning in (
            (self.sending, "blocked in send"),
            (self.refused, "refused"),
            (self.interrupted, "interrupted"),
            (self.untimed, "from untimed senders"),
        ):
            if count:
                parts.append(f"{count:,} {meaning}")
        return " · ".join(parts)


def duration(seconds: float) -> str:
    """Return seconds as a person would say them, in three digits, such as `6.00 s` or `310 µs`."""
    if not seconds:
        return "0 s"
    units = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}
    # A value from 0.9995 on is written as 1.00.
    unit = next((unit for unit, size in units.items() if seconds >= 0.9995 * size), "ns")
    value = seconds / units[unit]
    digits = 0 if unit == "ns" or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:,.{digits}f} {unit}"


def in_flight_steps(rows: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the instants (ns) at which the number of messages in flight changes, and the numbers.

    In flight: accepted from a timed sender and not yet in a worker's hands. A message that was
    received before its send returned counts from its receipt, that is, for no time at all.
    """
    accepted = rows[(rows["sender"] > 0) & (rows["send_end_ns"] > 0) & (rows["outcome"] < REFUSED)]
    received = accepted["recv_ns"][accepted["recv_ns"] > 0]
    entry = np.where(
        accepted["recv_ns"] > 0,
        np.minimum(accepted["send_end_ns"], accepted["recv_ns"]),
        accepted["send_end_ns"],
    )
    instants, place = np.unique(np.concatenate((entry, received)), return_inverse=True)
    steps = np.repeat((1, -1), (len(entry), len(received)))
    changes = np.zeros(len(instants), np.int64)
    np.add.at(changes, place, steps)
    return instants, np.cumsum(changes)
