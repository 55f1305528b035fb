"""PUSH and PULL sockets that note when each message was sent and received.

Nothing is added to the wire. Each method calls pyzmq's method of the same name and notes the time
before and after. A message is timed once, however many frames it has.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from threading import get_ident
from typing import Any
from weakref import ref

import zmq
from zmq.backend import Socket as _BackendSocket

from ..errors import WrongThreadError
from ..recording.events import ReceiveBuffer, SendBuffer
from ..recording.fingerprint import INCOMPLETE, MAX_KEPT_BYTES, Fingerprint, fingerprint
from ..recording.log import Timings
from .lifecycle import bind_with_retry, is_alive

# pyzmq's compiled send. Its Python wrapper only adds what draft sockets need; to skip the wrapper
# saves as much time as the timestamps cost (benchmarks/hot_path.py).
_backend_send = _BackendSocket.send


class TimedSocket(zmq.Socket[bytes]):
    """A socket that belongs to the thread that uses it first, and that notes its messages.

    A call from another thread, while the owner is alive, raises `WrongThreadError`: libzmq would
    corrupt its state or abort the process (https://github.com/zeromq/pyzmq/issues/1782). When the
    owner has ended, the next thread that uses the socket owns it.
    """

    # pyzmq treats an attribute as a socket option unless the class declares it.
    _owner: int | None = None
    _name: str | None = None
    _timings: Timings | None = None
    _events: SendBuffer | ReceiveBuffer | None = (
        None  # PUSH: made at the first use; PULL: at the first message
    )
    _frames: list[bytes | memoryview]  # of a multipart message, so far

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        timings = getattr(self.context, "timings", None)
        # A shadow socket's context may be pyzmq's own, which has no log.
        self._timings = timings if isinstance(timings, Timings) else Timings()
        self._frames = []
        self.disown()  # pyzmq's __init__ reads the socket's type, which does not count as use

    def __del__(self) -> None:
        if not getattr(self, "closed", True):
            self._owner = None  # no other thread has a reference any more
        super().__del__()

    @property
    def name(self) -> str:
        """The name of this socket's lane in pictures. It may be set at any time."""
        if self._events is None:
            return self._name or ""
        return self._log.lanes[self._events.lane][1]

    @name.setter
    def name(self, name: str) -> None:
        self._name = name
        if self._events is not None:
            self._log.rename(self._events, name)

    @property
    def _log(self) -> Timings:
        assert self._timings is not None
        return self._timings

    def belongs_elsewhere(self) -> bool:
        """Return whether another thread owns this socket, and that thread is alive."""
        return self._owner not in (None, get_ident()) and is_alive(self._owner)

    def disown(self) -> None:
        """Let the next thread that uses the socket own it."""
        self._set_owner(None)

    def check_thread(self) -> None:
        """Raise `WrongThreadError` if another thread owns the socket; otherwise, own it."""
        if self._owner == get_ident():
            return
        if self.belongs_elsewhere():
            owner = next((t.name for t in threading.enumerate() if t.ident == self._owner), "?")
            raise WrongThreadError(
                f"expected every call to this {self._type_name} socket from the thread that used "
                f"it first, {owner!r}; got one from {threading.current_thread().name!r}. libzmq's "
                "sockets are not thread-safe: make a socket in each thread, from the same context, "
                "or hand the message over with a queue.Queue"
            )
        self._set_owner(get_ident())

    def _set_owner(self, ident: int | None) -> None:
        self._owner = ident

    def bind(self, addr: str) -> Any:
        """Bind as pyzmq does, and wait for an address that a socket has just given up."""
        self.check_thread()
        return bind_with_retry(super().bind, addr)

    def close(self, linger: int | None = None) -> None:
        """Close as pyzmq does, from the owner's thread."""
        if not self.closed:
            self.check_thread()
            self._finish_message()
        super().close(linger)
        if self._events is not None:
            self._events.close()

    def _finish_message(self) -> None:
        """End the span of the current message, if there is one."""


def _checked(name: str) -> Callable[..., Any]:
    """Return pyzmq's method of that name with a check of the thread before it."""
    plain = getattr(zmq.Socket, name)

    def method(self: TimedSocket, *args: Any, **kwargs: Any) -> Any:
        self.check_thread()
        return plain(self, *args, **kwargs)

    method.__name__, method.__doc__ = name, plain.__doc__
    return method


for _name in (
    "connect", "disconnect", "unbind", "poll", "monitor", "get_monitor_socket",
    "set", "get", "setsockopt", "getsockopt",
):  # fmt: skip
    setattr(TimedSocket, _name, _checked(_name))


class TimedPush(TimedSocket):
    """A PUSH that notes when each `send` was called and when it returned.

    While a thread owns the socket, the socket has a quick `send` and a quick `send_string` as
    instance attributes, which shadow the methods of the class. They are made when a thread becomes
    the owner, at its first call of any method, and removed when the owner changes. While a
    multipart message is being sent they are removed as well; a reference to the quick `send` that
    was taken before must not be used then.
    """

    _events: SendBuffer | None = None

    def send(  # type: ignore[override]  # pyzmq's overloads say no more than this
        self,
        data: Any,
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        routing_id: int | None = None,
        group: str | None = None,
    ) -> zmq.MessageTracker | None:
        """Send one frame as `zmq.Socket.send` does, and note the message when it is the last."""
        self.check_thread()
        events, frames = self._send_buffer(), self._frames
        more = bool(flags & zmq.SNDMORE)
        frame = _bytes_of(data)
        if frame is None:
            raise TypeError(
                f"expected bytes, or an object with the buffer interface; got {data!r:.80}; "
                "use send_string for text, send_json for other objects"
            )
        if more:
            self._remove_quick_methods()
        try:
            if not frames:
                events.start(INCOMPLETE if more else _payload([frame]))
            elif not more:
                events.complete(fingerprint([*frames, frame]))
            result: zmq.MessageTracker | None
            result = super().send(data, flags, copy, track, routing_id, group)
            if not more:
                events.end()
        except BaseException as error:
            self._give_up(interrupted=not _is_refusal(error))
            raise
        if more:
            frames.append(frame)
        elif frames:
            frames.clear()
            self._install_quick_methods()
        return result

    def _send_buffer(self) -> SendBuffer:
        if self._events is None:
            self._events = self._log.add_sender(self._name)
        return self._events

    def _set_owner(self, ident: int | None) -> None:
        super()._set_owner(ident)
        self._remove_quick_methods()
        has_log = self._timings is not None  # not yet, while pyzmq's __init__ runs
        if ident is not None and has_log and not self._frames:
            self._install_quick_methods()

    def _install_quick_methods(self) -> None:
        """Put quick methods in front of those that no subclass has replaced."""
        methods = self.__dict__
        if "send" in methods or type(self).send is not TimedPush.send:
            return
        methods["send"] = _quick_send(self)
        if type(self).send_string is zmq.Socket.send_string:
            methods["send_string"] = _quick_send_string(self, methods["send"])

    def _remove_quick_methods(self) -> None:
        self.__dict__.pop("send", None)
        self.__dict__.pop("send_string", None)

    def _finish_message(self) -> None:
        if self._frames:  # closed in the middle of a multipart message
            self._give_up(interrupted=True)

    def _give_up(self, *, interrupted: bool) -> None:
        """Note that the current message was refused or interrupted."""
        self._frames.clear()
        self._send_buffer().abort(interrupted=interrupted)
        self._install_quick_methods()


def _is_refusal(error: BaseException) -> bool:
    """Return whether a send that raised this was refused; otherwise it was interrupted."""
    if isinstance(error, zmq.ContextTerminated):
        return False
    return isinstance(error, (zmq.ZMQError, TypeError, ValueError, BufferError))


def _quick_send(socket: TimedPush) -> Callable[..., zmq.MessageTracker | None]:
    """Return a quick `send` for the thread that owns the socket now; see `SendBuffer.wrap`."""
    socket_ref, events = ref(socket), socket._send_buffer()

    def send_any(*args: Any) -> zmq.MessageTracker | None:
        return TimedPush.send(_socket_of(socket_ref), *args)

    def on_error(error: BaseException) -> None:
        events.abort(interrupted=not _is_refusal(error))
        if socket_ref() is None:
            raise zmq.ZMQError(zmq.ENOTSOCK)

    send = events.wrap(socket_ref, _backend_send, send_any, on_error)
    send.__doc__ = TimedPush.send.__doc__
    return send


def _quick_send_string(
    socket: TimedPush, send: Callable[..., zmq.MessageTracker | None]
) -> Callable[..., zmq.MessageTracker | None]:
    """Return a `send_string` that encodes, and calls the quick `send` directly."""
    socket_ref = ref(socket)

    def send_string(
        u: str, flags: int = 0, copy: bool = True, encoding: str = "utf-8", **options: Any
    ) -> zmq.MessageTracker | None:
        if type(u) is str and not options:
            return send(u.encode(encoding), flags, copy)
        return zmq.Socket.send_string(_socket_of(socket_ref), u, flags, copy, encoding, **options)

    send_string.__doc__ = zmq.Socket.send_string.__doc__
    return send_string


def _socket_of(socket_ref: ref[TimedPush]) -> TimedPush:
    """Return the socket. Raises ENOTSOCK when only a bound `send` outlived it."""
    socket = socket_ref()
    if socket is None:
        raise zmq.ZMQError(zmq.ENOTSOCK)
    return socket


class TimedPull(TimedSocket):
    """A PULL that notes when each message was received.

    The message counts as in the handler until the socket's thread asks for the next one: until it
    calls a method that receives, `poll` or `close`.
    """

    _events: ReceiveBuffer | None = None

    def recv(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        """Receive one frame as `zmq.Socket.recv` does, and note the message when it is the last."""
        self.check_thread()
        self._finish_message()
        frame = super().recv(flags, copy, track)
        self._note_frame(frame)
        return frame

    def recv_into(self, buffer: Any, /, *, nbytes: int = 0, flags: int = 0) -> int:
        """Receive one frame as `zmq.Socket.recv_into` does. One that was cut short is unmatched."""
        self.check_thread()
        self._finish_message()
        size = super().recv_into(buffer, nbytes=nbytes, flags=flags)
        frame = _bytes_of(buffer)
        self._note_frame(b"" if frame is None else frame[:size])
        return size

    def poll(self, timeout: int | None = None, flags: int = zmq.POLLIN) -> int:
        """Poll as `zmq.Socket.poll` does."""
        self.check_thread()
        self._finish_message()
        return super().poll(timeout, flags)

    def _note_frame(self, data: Any) -> None:
        """Note a frame that was received, and the message if this is its last frame."""
        if self._events is None:
            self._events = self._log.add_worker(self._name)
        events, frames = self._events, self._frames
        try:
            recv_ns = events.clock_ns()
            frame = _bytes_of(data)
            if frame is not None:
                frames.append(frame)
            if self.get(zmq.RCVMORE):
                events.discard()
                return
            events.start(_payload(frames), recv_ns)
        except BaseException:  # such as an Interrupt
            frames.clear()
            events.abort(interrupted=False)
            raise
        frames.clear()

    def _finish_message(self) -> None:
        if self._events is not None and not self._frames and self._events.unfinished:
            self._events.end()


def _bytes_of(data: Any) -> bytes | memoryview | None:
    """Return a frame's bytes, uncopied where possible, or `None` if it has no buffer."""
    if isinstance(data, bytes):
        return data
    if isinstance(data, zmq.Frame):
        return data.buffer
    try:
        view = memoryview(data)
    except TypeError:
        return None
    if not view.nbytes:
        return b""
    return view.cast("B") if view.c_contiguous else view.tobytes("A")


def _payload(frames: list[bytes | memoryview]) -> bytes | Fingerprint:
    """Return what an event buffer keeps of a message."""
    frame = frames[0] if len(frames) == 1 else None
    if isinstance(frame, bytes) and len(frame) <= MAX_KEPT_BYTES:
        return frame
    return fingerprint(frames)
