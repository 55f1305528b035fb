"""One run of an experiment's function: its thread, its context, and how Stop interrupts it.

This module knows no widgets. An `Experiment` starts a run, supervises it and shows it.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from threading import get_ident
from time import monotonic
from typing import Any

import zmq

from ..errors import PushPullError
from ..recording.log import Timings
from ..recording.messages import Summary
from ..recording.units import duration
from ..sockets.context import RETIRE_TIMEOUT_S, Context
from ..sockets.lifecycle import BackgroundThread, raise_in_thread

#: After the function has returned: how long a worker may take for one message.
SETTLE_S = 10.0

#: After the function has returned: how long to wait while messages are queued and no handler runs.
QUIET_S = 1.0

#: After a request to stop: from when on an exception is raised in the function. Before that, the
#: end of its context has the time to wake it.
RAISE_AFTER_S = 1.0

#: After a request to stop: when the function is given up.
GIVE_UP_AFTER_S = 5.0

#: How long one wait for the end of a context takes. An exception is raised between two of them.
TERM_SLICE_S = 0.1

STUCK = (
    "could not be stopped: it is in a call that Python cannot interrupt, such as time.sleep(). Its "
    "thread is left behind and ends when that call returns; what it holds, such as an address, is "
    "taken until then"
)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of an `Experiment`: what the function was given, what was measured, how it ended.

    Args:
        number: the runs of an Experiment are numbered from 1.
        values: the function's arguments, except for the context, by name.
        outcome: `"finished"`, `"stopped"` or `"failed"`.
        error: why the run failed or was cut short, in one line; empty if there is nothing to tell.
        traceback: what the function raised, as text, from the function's own frame on; or empty.
        took_s: from the call until the function and its workers had finished, in seconds.
        summary: figures of all messages of the run.
        timings: the log of the messages.

    >>> from pushpull_kit import Experiment
    >>> with Experiment(lambda context, count: None, count=3) as experiment:
    ...     run = experiment.run()
    >>> run.number, dict(run.values), run.outcome, run.summary.pushed
    (1, {'count': 3}, 'finished', 0)
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
    """The context of one run. Any thread may terminate it, at any time and more than once.

    It keeps a reference to each socket made from it, so that one that the function forgets is
    closed at the end of the run, with linger 0. It also holds one unused socket: libzmq frees a
    terminated context when its last socket closes, and the function may be about to make another.
    """

    _made_sockets: list[Any]
    _unused_socket: zmq.Socket[bytes]
    _unused_socket_lock: threading.Lock

    def __init__(self) -> None:
        super().__init__()
        self._made_sockets = []
        self._unused_socket = zmq.Socket(self, zmq.PAIR)
        self._unused_socket_lock = threading.Lock()

    def socket(self, socket_type: int, socket_class: Any = None, **kwargs: Any) -> Any:
        """Return a socket as `Context` does."""
        socket = super().socket(socket_type, socket_class, **kwargs)
        self._made_sockets.append(socket)
        return socket

    def term(self) -> None:
        """Terminate as pyzmq does. A request to stop can end the wait."""
        while not self._wait_for_termination(TERM_SLICE_S):
            pass

    def terminate_within(self, timeout: float) -> bool:
        """Terminate as `Context` does, but return True: the run's record says what is left."""
        self._wait_for_termination(timeout)
        return True

    def interrupt(self) -> None:
        """Start to terminate: this wakes each thread that waits in a socket, now or later."""
        super().terminate_within(0)

    def _wait_for_termination(self, timeout: float) -> bool:
        self.interrupt()
        with self._unused_socket_lock:  # two threads must not close it at once
            self._unused_socket.close(linger=0)
        return super().terminate_within(timeout)


class State(Enum):
    """What the thread of a run does. It passes through these states in this order::

        CREATED --start()--> CALLING --function ends--> CLOSING --all is closed--> ENDED

    `ask_to_stop` changes no state. The supervisor then calls `escalate_stop` until the run has
    ended. As long as the function runs, that takes these steps, at these times after the request::

        at once              terminate the context, which wakes what waits in its sockets
        RAISE_AFTER_S        raise an exception in the function, again at each call
        GIVE_UP_AFTER_S      give up: the thread is left behind, in the state CALLING
    """

    CREATED = auto()
    CALLING = auto()
    CLOSING = auto()
    ENDED = auto()


