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

#: How many addresses that were given up are remembered: the newest.
MAX_RELEASED = 1_000

# When this process gave up an address, by `_address`: seconds, as `monotonic` gives them. A lock
# could deadlock, because garbage collection may close a socket anywhere. A dict's operations are
# atomic.
_released_s: dict[tuple[str, str], float] = {}


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

    def run(self) -> None:
        """Terminate in the calling thread, or wait for the thread that does it already."""
        with self._lock:
            is_first, self._started = not self._started, True
        if not is_first:
            self._has_ended.wait()
            return
        try:
            self._terminate()
        except BaseException:  # such as an Interrupt: the context can be terminated again
            self._started = False
            raise
        self._finish()

    def _run(self) -> None:
        try:
            self._terminate()
        finally:
            self._finish()

    def _finish(self) -> None:
        del self._terminate  # it refers to the context
        self._has_ended.set()


def note_released(endpoint: str | bytes) -> None:
    """Note that a socket of this process has just given up an address that it had bound.

    Args:
        endpoint: the resolved endpoint, such as `zmq.Socket.last_endpoint` gives it.
    """
    address = _address(endpoint)
    _released_s.pop(address, None)  # so that the newest is the last
    _released_s[address] = monotonic()
    if len(_released_s) > MAX_RELEASED:
        for old in list(_released_s)[: MAX_RELEASED // 2]:
            _released_s.pop(old, None)


def _address(endpoint: str | bytes) -> tuple[str, str]:
    """Return what two endpoints share that cannot be bound at the same time."""
    text = endpoint.decode(errors="replace") if isinstance(endpoint, bytes) else endpoint
    transport, _, rest = text.rstrip("\0").partition("://")
    # The port is enough for TCP: `*` contains every interface.
    return transport, rest.rpartition(":")[2] if transport == "tcp" else rest


def bind_with_retry(bind: Callable[[str], Any], endpoint: str) -> Any:
    """Bind. Wait at most `REBIND_TIMEOUT_S` for an address that this process has just given up.

    An address that another program or an open socket holds is not waited for.

    Args:
        bind: the socket's method.
        endpoint: where to bind.

    Returns:
        What `bind` returns.

    Raises:
        zmq.ZMQError: the address is in use, or another error.
    """
    deadline_s = monotonic() + REBIND_TIMEOUT_S
    while True:
        try:
            result = bind(endpoint)
        except zmq.ZMQError as error:
            may_become_free = _just_released(endpoint) and monotonic() < deadline_s
            if error.errno != errno.EADDRINUSE or not may_become_free:
                raise
            sleep(REBIND_INTERVAL_S)
        else:
            _released_s.pop(_address(endpoint), None)
            return result


def _just_released(endpoint: str) -> bool:
    released_s = _released_s.get(_address(endpoint))
    return released_s is not None and monotonic() < released_s + REBIND_TIMEOUT_S


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
