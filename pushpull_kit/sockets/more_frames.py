"""Asks libzmq whether more frames of a message follow: quicker than pyzmq, and safe for signals.

This question is a large part of what a receipt costs. `zmq.Socket.get` takes two and a half times
as long. `recv(copy=False)` returns a Frame, which knows the answer, and takes half as long again
(benchmarks/hot_path.py has the times). Besides, an exception that a signal handler raises while a
Frame is freed is lost, such as a KeyboardInterrupt.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import partial
from typing import Any

import zmq


def _find_getsockopt() -> Any:
    """Return libzmq's function out of pyzmq's compiled module, or `None` if it is not there."""
    try:
        from zmq.backend.cython import _zmq

        return ctypes.PyDLL(_zmq.__file__).zmq_getsockopt  # keeps the GIL: it takes no time
    except (ImportError, OSError, AttributeError):
        return None


_getsockopt = _find_getsockopt()


class MoreFrames:
    """Whether more frames follow the one that a socket received last.

    Call `ask`; then `flag.value` is 1 or 0.

    Args:
        socket: an open socket.
    """

    def __init__(self, socket: zmq.Socket[Any]) -> None:
        self.flag = ctypes.c_int()
        self._handle = ctypes.c_void_p(socket.underlying)
        self.ask: Callable[[], object] = partial(
            _getsockopt,
            self._handle,
            ctypes.c_int(zmq.RCVMORE),
            ctypes.byref(self.flag),
            ctypes.byref(ctypes.c_size_t(ctypes.sizeof(self.flag))),
        )

    def close(self) -> None:
        """Note that the socket is closed. From now on `ask` does nothing."""
        self._handle.value = None  # libzmq refuses it


class SlowMoreFrames(MoreFrames):
    """The same through pyzmq, where libzmq's function is not to be had."""

    def __init__(self, socket: zmq.Socket[Any]) -> None:
        self.flag = ctypes.c_int()
        self._socket: zmq.Socket[Any] | None = socket
        self.ask = self._ask

    def _ask(self) -> None:
        socket = self._socket
        self.flag.value = 0 if socket is None else int(zmq.Socket.get(socket, zmq.RCVMORE))

    def close(self) -> None:
        """Note that the socket is closed. From now on `ask` does nothing."""
        self._socket = None


def more_frames(socket: zmq.Socket[Any]) -> MoreFrames:
    """Return the quickest way to ask a socket."""
    return SlowMoreFrames(socket) if _getsockopt is None else MoreFrames(socket)
