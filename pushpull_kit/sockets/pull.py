"""A PULL that notes when each message was received."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any
from weakref import ref

import zmq
from zmq.backend import Socket as _BackendSocket

from ..errors import PushPullError
from ..recording.events import ReceiveBuffer
from ..recording.quick import DEFAULT_COPY, DEFAULT_FLAGS, DEFAULT_TRACK, quick_recv
from .frames import as_frame, bytes_of, payload_of
from .more_frames import MoreFrames, more_frames
from .timed import TimedSocket, given, socket_of

# pyzmq's `recv` as it is when nobody has replaced it, such as with a mock.
_plain_recv = zmq.Socket.recv

_backend_recv = _BackendSocket.recv


class TimedPull(TimedSocket):
    """A PULL that notes when each message was received.

    What its thread does afterwards is not seen: it may work on the message, wait for the next one,
    or sleep in a poller. So a message counts as handled when it is received, and the end of the
    work is not known, unless the code says when it works::

        text = pull.recv_string()
        with pull.handling():
            analyze(text)
    """

    _kind = "PULL"
    _events: ReceiveBuffer
    _kept: list[Any]  # frames that were received when an exception came, for the next call
    _more: MoreFrames

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._events, self._kept = ReceiveBuffer(), []
        super().__init__(*args, **kwargs)

    def _install_quick_methods(self) -> None:
        self._more = more_frames(self)
        if type(self).recv is TimedPull.recv:
            self._install("recv", _quick_recv(self))

    def close(self, linger: int | None = None) -> None:
        """Close as pyzmq does. No other thread may be in the socket."""
        super().close(linger)
        self._more.close()

    @contextmanager
    def handling(self) -> Iterator[None]:
        """Time the work on the message that was received last: the block is its handling.

        The message is in the handler until the block ends, or until the next message is received.
        If the block raises an exception, the message counts as failed. Its service time is from its
        receipt to the end of the block.

        Raises:
            PushPullError: no message was received yet, or the socket is closed.

        >>> from pushpull_kit import Context
        >>> with Context() as context:
        ...     pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
        ...     endpoint = pull.bind("inproc://jobs").addr
        ...     connected = push.connect(endpoint)
        ...     push.send_string("wash")
        ...     text = pull.recv_string()
        ...     with pull.handling():
        ...         print(context.timings.summary().handling, "in the handler:", text)
        ...     pull.close()
        ...     push.close()
        ...     context.timings.messages()[0].done_ns is None
        1 in the handler: wash
        False
        """
        events = self._events
        if not events.last_ns or self._frames or self.closed:
            raise PushPullError(
                "expected a message that was received before handling(), and an open socket; got "
                f"{self!r}; receive one first, then write `with pull.handling():` around the work"
            )
        received_ns = events.last_ns
        events.restart()
        ok = False
        try:
            yield
            ok = True
        finally:
            if events.current_ns == received_ns:
                events.end(ok)

    def recv(
        self,
        flags: int = DEFAULT_FLAGS,
        copy: bool | int = DEFAULT_COPY,
        track: bool | int = DEFAULT_TRACK,
    ) -> Any:
        """Receive one frame as `zmq.Socket.recv` does, and note the message when it is the last."""
        replaced, plain_recv = zmq.Socket.recv, super().recv
        if replaced is _plain_recv:
            return self._receive(lambda: plain_recv(flags, bool(copy), bool(track)), bool(copy))
        options = given(flags, copy, track)
        if isinstance(replaced, FunctionType):  # which calls pyzmq's
            return self._receive(lambda: plain_recv(**options), bool(copy))
        return plain_recv(**options)  # a mock, which receives nothing

    def recv_into(self, buffer: Any, /, *, nbytes: int = 0, flags: int = 0) -> int:
        """Receive one frame as `zmq.Socket.recv_into` does. One that was cut short is unmatched."""
        if self._kept:
            frame = as_frame(self._kept[0], copy=True)
            size = len(frame)
            target = memoryview(buffer).cast("B")[: nbytes or None][:size]
            target[:] = frame[: len(target)]
            self.recv()  # the last call: a signal handler may raise an exception at each
            return size
        size = 0
        plain_recv_into = super().recv_into
        view: Any = bytes_of(buffer)
        is_view = isinstance(view, memoryview)

        def receive() -> Any:
            nonlocal size
            size = plain_recv_into(buffer, nbytes=nbytes, flags=flags)
            return view[:size] if is_view else (bytes_of(buffer) or b"")[:size]

        self._receive(receive, copy=True)
        return size

    def poll(self, timeout: int | None = None, flags: int = zmq.POLLIN) -> int:
        """Poll as `zmq.Socket.poll` does."""
        if self._kept:
            return flags & zmq.POLLIN | super().poll(0, flags)
        return super().poll(timeout, flags)

    def _receive(self, receive: Callable[[], Any], copy: bool) -> Any:
        self._claim()
        previous = self._guard.enter()
        events, kept, frame = self._events, self._kept, None
        # A signal handler may raise an exception at each call here and in `_note_frame`. There is
        # none after the last step that notes the frame, so it is noted or kept, and never both.
        try:
            if not events.lane:
                self._log.register(events, "worker", self._name)
            events.ingest_if_full()
            frame = kept[0] if kept else receive()
            result = as_frame(frame, copy)
            self._note_frame(frame)
            if kept and kept[0] is frame:
                del kept[0]
        except BaseException:  # such as an Interrupt
            if frame is not None and not (kept and kept[0] is frame):
                kept.append(bytes(frame) if isinstance(frame, memoryview) else frame)
            raise
        finally:
            events.appending = False
            self._guard.thread = previous
        return result

    def _note_frame(self, data: Any) -> None:
        """Note a frame that was received, and the message if this is its last frame."""
        events, frames = self._events, self._frames
        recv_ns = events.clock_ns()
        frame = bytes_of(data)
        self._more.ask()
        payload = payload_of([*frames, frame])
        if self._more.flag.value:
            frames += (frame,)
            return
        if events.unfinished:  # the last message is in a block of `handling`
            events.end()
        events.receive(payload, recv_ns)
        del frames[:]


def _quick_recv(socket: TimedPull) -> Callable[..., Any]:
    socket_ref = ref(socket)

    # Not `*args`: after a call with it Python looks for signals, and the message would be lost.
    def receive_any(flags: int, copy: bool | int, track: bool | int) -> Any:
        return TimedPull.recv(socket_of(socket_ref), flags, copy, track)

    return quick_recv(
        socket._events, socket_ref, socket._guard, socket._frames, socket._kept, _backend_recv,
        socket._more, receive_any, pyzmq=zmq.Socket, plain_recv=_plain_recv,
    )  # fmt: skip