class RunInProgress:
    """A run that has not ended yet: its thread calls the function and closes what it left open.

    Args:
        number: the run's number.
        function: what to run. It is given the context, then the values.
        values: the function's arguments, except for the context, by name.
        print_under_cell: called in the thread, so that its prints appear under a cell.
    """

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
        self.began_s = monotonic()
        self.state = State.CREATED
        self._function, self._print_under_cell = function, print_under_cell
        self._took_s = 0.0
        self._error = self._traceback = ""
        self._stop_requested = threading.Event()
        self._stop_requested_s = 0.0
        # Held to leave CALLING and to raise in the thread, so that nothing is raised afterwards.
        self._calling_lock = threading.Lock()
        name = f"run {number} of {getattr(function, '__name__', 'a function')}"
        self._thread = BackgroundThread(self._run, name)

    @property
    def stop_requested(self) -> bool:
        """Whether the run was asked to stop."""
        return self._stop_requested.is_set()

    def start(self) -> None:
        """Make the context, and start the thread."""
        self.context = RunContext()
        self._thread.start()

    def wait(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for the run's end, and return whether it was reached."""
        return self._thread.wait(timeout)

    def ask_to_stop(self, reason: str = "") -> None:
        """Ask the run to stop, without waiting. Later calls do nothing.

        Args:
            reason: becomes the record's error, unless the function raises one.
        """
        if self.stop_requested:
            return
        self._error = reason or self._error
        self._stop_requested_s = monotonic()
        self._stop_requested.set()

    def escalate_stop(self) -> bool:
        """Take the next step to stop a run that was asked to stop; `State` lists the steps.

        Returns:
            Whether to go on. False if the function still runs and no step is left.
        """
        waited_s = monotonic() - self._stop_requested_s
        self.context.interrupt()
        with self._calling_lock:
            if self.state is not State.CALLING:
                return True
            if waited_s > RAISE_AFTER_S:
                raise_in_thread(self._thread.ident, _Stop)
            return waited_s < GIVE_UP_AFTER_S

    def record(self) -> Run:
        """Keep the record of the run as `result`, and return it.

        A run that was given up is recorded as it is now.
        """
        ended = self.state is State.ENDED
        outcome = "failed" if self._traceback else "finished"
        self.result = Run(
            number=self.number,
            values=self.values,
            outcome="stopped" if self.stop_requested else outcome,
            error=self._error if ended else STUCK,
            traceback=self._traceback,
            took_s=self._took_s if ended else monotonic() - self.began_s,
            summary=self.context.timings.summary(),
            timings=self.context.timings,
        )
        return self.result

    # In the run's thread.

    def _run(self) -> None:
        try:
            self._print_under_cell()
            self._call()
            if not self._error:
                self._settle()
            self._took_s = monotonic() - self.began_s
            self.context.retire(RETIRE_TIMEOUT_S)
            if not self.context.closed and not self._error:
                self._error = self._describe_what_is_open()
        finally:
            self.state = State.ENDED

    def _call(self) -> None:
        """Call the function, and keep what it raises, except for what the request to stop causes.

        `_Stop` can be raised here until `_leave_calling` has returned, so also within it. Then
        `_leave_calling` is called again. After that no exception is pending and none will come.
        """
        try:
            try:
                self.state = State.CALLING
                self._function(self.context, **self.values)
            finally:
                self._leave_calling()
        except BaseException as error:
            self._leave_calling()
            caused_by_stop = isinstance(error, (_Stop, zmq.ZMQError, PushPullError))
            if not (self.stop_requested and caused_by_stop):
                self._keep_error(error)

    def _leave_calling(self) -> None:
        """Go from CALLING to CLOSING: from now on nothing is raised in this thread."""
        with self._calling_lock:
            self.state = State.CLOSING
            raise_in_thread(get_ident(), None)

    def _keep_error(self, error: BaseException) -> None:
        if error.__traceback__ is not None:
            error.__traceback__ = error.__traceback__.tb_next  # without the frame of `_call`
        self._error = traceback.format_exception_only(error)[-1].strip()[:500]
        self._traceback = "".join(traceback.format_exception(error))[-20_000:]

    def _settle(self) -> None:
        """Wait for the workers, as long as they finish what the function has pushed."""
        last_finished, last_change_s = -1, monotonic()
        while self.context.workers:
            summary = self.context.timings.summary()
            finished = summary.handled + summary.failed
            if finished != last_finished:
                last_finished, last_change_s = finished, monotonic()
            max_wait_s = SETTLE_S if summary.handling else QUIET_S
            all_done = summary.handling + summary.in_flight == 0
            if all_done or monotonic() - last_change_s > max_wait_s:
                return
            if self._stop_requested.wait(0.01):
                return

    def _describe_what_is_open(self) -> str:
        names = ", ".join(map(repr, self.context.workers))
        if names:
            what = f"worker {names} is still in its handler"
        else:
            what = "a socket is open, or was closed with unsent messages and an unlimited linger"
        return (
            f"what the function left open could not be closed in {RETIRE_TIMEOUT_S:g} s: {what}; "
            "that is left behind"
        )


class _Stop(BaseException):
    """Raised in a function to stop it. No `except Exception` catches it."""
