"""Equal payloads have equal fingerprints, and different payloads almost always differ."""

import pytest

from pushpull_kit.recording.fingerprint import MAX_KEPT_BYTES, SAMPLE_BYTES, fingerprint

LONG = bytes(range(256)) * 16


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


@pytest.mark.parametrize(
    "at",
    [0, SAMPLE_BYTES - 1, len(LONG) // 2, len(LONG) // 2 + SAMPLE_BYTES - 1, len(LONG) - 1],
    ids=["first", "end of the first sample", "middle", "end of the middle sample", "last"],
)
def test_samples_of_a_long_payload_count(at):
    """A long payload that differs at its start, middle or end has another fingerprint."""
    assert fingerprint([changed(LONG, at)]).value != fingerprint([LONG]).value


def test_the_length_of_a_long_payload_counts():
    """Long payloads with equal samples and different lengths have different fingerprints."""
    assert fingerprint([b"x" * 1_000]).value != fingerprint([b"x" * 1_001]).value


def test_bytes_between_the_samples_do_not_count():
    """Long payloads that differ only between the samples have the same fingerprint."""
    assert fingerprint([changed(LONG, SAMPLE_BYTES)]).value == fingerprint([LONG]).value


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
