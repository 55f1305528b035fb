"""A PULL socket in a background thread that hands each message to a function."""

from __future__ import annotations

import atexit
import contextlib
import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic
from typing import Any, Literal, Self
from weakref import WeakSet

import zmq

from ..errors import PushPullError, WorkerStoppedError, WorkerStuckError
from ..jupyter import print_under_this_cell
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
from .lifecycle import BackgroundThread

#: How long `start` waits for the thread to be connected or bound.
START_TIMEOUT_S = 10.0

#: How long a worker that was never stopped may hold up the end of the interpreter.
EXIT_TIMEOUT_S = 1.0

#: How often `wait` looks whether the worker's thread is still alive.
ALIVE_CHECK_S = 0.5

_running: WeakSet[Worker] = WeakSet()


class Worker:
    """Calls `handler` in a thread of its own with each message that arrives at an endpoint.

    A message that cannot be decoded, or whose handler raises an exception (`sys.exit()` included),
    is recorded as failed in the context's `timings` and in `errors`; the worker goes on. What the
    handler prints appears under the cell that started the worker.

    Args:
        handler: a function of one argument, the message.
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
        self._finished = 0
        self._thread: BackgroundThread | None = None
        self._inbox: Inbox | None = None
        self._stopping = False
        self._keep_inbox = False  # when stopping, so that another worker can take it over
        self._progress = threading.Condition()  # notified when enough are finished, and at the end
        self._wanted_counts: list[int] = []  # the counts that calls of `wait` wait for
        self._smallest_wanted = sys.maxsize

    def __repr__(self) -> str:
        state = "running" if self.running else "not running"
        return (
            f"<Worker {self.name!r}: {self._mode} {self.endpoint}, {state}, "
            f"{self._finished - self._failures.count:,} handled, {self._failures.count:,} failed>"
        )

    @property
    def endpoint(self) -> str:
        """The endpoint. Once started, it is the resolved one, with the port the system chose."""
        return self._endpoint

    @property
    def running(self) -> bool:
        """Whether the worker's thread is alive."""
        return self._thread is not None and self._thread.running

    @property
    def thread(self) -> threading.Thread | None:
        """The worker's thread, or `None` if it is not started."""
        return self._thread

    @property
    def finished(self) -> int:
        """How many messages this worker has finished, handled and failed together."""
        return self._finished

    @property
    def errors(self) -> deque[Failure]:
        """The last failures, at most `failures.ERRORS_KEPT`."""
        return self._failures.last

    def start(self) -> Self:
        """Start the thread, and wait until it is connected or bound.

        A running worker of the same name in the same context is replaced. If its endpoint and
        options are the same, the new worker takes over its socket with all messages that wait in
        it. Otherwise they are dropped.

        Returns:
            The worker itself. A running worker is returned as it is.

        Raises:
            EndpointError: the endpoint is malformed or taken.
            ValueError: libzmq refuses the value of a socket option.
            WorkerStuckError: the worker that is to be replaced does not stop within 5 s.
            PushPullError: the context is closed.
        """
        if self.running:
            return self
        if self._context.closed:
            raise PushPullError(
                f"expected an open context; got {self._context!r}; make a new one with "
                "fresh_context(), and a new worker with it"
            )
        inbox = self._take_over_inbox()
        self._stopping = self._keep_inbox = False
        ready: Future[None] = Future()
        print_here = print_under_this_cell()
        self._thread = BackgroundThread(
            lambda: self._run(inbox, ready, print_here),
            name=f"worker {self.name}",
            on_end=self._notify,
        )
        self._context.workers[self.name] = self
        _running.add(self)
        self._thread.start()
        try:
            ready.result(START_TIMEOUT_S)
        except BaseException:
            self.stop()
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
        """
        with self._progress:
            self._wanted_counts.append(count)
            self._smallest_wanted = min(self._wanted_counts)
            try:
                self._wait_for_progress(count, timeout)
            finally:
                self._wanted_counts.remove(count)
                self._smallest_wanted = min(self._wanted_counts, default=sys.maxsize)

    def _wait_for_progress(self, count: int, timeout: float) -> None:
        deadline_s = monotonic() + timeout
        while self._finished < count:
            if not self.running:
                raise WorkerStoppedError(
                    f"expected {count:,} finished messages; got {self._finished:,}, and "
                    f"worker {self.name!r} is not running; start() it"
                )
            left_s = deadline_s - monotonic()
            if left_s <= 0:
                raise TimeoutError(
                    f"expected worker {self.name!r} to finish {count:,} messages in {timeout:g} s; "
                    f"got {self._finished:,} ({self._failures.count:,} of them failed); were so "
                    "many pushed, and does the handler return?"
                )
            self._progress.wait(min(left_s, ALIVE_CHECK_S))

    def ask_to_stop(self) -> None:
        """Ask the worker to stop after its current message, without waiting for that."""
        self._stopping = True
        inbox = self._inbox
        if inbox is not None:
            inbox.wake_up()

    def stop(self, timeout: float = 5.0) -> None:
        """Stop after the current message, and wait until the thread has ended.

        Messages that wait in the socket are dropped: call `wait()` first if they matter. A second
        call does nothing. When the handler itself calls this, it does not wait.

        Args:
            timeout: how long to wait for the handler, in seconds.

        Raises:
            WorkerStuckError: the handler has not returned in time. The worker ends when it does.
        """
        thread = self._thread
        if thread is None:
            return
        if self.running:
            self.ask_to_stop()
            if thread is threading.current_thread():
                return
        if not thread.wait(timeout):
            raise WorkerStuckError(
                f"expected worker {self.name!r} to stop within {timeout:g} s; its handler, "
                f"{_name_of(self.handler)}, has not returned (thread {thread.name!r}). Python "
                "cannot end a thread: the worker stops when the handler returns, or restart "
                "the kernel"
            )
        self._thread = None
        _running.discard(self)
        if self._context.workers.get(self.name) is self:
            del self._context.workers[self.name]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    # Replacing another worker.

    def _take_over_inbox(self) -> Inbox | None:
        """Stop the worker of the same name, and return its inbox if it fits."""
        last = self._context.workers.get(self.name)
        if not isinstance(last, Worker) or last is self:
            return None
        return last._give_up_inbox(keep=last._recipe == self._recipe)

    @property
    def _recipe(self) -> tuple[object, ...]:
        """What must be equal for an inbox to fit."""
        return self._mode, self._requested_endpoint, self._options

    def _give_up_inbox(self, keep: bool) -> Inbox | None:
        """Stop, and return the inbox, still open, if it is to be kept."""
        self._keep_inbox = keep
        try:
            self.stop()
        except WorkerStuckError:
            self._keep_inbox = False  # the worker closes it when its handler returns
            raise
        inbox, self._inbox = self._inbox, None
        if inbox is not None and not keep:
            inbox.close()
            return None
        return inbox

    # In the worker's thread.

    def _run(
        self, inbox: Inbox | None, ready: Future[None], print_under_cell: Callable[[], None]
    ) -> None:
        print_under_cell()
        try:
            inbox = inbox or Inbox(
                self._context, self._mode, self._requested_endpoint, self._options
            )
        except BaseException as error:
            ready.set_exception(error)
            return
        self._inbox, self._endpoint = inbox, inbox.endpoint
        ready.set_result(None)
        try:
            self._serve(inbox)
        finally:
            if not self._keep_inbox:
                self._inbox = None
                inbox.close()

    def _serve(self, inbox: Inbox) -> None:
        """Receive and handle messages until the worker is asked to stop."""
        events = self._context.timings.add_worker(self.name)
        handle = decoding(self._receive, self.handler)
        serve_one = events.wrap(inbox.receive, handle, self._add_failure)
        with contextlib.closing(events), contextlib.suppress(zmq.ContextTerminated):
            while not self._stopping:
                if not serve_one():
                    continue
                self._finished += 1
                if self._finished >= self._smallest_wanted:
                    self._notify()

    def _add_failure(
        self, error: BaseException, message: bytes | list[bytes], recv_ns: int
    ) -> None:
        n_bytes = len(message) if isinstance(message, bytes) else sum(map(len, message))
        self._failures.add(error, self._finished + 1, n_bytes, recv_ns)

    def _notify(self) -> None:
        with self._progress:
            self._progress.notify_all()


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
