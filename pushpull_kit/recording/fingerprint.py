"""Hashes of payloads, kept in place of long payloads; a receipt is matched to its send by these."""

from __future__ import annotations

from collections.abc import Iterable

#: A payload up to this size is kept by reference until ingest, which then hashes all of it.
MAX_KEPT_BYTES = 256

#: The fingerprint of a longer payload covers its length and three samples of this size: from its
#: start, its middle and its end.
SAMPLE_BYTES = 64


class Fingerprint:
    """Stands for a payload that is not kept: its hash, its size, and whether it was interrupted.

    `hash` is the same for equal payloads, and `len` is the payload's size, so an event buffer may
    hold either. For a payload that is short enough to be kept, `hash` equals the payload's own.

    Args:
        value: the hash.
        n_bytes: size of the payload in bytes, all frames together.
        interrupted: whether the send was interrupted. It is then unknown if it was accepted.
    """

    __slots__ = ("interrupted", "n_bytes", "value")

    def __init__(self, value: int, n_bytes: int, interrupted: bool = False) -> None:
        self.value, self.n_bytes, self.interrupted = value, n_bytes, interrupted

    def __hash__(self) -> int:
        return self.value

    def __len__(self) -> int:
        return self.n_bytes


#: Stands for a multipart message whose last frame was not sent yet. It matches no receipt.
INCOMPLETE = Fingerprint(0, 0)

#: Stands for a multipart message that was interrupted before its last frame: never accepted.
CUT_OFF = Fingerprint(0, 0, interrupted=True)


def fingerprint(frames: Iterable[bytes | memoryview]) -> Fingerprint:
    """Return the fingerprint of a message of one or more frames."""
    parts = [fingerprint_frame(frame) for frame in frames]
    if len(parts) == 1:
        return parts[0]
    return Fingerprint(hash(tuple(part.value for part in parts)), sum(map(len, parts)))


def fingerprint_frame(frame: bytes | memoryview) -> Fingerprint:
    """Return the fingerprint of one frame."""
    size = len(frame)
    if size <= MAX_KEPT_BYTES:
        return Fingerprint(hash(bytes(frame)), size)
    middle = size // 2
    samples = frame[:SAMPLE_BYTES], frame[middle : middle + SAMPLE_BYTES], frame[-SAMPLE_BYTES:]
    if type(frame) is not bytes:
        samples = bytes(samples[0]), bytes(samples[1]), bytes(samples[2])
    return Fingerprint(hash((size, samples)), size)
