"""Equal payloads have equal fingerprints, and different payloads almost always differ."""

import pytest

from pushpull_kit.recording.fingerprint import (
    MAX_HASHED_BYTES,
    MAX_KEPT_BYTES,
    SAMPLE_BYTES,
    Fingerprint,
    fingerprint,
    unknown,
)

LONG = bytes(range(256)) * 16
HUGE_SIZE = MAX_HASHED_BYTES + 1_000_000


def changed(payload, at):
    """Return the payload with one byte changed."""
    return payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1 :]


@pytest.mark.parametrize("size", [0, 1, MAX_KEPT_BYTES])
def test_a_short_payload_hashes_as_itself(size):
    """Up to `MAX_KEPT_BYTES` a payload and its fingerprint have the same hash and length."""
    payload = b"x" * size
    assert hash(fingerprint([payload])) == hash(payload)
    assert len(fingerprint([payload])) == size


def test_every_byte_of_a_short_payload_counts():
    """A payload of `MAX_KEPT_BYTES` that differs in any byte has another fingerprint."""
    payload = LONG[:MAX_KEPT_BYTES]
    values = {fingerprint([changed(payload, at)]).value for at in range(len(payload))}
    assert len(values | {fingerprint([payload]).value}) == len(payload) + 1


@pytest.mark.parametrize("at", [0, 100, len(LONG) // 2, len(LONG) - 1])
def test_all_bytes_of_a_long_payload_count(at):
    """A long payload that differs in one byte, wherever it is, has another fingerprint."""
    assert fingerprint([changed(LONG, at)]).value != fingerprint([LONG]).value


@pytest.mark.parametrize(
    "at",
    [0, SAMPLE_BYTES - 1, HUGE_SIZE - SAMPLE_BYTES, HUGE_SIZE - 1],
    ids=["first", "end of the first sample", "start of the last sample", "last"],
)
def test_samples_of_a_huge_payload_count(at):
    """A payload beyond `MAX_HASHED_BYTES` that differs in a sample has another fingerprint."""
    huge = bytes(HUGE_SIZE)
    assert fingerprint([changed(huge, at)]).value != fingerprint([huge]).value


def test_bytes_between_the_samples_of_a_huge_payload_do_not_count():
    """Payloads beyond `MAX_HASHED_BYTES` may differ between the samples."""
    huge = bytes(HUGE_SIZE)
    assert fingerprint([changed(huge, SAMPLE_BYTES)]).value == fingerprint([huge]).value


@pytest.mark.parametrize("payload", [LONG, bytes(1_000_001)], ids=["long", "huge"])
def test_the_length_of_a_long_payload_counts(payload):
    """Long payloads with equal bytes and different lengths have different fingerprints."""
    assert fingerprint([payload + b"\0"]).value != fingerprint([payload]).value


@pytest.mark.parametrize("payload", [b"short", LONG], ids=["short", "long"])
def test_a_view_has_the_fingerprint_of_its_bytes(payload):
    """A memoryview has the same fingerprint as its bytes."""
    assert fingerprint([memoryview(bytearray(payload))]).value == fingerprint([payload]).value


def test_frame_borders_count():
    """Messages of the same bytes in other frames have other fingerprints."""
    ways = [[b"abcd"], [b"ab", b"cd"], [b"abc", b"d"], [b"", b"abcd"], [b"abcd", b""]]
    assert len({fingerprint(frames).value for frames in ways}) == len(ways)


def test_the_size_counts_all_frames():
    """The size of a multipart message is the sum of its frames' sizes."""
    assert len(fingerprint([b"ab", LONG, b""])) == 2 + len(LONG)


def test_a_fingerprint_equals_its_payload():
    """A fingerprint equals what has the same hash and size: a payload, or another fingerprint."""
    one = fingerprint([b"ab"])
    assert one == b"ab"
    assert b"ab" == one == Fingerprint(hash(b"ab"), 2, interrupted=True)
    assert one != b"abc"
    assert one != Fingerprint(hash(b"ab"), 3)
    assert one != "ab"


def test_an_unknown_payload_equals_no_other():
    """Messages whose frames are not all known have a fingerprint each, of their size."""
    values = {unknown(5).value for _ in range(1_000)}
    assert len(values) == 1_000
    assert len(unknown(5)) == 5
