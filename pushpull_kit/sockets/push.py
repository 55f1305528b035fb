"""A PUSH that notes when each message was sent."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any
from weakref import ref

import zmq
from zmq.backend import Socket as _BackendSocket

from ..recording.events import SendBuffer
from ..recording.fingerprint import INCOMPLETE
from ..recording.quick import DEFAULT_COPY, DEFAULT_FLAGS, DEFAULT_TRACK, quick_send
from .frames import bytes_of, payload_of
from .timed import TimedSocket, given, socket_of

# pyzmq's `send` as it is when nobody has replaced it, such as with a mock.
_plain_send = zmq.Socket.send

# pyzmq's compiled `send`. Its wrapper only adds what draft sockets need; to skip it saves as much
# time as the timestamps cost (benchmarks/hot_path.py).
_backend_send = _BackendSocket.send


class TimedPush(TimedSocket):
    """A PUSH that notes when each `send` was called and when it returned."""

    _kind = "PUSH"
    _events: SendBuffer

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._events = SendBuffer()
        super().__init__(*args, **kwargs)

    def _install_quick_methods(self) -> None:
        if type(self).send is TimedPush.send:
            self._install("send", _quick_send(self))

    def send(
        self,
        data: Any,
        flags: int = DEFAULT_FLAGS,
        copy: bool | int = DEFAULT_COPY,
        track: bool | int = DEFAULT_TRACK,
        routing_id: int | None = None,
        group: str | None = None,
    ) -> Any:
        """Send one frame as `zmq.Socket.send` does, and note the message when it is the last."""
        options = given(flags, copy, track)
        if routing_id is not None:
            options["routing_id"] = routing_id
        if group is not None:
            options["group"] = group
        if not isinstance(zmq.Socket.send, FunctionType):  # a mock, which sends nothing
            return super().send(data, **options)
        self._claim()
        previous = self._guard.enter()
        try:
            if routing_id is not None or group is not None:  # pyzmq refuses them for a PUSH
                result = super().send(data, **options)
            elif previous and not self._frames:  # a signal handler sends during a send
                result = self._send_nested(data, options)
            else:
                self._events.ingest_if_full()
                result = self._send(data, options)
        finally:
            self._guard.thread = previous
        return result

    def _send_nested(self, data: Any, options: dict[str, Any]) -> Any:
        events = self._events
        outer = events.current_payload, events.current_ns
        try:
            return self._send(data, options)
        finally:
            events.current_payload, events.current_ns = outer

    def _send(self, data: Any, options: dict[str, Any]) -> Any:
        events, frames = self._events, self._frames
        if not events.lane:
            self._log.register(events, "sender", self._name)
        more = options.get("flags", 0) & zmq.SNDMORE
        frame = bytes_of(data)
        if frame is None:
            raise TypeError(
                f"expected bytes, or an object with the buffer interface; got {data!r:.80}; "
                "use send_string for text, send_json for other objects"
            )
        try:
            if not frames:
                events.start(INCOMPLETE if more else payload_of([frame]))
            elif not more:
                events.complete(payload_of([*frames, frame]))
            result = super().send(data, **options)
            if more:
                frames.append(frame)
            else:
                events.end()
                frames.clear()
        except BaseException as error:
            self._note_failure(error)
            raise
        return result

    def _note_failure(self, error: BaseException) -> None:
        events, refused = self._events, _is_refusal(error)
        if not self._frames:
            events.abort(interrupted=not refused)
            return
        # The frames before this one are in the socket. The next send goes on with their message.
        if not refused:
            self._frames.append(None)  # this frame may be in the socket too
        if events.unfinished:
            events.complete(INCOMPLETE)
        if isinstance(error, zmq.ContextTerminated):
            self._finish_message()

    def _finish_message(self) -> None:
        if self._frames:  # closed in the middle of a multipart message
            self._frames.clear()
            self._events.abort(interrupted=True)


def _is_refusal(error: BaseException) -> bool:
    """Return whether a send that raised this was refused; otherwise it was interrupted."""
    if isinstance(error, zmq.ContextTerminated):
        return False
    return isinstance(error, (zmq.ZMQError, TypeError, ValueError, BufferError))


def _quick_send(socket: TimedPush) -> Callable[..., Any]:
    socket_ref = ref(socket)

    def send_any(*args: Any) -> Any:
        return TimedPush.send(socket_of(socket_ref), *args)

    return quick_send(
        socket._events, socket_ref, socket._guard, socket._frames, _backend_send, send_any,
        _is_refusal, pyzmq=zmq.Socket, plain_send=_plain_send,
    )  # fmt: skip
