"""Quick methods: they send or receive, and note it as `events` says, with the fewest steps.

They are closures, because attribute lookup on a pyzmq socket costs as much as a clock read.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns as clock_ns
from typing import Any, Protocol
from weakref import ref

from .events import ReceiveBuffer, SendBuffer
from .fingerprint import CUT_OFF, MAX_KEPT_BYTES, Fingerprint, fingerprint, fingerprint_frame

# Equal to pyzmq's defaults, but other objects: so it is known which arguments a caller gave.
DEFAULT_FLAGS, DEFAULT_COPY, DEFAULT_TRACK = False, 1, 0

#: A thread that is in a quick method. To ask for its ident would take as long as a timestamp.
SOME_THREAD = -1


class Guard(Protocol):
    """Knows which thread is in a socket."""

    thread: int  # its ident, or `SOME_THREAD`; 0 if no thread is in it


class MoreFrames(Protocol):
    """Knows whether more frames follow the one that a socket received last."""

    ask: Callable[[], object]  # sets the flag
    flag: Any  # its `value` is 1 or 0


def quick_send(
    events: SendBuffer,
    socket: ref[Any],
    guard: Guard,
    frames: list[Any],
    send_bytes: Callable[[Any, bytes], object],
    send_any: Callable[..., Any],
    is_refusal: Callable[[BaseException], bool],
    *,
    pyzmq: type[Any],
    plain_send: Callable[..., Any],
) -> Callable[..., Any]:
    """Return a `send` that is quick for what is sent most: short messages of one frame.

    Must not keep the socket alive: a socket that is dropped must free its port.

    Args:
        events: of the socket.
        socket: the socket, weakly referenced.
        guard: of the socket.
        frames: of an unfinished multipart message; while there are some, `send_any` is called.
        send_bytes: sends bytes through the socket.
        send_any: called, with the arguments of `zmq.Socket.send`, for all other sends.
        is_refusal: whether a send that raised this exception was refused for certain.
        pyzmq: pyzmq's class of sockets.
        plain_send: its `send`. If it has another one now, such as a mock, `send_any` is called.
    """
    spans = events.spans

    def send(
        data: Any,
        flags: int = DEFAULT_FLAGS,
        copy: bool | int = DEFAULT_COPY,
        track: bool | int = DEFAULT_TRACK,
        routing_id: int | None = None,
        group: str | None = None,
    ) -> Any:
        nonlocal spans
        if (
            type(data) is not bytes
            or len(data) > MAX_KEPT_BYTES
            or flags
            or not copy
            or frames
            or len(spans) >= events.full_at
            or routing_id is not None
            or group is not None
            or pyzmq.send is not plain_send
            or guard.thread  # last: Python may switch threads after a call, see `Guard`
        ):
            return send_any(data, flags, copy, track, routing_id, group)
        inside = guard.thread = SOME_THREAD  # noqa: F841  `Guard` looks for `inside`
        try:
            events.current_payload = data
            events.current_ns = start_ns = clock_ns()
            send_bytes(socket(), data)
            end_ns = clock_ns()
            spans += (data, start_ns, end_ns)
            events.current_ns = 0
        except BaseException as error:
            events.abort(interrupted=not is_refusal(error))
            raise
        finally:
            guard.thread = 0
            if events.current_ns:  # a second exception came before `abort` was done
                spans += (CUT_OFF, events.current_ns, -events.current_ns)
                events.current_ns = 0

    return send


def quick_recv(
    events: ReceiveBuffer,
    socket: ref[Any],
    guard: Guard,
    frames: list[Any],
    kept: list[Any],
    receive_bytes: Callable[[Any, int], bytes],
    more: MoreFrames,
    receive_any: Callable[..., Any],
    *,
    pyzmq: type[Any],
    plain_recv: Callable[..., Any],
) -> Callable[..., Any]:
    """Return a `recv` that is quick for what is received most: messages of one frame, as bytes.

    See `quick_send` for its form.

    Args:
        events: of the socket.
        socket: the socket, weakly referenced.
        guard: of the socket.
        frames: what was received of an unfinished multipart message, to which it adds.
        kept: gets a frame that was received when an exception came, for the next call.
        receive_bytes: receives a frame from the socket.
        more: knows whether another frame of the same message follows.
        receive_any: called, with the arguments of `zmq.Socket.recv`, for all other receipts.
        pyzmq: pyzmq's class of sockets.
        plain_recv: its `recv`. If it has another one now, `receive_any` is called.
    """
    spans = events.spans
    ask, flag = more.ask, more.flag

    def recv(
        flags: int = DEFAULT_FLAGS,
        copy: bool | int = DEFAULT_COPY,
        track: bool | int = DEFAULT_TRACK,
    ) -> Any:
        nonlocal spans, frames
        if (
            not copy
            or frames
            or kept
            or events.current_ns
            or len(spans) >= events.full_at
            or pyzmq.recv is not plain_recv
            or guard.thread  # last: Python may switch threads after a call, see `Guard`
        ):
            return receive_any(flags, copy, track)
        data = None
        inside = guard.thread = SOME_THREAD  # noqa: F841  `Guard` looks for `inside`
        try:
            data = receive_bytes(socket(), flags)
            events.appending = True
            recv_ns = clock_ns()
            ask()
            payload = data if len(data) <= MAX_KEPT_BYTES else fingerprint_frame(data)
            if flag.value:
                frames += (data,)
            else:
                events.last_ns = recv_ns
                spans += (payload, recv_ns, 0)
        except BaseException:  # such as an Interrupt
            if data is not None:
                kept.append(data)
            raise
        finally:
            events.appending = False
            guard.thread = 0
        return data

    return recv


def serve_one(
    events: ReceiveBuffer,
    receive: Callable[[], bytes | list[bytes] | None],
    handle: Callable[[Any], object],
    on_error: Callable[[BaseException, Any, int], None],
) -> Callable[[], bool]:
    """Return a function that receives a message and handles it, and notes both.

    It returns whether there was a message. A worker spends most of its time here.

    Args:
        events: of the socket.
        receive: waits for a message and returns it: bytes, a list of frames, or None.
        handle: called with the message. What it raises makes the message failed.
        on_error: called with what `handle` raised, the message, and when it was received (ns).
    """
    spans = events.spans

    def serve() -> bool:
        nonlocal spans
        message = receive()
        if message is None:
            return False
        events.appending = True
        recv_ns = clock_ns()
        if type(message) is bytes and len(message) <= MAX_KEPT_BYTES:
            payload: bytes | Fingerprint = message
        else:
            payload = fingerprint([message] if isinstance(message, bytes) else message)
        events.current_payload = payload
        events.current_ns = recv_ns
        events.appending = False
        try:
            handle(message)
        except BaseException as error:  # SystemExit too: the worker goes on
            spans += (payload, recv_ns, -clock_ns())
            events.current_ns = 0
            on_error(error, message, recv_ns)
        else:
            end_ns = clock_ns()
            spans += (payload, recv_ns, end_ns)
            events.current_ns = 0
        if len(spans) >= events.full_at:
            events.ingest_if_full()
        return True

    return serve
