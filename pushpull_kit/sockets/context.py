"""A zmq.Context that makes timed sockets, and that can be closed in bounded time."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Sequence
from threading import get_ident
from time import monotonic
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import zmq

from ..errors import WorkerStuckError
from ..recording.log import Timings
from .timed import TimedPull, TimedPush, TimedSocket, is_alive

#: How long `fresh_context` waits for what the last context left running.
RETIRE_TIMEOUT_S = 3.0

#: How long the collection of a forgotten context may take.
COLLECT_TIMEOUT_S = 1.0


class Stoppable(Protocol):
    """What a context asks of a worker."""

    name: str

    def ask_to_stop(self) -> None:
        """Ask, without waiting."""

    def stop(self, timeout: float) -> None:
        """Ask, and wait until it has stopped."""


class Context(zmq.Context[zmq.Socket[bytes]]):
    """A `zmq.Context` that times its PUSH and PULL sockets; `timings` is the log of their messages.

    Other socket types are pyzmq's own. It differs from `zmq.Context` in two ways: `destroy` stops
    its workers; and a forgotten one, when it is collected, holds its process up for a second at
    most, and leaves what is unsent to a thread, where pyzmq may wait for ever (pyzmq #102).
    """

    timings: Timings
    workers: dict[str, Stoppable]
    _creators: WeakKeyDictionary[Any, int]
    _ended: threading.Event | None = None  # set when the thread that terminates this has done so
    _instance: Any = None  # not to be shared with zmq.Context.instance()
    _instance_lock = threading.Lock()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.timings = Timings()
        self.workers = {}
        self._creators = WeakKeyDictionary()

    def socket(self, socket_type: int, socket_class: Any = None, **kwargs: Any) -> Any:
        """Return a timed socket for PUSH and PULL, or else pyzmq's own."""
        if socket_class is None:
            timed = {int(zmq.PUSH): TimedPush, int(zmq.PULL): TimedPull}
            socket_class = timed.get(int(socket_type), zmq.Socket)
        socket: Any = super().socket(socket_type, socket_class, **kwargs)
        if isinstance(socket, TimedSocket):
            socket.disown()  # setting this context's default options is not use
        else:
            self._creators[socket] = get_ident()
        return socket

    def term(self) -> None:
        """Terminate as pyzmq does; a worker that is still running ends, and a warning tells."""
        if not self.closed:
            warn_of(list(self.workers.values()))
        if self._ended is None:
            super().term()
        else:  # libzmq is told already, and two threads that tell it wait for each other
            self._ended.wait()

    def destroy(self, linger: int | None = None) -> None:
        """Stop the workers, close the sockets and terminate.

        Raises `WrongThreadError`, before anything is closed, if another thread owns a socket, and
        `WorkerStuckError` if a worker does not stop.
        """
        if self.closed:
            return
        for socket in list(self._sockets):
            if isinstance(socket, TimedSocket) and not socket.closed:
                socket._guard()
        workers = list(self.workers.values())
        warn_of(workers)
        for worker in workers:
            worker.stop(RETIRE_TIMEOUT_S)
        super().destroy(linger)

    def __del__(self) -> None:
        if self._shadow or getattr(self, "closed", True) or sys.is_finalizing():
            return
        warnings.warn(f"Unclosed context {self!r}", ResourceWarning, stacklevel=2, source=self)
        for socket in list(self._sockets):
            if not socket.closed and not self._is_elsewhere(socket):
                socket.close()
        self._term_within(COLLECT_TIMEOUT_S)

    def _is_elsewhere(self, socket: zmq.Socket[bytes]) -> bool:
        if isinstance(socket, TimedSocket):
            return socket.belongs_elsewhere()
        creator = self._creators.get(socket)
        return creator not in (None, get_ident()) and is_alive(creator)

    def retire(self, timeout: float) -> None:
        """Stop the workers, close the sockets with linger 0 and terminate, in `timeout` seconds.

        What could not be ended in time is named in a `RuntimeWarning` and left to end by itself.
        """
        deadline_s = monotonic() + timeout
        holders = []
        workers = list(self.workers.values())
        for worker in workers:
            worker.ask_to_stop()
        for worker in workers:
            try:
                worker.stop(max(0.0, deadline_s - monotonic()))
            except WorkerStuckError:
                holders.append(f"worker {worker.name!r} is still in its handler")
        for socket in list(self._sockets):
            if not socket.closed:
                if self._is_elsewhere(socket):
                    holders.append(f"{socket!r} belongs to a thread that is still running")
                else:
                    socket.close(linger=0)
        if not self._term_within(max(0.1, deadline_s - monotonic())):
            warnings.warn(
                f"the last context could not be closed in {timeout:g} s: "
                + ("; ".join(holders) or "a socket of it is open")
                + ". It is left behind and will end when they do; an address that they hold is "
                "taken until then",
                RuntimeWarning,
                stacklevel=3,
            )

    def _term_within(self, timeout: float) -> bool:
        """Terminate; if that takes longer, leave it to a thread, and return `False`.

        libzmq waits, for ever if need be, until others have closed their sockets and what is
        unsent has found a receiver. It is told once, however often this is called.
        """
        if self._ended is None:
            self._ended = ended = threading.Event()

            def end() -> None:
                try:
                    super(Context, self).term()
                finally:
                    ended.set()

            threading.Thread(target=end, name="context-term", daemon=True).start()
        return self._ended.wait(timeout)  # not a join: see Worker.running


def warn_of(workers: Sequence[Stoppable]) -> None:
    """Tell that these workers should have been stopped."""
    for worker in workers:
        warnings.warn(
            f"{worker!r} was not stopped: call its stop(), or use it in a with statement",
            ResourceWarning,
            stacklevel=3,
        )


_fresh_lock = threading.Lock()


def fresh_context() -> Context:
    """Return a new `Context`, having closed the one that this function returned last.

    Its workers are stopped and its sockets closed with linger 0, so what they had not yet delivered
    is dropped. So the first cell of a notebook can be run again and again, on a fixed port. Takes
    `RETIRE_TIMEOUT_S` at most; what does not end in time is named in a `RuntimeWarning`. The new
    context is also `Context.instance()`.
    """
    with _fresh_lock:
        last = Context._instance
        if last is not None and not last.closed and Context._instance_pid == os.getpid():
            last.retire(RETIRE_TIMEOUT_S)
        Context._instance, Context._instance_pid = Context(), os.getpid()
        fresh: Context = Context._instance
        return fresh
