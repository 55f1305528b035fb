"""A PULL socket in a background thread that hands each message to a function."""

from __future__ import annotations

import atexit
import contextlib
import errno
import itertools
import logging
import secrets
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from time import monotonic, sleep
from time import perf_counter_ns as clock_ns
from typing import Any, Self, cast
from weakref import WeakSet

import zmq

from ..errors import EndpointError, PushPullError, WorkerStoppedError, WorkerStuckError
from ..jupyter import print_under_this_cell
from ..recording.events import DIGEST_AT, WHOLE_KEY_BYTES, known, known_frame
from .context import Context, warn_of
from .decoding import DECODERS, unreadable
from .timed import REBIND_TIMEOUT_S

_log = logging.getLogger("pushpull_kit")

#: How many failures a worker logs; all are counted, and `errors` keeps the last `ERRORS_KEPT`.
ERRORS_LOGGED = 3
ERRORS_KEPT = 20

#: How long a worker that was never stopped may hold up the end of the interpreter.
EXIT_TIMEOUT_S = 1.0

# Receiving this from its own inproc pipe, a worker looks whether it was asked to stop. No one else
# can send it: it is random, and made anew in each process. Two frames: then only messages that have
# several, which are rare, need to be compared with it.
_WAKE_UP = [secrets.token_bytes(16), b""]
_pipe_numbers = itertools.count(1)

_running: WeakSet[Worker] = WeakSet()


@dataclass(frozen=True, slots=True)
class Failure:
    """One message that failed: what was raised, its traceback as text, its size, and when."""

    error: str
    traceback: str
    n_bytes: int
    recv_ns: int

    def __repr__(self) -> str:
        return f"<Failure: {self.error}, on a message of {self.n_bytes:,} bytes>"


