"""PUSH and PULL sockets that note when each message was sent and received.

Nothing is added to the wire, and every method does what pyzmq's does: the methods here call
pyzmq's, with a stopwatch around. A message is timed once, however many frames it has.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from threading import get_ident
from time import monotonic, sleep
from time import perf_counter_ns as clock_ns
from typing import Any
from weakref import ref

import zmq
from zmq.backend import Socket as _BackendSocket

from ..errors import WrongThreadError
from ..recording.events import DIGEST_AT, UNKNOWN, WHOLE_KEY_BYTES, Known, Track, known, known_frame
from ..recording.log import Timings

# pyzmq's compiled send, under its Python wrapper: what the wrapper adds for draft sockets a PUSH
# never needs, and skipping it pays for the stopwatch (benchmarks: send).
_backend_send = _BackendSocket.send

#: `close` only asks for a port to be freed; libzmq's reaper frees it soon after (libzmq #2772).
REBIND_TIMEOUT_S = 0.5


class TimedSocket(zmq.Socket[bytes]):
    """A socket that belongs to the thread that uses it first, and notes its messages.

    A call from another thread, while the owner is alive, raises `WrongThreadError`; libzmq itself
    would corrupt its state or abort the process (pyzmq #1782). When the owner has ended, the next
    thread to use the socket owns it.
    """

    # pyzmq takes an attribute that is not declared on the class for a socket option.
    _owner: int | None = None
    _name: str | None = None
    _timings: Timings
    _track: Track | None = None
    _parts: list[bytes | memoryview]  # the frames so far of a multipart message

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        timings = getattr(self.context, "timings", None)
        self._timings = timings if isinstance(timings, Timings) else Timings()  # else: a shadow
        self._parts = []
        self.disown()  # reading its own type, above, is not use

    def __del__(self) -> None:
        if not getattr(self, "closed", True):
            self._owner = None  # nobody else has it any more
        super().__del__()

    @property
    def name(self) -> str:
        """The label of this socket's lane in pictures; may be set at any time."""
        track = self._track
        if track is None:
            return self._name or ""
        return self._timings.lanes[track.lane][1]

    @name.setter
    def name(self, name: str) -> None:
        self._name = name
        if self._track is not None:
            self._timings.rename(self._track, name)

    def belongs_elsewhere(self) -> bool:
        """Whether another thread, one that is alive, owns this socket."""
        return self._owner not in (None, get_ident()) and is_alive(self._owner)

    def disown(self) -> None:
        """Let the next thread that uses the socket be its owner."""
        self._owner = None

    def _guard(self) -> None:
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
        self._owner = get_ident()

    def bind(self, addr: str) -> Any:
        """Bind as pyzmq does; an address that a just closed socket still holds is waited for."""
        self._guard()
        deadline_s = monotonic() + REBIND_TIMEOUT_S
        while True:
            try:
                return super().bind(addr)
            except zmq.ZMQError as error:
                if error.errno != errno.EADDRINUSE or monotonic() > deadline_s:
                    raise
                sleep(0.005)

    def close(self, linger: int | None = None) -> None:
        """Close as pyzmq does, from the owner's thread."""
        if not self.closed:
            self._guard()
            self._finish()
        super().close(linger)
        if self._track is not None:
            self._track.closed = True

    def _finish(self) -> None:
        """Note that the message in hand, if any, is done with."""


def _guarded(name: str) -> Callable[..., Any]:
    plain = getattr(zmq.Socket, name)

    def method(self: TimedSocket, *args: Any, **kwargs: Any) -> Any:
        self._guard()
        return plain(self, *args, **kwargs)

    method.__name__, method.__doc__ = name, plain.__doc__
    return method


for _name in (
    "connect", "disconnect", "unbind", "poll", "monitor", "get_monitor_socket",
    "set", "get", "setsockopt", "getsockopt",
):  # fmt: skip
    setattr(TimedSocket, _name, _guarded(_name))


class TimedPush(TimedSocket):
    """A PUSH that notes when each `send` was called and when it returned."""

    def _guard(self) -> None:
        super()._guard()
        mine = self.__dict__
        if "send" in mine or "_timings" not in mine:  # it has one, or is not made yet
            return
        if not self._parts and type(self).send is TimedPush.send:
            mine["send"] = _quick_send(self)
            if type(self).send_string is zmq.Socket.send_string:
                mine["send_string"] = _quick_send_string(self, mine["send"])

    def disown(self) -> None:
        """Let the next thread that uses the socket be its owner."""
        super().disown()
        self._be_slow()

    def _be_slow(self) -> None:
        for name in ("send", "send_string"):
            self.__dict__.pop(name, None)

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
        self._guard()
        notes, parts = self._notes(), self._parts
        more = bool(flags & zmq.SNDMORE)
        frame = _view(data)
        if frame is None:
            raise TypeError(
                f"expected bytes, or an object with the buffer interface; got {data!r:.80}; "
                "use send_string for text, send_json for other objects"
            )
        if more:  # until the message is whole, every frame comes here
            self._be_slow()
        try:
            if not parts:
                notes.begin(UNKNOWN if more else _payload([frame]))
            elif not more:
                notes.payloads[-1] = known([*parts, frame])
            result: zmq.MessageTracker | None
            result = super().send(data, flags, copy, track, routing_id, group)
            if not more:
                notes.end()
        except BaseException as error:
            self._give_up(error)
            raise
        if more:
            parts.append(frame)
        else:
            parts.clear()
            if len(notes.ends) >= DIGEST_AT:
                self._timings.digest()
        return result

    def _notes(self) -> Track:
        if self._track is None:
            self._track = self._timings.add_sender(self._name)
        return self._track

    def _finish(self) -> None:
        if self._parts:  # closed in the middle of a multipart message
            self._give_up(InterruptedError())

    def _give_up(self, error: BaseException) -> None:
        self._parts.clear()
        assert self._track is not None
        self._timings.abort(self._track, interrupted=not _is_refusal(error))


def _is_refusal(error: BaseException) -> bool:
    """Whether a send that raised this was refused; otherwise it was broken off."""
    refused = isinstance(error, (zmq.ZMQError, TypeError, ValueError, BufferError))
    return refused and not isinstance(error, zmq.ContextTerminated)  # that nobody refused


def _quick_send(socket: TimedPush) -> Callable[..., zmq.MessageTracker | None]:
    """Return a `send` for one socket that is quick for its owner's messages of one frame of bytes.

    It stands in the socket's own dict. All that it needs is in its cells: on a pyzmq socket each
    attribute costs as much as a clock, because a class with `__getattr__` has no short way to them.
    It must not keep the socket alive, or forgetting the socket would not free its port.
    """
    owner, that, timings, notes = get_ident(), ref(socket), socket._timings, socket._notes()
    payloads, begins, ends = notes.payloads, notes.begins, notes.ends

    def send(
        data: Any,
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        routing_id: int | None = None,
        group: str | None = None,
    ) -> zmq.MessageTracker | None:
        if type(data) is bytes and owner == get_ident() and copy and not flags:
            try:
                payloads.append(data if len(data) <= WHOLE_KEY_BYTES else known_frame(data))
                begins.append(clock_ns())
                _backend_send(that(), data)  # type: ignore[arg-type]  # None: see `_alive`
                ends.append(clock_ns())
            except BaseException as error:
                timings.abort(notes, interrupted=not _is_refusal(error))
                _alive(that)
                raise
            if len(ends) >= DIGEST_AT:
                timings.digest()
            return None
        return TimedPush.send(_alive(that), data, flags, copy, track, routing_id, group)

    send.__doc__ = TimedPush.send.__doc__
    return send


def _quick_send_string(
    socket: TimedPush, send: Callable[..., zmq.MessageTracker | None]
) -> Callable[..., zmq.MessageTracker | None]:
    """Return a `send_string` for one socket that goes to its quick `send` without a detour."""
    that = ref(socket)

    def send_string(
        u: str, flags: int = 0, copy: bool = True, encoding: str = "utf-8", **options: Any
    ) -> zmq.MessageTracker | None:
        if type(u) is str and not options:
            return send(u.encode(encoding), flags, copy)
        return zmq.Socket.send_string(_alive(that), u, flags, copy, encoding, **options)

    send_string.__doc__ = zmq.Socket.send_string.__doc__
    return send_string


def _alive(that: ref[TimedPush]) -> TimedPush:
    """Return the socket, or say that it is closed: somebody kept its method, and nobody it."""
    socket = that()
    if socket is None:
        raise zmq.ZMQError(zmq.ENOTSOCK)
    return socket


class TimedPull(TimedSocket):
    """A PULL that notes when each message came; it is handled until its thread asks for the next.

    Asking is a call of any receiving method, of `poll` or of `close`.
    """

    def recv(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        """Receive one frame as `zmq.Socket.recv` does, and note the message when it is the last."""
        self._guard()
        self._finish()
        frame = super().recv(flags, copy, track)
        self._note(frame)
        return frame

    def recv_into(self, buffer: Any, /, *, nbytes: int = 0, flags: int = 0) -> int:
        """Receive one frame as `zmq.Socket.recv_into` does; one cut short cannot be paired."""
        self._guard()
        self._finish()
        size = super().recv_into(buffer, nbytes=nbytes, flags=flags)
        frame = _view(buffer)
        self._note(b"" if frame is None else frame[:size])
        return size

    def poll(self, timeout: int | None = None, flags: int = zmq.POLLIN) -> int:
        """Poll as `zmq.Socket.poll` does."""
        self._guard()
        self._finish()
        return super().poll(timeout, flags)

    def _note(self, frame: Any) -> None:
        if self._track is None:
            self._track = self._timings.add_worker(self._name)
        track = self._track
        try:
            track.noting = True
            recv_ns = clock_ns()
            view = _view(frame)
            if view is not None:
                self._parts.append(view)
            if self.get(zmq.RCVMORE):
                return
            track.payloads.append(_payload(self._parts))
            track.begins.append(recv_ns)
            self._parts.clear()
        except BaseException:  # an Interrupt between the two
            self._parts.clear()
            self._timings.abort(track, interrupted=False)
            raise
        finally:
            track.noting = False
        if len(track.ends) >= DIGEST_AT:
            self._timings.digest()

    def _finish(self) -> None:
        track = self._track
        if track is not None and not self._parts and len(track.begins) > len(track.ends):
            track.end()


def _view(data: Any) -> bytes | memoryview | None:
    """Return a frame's bytes without copying them, or `None` if it has none."""
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


def _payload(parts: list[bytes | memoryview]) -> bytes | Known:
    if len(parts) == 1 and isinstance(parts[0], bytes) and len(parts[0]) <= WHOLE_KEY_BYTES:
        return parts[0]
    return known(parts)


def is_alive(ident: int | None) -> bool:
    """Whether a thread of that ident is running."""
    return any(thread.ident == ident for thread in threading.enumerate())
