"""What is noted of a message's frames, in whatever form they are sent or received."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import zmq

from ..recording.fingerprint import MAX_KEPT_BYTES, Fingerprint, fingerprint, unknown

Bytes = bytes | memoryview


def bytes_of(data: Any) -> Bytes | None:
    """Return a frame's bytes, uncopied where possible, or `None` if pyzmq does not send it."""
    if isinstance(data, bytes):
        return data
    if isinstance(data, zmq.Frame):
        return data.buffer
    try:
        view = memoryview(data)
    except (TypeError, ValueError, BufferError):
        return _as_pyzmq_sees(data)
    if not view.nbytes:
        return b""
    return view.cast("B") if view.c_contiguous else view.tobytes("A")


def _as_pyzmq_sees(data: Any) -> bytes | None:
    """Return the bytes of an object that has no format, such as a NumPy array of dates."""
    try:
        return zmq.Frame(data, copy=True).bytes
    except (TypeError, ValueError, BufferError):
        return None


def payload_of(frames: Sequence[Bytes | None]) -> bytes | Fingerprint:
    """Return what an event buffer keeps of a message."""
    frame = frames[0]
    if len(frames) == 1 and isinstance(frame, bytes) and len(frame) <= MAX_KEPT_BYTES:
        return frame
    known = [frame for frame in frames if frame is not None]
    if len(known) < len(frames):
        return unknown(sum(map(len, known)))
    return fingerprint(known)


def as_frame(frame: Any, copy: bool) -> Any:
    """Return a received frame as bytes, or as a `zmq.Frame` if it is not to be copied."""
    if copy:
        return frame.bytes if isinstance(frame, zmq.Frame) else frame
    return frame if isinstance(frame, zmq.Frame) else zmq.Frame(frame)
