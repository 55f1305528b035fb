"""What is known of messages: the record of one, and the summary of many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..spec import OUTCOMES
from .units import duration

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
