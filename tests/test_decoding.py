"""How a worker decodes payloads, and the errors for payloads that it cannot decode."""

import re

import pytest

from pushpull_kit.sockets.decoding import DECODERS, unreadable


@pytest.mark.parametrize(
    ("receive", "payload", "expected"),
    [
        ("string", "é".encode(), "é"),
        ("string", b"", ""),
        ("json", b'{"a": [1, null]}', {"a": [1, None]}),
        ("json", '"é"'.encode(), "é"),
    ],
)
def test_text_and_json_are_decoded(receive, payload, expected):
    """Text is decoded to str, and JSON to the value that it stands for."""
    assert DECODERS[receive](payload) == expected


@pytest.mark.parametrize(
    ("receive", "payload", "text"),
    [
        ("string", b"\xff\xfe", r"expected text in UTF-8; got b'\xff\xfe'; .* receive='bytes'"),
        ("json", b"{", r"expected JSON; got b'{' .*send_json"),
        ("json", b"", "expected JSON; got b''"),
        ("json", b"\xff", "expected JSON"),
        ("json", b"[" * 1_000_000, "expected JSON"),
        ("json", b"9" * 5_000, "expected JSON; got b'999.* receive='bytes'"),
    ],
)
def test_the_error_says_what_came_and_what_to_do(receive, payload, text):
    """The error for an unreadable payload shows its first bytes and a remedy."""
    with pytest.raises((ValueError, RecursionError)) as caught:
        DECODERS[receive](payload)
    error = unreadable(receive, payload, caught.value)
    assert re.match(text.replace("\\x", r"\\x"), str(error))
    assert len(str(error)) < 500


@pytest.mark.parametrize("receive", ["bytes", "multipart"])
def test_bytes_are_left_as_they_are(receive):
    """`bytes` and `multipart` payloads are not decoded."""
    assert DECODERS[receive] is None


def test_pickle_is_not_offered():
    """No way of decoding can run code from a message."""
    assert set(DECODERS) == {"string", "bytes", "json", "multipart"}
