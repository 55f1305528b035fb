"""The context that users make: a zmq.Context with timed sockets, which closes in bounded time."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from threading import get_ident
from time import monotonic
from types import GenericAlias
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import zmq

from ..errors import WorkerStuckError
from ..recording.log import Timings
from .lifecycle import Termination, is_alive
from .pull import TimedPull
from .push import TimedPush
from .strict import StrictPull, StrictPush, StrictSocket
from .timed import TimedSocket

#: How long `fresh_context` waits for what the last context left running.
RETIRE_TIMEOUT_S = 3.0

#: How long a context that is collected as garbage may hold up its thread.
COLLECT_TIMEOUT_S = 1.0

#: How long to wait for libzmq at least, when the time for stopping workers is used up.
MIN_TERMINATE_S = 0.1

_TIMED = {int(zmq.PUSH): TimedPush, int(zmq.PULL): TimedPull}
_STRICT = {int(zmq.PUSH): StrictPush, int(zmq.PULL): StrictPull}


class Stoppable(Protocol):
    """What a context needs to know of a worker."""

    name: str

    def leave_context(self) -> None:
        """Close the worker's socket at once and stop, if its own handler calls this."""

    def ask_to_stop(self) -> None:
        """Ask the worker to stop, without waiting."""

    def stop(self, timeout: float) -> None:
        """Ask the worker to stop, and wait until it has."""


