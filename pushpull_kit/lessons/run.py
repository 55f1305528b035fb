"""One run of a function: a thread and a context of its own, and an end that can be brought about.

This module knows no widgets: `experiment` shows what happens here.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import get_ident
from time import monotonic
from typing import Any

import zmq

from ..errors import PushPullError
from ..recording.log import Timings
from ..recording.messages import Summary
from ..recording.units import duration
from ..sockets.context import RETIRE_TIMEOUT_S, Context
from ..sockets.timed import TimedPull

#: After the function has returned, its workers may go on for as long as they finish a message
#: within the first of these; the second is for messages that are in nobody's hands.
SETTLE_S, QUIET_S = 10.0, 1.0

#: After Stop: when an exception is raised in a function that the end of its context did not end,
#: and when it is given up.
RAISE_AFTER_S, GIVE_UP_AFTER_S = 1.0, 5.0

STUCK = (
    "could not be stopped: it is in a call that Python cannot interrupt, such as time.sleep(). Its "
    "thread is left behind and ends when that call returns; what it holds, such as an address, is "
    "taken until then"
)


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what the function was given, what was measured, how it ended.

    `outcome` is `"finished"`, `"stopped"` or `"failed"`. `error` is one line, or empty; `traceback`
    is the learner's part of it. `took_s` is from the call until its workers had finished too.
    """

    number: int
    values: Mapping[str, Any]
    outcome: str
    error: str
    traceback: str
    took_s: float
    summary: Summary
    timings: Timings

    def __repr__(self) -> str:
        given = "".join(f" {name}={value!r:.40}," for name, value in self.values.items())
        return f"<Run {self.number}:{given} {self.outcome} in {duration(self.took_s)}>"


class RunContext(Context):
    """The context of one run: whoever terminates it, and however often, libzmq is told once.

    It keeps the sockets that are made from it: one that the function forgets is closed at the end
    of the run, with linger 0. Until then it has a socket that nobody uses, because libzmq frees a
    terminated context with its last socket, and the function may be about to make another.
    """

    _kept: list[Any]
    _anchor: zmq.Socket[bytes]
    _end_lock: threading.Lock
    _ending = False
    _ended: threading.Event

    def __init__(self) -> None:
        super().__init__()
        self._end_lock, self._ended = threading.Lock(), threading.Event()
        self._kept = []
        self._anchor = zmq.Socket(self, zmq.PAIR)

    def socket(self, socket_type: int, socket_class: Any = None, **kwargs: Any) -> Any:
        """Return a socket as `Context` does."""
        self._kept.append(super().socket(socket_type, socket_class, **kwargs))
        return self._kept[-1]

    def term(self) -> None:
        """Terminate as pyzmq does."""
        while not self._is_ended_within(0.1):  # in slices, so that Stop can end the wait
            pass

    def interrupt(self) -> None:
        """Wake whoever waits in a socket of this context, or is about to."""
        with self._end_lock:
            if not self._ending:
                self._ending = True
                threading.Thread(target=self._end, name="run-term", daemon=True).start()

    def finish_pulls(self) -> None:
        """Take the message that each of this thread's PULLs received last as handled."""
        for socket in self._kept:
            if isinstance(socket, TimedPull) and not (socket.closed or socket.belongs_elsewhere()):
                with contextlib.suppress(zmq.ZMQError):  # terminated meanwhile
                    socket.poll(0)

    def _is_ended_within(self, timeout: float) -> bool:
        self.interrupt()
        with self._end_lock:
            self._anchor.close(linger=0)
        return self._ended.wait(timeout)  # not a join: in 3.11 an exception in it breaks the thread

    def _end(self) -> None:
        super(Context, self).term()
        self._ended.set()

    def terminate_within(self, timeout: float) -> bool:
        self._is_ended_within(timeout)
        return True  # no warning: the run says what is left