class Worker:
    """Calls `handler` in a thread of its own with each message that arrives at an endpoint.

    Exactly one of `connect` and `bind` is given. `receive` says what the handler gets: `"string"`
    (UTF-8), `"bytes"`, `"json"`, or `"multipart"`, a list of bytes. Pickle is not offered, because
    whoever can send a pickle can run code here (pyzmq's docs on serialization). Further keywords
    are pyzmq's socket options, such as `rcvhwm=10`. `context` defaults to `Context.instance()`.

    A message that cannot be decoded, or whose handler raises (`sys.exit()` included), is recorded
    as failed in `context.timings` and in `errors`, the last `ERRORS_KEPT`; the worker goes on. What
    the handler prints appears under the cell that started the worker.

    Raises `TypeError` or `ValueError` for arguments that make no sense.
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
        if not callable(handler):
            raise TypeError(
                f"handler: expected a function of one argument, the message; got {handler!r}; "
                "give the function's name, without parentheses"
            )
        if (connect is None) == (bind is None):
            raise ValueError(
                "expected exactly one of connect=... and bind=...; got "
                + ("neither" if connect is None else f"both, {connect!r} and {bind!r}")
                + "; connect to an address that a PUSH has bound, bind one that a PUSH connects to"
            )
        endpoint = connect if connect is not None else bind
        if not isinstance(endpoint, str):
            raise TypeError(
                f"expected an endpoint such as 'tcp://127.0.0.1:5559'; got {endpoint!r}; give a str"
            )
        if context is not None and not isinstance(context, Context):
            raise TypeError(
                f"context: expected a pushpull_kit.Context; got {context!r}; make one with "
                "fresh_context() or Context()"
            )
        if not isinstance(receive, str) or receive not in DECODERS:
            remedy = "one of these"
            if "pickle" in str(receive) or "pyobj" in str(receive):
                remedy = "'json': whoever can send a pickle can run code here"
            raise ValueError(
                f"receive: expected one of {', '.join(map(repr, DECODERS))}; got {receive!r}; "
                f"use {remedy}"
            )
        for option in socket_options:
            if option.upper() not in zmq.SocketOption.__members__:
                raise TypeError(
                    f"expected pyzmq's socket options as further keywords, such as rcvhwm=10; got "
                    f"{option!r}; see zmq.SocketOption for their names"
                )
        self.handler = handler
        self.name = name
        self.errors: deque[Failure] = deque(maxlen=ERRORS_KEPT)
        self._mode = "connect" if connect is not None else "bind"
        self._asked = self._endpoint = endpoint
        self._context: Context = Context.instance() if context is None else context
        self._receive = receive
        self._options = socket_options
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._inbox: _Inbox | None = None
        self._stopping = self._keep_socket = False
        self._finished = self._failed = 0
        self._changed = threading.Condition()
        self._awaited: list[int] = []
        self._next_awaited = sys.maxsize

    def __repr__(self) -> str:
        state = "running" if self.running else "not running"
        return (
            f"<Worker {self.name!r}: {self._mode} {self.endpoint}, {state}, "
            f"{self._finished - self._failed:,} handled, {self._failed:,} failed>"
        )

    @property
    def endpoint(self) -> str:
        """The address: once started, the resolved one, with the port that the system chose."""
        return self._endpoint

    @property
    def running(self) -> bool:
        """Whether the worker's thread is alive."""
        # Not asked of Thread.is_alive: when an Interrupt cuts a join short, it says no from then
        # on, whatever the thread does (bpo-45274, Python 3.11). After a fork only the list is true.
        return not self._ended.is_set() and self._thread in threading.enumerate()

    @property
    def finished(self) -> int:
        """How many messages this worker has finished, handled and failed together."""
        return self._finished

    def start(self) -> Self:
        """Start the thread, wait until it is connected or bound, and return self.

        A running worker of the same name in the same context is replaced. If it has the same
        endpoint and options, the new one takes over its socket with all that waits in it; otherwise
        it is stopped, and what waits in its socket is dropped.

        Raises `EndpointError` if the endpoint is malformed or taken, `ValueError` for a bad option
        value, and `WorkerStuckError` if the worker to be replaced does not stop within 5 s.
        """
        if self.running:
            return self
        if self._context.closed:
            raise PushPullError(
                f"expected an open context; got {self._context!r}; make a new one with "
                "fresh_context(), and a new worker with it"
            )
        inbox = None
        last = self._context.workers.get(self.name)
        if isinstance(last, Worker) and last is not self:
            inbox = last._hand_over(keep_socket=last._recipe == self._recipe)
        self._stopping = self._keep_socket = False
        self._ended = threading.Event()
        ready: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._run,
            args=(inbox, ready, print_under_this_cell()),
            name=f"worker {self.name}",
            daemon=True,
        )
        self._context.workers[self.name] = self
        _running.add(self)
        self._thread.start()
        try:
            ready.result(timeout=10)
        except BaseException:
            self.stop()
            raise
        return self

    def wait(self, count: int, timeout: float = 30.0) -> None:
        """Return when this worker has finished `count` messages in all, handled or failed.

        Raises `TimeoutError` after `timeout` seconds, saying how many were, and
        `WorkerStoppedError` if the worker is not running, so that waiting is in vain.
        """
        deadline_s = monotonic() + timeout
        with self._changed:
            self._awaited.append(count)
            self._next_awaited = min(self._awaited)
            try:
                while self._finished < count:
                    if not self.running:
                        raise WorkerStoppedError(
                            f"expected {count:,} finished messages; got {self._finished:,}, and "
                            f"worker {self.name!r} is not running; start() it"
                        )
                    left_s = deadline_s - monotonic()
                    if left_s <= 0:
                        raise TimeoutError(
                            f"expected worker {self.name!r} to finish {count:,} messages in "
                            f"{timeout:g} s; got {self._finished:,} ({self._failed:,} of them "
                            "failed); were so many pushed, and does the handler return?"
                        )
                    # In slices, so that a worker whose thread dies unseen is noticed.
                    self._changed.wait(min(left_s, 0.5))
            finally:
                self._awaited.remove(count)
                self._next_awaited = min(self._awaited, default=sys.maxsize)

    def ask_to_stop(self) -> None:
        """Ask the worker to stop after the message that it has in hand; do not wait for it."""
        self._stopping = True
        inbox = self._inbox
        if inbox is not None:
            # The context may be terminated by now: then the worker knows already.
            with contextlib.suppress(zmq.ZMQError), zmq.Socket(self._context, zmq.PUSH) as pipe:
                pipe.connect(inbox.pipe)
                pipe.send_multipart(_WAKE_UP, zmq.NOBLOCK)

    def stop(self, timeout: float = 5.0) -> None:
        """Stop after the message in hand, and wait until the thread has ended; again does nothing.

        What waits in the socket's queue is dropped: `wait()` first if it matters. Called from the
        handler, it does not wait. Raises `WorkerStuckError` if the handler has not returned within
        `timeout` seconds; the worker still ends as soon as it does.
        """
        thread = self._thread
        if thread is None:
            return
        if self.running:
            self.ask_to_stop()
            if thread is threading.current_thread():
                return
            if not self._ended.wait(timeout):
                raise WorkerStuckError(
                    f"expected worker {self.name!r} to stop within {timeout:g} s; its handler, "
                    f"{_name_of(self.handler)}, has not returned (thread {thread.name!r}). Python "
                    "cannot end a thread: the worker stops when the handler returns, or restart "
                    "the kernel"
                )
        if thread.ident is not None:  # it was started
            thread.join()  # only its last instructions are left
        self._thread = None
        _running.discard(self)
        if self._context.workers.get(self.name) is self:
            del self._context.workers[self.name]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    @property
    def _recipe(self) -> tuple[object, ...]:
        return self._mode, self._asked, self._options

    def _hand_over(self, keep_socket: bool) -> _Inbox | None:
        """Stop; return the socket, still open, if it is to be kept."""
        self._keep_socket = keep_socket
        try:
            self.stop()
        except WorkerStuckError:
            self._keep_socket = False  # nobody will fetch it
            raise
        inbox, self._inbox = self._inbox, None
        if inbox is not None and not keep_socket:
            inbox.socket.close(linger=0)
            return None
        return inbox

    # In the worker's thread.

    def _run(
        self, inbox: _Inbox | None, ready: Future[None], print_under_cell: Callable[[], None]
    ) -> None:
        ended = self._ended
        try:
            print_under_cell()
            try:
                self._inbox = inbox = inbox or self._open()
            except BaseException as error:
                ready.set_exception(error)
                return
            self._endpoint = inbox.endpoint
            ready.set_result(None)
            try:
                self._serve(inbox.socket)
            finally:
                if not self._keep_socket:
                    self._inbox = None
                    inbox.socket.close(linger=0)
        finally:
            ended.set()
            with self._changed:
                self._changed.notify_all()

    def _open(self) -> _Inbox:
        socket = zmq.Socket(self._context, zmq.PULL)
        try:
            for option, value in self._options.items():
                try:
                    setattr(socket, option, value)
                except (zmq.ZMQError, TypeError, ValueError, OverflowError) as error:
                    raise ValueError(
                        f"{option}: expected a value that libzmq takes for this option of a PULL; "
                        f"got {value!r} ({error}); see zmq_setsockopt's manual page"
                    ) from error
            pipe = f"inproc://pushpull-kit-wake-up-{next(_pipe_numbers)}"
            socket.bind(pipe)
            endpoint = self._attach(socket)
        except BaseException:
            socket.close(linger=0)
            raise
        return _Inbox(socket, pipe, endpoint)

    def _attach(self, socket: zmq.Socket[bytes]) -> str:
        """Connect or bind, and return the endpoint as libzmq resolved it."""
        port = self._asked.rpartition(":")[2]
        if port.isdecimal() and int(port) > 65535:  # libzmq would take it modulo 65536
            raise EndpointError(
                f"{self._mode}: expected a port up to 65535; got {self._asked!r}; choose another"
            )
        deadline_s = monotonic() + REBIND_TIMEOUT_S
        while True:
            try:
                getattr(socket, self._mode)(self._asked)
            except zmq.ZMQError as error:
                if error.errno != errno.EADDRINUSE:
                    raise EndpointError(
                        f"{self._mode}: expected an endpoint such as 'tcp://127.0.0.1:5559', "
                        f"'ipc:///tmp/jobs' or 'inproc://jobs'; got {self._asked!r} "
                        f"({error.strerror}); correct it, or choose another"
                    ) from error
                if monotonic() > deadline_s:
                    raise EndpointError(
                        f"bind: expected a free endpoint; {self._asked!r} is taken, by another "
                        "program or by a socket of this one; close that, or bind another port"
                    ) from error
                sleep(0.005)
            else:
                if self._mode == "connect":
                    return self._asked
                return cast(bytes, socket.last_endpoint).decode()

    def _serve(self, socket: zmq.Socket[bytes]) -> None:
        timings = self._context.timings
        track = timings.add_worker(self.name)
        note, begin = track.payloads.append, track.begins.append
        end, ends = track.ends.append, track.ends
        handler, decode = self.handler, DECODERS[self._receive]
        receive, whole = socket.recv, self._receive == "multipart"
        try:
            while not self._stopping:
                try:
                    frame = receive(0, False)
                    track.noting = True  # until `begins` has the instant: readers wait for it
                    recv_ns = clock_ns()
                    payload = frame.bytes
                    others = socket.recv_multipart() if frame.more else None
                except zmq.ContextTerminated:
                    return
                except zmq.Again:  # the learner gave rcvtimeo
                    continue
                if others is None:
                    note(payload if len(payload) <= WHOLE_KEY_BYTES else known_frame(payload))
                elif [payload, *others] == _WAKE_UP:
                    track.noting = False
                    continue
                else:
                    note(known([payload, *others]))
                begin(recv_ns)
                track.noting = False
                try:
                    if decode and others is None:
                        try:
                            message = decode(payload)
                        except (ValueError, RecursionError) as error:
                            raise unreadable(self._receive, payload, error) from error
                        handler(message)
                    elif whole:
                        handler([payload, *(others or ())])
                    elif others is None:
                        handler(payload)
                    else:
                        raise ValueError(
                            f"expected a message of one frame; got {1 + len(others)} frames; "
                            "start the worker with receive='multipart'"
                        )
                except BaseException as error:  # SystemExit too: this thread serves on
                    end(-clock_ns())
                    self._fail(error, len(payload) + sum(map(len, others or ())), recv_ns)
                else:
                    end(clock_ns())
                frame = payload = others = message = None  # type: ignore[assignment]  # may be large
                self._finished += 1
                if self._finished >= self._next_awaited:
                    with self._changed:
                        self._changed.notify_all()
                if len(ends) >= DIGEST_AT:
                    timings.digest()
        finally:
            track.noting, track.closed = False, True

    def _fail(self, error: BaseException, n_bytes: int, recv_ns: int) -> None:
        self._failed += 1
        line = traceback.format_exception_only(error)[-1].strip()[:500]
        text = "".join(traceback.format_exception(error, chain=False))[-20_000:]
        self.errors.append(Failure(line, text, n_bytes, recv_ns))
        if self._failed <= ERRORS_LOGGED:
            _log.warning(
                "worker %r: message %d failed: %s (worker.errors has the traceback%s)",
                self.name,
                self._finished + 1,
                line,
                "; later failures are only counted" if self._failed == ERRORS_LOGGED else "",
            )


@dataclass(frozen=True, slots=True)
class _Inbox:
    """A worker's PULL, the inproc endpoint that wakes it up, and where its messages come from."""

    socket: zmq.Socket[bytes]
    pipe: str
    endpoint: str


def _name_of(function: object) -> str:
    return getattr(function, "__name__", None) or repr(function)


@atexit.register
def _end_with_the_interpreter() -> None:
    workers = [worker for worker in list(_running) if worker.running]
    for worker in workers:
        worker.ask_to_stop()
    deadline_s = monotonic() + EXIT_TIMEOUT_S
    for worker in workers:
        with contextlib.suppress(WorkerStuckError):
            worker.stop(max(0.0, deadline_s - monotonic()))
    warn_of(workers)
