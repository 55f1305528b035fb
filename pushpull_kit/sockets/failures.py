"""Messages that failed in a worker: kept, counted, and logged."""

from __future__ import annotations

import contextlib
import logging
import traceback
from collections import deque
from dataclasses import dataclass

#: How many failures a worker keeps.
ERRORS_KEPT = 20

#: How many failures a worker logs. All of them are counted.
ERRORS_LOGGED = 3

#: How many characters are kept of an error's line, and of its traceback.
MAX_LINE, MAX_TRACEBACK = 500, 20_000

_log = logging.getLogger("pushpull_kit")


@dataclass(frozen=True, slots=True)
class Failure:
    """One message that failed in a worker.

    Args:
        error: what was raised, in one line.
        traceback: the traceback as text.
        n_bytes: size of the message in bytes, all frames together.
        recv_ns: when it was received, as `time.perf_counter_ns` gives it.

    >>> Failure("ValueError: too hot", "Traceback ...", 3, 1_000)
    <Failure: ValueError: too hot, on a message of 3 bytes>
    """

    error: str
    traceback: str
    n_bytes: int
    recv_ns: int

    def __repr__(self) -> str:
        return f"<Failure: {self.error}, on a message of {self.n_bytes:,} bytes>"


class FailureLog:
    """The failures of one worker.

    Args:
        worker: the worker's name, for the log.
    """

    def __init__(self, worker: str) -> None:
        self.count = 0
        self.last: deque[Failure] = deque(maxlen=ERRORS_KEPT)
        self._worker = worker

    def add(self, error: BaseException, message_number: int, n_bytes: int, recv_ns: int) -> None:
        """Keep and count a failure, and log it if it is one of the first.

        What goes wrong in describing or logging it is ignored, so that the worker goes on.

        Args:
            error: what was raised.
            message_number: which message of the worker it was, from 1.
            n_bytes: size of the message in bytes.
            recv_ns: when it was received.
        """
        self.count += 1
        failure = Failure(*_described(error), n_bytes, recv_ns)
        self.last.append(failure)
        if self.count <= ERRORS_LOGGED:
            with contextlib.suppress(BaseException):  # a logging handler may raise anything
                self._write_to_log(failure, message_number)

    def _write_to_log(self, failure: Failure, message_number: int) -> None:
        _log.warning(
            "worker %r: message %d failed: %s (worker.errors has the traceback%s)",
            self._worker,
            message_number,
            failure.error,
            "; later failures are only counted" if self.count == ERRORS_LOGGED else "",
        )


def _described(error: BaseException) -> tuple[str, str]:
    """Return an exception's own line, without its notes, and its traceback, with them."""
    try:
        summary = traceback.TracebackException.from_exception(error)
        text = "".join(summary.format(chain=False))
        summary.__notes__ = None
        line = list(summary.format_exception_only())[-1].strip()
    except BaseException:  # such as that of a __str__ which raises
        line = f"{type(error).__name__} (it cannot be shown as text)"
        text = "".join(traceback.format_tb(error.__traceback__)) + line + "\n"
    return line[:MAX_LINE], text[-MAX_TRACEBACK:]
