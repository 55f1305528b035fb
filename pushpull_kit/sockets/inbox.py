"""A worker's PULL socket: how it is opened, how it receives, and how another thread wakes it up."""

from __future__ import annotations

import contextlib
import errno
import itertools
import secrets
import threading
from collections.abc import Mapping
from typing import Any, Literal, cast

import zmq

from ..errors import EndpointError, PushPullError
from .lifecycle import bind_with_retry, note_released

#: A worker that receives a message which starts with this looks whether it was asked to stop. Each
#: process makes a random token of its own, so no peer can send it. It is the first of two frames,
#: so that only messages of several frames, which are rare, need to be compared with it.
_WAKE_UP = secrets.token_bytes(16)

#: What libzmq says when a socket needs a descriptor, or a slot in the context, and none is free.
_NONE_FREE = (errno.EMFILE, errno.ENFILE)

_numbers = itertools.count(1)

MAX_PORT = 65535


class Inbox:
    """A PULL socket that one thread at a time receives from, and the PUSH that wakes it up.

    The PUSH is made at once, so that a worker can be stopped when no socket is free any more.

    Args:
        context: makes the sockets.
        mode: `"connect"` or `"bind"`.
        endpoint: where to connect or bind.
        options: pyzmq's socket options, set before the socket connects or binds.

    Raises:
        EndpointError: the endpoint is malformed or taken.
        ValueError: libzmq refuses the value of an option.
        PushPullError: there is no free socket or descriptor, or the context is closed.
    """

    def __init__(
        self,
        context: zmq.Context[Any],
        mode: Literal["connect", "bind"],
        endpoint: str,
        options: Mapping[str, Any],
    ) -> None:
        self._bound: bytes | None = None
        self._waker_lock = threading.RLock()  # a signal handler may wake up within a wake-up
        self._waking = False
        self._socket = _socket(context, zmq.PULL)
        # Attribute lookup on a pyzmq socket costs as much as a clock read.
        self._recv = self._socket.recv
        self._waker: zmq.Socket[bytes] | None = None
        try:
            self._set_options(options)
            self._add_waker(context)
            #: The endpoint. After `bind` it has the port that the system chose.
            self.endpoint = self._connect(endpoint) if mode == "connect" else self._bind(endpoint)
        except BaseException:
            self.close()
            raise

    def receive(self) -> bytes | list[bytes] | None:
        """Wait for a message.

        Returns:
            A message of one frame as bytes, one of several as a list. `None` if there is none,
            because `wake_up` was called or because the socket's `rcvtimeo` is over.

        Raises:
            zmq.ContextTerminated: the context is terminated.
        """
        try:
            frame = self._recv(0, False)  # flags, copy: a Frame, which knows whether more follow
            if not frame.more:
                return frame.bytes
            frames = [frame.bytes, *self._socket.recv_multipart()]
        except zmq.Again:
            return None
        return None if frames[0] == _WAKE_UP else frames

    def wake_up(self) -> None:
        """Let `receive` return, from any thread. A closed inbox is left alone."""
        with self._waker_lock:
            waker = self._waker
            if waker is None or self._waking:
                return
            self._waking = True
            try:
                # `receive` returns anyway if the context is terminated or the queue is full.
                with contextlib.suppress(zmq.ZMQError):
                    waker.send_multipart([_WAKE_UP, b""], zmq.NOBLOCK)
            finally:
                self._waking = False

    def close(self) -> None:
        """Close the sockets, and drop the messages that wait in them."""
        with self._waker_lock:
            waker, self._waker = self._waker, None
        if waker is not None:
            waker.close(linger=0)
        if self._socket.closed:
            return
        self._socket.close(linger=0)
        if self._bound is not None:
            note_released(self._bound)

    def _add_waker(self, context: zmq.Context[Any]) -> None:
        endpoint = f"inproc://pushpull-kit-wake-up-{next(_numbers)}"
        self._socket.bind(endpoint)
        self._waker = _socket(context, zmq.PUSH)
        self._waker.connect(endpoint)

    def _set_options(self, options: Mapping[str, Any]) -> None:
        for option, value in options.items():
            try:
                setattr(self._socket, option, value)
            except (zmq.ZMQError, TypeError, ValueError, OverflowError) as error:
                raise ValueError(
                    f"{option}: expected a value that libzmq takes for this option of a PULL; "
                    f"got {value!r} ({error}); see zmq_setsockopt's manual page"
                ) from error

    def _connect(self, endpoint: str) -> str:
        _check_port("connect", endpoint)
        try:
            self._socket.connect(endpoint)
        except zmq.ZMQError as error:
            raise _malformed("connect", endpoint, error) from error
        return endpoint

    def _bind(self, endpoint: str) -> str:
        _check_port("bind", endpoint)
        try:
            bind_with_retry(self._socket.bind, endpoint)
        except zmq.ZMQError as error:
            if error.errno in _NONE_FREE:
                raise _none_free(error) from error
            if error.errno != errno.EADDRINUSE:
                raise _malformed("bind", endpoint, error) from error
            raise EndpointError(
                f"bind: expected a free endpoint; {endpoint!r} is taken, by another "
                "program or by a socket of this one; close that, or bind another port"
            ) from error
        self._bound = cast(bytes, self._socket.last_endpoint)
        return self._bound.decode()


def _socket(context: zmq.Context[Any], kind: int) -> zmq.Socket[bytes]:
    """Return a new socket that is not timed."""
    try:
        return zmq.Socket(context, kind)
    except zmq.ZMQError as error:
        if error.errno in _NONE_FREE:
            raise _none_free(error) from error
        raise PushPullError(
            f"expected an open context; got {context!r} ({error.strerror}); make a new one with "
            "fresh_context(), and a new worker with it"
        ) from error


def _none_free(error: zmq.ZMQError) -> PushPullError:
    return PushPullError(
        "expected two free sockets, and free descriptors, for a worker; got "
        f"{error.strerror!r}; close sockets that are not needed, or raise the context's "
        "max_sockets or the system's limit of open files (ulimit -n)"
    )


def _check_port(mode: str, endpoint: str) -> None:
    """Raise `EndpointError` for a port that libzmq would silently take modulo 65536."""
    port = endpoint.rpartition(":")[2]
    if port.isdecimal() and int(port) > MAX_PORT:
        raise EndpointError(
            f"{mode}: expected a port up to {MAX_PORT}; got {endpoint!r}; choose another"
        )


def _malformed(mode: str, endpoint: str, error: zmq.ZMQError) -> EndpointError:
    return EndpointError(
        f"{mode}: expected an endpoint such as 'tcp://127.0.0.1:5559', "
        f"'ipc:///tmp/jobs' or 'inproc://jobs'; got {endpoint!r} "
        f"({error.strerror}); correct it, or choose another"
    )