class Running:
    """A run in progress: its thread calls the function, and closes what that leaves open."""

    context: RunContext
    result: Run | None = None

    def __init__(
        self,
        number: int,
        function: Callable[..., object],
        values: Mapping[str, Any],
        print_under_cell: Callable[[], None],
    ) -> None:
        self.number, self.values = number, dict(values)
        self.began_s, self.took_s = monotonic(), 0.0
        self.stopping, self.done, self.over = (threading.Event() for _ in range(3))
        self.error = self.traceback = ""
        self._function, self._print_under_cell = function, print_under_cell
        self._inside_lock, self._inside = threading.Lock(), True  # the function
        self._stopped_s: float | None = None
        name = f"run {number} of {getattr(function, '__name__', 'a function')}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Make the context, and start the thread."""
        self.context = RunContext()
        self._thread.start()

    def press(self) -> bool:
        """Take the next step to end a run that was asked to stop; `False` if no step is left."""
        self._stopped_s = self._stopped_s or monotonic()
        waited_s = monotonic() - self._stopped_s
        self.context.interrupt()
        with self._inside_lock:
            if self._inside and waited_s > RAISE_AFTER_S:
                _raise_in(self._thread.ident, _Stop)
            return not self._inside or waited_s < GIVE_UP_AFTER_S

    def record(self) -> Run:
        """Return what came of it, as `result` does from now on; up to now if it is stuck."""
        stuck = not self.done.is_set()
        outcome = (
            "stopped" if self.stopping.is_set() else "failed" if self.traceback else "finished"
        )
        self.result = Run(
            number=self.number,
            values=self.values,
            outcome=outcome,
            error=STUCK if stuck else self.error,
            traceback=self.traceback,
            took_s=monotonic() - self.began_s if stuck else self.took_s,
            summary=self.context.timings.summary(),
            timings=self.context.timings,
        )
        return self.result

    # In the thread.

    def _run(self) -> None:
        try:
            self._print_under_cell()
            self._call()
            if not self.error:
                self._settle()
            self.took_s = monotonic() - self.began_s
            self.context.retire(RETIRE_TIMEOUT_S)
            if not self.context.closed and not self.error:
                self.error = self._left_open()
        finally:
            self.done.set()

    def _call(self) -> None:
        try:
            try:
                self._function(self.context, **self.values)
            finally:
                self._leave()
        except BaseException as error:
            self._leave()  # again: the first may have been cut short
            asked = self.stopping.is_set()
            if asked and isinstance(error, (_Stop, zmq.ZMQError, PushPullError)):
                return
            if error.__traceback__ is not None:
                error.__traceback__ = error.__traceback__.tb_next  # the learner's part
            self.error = traceback.format_exception_only(error)[-1].strip()[:500]
            self.traceback = "".join(traceback.format_exception(error))[-20_000:]

    def _leave(self) -> None:
        """See to it that nothing is raised in this thread from now on."""
        with self._inside_lock:
            self._inside = False
            _raise_in(get_ident(), None)

    def _settle(self) -> None:
        """Wait for the workers, as long as they finish what the function has pushed."""
        self.context.finish_pulls()
        finished, since_s = -1, monotonic()
        while self.context.workers:
            summary = self.context.timings.summary()
            if summary.handled + summary.failed != finished:
                finished, since_s = summary.handled + summary.failed, monotonic()
            patience_s = SETTLE_S if summary.handling else QUIET_S
            if not summary.handling + summary.in_flight or monotonic() - since_s > patience_s:
                return
            if self.stopping.wait(0.01):
                return

    def _left_open(self) -> str:
        names = ", ".join(map(repr, self.context.workers))
        what = f"worker {names} is still in its handler" if names else "a socket of it is open"
        return (
            f"what it left could not be closed in {RETIRE_TIMEOUT_S:g} s: {what}, or was closed "
            "with messages unsent and no limit to its linger; that is left behind"
        )


class _Stop(BaseException):
    """Raised in a function to stop it; no `except Exception` catches it."""


def _raise_in(thread: int | None, what: type[BaseException] | None) -> None:
    """Have Python raise this in that thread when it next runs Python code; `None` takes it back."""
    ident = ctypes.c_ulong(thread or 0)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(what) if what else None)
