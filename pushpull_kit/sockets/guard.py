"""Knows which thread is in a socket, and refuses a second one."""

from __future__ import annotations

import sys
import threading
from threading import get_ident
from types import FrameType

from ..errors import WrongThreadError
from ..recording import quick
from ..recording.quick import SOME_THREAD
from .lifecycle import is_alive


class Guard:
    """Lets one thread at a time into a socket.

    libzmq's sockets are not thread-safe: two threads in one socket at the same moment corrupt its
    state or abort the process (https://github.com/zeromq/pyzmq/issues/1782). One after the other
    is allowed. With a GIL nothing comes between the test and the setting of `thread`: Python
    switches threads after calls and loops only, and there are none between. Without a GIL two
    threads may both pass if they enter in the same instant, as they may in plain pyzmq.

    Args:
        socket_type: such as `"PUSH"`, for errors.
    """

    __slots__ = ("_socket_type", "thread")

    def __init__(self, socket_type: str) -> None:
        self.thread = 0  # the ident of the thread in the socket, or `SOME_THREAD`; 0 if none is
        self._socket_type = socket_type

    def enter(self) -> int:
        """Enter the socket. Set `thread` to what this returns when leaving.

        Returns:
            What `thread` was: not 0 if a signal handler enters a socket that its thread is in.

        Raises:
            WrongThreadError: another thread is in the socket.
        """
        ident = get_ident()
        while self.thread:
            user = self._ident()
            if user == ident:
                break
            if user:  # otherwise it has left meanwhile
                raise WrongThreadError(
                    f"expected one thread at a time in this {self._socket_type} socket; got "
                    f"{threading.current_thread().name!r} while {_name(user)!r} was in it. "
                    "libzmq's sockets are not thread-safe: put a lock around their use, make a "
                    "socket in each thread, or hand the message over with a queue.Queue"
                )
        previous, self.thread = self.thread, ident
        return previous

    def is_used_elsewhere(self) -> bool:
        """Return whether another thread is in the socket now."""
        return self._ident() not in (0, get_ident())

    def _ident(self) -> int:
        """Return the ident of the thread that is in the socket, or 0."""
        if self.thread != SOME_THREAD:
            return self.thread
        for ident, frame in sys._current_frames().items():
            if self._is_called_from(frame):
                return ident
        return 0

    def _is_called_from(self, frame: FrameType | None) -> bool:
        """Return whether the thread of a frame is inside of a quick method of this socket."""
        while frame is not None:
            if frame.f_code.co_filename == quick.__file__:
                variables = frame.f_locals
                if variables.get("guard") is self and "inside" in variables:
                    return True
            frame = frame.f_back
        return False


class Owner:
    """The thread to which a socket of a strict context belongs.

    Args:
        socket_type: such as `"PUSH"`, for errors.
    """

    __slots__ = ("_ident", "_socket_type")

    def __init__(self, socket_type: str) -> None:
        self._ident: int | None = None
        self._socket_type = socket_type

    def claim(self) -> None:
        """Own the socket.

        Raises:
            WrongThreadError: another thread, which is alive, owns it.
        """
        if self._ident == get_ident():
            return
        self.check()
        self._ident = get_ident()

    def check(self) -> None:
        """Raise `WrongThreadError` if another thread, which is alive, owns the socket."""
        if self.is_elsewhere():
            raise WrongThreadError(
                f"expected {_name(self._ident)!r} to use this {self._socket_type} socket, because "
                f"it sent, received or polled first; got {threading.current_thread().name!r}. "
                "libzmq's sockets are not thread-safe: make a socket in each thread, from the same "
                "context, or hand the message over with a queue.Queue. If the first thread has "
                "done with it, call its hand_over() there"
            )

    def release(self) -> None:
        """Let the next thread that uses the socket own it."""
        self._ident = None

    def is_elsewhere(self) -> bool:
        """Return whether another thread, which is alive, owns the socket."""
        return self._ident not in (None, get_ident()) and is_alive(self._ident)


def _name(ident: int | None) -> str:
    return next((thread.name for thread in threading.enumerate() if thread.ident == ident), "?")
