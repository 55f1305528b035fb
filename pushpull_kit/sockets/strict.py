"""Timed sockets that belong to one thread: those of a strict context."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..recording.quick import DEFAULT_COPY, DEFAULT_FLAGS, DEFAULT_TRACK
from .guard import Owner
from .pull import TimedPull
from .push import TimedPush
from .timed import TimedSocket


class StrictSocket(TimedSocket):
    """A socket that belongs to the thread that first sends, receives or polls.

    Setting up (options, `bind`, `connect`, `monitor`) is not use. Until its thread ends or calls
    `hand_over`, any other thread that uses the socket gets `WrongThreadError`.
    """

    _owner: Owner

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._owner = Owner(self._kind)
        super().__init__(*args, **kwargs)

    def __del__(self) -> None:
        self._owner.release()  # no other thread has a reference any more
        super().__del__()

    def hand_over(self) -> None:
        """Let the next thread that uses the socket own it.

        Raises:
            WrongThreadError: another thread, which is alive, owns the socket.

        >>> import zmq
        >>> from pushpull_kit import Context
        >>> with Context(strict=True) as context:
        ...     with context.socket(zmq.PUSH) as push:
        ...         ready = push.poll(0, zmq.POLLOUT)  # this thread owns the socket
        ...         push.hand_over()
        """
        self._owner.check()
        self._owner.release()

    def check_thread(self) -> None:
        """Raise `WrongThreadError` if another thread is in this socket now, or owns it."""
        self._owner.check()
        super().check_thread()

    def belongs_elsewhere(self) -> bool:
        """Return whether another thread is in this socket now, or owns it and is alive."""
        return super().belongs_elsewhere() or self._owner.is_elsewhere()

    def _claim(self) -> None:
        self._owner.claim()

    def close(self, linger: int | None = None) -> None:
        """Close as pyzmq does, from the owner's thread."""
        if not self.closed:
            self._owner.check()
        super().close(linger)


class StrictPush(StrictSocket, TimedPush):
    """A PUSH that belongs to one thread."""

    def _install(self, name: str, method: Callable[..., Any]) -> None:
        claim = self._owner.claim

        def send(*args: Any, **kwargs: Any) -> Any:
            claim()
            return method(*args, **kwargs)

        super()._install(name, send)


class StrictPull(StrictSocket, TimedPull):
    """A PULL that belongs to one thread."""

    def _install(self, name: str, method: Callable[..., Any]) -> None:
        claim = self._owner.claim

        # Not `*args`: after a call with it Python looks for signals, and the message would be lost.
        def recv(
            flags: int = DEFAULT_FLAGS,
            copy: bool | int = DEFAULT_COPY,
            track: bool | int = DEFAULT_TRACK,
        ) -> Any:
            claim()
            return method(flags, copy, track)

        super()._install(name, recv)
