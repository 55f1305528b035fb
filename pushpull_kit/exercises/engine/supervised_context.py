"""A context that an answer uses: the check can end it even if the answer blocks or ends it."""

from __future__ import annotations

import threading
from threading import Thread, current_thread
from typing import Any

import zmq

from ...sockets.context import Context
from ...sockets.lifecycle import Termination
from ...sockets.timed import TimedSocket
from ...sockets.worker import Worker

#: When an answer closes a socket, its unsent messages are delivered within this time or dropped.
#: pyzmq's default waits without limit for a receiver (pyzmq #102).
LINGER_MS = 500


class SupervisedContext:
    """A context that an answer uses, with a `term` that several threads may call.

    The answer may terminate its context (by `term`, `destroy` or a `with`), and so does the check.
    Two calls of `zmq_ctx_term` at once would deadlock. So the context gets another `term`: one
    thread calls `zmq_ctx_term`, and the others wait.

    Args:
        context: the context, just made.
    """

    def __init__(self, context: zmq.Context[Any]) -> None:
        self.context = context
        self._waiting: set[Thread] = set()
        self._term_lock = threading.Lock()
        self._termination = Termination(self._term, "check-term")
        context.setsockopt(zmq.LINGER, LINGER_MS)
        vars(context)["term"] = self._term  # pyzmq would take an attribute for a socket option

    @property
    def threads_in_term(self) -> frozenset[Thread]:
        """The threads that wait for this context's end now."""
        return frozenset(self._waiting)

    @property
    def workers(self) -> list[Worker]:
        """The workers of this context."""
        if not isinstance(self.context, Context):
            return []
        workers = list(self.context.workers.values())
        return [worker for worker in workers if isinstance(worker, Worker)]

    def start_to_terminate(self) -> None:
        """Start to terminate in a thread: this wakes each thread that waits in a socket."""
        if not self.context.closed:
            self._termination.start()

    def close_sockets(self) -> None:
        """Close all sockets with linger 0. No other thread may be using one."""
        for socket in list(self.context._sockets):
            disowned(socket).close(linger=0)

    def _term(self) -> None:
        thread = current_thread()
        self._waiting.add(thread)
        try:
            with self._term_lock:
                if not self.context.closed:
                    zmq.Context.term(self.context)
        finally:
            self._waiting.discard(thread)


def disowned(socket: Any) -> Any:
    """Return the socket, which the next thread that uses it owns."""
    if isinstance(socket, TimedSocket):
        socket.hand_over()
    return socket
