"""A PULL socket in a background thread that hands each message to a function."""

from __future__ import annotations

import atexit
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any, Literal, Self
from weakref import WeakSet

import zmq

from ..errors import PushPullError, WorkerStoppedError, WorkerStuckError
from ..jupyter import print_under_this_cell
from ..recording.quick import serve_one
from .arguments import (
    check_context,
    check_handler,
    check_options,
    check_receive,
    checked_endpoint,
)
from .context import Context, warn_of_running
from .decoding import decoding
from .failures import Failure, FailureLog
from .inbox import Inbox
from .progress import Progress
from .worker_run import WorkerRun

#: How long `start` waits for the thread to be connected or bound.
START_TIMEOUT_S = 10.0

#: How long `start` waits for the end of what runs before: this worker, or one of its name.
REPLACE_TIMEOUT_S = 5.0

#: How long a worker that was never stopped may hold up the end of the interpreter.
EXIT_TIMEOUT_S = 1.0

_running: WeakSet[Worker] = WeakSet()


class Worker:
    """Calls `handler` in a thread of its own with each message that arrives at an endpoint.

    A message that cannot be decoded, or whose handler raises an exception (`sys.exit()` included),
    is recorded as failed in the context's `timings` and in `errors`; the worker goes on. What the
    handler prints appears under the cell that started the worker.

    Args:
        handler: a function of one argument, the message. When it returns, the message is finished,
            so a coroutine function or a generator function is refused.
        connect: the endpoint to connect to, such as `"tcp://127.0.0.1:5559"`.
        bind: the endpoint to bind. Exactly one of `connect` and `bind` is given.
        context: whose `timings` record the messages. `Context.instance()`, if left out.
        name: the name of its lane in pictures. A worker replaces one of the same name.
        receive: what the handler gets: `"string"` (UTF-8), `"bytes"`, `"json"`, or `"multipart"`,
            a list of bytes. Pickle is not offered, because whoever can send a pickle can run code
            here (https://pyzmq.readthedocs.io/en/latest/howto/serialization.html).
        socket_options: pyzmq's socket options, such as `rcvhwm=10`.

    Raises:
        TypeError: an argument has the wrong type, or a socket option has no such name.
        ValueError: both or neither of `connect` and `bind` are given, or `receive` is unknown.

    >>> import zmq
    >>> from pushpull_kit import Context
    >>> with Context() as context, context.socket(zmq.PUSH) as push:
    ...     with Worker(print, bind="inproc://jobs", context=context) as worker:
    ...         connected = push.connect(worker.endpoint)
    ...         push.send_string("wash")
    ...         worker.wait(1)
    wash
    """

    def __init__(
        self,
        handler: Callable[[Any], object],
        *,
        connect: str | None = None,
        bind: str | None = None,
        context: Context | None = None,
        name: str = "worker",
        receive: str = "string",
        **socket_options: Any,
    ) -> None:
        check_handler(handler)
        mode, endpoint = checked_endpoint(connect, bind)
        check_context(context)
        check_receive(receive)
        check_options(socket_options)
        self.handler = handler
        self.name = name
        self._context: Context = Context.instance() if context is None else context
        self._receive = receive
        self._mode: Literal["connect", "bind"] = mode
        self._requested_endpoint = self._endpoint = endpoint
        self._options = socket_options
        self._failures = FailureLog(name)
        self._progress = Progress()
        # Changed only with the context's lock, and only when the last run has ended.
        self._run: WorkerRun | None = None

    def __repr__(self) -> str:
        state = "running" if self.running else "not running"
        return (
            f"<Worker {self.name!r}: {self._mode} {self.endpoint}, {state}, "
            f"{self.finished - self._failures.count:,} handled, {self._failures.count:,} failed>"
        )

    @property
    def endpoint(self) -> str:
        """The endpoint. Once started, it is the resolved one, with the port the system chose."""
        return self._endpoint

    @property
    def running(self) -> bool:
        """Whether the worker's thread is alive."""
        run = self._run
        return run is not None and not run.ended

    @property
    def thread(self) -> threading.Thread | None:
        """The worker's thread, or `None` if it is not started."""
        run = self._run
        return None if run is None else run.thread

    @property
    def finished(self) -> int:
        """How many messages this worker has finished, handled and failed together."""
        return self._progress.finished

    @property
    def errors(self) -> deque[Failure]:
        """The last failures, at most `failures.ERRORS_KEPT`."""
        return self._failures.last

    def start(self) -> Self:
        """Start the thread, and wait until it is connected or bound.

        A running worker of the same name in the same context is replaced. If its endpoint and
        options are the same, the new worker takes over its socket with all messages that wait in
        it. Otherwise they are dropped.

        Any thread may call this. A worker that stops is started when it has ended. After `stop` in
        its own handler, a worker goes on.

        Returns:
            The worker itself. A running worker is returned as it is.

        Raises:
            EndpointError: the endpoint is malformed or taken.
            ValueError: libzmq refuses the value of a socket option.
            WorkerStuckError: the worker that is to be replaced does not stop within 5 s.
            PushPullError: the context is closed, or has no free socket.
        """
        if self._context.closed:
            raise PushPullError(
                f"expected an open context; got {self._context!r}; make a new one with "
                "fresh_context(), and a new worker with it"
            )
        run, is_new = self._joined_or_new(print_under_this_cell())
        try:
            run.ready.result(START_TIMEOUT_S)
        except BaseException:
            if is_new:
                self._end(run)
            raise
        return self

    def wait(self, count: int, timeout: float = 30.0) -> None:
        """Wait until this worker has finished `count` messages in all, handled or failed.

        Args:
            count: how many messages, since the worker was made.
            timeout: how long to wait, in seconds.

        Raises:
            TimeoutError: fewer messages were finished in that time.
            WorkerStoppedError: the worker is not running, so the wait cannot succeed.
            PushPullError: the worker's own handler waits for a message that is not finished.
        """
        run = self._run
        if run is not None and run.is_own_thread and self.finished < count:
            raise PushPullError(
                f"expected wait({count:,}) from another thread than the handler's; got it from the "
                f"handler of worker {self.name!r}, which has finished {self.finished:,}: the "
                "current message is finished when the handler returns; call wait() in the thread "
                "that starts the worker"
            )
        if self._progress.wait(count, timeout, lambda: self.running):
            return
        if not self.running:
            raise WorkerStoppedError(
                f"expected {count:,} finished messages; got {self.finished:,}, and "
                f"worker {self.name!r} is not running; start() it"
            )
        raise TimeoutError(
            f"expected worker {self.name!r} to finish {count:,} messages in {timeout:g} s; "
            f"got {self.finished:,} ({self._failures.count:,} of them failed); were so "
            "many pushed, and does the handler return?"
        )

    def ask_to_stop(self) -> None:
        """Ask the worker to stop after its current message, without waiting for that."""
        run = self._run
        if run is not None:
            run.ask_to_stop()

    def stop(self, timeout: float = 5.0) -> None:
        """Stop after the current message, and wait until the thread has ended.

        Messages that wait in the socket are dropped: call `wait()` first if they matter. Any thread
        may call this, also a second time. When the handler itself calls this, it does not wait.

        Args:
            timeout: how long to wait for the handler, in seconds.

        Raises:
            WorkerStuckError: the handler has not returned in time. The worker ends when it does.
        """
        run = self._run
        if run is not None:
            self._end(run, timeout)

    def leave_context(self) -> None:
        """Stop, and close the socket at once, if the worker's own handler calls this."""
        run = self._run
        if run is None or not run.is_own_thread:
            return
        run.leave()
        run.drop_inbox()
        self._unregister()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    # One run after another: all changes of `_run` and of the context's workers.

    def _joined_or_new(self, print_under_cell: Callable[[], None]) -> tuple[WorkerRun, bool]:
        """Return the run that goes on; or a new one, when what runs before has ended, and True."""
        deadline_s = monotonic() + REPLACE_TIMEOUT_S
        last: WorkerRun | None = None  # that this call has waited for
        while True:
            with self._context.workers_lock:
                before = self._run_before()
                is_mine = before is self._run
                if before is None or before.ended:
                    return self._new_run(before or last, print_under_cell), True
                if is_mine and before.goes_on():
                    return before, False
                if before.is_own_thread:  # its handler starts the worker that replaces it
                    before.leave()
                    return self._new_run(before, print_under_cell), True
            if not is_mine:
                before.ask_to_stop(keep_inbox=before.recipe == self._recipe)
            self._wait_for_end(before, deadline_s)
            last = before

    def _run_before(self) -> WorkerRun | None:
        """Return the run of this worker, or of another one of its name, that must end first."""
        holder = self._context.workers.get(self.name)
        if self.running or not isinstance(holder, Worker):
            return self._run
        return holder._run

    def _new_run(self, last: WorkerRun | None, print_under_cell: Callable[[], None]) -> WorkerRun:
        """Start a run, with the inbox of the last one if it fits, and register the worker."""
        run = WorkerRun(
            self._context.workers_lock,
            self.name,
            _name_of(self.handler),
            self._recipe,
            target=lambda run: self._work(run, print_under_cell),
            on_end=self._progress.notify,
        )
        if last is not None:
            run.inbox = last.take_inbox(self._recipe)
        self._run = run
        self._context.workers[self.name] = self
        _running.add(self)
        try:
            run.thread.start()
        except BaseException:  # no thread is free, or an Interrupt
            run.ask_to_stop()
            run.drop_inbox()
            raise
        return run

    @property
    def _recipe(self) -> tuple[object, ...]:
        """What must be equal for the inbox of one run to fit another."""
        return self._mode, self._requested_endpoint, self._options

    def _wait_for_end(self, before: WorkerRun, deadline_s: float) -> None:
        """Wait for a run that was asked to stop. If that fails, nobody takes its inbox."""
        try:
            before.wait(deadline_s - monotonic())
        except BaseException:
            before.drop_inbox()
            raise

    def _end(self, run: WorkerRun, timeout: float = REPLACE_TIMEOUT_S) -> None:
        """Ask a run to stop, wait for its end, and forget it. Do not wait in its own handler."""
        run.ask_to_stop()
        if run.is_own_thread:
            return
        run.wait(timeout)
        with self._context.workers_lock:
            if self._run is run and not run.waits_for_successor:
                self._run = None
                _running.discard(self)
                self._unregister()

    def _unregister(self) -> None:
        with self._context.workers_lock:
            if self._context.workers.get(self.name) is self:
                del self._context.workers[self.name]

    # In the worker's thread.

    def _work(self, run: WorkerRun, print_under_cell: Callable[[], None]) -> None:
        """Open the inbox, tell `start`, and serve until the run is asked to stop."""
        try:
            print_under_cell()
            inbox = run.open(self._new_inbox)
            self._endpoint = inbox.endpoint
        except BaseException as error:
            run.ready.set_exception(error)
        else:
            run.ready.set_result(None)
            self._serve(run, inbox)
        finally:
            run.end()

    def _new_inbox(self) -> Inbox:
        return Inbox(self._context, self._mode, self._requested_endpoint, self._options)

    def _serve(self, run: WorkerRun, inbox: Inbox) -> None:
        """Receive and handle messages until the worker is asked to stop."""
        progress = self._progress
        events = self._context.timings.add_worker(self.name)
        handle = decoding(self._receive, self.handler)
        serve = serve_one(events, inbox.receive, handle, self._add_failure)
        with contextlib.closing(events), contextlib.suppress(zmq.ContextTerminated):
            while not run.stopping:
                if not serve():
                    continue
                progress.finished += 1
                if progress.finished >= progress.smallest_wanted:
                    progress.notify()

    def _add_failure(
        self, error: BaseException, message: bytes | list[bytes], recv_ns: int
    ) -> None:
        n_bytes = len(message) if isinstance(message, bytes) else sum(map(len, message))
        self._failures.add(error, self.finished + 1, n_bytes, recv_ns)


def _name_of(function: object) -> str:
    return getattr(function, "__name__", None) or repr(function)


@atexit.register
def _stop_at_exit() -> None:
    """Stop the workers that were never stopped, in bounded time."""
    workers = [worker for worker in list(_running) if worker.running]
    for worker in workers:
        worker.ask_to_stop()
    deadline_s = monotonic() + EXIT_TIMEOUT_S
    for worker in workers:
        with contextlib.suppress(WorkerStuckError):
            worker.stop(max(0.0, deadline_s - monotonic()))
    warn_of_running(workers)
