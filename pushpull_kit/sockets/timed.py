"""What timed PUSH and PULL sockets have in common: one thread at a time, a name, an event buffer.

Nothing is added to the wire. Each method calls pyzmq's method of the same name and notes the time
before and after. A message is timed once, however many frames it has.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import getrefcount
from typing import Any
from weakref import ref

import zmq

from ..recording.log import Timings
from ..recording.quick import DEFAULT_COPY, DEFAULT_FLAGS, DEFAULT_TRACK
from .guard import Guard
from .lifecycle import bind_with_retry, note_released

_probe = [object()]
#: What `getrefcount` returns for an object that only a list refers to.
_UNSHARED = getrefcount(_probe[0])


class _Keeper:
    """Keeps a socket for a method of it, and closes it when the method is dropped.

    Python does not call `__del__` twice for an object, and pyzmq closes sockets there.
    """

    def __init__(self, socket: TimedSocket) -> None:
        self._socket = socket

    def __del__(self) -> None:
        self._socket.__del__()


class TimedSocket(zmq.Socket[bytes]):
    """A socket that notes its messages, and that refuses a second thread while one is in it.

    As with plain pyzmq, a socket may be used by several threads one after the other, for example
    behind a lock. Two at the same moment raise `WrongThreadError`. The sockets of a strict context
    (`StrictPush`, `StrictPull`) belong to one thread.

    The methods that are called most have quick forms in the instance, which shadow those of the
    class. A subclass that overrides such a method gets every call.
    """

    _kind = ""

    # pyzmq treats an attribute as a socket option unless the class declares it.
    _guard: Guard
    _name: str | None = None
    _timings: Timings | None = None
    _events: Any  # the event buffer; the first message gives it a lane
    _frames: list[Any]  # of an unfinished multipart message; None for one that is not known
    _bound: list[str]  # endpoints
    _quick: dict[str, ref[Any]]  # by name, the methods that `_install` has put into the instance

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._guard = Guard(self._kind)
        self._frames, self._bound, self._quick = [], [], {}
        super().__init__(*args, **kwargs)
        timings = getattr(self.context, "timings", None)
        # A shadow socket's context may be pyzmq's own, which has no log.
        self._timings = timings if isinstance(timings, Timings) else Timings()
        self._install_quick_methods()

    def __del__(self) -> None:
        if not getattr(self, "closed", True):
            self._guard.thread = 0  # no other thread has a reference any more
            if self._is_kept_by_method():
                return
        super().__del__()

    def _is_kept_by_method(self) -> bool:
        """Return whether a quick method is kept somewhere. Then it keeps this socket from now on.

        `send = push.send` keeps a socket alive in plain pyzmq, as each bound method does. The quick
        method must not: it is in the instance, so both would live on until garbage collection.
        """
        methods = [vars(self).pop(name, None) for name in self._quick]
        for quick, index in zip(self._quick.values(), range(len(methods)), strict=True):
            is_installed = methods[index] is not None and methods[index] is quick()
            if is_installed and getrefcount(methods[index]) > _UNSHARED:
                methods[index].keeper = _Keeper(self)
                return True
        return False

    @property
    def name(self) -> str:
        """The name of this socket's lane in pictures. It may be set at any time."""
        return self._log.name_of(self._events) or self._name or ""

    @name.setter
    def name(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"name: expected the name of a lane; got {name!r}; give a str")
        self._name = name
        if self._events.lane:
            self._log.rename(self._events, name)

    @property
    def _log(self) -> Timings:
        assert self._timings is not None
        return self._timings

    def hand_over(self) -> None:
        """Let the next thread that uses the socket own it. Only a strict context's has an owner."""

    def check_thread(self) -> None:
        """Raise `WrongThreadError` if another thread is in this socket now, or owns it."""
        self._guard.thread = self._guard.enter()

    def belongs_elsewhere(self) -> bool:
        """Return whether another thread is in this socket now, or owns it and is alive."""
        return self._guard.is_used_elsewhere()

    def bind(self, addr: str) -> Any:
        """Bind as pyzmq does, and wait for an address that this process has just given up."""
        previous = self._guard.enter()
        try:
            bound = bind_with_retry(super().bind, addr)
            endpoint: Any = zmq.Socket.get(self, zmq.LAST_ENDPOINT)
            self._bound.append(endpoint.decode())
        finally:
            self._guard.thread = previous
        return bound

    def unbind(self, addr: Any) -> None:
        """Unbind as pyzmq does."""
        previous = self._guard.enter()
        try:
            super().unbind(addr)
        finally:
            self._guard.thread = previous
        note_released(addr)

    def close(self, linger: int | None = None) -> None:
        """Close as pyzmq does. No other thread may be in the socket."""
        previous = self._guard.enter()
        try:
            self._finish_message()
            super().close(linger)
        finally:
            self._guard.thread = previous
        while self._bound:
            note_released(self._bound.pop())
        self._events.close()

    def poll(self, timeout: int | None = None, flags: int = zmq.POLLIN) -> int:
        """Poll as `zmq.Socket.poll` does."""
        self._claim()
        previous = self._guard.enter()
        try:
            return super().poll(timeout, flags)
        finally:
            self._guard.thread = previous

    def _claim(self) -> None:
        """Use the socket from this thread. A strict socket refuses other threads than its own."""

    def _finish_message(self) -> None:
        """Note that nothing follows an unfinished message."""

    def _install_quick_methods(self) -> None:
        """Put quick methods in front of those that no subclass has replaced."""

    def _install(self, name: str, method: Callable[..., Any]) -> None:
        """Put a quick method in front of the one of the class."""
        method.__doc__ = getattr(zmq.Socket, name).__doc__
        vars(self)[name] = method
        self._quick[name] = ref(method)


def _guarded(name: str) -> Callable[..., Any]:
    """Return pyzmq's method of that name, which enters the guard first."""
    plain = getattr(zmq.Socket, name)

    def method(self: TimedSocket, *args: Any, **kwargs: Any) -> Any:
        guard = self._guard
        previous = guard.enter()
        try:
            return plain(self, *args, **kwargs)
        finally:
            guard.thread = previous

    method.__name__, method.__doc__ = name, plain.__doc__
    return method


for _method in (
    "connect", "disconnect", "monitor", "get_monitor_socket",
    "set", "get", "setsockopt", "getsockopt",
):  # fmt: skip
    setattr(TimedSocket, _method, _guarded(_method))


def socket_of(socket_ref: ref[Any]) -> Any:
    """Return the socket of a quick method. Raises ENOTSOCK if only the method is left."""
    socket = socket_ref()
    if socket is None:
        raise zmq.ZMQError(zmq.ENOTSOCK)
    return socket


def given(flags: int, copy: bool | int, track: bool | int) -> dict[str, Any]:
    """Return the options that a caller gave: a mock is to be called as pyzmq would call it."""
    options: dict[str, Any] = {}
    if flags is not DEFAULT_FLAGS:
        options["flags"] = flags
    if copy is not DEFAULT_COPY:
        options["copy"] = copy
    if track is not DEFAULT_TRACK:
        options["track"] = track
    return options
