"""How threads, sockets and contexts end: joins, one termination only, retries, time limits."""

from __future__ import annotations

import ctypes
import errno
import threading
from collections.abc import Callable
from time import monotonic, sleep
from typing import Any

import zmq

#: `close` returns before libzmq frees the port; it is free a few ms later (libzmq #2772).
REBIND_TIMEOUT_S = 0.5

#: How often a busy address is tried again.
REBIND_INTERVAL_S = 0.005


class BackgroundThread(threading.Thread):
    """A daemon thread whose end can be waited for safely, also when Ctrl-C interrupts the wait.

    In Python 3.11 a KeyboardInterrupt in `Thread.join` marks a running thread as ended (bpo-45274).
    So `wait` waits for an event that the thread sets last, and joins only then.

    Args:
        target: what the thread calls, without arguments.
        name: the thread's name, as errors and `threading.enumerate` show it.
        on_end: called in the thread, after it counts as ended.
    """

    def __init__(
        self, target: Callable[[], None], name: str, on_end: Callable[[], None] | None = None
    ) -> None:
        super().__init__(target=target, name=name, daemon=True)
        self._has_ended = threading.Event()
        self._on_end = on_end

    def run(self) -> None:
        """Call the target. `start` calls this in the new thread."""
        try:
            super().run()
        finally:
            self._has_ended.set()
            if self._on_end is not None:
                self._on_end()

    @property
    def running(self) -> bool:
        """Whether the thread was started and has not ended. False in a forked child process."""
        return not self._has_ended.is_set() and self in threading.enumerate()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most `timeout` seconds for the end, and return whether it was reached."""
        if self.running and not self._has_ended.wait(timeout):
            return False
        if self.ident is not None:  # it was started
            self.join()  # it has at most a few instructions left
        return True


class Termination:
    """Terminates a context once, in a thread of its own, for any number of callers.

    `zmq_ctx_term` wakes every thread that waits in a socket of the context, and then waits without
    limit until all sockets are closed and unsent messages are gone. A second call beside a first
    one would deadlock. So one thread calls it, and callers wait as long as they choose.

    Args:
        terminate: calls `zmq_ctx_term`, such as `zmq.Context.term` bound to a context.
        name: the thread's name.
    """

    def __init__(self, terminate: Callable[[], object], name: str) -> None:
        self._terminate, self._name = terminate, name
        self._lock = threading.Lock()
        self._started = False
        self._has_ended = threading.Event()

    def start(self) -> None:
        """Start to terminate the context. Later calls do nothing."""
        with self._lock:
            if self._started:
                return
            self._started = True
            threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def wait(self, timeout: float | None = None) -> bool:
        """Start if necessary, wait at most `timeout` seconds, and return whether it has ended."""
        self.start()
        return self._has_ended.wait(timeout)

    def _run(self) -> None:
        try:
            self._terminate()
        finally:
            del self._terminate  # it refers to the context
            self._has_ended.set()


def bind_with_retry(bind: Callable[[str], Any], endpoint: str) -> Any:
    """Bind; if a socket that was just closed still has the address, wait `REBIND_TIMEOUT_S` for it.

    Args:
        bind: the socket's method.
        endpoint: where to bind.

    Returns:
        What `bind` returns.

    Raises:
        zmq.ZMQError: the address is still in use after that time, or another error at once.
    """
    deadline_s = monotonic() + REBIND_TIMEOUT_S
    while True:
        try:
            return bind(endpoint)
        except zmq.ZMQError as error:
            if error.errno != errno.EADDRINUSE or monotonic() > deadline_s:
                raise
            sleep(REBIND_INTERVAL_S)


def raise_in_thread(ident: int | None, exception: type[BaseException] | None) -> None:
    """Have Python raise an exception in another thread when that thread next runs Python code.

    A thread that waits in a C function, such as `time.sleep`, gets it when that function returns.

    Args:
        ident: the thread's `ident`. An unknown one is ignored.
        exception: the exception's class, or `None` to withdraw one that was not raised yet.
    """
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(ident or 0), ctypes.py_object(exception) if exception else None
    )


def is_alive(ident: int | None) -> bool:
    """Return whether a thread with this `ident` runs."""
    return any(thread.ident == ident for thread in threading.enumerate())
