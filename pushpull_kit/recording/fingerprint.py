"""Hashes of payloads, kept in place of long payloads; a receipt is matched to its send by these."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from xxhash import xxh3_64_intdigest

#: A payload up to this size is kept by reference until ingest, which then hashes all of it.
MAX_KEPT_BYTES = 256

#: The fingerprint of a longer payload covers all of it up to this size. Beyond, it covers the
#: length and evenly spread samples, so that it takes no longer than sending.
MAX_HASHED_BYTES = 1_000_000
N_SAMPLES, SAMPLE_BYTES = 256, 1024


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

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, bytes | Fingerprint):
            return NotImplemented
        return hash(other) == self.value and len(other) == self.n_bytes

    def __len__(self) -> int:
        return self.n_bytes


#: Stands for a multipart message whose last frame was not sent yet. It matches no receipt.
INCOMPLETE = Fingerprint(0, 0)

#: Stands for the message that a buffer noted last, when its handling is timed after all.
REOPENED = Fingerprint(0, 0)

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
    if size > MAX_HASHED_BYTES:
        # The first sample is the start, the last one the end.
        starts = [i * (size - SAMPLE_BYTES) // (N_SAMPLES - 1) for i in range(N_SAMPLES)]
        frame = b"".join(frame[start : start + SAMPLE_BYTES] for start in starts)
    return Fingerprint(hash((size, xxh3_64_intdigest(frame))), size)


def unknown(n_bytes: int) -> Fingerprint:
    """Return the fingerprint of a message whose frames are not all known. It matches no other."""
    return Fingerprint(secrets.randbits(60), n_bytes)