class Context(zmq.Context[zmq.Socket[bytes]]):
    """A `zmq.Context` that times its PUSH and PULL sockets; `timings` is the log of their messages.

    Takes the arguments of `zmq.Context` as well. Other socket types are pyzmq's own, and so are the
    sockets of a subclass that has a `_socket_class`. Not timed are sockets that a program makes
    without this context's `socket`: `zmq.Socket(context, zmq.PUSH)`, shadow sockets, and those of
    `zmq.asyncio`. A timed socket refuses a second thread while one is in it, where libzmq could
    abort the process. Two things differ from pyzmq:

    - `destroy` stops the context's workers.
    - A context that is dropped without being closed is terminated when it is collected. That takes
      `COLLECT_TIMEOUT_S` at most; messages that are not sent by then are left to a thread. pyzmq
      would wait without limit (https://github.com/zeromq/pyzmq/issues/102). If the program ends
      meanwhile, these messages are lost; with pyzmq the program would not end.

    Args:
        strict: whether each timed socket belongs to the thread that first sends, receives or polls,
            until it ends or calls the socket's `hand_over`. Any other thread gets
            `WrongThreadError`. If false, threads may take turns, as in pyzmq.

    >>> import zmq
    >>> with Context() as context:
    ...     pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    ...     endpoint = pull.bind("inproc://jobs").addr
    ...     connected = push.connect(endpoint)
    ...     push.send_string("wash")
    ...     pull.recv_string()
    ...     pull.close()
    ...     push.close()
    ...     len(context.timings)
    'wash'
    1
    """

    timings: Timings
    workers: dict[str, Stoppable]
    workers_lock: AbstractContextManager[object]  # for short changes of workers and their runs
    _creators: WeakKeyDictionary[Any, int]  # of each socket, the thread that made it
    _termination: Termination | None = None  # made when it is needed: it refers to the context
    _instance: Any = None  # not to be shared with zmq.Context.instance()
    _instance_lock = threading.Lock()
    _classes: dict[int, Any]  # of timed sockets, by type

    # `Context[zmq.Socket]` is allowed, as for pyzmq's.
    __class_getitem__ = classmethod(GenericAlias)  # type: ignore[var-annotated]

    def __init__(self, *args: Any, strict: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._classes = _STRICT if strict else _TIMED
        self.timings = Timings()
        self.workers = {}
        self.workers_lock = threading.RLock()
        self._creators = WeakKeyDictionary()

    def socket(self, socket_type: int, socket_class: Any = None, **kwargs: Any) -> Any:
        """Return a timed socket for PUSH and PULL, and pyzmq's own for any other type.

        Args:
            socket_type: such as `zmq.PUSH`.
            socket_class: the class to use instead.
            kwargs: passed on to the class.
        """
        if socket_class is None and self._socket_class is zmq.Socket:
            # pyzmq refuses what is no type of socket.
            socket_class = next((c for t, c in self._classes.items() if t == socket_type), None)
        socket: Any = super().socket(socket_type, socket_class, **kwargs)
        self._creators[socket] = get_ident()
        return socket

    def term(self) -> None:
        """Terminate as pyzmq does. A worker that is still running ends, with a warning.

        The worker whose handler calls this closes its socket and stops, without a warning.
        """
        if self.closed:
            return
        self._leave_handler()
        warn_of_running(list(self.workers.values()))
        # If another thread is already in zmq_ctx_term, a second call would deadlock.
        self._only_termination().run()

    def destroy(self, linger: int | None = None) -> None:
        """Stop the workers, close the sockets and terminate.

        The worker whose handler calls this closes its socket and stops, without a warning.

        Args:
            linger: how long to keep unsent messages, in ms. The sockets' own linger, if left out.

        Raises:
            WrongThreadError: another thread owns a socket. Nothing is closed then.
            WorkerStuckError: a worker does not stop.
        """
        if self.closed:
            return
        for socket in self.open_sockets():
            if isinstance(socket, TimedSocket):
                socket.check_thread()
        self._leave_handler()
        workers = list(self.workers.values())
        warn_of_running(workers)
        for worker in workers:
            worker.stop(RETIRE_TIMEOUT_S)
        super().destroy(linger)

    def open_sockets(self) -> list[zmq.Socket[Any]]:
        """Return the sockets that `socket` has made and that are not closed."""
        return [socket for socket in list(self._sockets) if not socket.closed]

    def __del__(self) -> None:
        if self._shadow or getattr(self, "closed", True) or sys.is_finalizing():
            return
        warnings.warn(f"Unclosed context {self!r}", ResourceWarning, stacklevel=2, source=self)
        for socket in self.open_sockets():
            if not self._belongs_elsewhere(socket):
                socket.close()
        self.terminate_within(COLLECT_TIMEOUT_S)

    def _belongs_elsewhere(self, socket: zmq.Socket[bytes]) -> bool:
        """Return whether another thread, which is alive, uses this socket."""
        if isinstance(socket, TimedSocket) and socket.belongs_elsewhere():
            return True
        if isinstance(socket, StrictSocket):
            return False
        creator = self._creators.get(socket)
        return creator not in (None, get_ident()) and is_alive(creator)

    def retire(self, timeout: float) -> None:
        """Stop the workers, close the sockets with linger 0 and terminate.

        A `RuntimeWarning` names what could not be ended in time. It ends by itself later.

        Args:
            timeout: how long all this may take, in seconds.
        """
        deadline_s = monotonic() + timeout
        self._leave_handler()
        left = self._stop_workers(deadline_s)
        for socket in self.open_sockets():
            if self._belongs_elsewhere(socket):
                left.append(f"{socket!r} belongs to a thread that is still running")
            else:
                socket.close(linger=0)
        if not self.terminate_within(max(MIN_TERMINATE_S, deadline_s - monotonic())):
            warnings.warn(
                f"the last context could not be closed in {timeout:g} s: "
                + ("; ".join(left) or "a socket of it is open")
                + ". It is left behind and will end when they do; an address that they hold is "
                "taken until then",
                RuntimeWarning,
                stacklevel=3,
            )

    def _leave_handler(self) -> None:
        """If the handler of a worker calls this, let that worker close its socket and stop."""
        for worker in list(self.workers.values()):
            worker.leave_context()

    def _stop_workers(self, deadline_s: float) -> list[str]:
        """Stop all workers, and say which of them are stuck."""
        workers = list(self.workers.values())
        for worker in workers:
            worker.ask_to_stop()
        stuck = []
        for worker in workers:
            try:
                worker.stop(max(0.0, deadline_s - monotonic()))
            except WorkerStuckError:
                stuck.append(f"worker {worker.name!r} is still in its handler")
        return stuck

    def terminate_within(self, timeout: float) -> bool:
        """Terminate in a thread, and wait at most `timeout` seconds for the end.

        Args:
            timeout: how long to wait, in seconds.

        Returns:
            Whether the context was terminated in time. If not, the thread goes on.
        """
        return self._only_termination().wait(timeout)

    def _only_termination(self) -> Termination:
        """Return what all callers share, so that zmq_ctx_term is called once."""
        termination = Termination(super().term, "context-term")
        only: Termination = vars(self).setdefault("_termination", termination)
        return only


def warn_of_running(workers: Sequence[Stoppable]) -> None:
    """Warn that these workers should have been stopped."""
    for worker in workers:
        warnings.warn(
            f"{worker!r} was not stopped: call its stop(), or use it in a with statement",
            ResourceWarning,
            stacklevel=3,
        )


_fresh_lock = threading.Lock()


def fresh_context() -> Context:
    """Return a new `Context`, and close the one that this function returned last.

    The old one's workers are stopped, and its sockets are closed with linger 0, so messages that
    they had not delivered are dropped. That makes it safe to run the first cell of a notebook again
    and again, on a fixed port. It takes `RETIRE_TIMEOUT_S` at most; a `RuntimeWarning` names what
    does not end in time.

    Returns:
        The new context, which is strict, see `Context`. It is also `Context.instance()`.

    >>> context = fresh_context()
    >>> context is Context.instance()
    True
    >>> fresh_context() is context, context.closed
    (False, True)
    """
    with _fresh_lock:
        last = Context._instance
        if last is not None and not last.closed and Context._instance_pid == os.getpid():
            last.retire(RETIRE_TIMEOUT_S)
        Context._instance, Context._instance_pid = Context(strict=True), os.getpid()
        fresh: Context = Context._instance
        return fresh
