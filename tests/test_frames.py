"""What is noted of a frame is the bytes that pyzmq sends for it."""

import array

import numpy as np
import pytest
import zmq

from pushpull_kit.sockets.frames import as_frame, bytes_of, payload_of

SENDABLE = {
    "bytes": b"abc",
    "bytearray": bytearray(b"abc"),
    "memoryview": memoryview(b"abcdef")[::1],
    "array": array.array("d", [1.5, 2.5]),
    "frame": zmq.Frame(b"abc"),
    "empty": bytearray(),
    "numbers": np.arange(6).reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6, dtype=np.uint8).reshape(2, 3)),
    "dates": np.zeros(3, "M8[s]"),
}


@pytest.mark.parametrize("what", SENDABLE)
def test_the_bytes_are_those_on_the_wire(raw_context, what):
    """`bytes_of` returns what a receiver gets."""
    with raw_context.socket(zmq.PUSH) as push, raw_context.socket(zmq.PULL) as pull:
        pull.bind("inproc://wire")
        push.connect("inproc://wire")
        push.send(SENDABLE[what])
        assert bytes(bytes_of(SENDABLE[what])) == pull.recv()


@pytest.mark.parametrize("data", ["text", 5, [b"a"]])
def test_what_pyzmq_does_not_send_has_no_bytes(data):
    """`bytes_of` returns None for an object without the buffer interface."""
    assert bytes_of(data) is None


def test_a_short_message_is_kept_as_it_is():
    """A short message of one frame is its own payload; the same bytes in two frames differ."""
    assert payload_of([b"abc"]) == b"abc"
    assert payload_of([memoryview(b"abc")]) == b"abc"
    assert payload_of([b"ab", b"c"]) != b"abc"


def test_a_message_with_an_unknown_frame_matches_nothing():
    """A message of which a frame is not known differs from every message."""
    assert payload_of([b"abc", None]) not in (b"abc", payload_of([b"abc"]))
    assert payload_of([b"abc", None]) != payload_of([b"abc", b""])


@pytest.mark.parametrize("frame", [b"abc", zmq.Frame(b"abc")])
def test_a_frame_is_returned_as_it_was_asked_for(frame):
    """`as_frame` returns bytes or a Frame, whatever was received."""
    assert as_frame(frame, copy=True) == b"abc"
    assert isinstance(as_frame(frame, copy=False), zmq.Frame)
    assert as_frame(frame, copy=False).bytes == b"abc"
