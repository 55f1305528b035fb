"""Where an answer runs: whatever it does there ends, in bounded time, and nothing is left open.

An answer may block, loop, leave threads or contexts behind, close what it was given, print without
end. So it runs in a thread of its own, its *family* being that thread and those it starts, and
what the family makes is noted. In the end every context is terminated, which wakes what blocks in
a socket with ContextTerminated; a family that still runs is sent SystemExit; then the sockets are
closed. Each step is bounded. What stays is named in `left`.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import traceback
from collections.abc import Callable
from threading import Thread, current_thread
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self

import zmq
from zmq.utils.garbage import GarbageCollectorThread

from ...sockets.context import Context
from ...sockets.timed import TimedSocket
from ...sockets.worker import Worker

#: How long each step of the end may take.
GRACE_S = 1.0

#: How often an answer that loops is told to end in that time.
TRIES = 3

#: What is unsent when an answer closes its socket is delivered within this time, or dropped:
#: pyzmq's own default would wait for a peer for ever (pyzmq #102).
LINGER_MS = 500

#: How much of what an answer prints is kept, in characters.
PRINTED_KEPT = 2_000


class Sandbox:
    """A context, and all that one answer makes. Used in a `with`: everything ends with it."""

    def __init__(self) -> None:
        self.family: list[Thread] = []
        self.printed = ""
        self.printed_total = 0
        self.left: list[str] = []
        self.own_contexts = 0
        # Not asked of Thread.is_alive: when a join is cut short by an Interrupt or a SystemExit it
        # says no of a thread that runs (Python 3.11), whose sockets would be closed in its hands.
        self._alive: set[Thread] = set()
        self._contexts: list[zmq.Context[Any]] = []
        self._gates: list[threading.Event] = []
        self._in_term: dict[Thread, zmq.Context[Any]] = {}
        self._terms: list[Thread] = []
        self.context = Context()
        self._adopt(self.context)

    def __enter__(self) -> Self:
        self._undo = [
            _replaced(Thread, "start", self._starting(Thread.start)),
            _replaced(zmq.Context, "__init__", self._making(zmq.Context.__init__)),
            _replaced(sys, "stdout", _Printed(self, sys.stdout)),
        ]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        try:
            self._end()
        finally:
            for undo in reversed(self._undo):
                undo()

    def _starting(self, plain: Callable[..., None]) -> Callable[..., None]:
        def start(thread: Thread) -> None:
            if current_thread() in self.family and not isinstance(thread, GarbageCollectorThread):
                self.start_in_family(thread)
            else:
                plain(thread)

        self._plain_start = plain
        return start

    def start_in_family(self, thread: Thread) -> None:
        """Start a thread of the answer's: it ends without a word, and can be left behind."""
        thread.daemon = True  # one that stays must not hold up the end of the kernel
        thread.run = self._noting(thread.run)  # type: ignore[method-assign]
        self.family.append(thread)
        self._alive.add(thread)
        self._plain_start(thread)

    def _making(self, plain: Callable[..., None]) -> Callable[..., None]:
        def init(context: zmq.Context[Any], *args: Any, **kwargs: Any) -> None:
            plain(context, *args, **kwargs)
            if current_thread() in self.family and not context._shadow:
                self.own_contexts += 1
                self._adopt(context)

        return init

    def _noting(self, plain: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                plain()
            except (SystemExit, zmq.ContextTerminated):
                pass  # the check's way to end it
            except BaseException as error:
                what = traceback.format_exception_only(error)[-1]
                self.note_printed(f"{current_thread().name}: {what}")
            finally:
                self._alive.discard(current_thread())

        return run

    def _adopt(self, context: zmq.Context[Any]) -> None:
        """Have a context that can be ended in bounded time, and terminated by two threads."""
        context.setsockopt(zmq.LINGER, LINGER_MS)
        lock = threading.Lock()

        def term() -> None:
            self._in_term[current_thread()] = context
            with lock:
                if not context.closed:
                    zmq.Context.term(context)
            del self._in_term[current_thread()]

        vars(context)["term"] = term  # pyzmq would take an attribute for an option
        self._contexts.append(context)

    def note_printed(self, text: str) -> None:
        """Keep the beginning of what is printed, and count the rest."""
        self.printed += text[: PRINTED_KEPT - len(self.printed)]
        self.printed_total += len(text)

    # The end.

    def _running(self) -> list[Thread]:
        """Return the threads that run now, but those that wait for a context to be closed."""
        workers = [worker for worker in self._workers() if worker.running]
        threads = {*self._alive, *(worker._thread for worker in workers)}
        return [t for t in threads if t is not None and t not in self._in_term]

    def _workers(self) -> list[Worker]:
        contexts = [context for context in self._contexts if isinstance(context, Context)]
        workers = [worker for context in contexts for worker in context.workers.values()]
        return [worker for worker in workers if isinstance(worker, Worker)]

    def _end(self) -> None:
        for gate in self._gates:
            gate.set()
        for worker in self._workers():
            worker.ask_to_stop()
        if self._alive:
            self._terminate()
        if not wait_until(lambda: not self._running(), GRACE_S):
            for _ in range(TRIES):  # one that arrives in the middle of a callback is lost
                for thread in self._running():
                    _send_system_exit(thread)
                if wait_until(lambda: not self._running(), GRACE_S / TRIES):
                    break
        if self._running():  # sockets that may be in use: to be closed when they are not
            Thread(target=self._close, name="check-close", daemon=True).start()
        else:
            self._close()
        self._terminate()
        wait_until(lambda: not (self._alive or self._open()), GRACE_S)
        self.left += sorted({thread.name for thread in (*self._alive, *self._running())})
        for worker in self._workers():
            if not worker.running:
                worker.stop(0)

    def _close(self) -> None:
        while self._running():
            sleep(0.1)
        for context in self._contexts:
            for socket in list(context._sockets):
                disowned(socket).close(linger=0)

    def _open(self) -> list[zmq.Context[Any]]:
        return [context for context in self._contexts if not context.closed]

    def _terminate(self) -> None:
        """Have each context terminated by a thread: it takes until its sockets are closed."""
        if not self._terms:
            self._terms = [
                Thread(target=vars(context)["term"], name="check-term", daemon=True)
                for context in self._open()
            ]
            for thread in self._terms:
                thread.start()


class _Printed:
    """Standard output that keeps what the family prints apart."""

    def __init__(self, box: Sandbox, plain: Any) -> None:
        self._box, self._plain = box, plain

    def write(self, text: str) -> int:
        if current_thread() not in self._box.family:
            return int(self._plain.write(text))
        self._box.note_printed(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)


def _replaced(owner: Any, name: str, new: Any) -> Callable[[], None]:
    """Set an attribute, and return what sets it back."""
    plain = getattr(owner, name)
    setattr(owner, name, new)
    return lambda: setattr(owner, name, plain)


def _send_system_exit(thread: Thread) -> None:
    """Raise SystemExit in a thread at its next step of Python; one that waits in C never gets it.

    Not an exception of ours, because threads end by this one without a word.
    """
    ident = ctypes.c_ulong(thread.ident or 0)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(SystemExit))


def disowned(socket: Any) -> Any:
    """Return the socket, to be owned by the next thread that uses it."""
    if isinstance(socket, TimedSocket):
        socket.disown()
    return socket


def wait_until(condition: Callable[[], object], within_s: float) -> bool:
    """Wait for a condition; return whether it came true in time."""
    deadline_s = monotonic() + within_s
    while not condition():
        if monotonic() > deadline_s:
            return False
        sleep(0.001)
    return True
