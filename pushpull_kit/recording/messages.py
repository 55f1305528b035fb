"""The record of one message, the summary of many, and the form of a row of the log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..spec import OUTCOMES
from .units import duration

SENDING, IN_FLIGHT, HANDLING, HANDLED, FAILED, REFUSED, INTERRUPTED = range(len(OUTCOMES))

#: One message: instants in ns of one clock, 0 where there is none. Lanes index `Timings.lanes`.
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
    """One message, as far as it was seen.

    An instant that was not seen is `None`. All instants are values of `time.perf_counter_ns` in
    this process.

    Args:
        send_start_ns: when `send` was called.
        send_end_ns: when `send` returned: libzmq had accepted the message, not delivered it.
        recv_ns: when a worker received it. That can be before `send_end_ns`, because the worker
            runs in another thread.
        done_ns: when the worker's handler returned. `None` also for a message that a PULL without
            a handler received: what its thread did with it was not seen (`TimedPull.handling`).
        n_bytes: size of the payload in bytes, all frames together.
        sender: the sender's name.
        worker: the worker's name.
        outcome: one of `"sending"`, `"in_flight"`, `"handling"`, `"handled"`, `"failed"`,
            `"refused"` and `"interrupted"`.

    >>> message = Message(100, 130, 180, 250, 3, "sender", "worker", "handled")
    >>> message.waited_ns
    80
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
        """From the call of `send` until a worker received it; `None` unless both were timed."""
        if self.send_start_ns is None or self.recv_ns is None:
            return None
        return self.recv_ns - self.send_start_ns


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of all messages since the log was made or cleared, including those it has evicted.

    `pushed == handled + failed + handling + in_flight` holds for messages whose sender is timed.

    Args:
        pushed: accepted by libzmq.
        handled: their handler returned, or a PULL without a handler received them.
        failed: their handler raised an exception, or they could not be decoded.
        handling: in the handler now.
        in_flight: pushed and not seen again: queued, on the wire, or taken by a PULL that is not
            timed. The log cannot tell which.
        refused: not accepted, such as with `NOBLOCK` when the pipe is full. At most a tenth of the
            messages that the log keeps are refused ones; this counts all of them.
        interrupted: their send was interrupted. It may have been accepted nevertheless, except for
            a message of several frames whose last frame was not sent.
        sending: their send has not returned.
        untimed: received from senders that are not timed; in no other count.
        let_go: evicted from the log.
        sending_s: how many seconds callers spent in `send`, refused and unfinished sends included.
        working_s: how many seconds handlers worked, unfinished ones included. What a PULL without a
            handler did is not known, and not included.
        span_s: seconds from the first instant to the last.

    >>> from pushpull_kit import Timings
    >>> Timings().summary().pushed
    0
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


def to_messages(rows: npt.NDArray[Any], lanes: list[tuple[str, str]]) -> Iterator[Message]:
    """Yield a record for each row."""
    names = [name or None for _, name in lanes]
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
