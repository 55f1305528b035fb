"""What a socket costs does not depend on how many there are."""

import sys

import pytest
import zmq

from pushpull_kit import Context


def calls_to_use_a_pair(context):
    """Return how many functions are called to make, use and close two sockets."""
    count = 0

    def profile(frame, event, arg):
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        with context.socket(zmq.PUSH) as push, context.socket(zmq.PULL) as pull:
            pull.bind("inproc://pair")
            push.connect("inproc://pair")
            push.send(b"x")
            pull.recv()
    finally:
        sys.setprofile(before)
    return count


def test_the_thousandth_pair_of_sockets_costs_what_the_tenth_costs():
    """The cost of a socket does not depend on how many there were before."""
    with Context() as context:
        counts = [calls_to_use_a_pair(context) for _ in range(1_000)]
        assert sum(counts[-100:]) < 1.2 * sum(counts[10:110])
        assert len(context.timings.lanes) < 1_000


def test_a_thousand_open_sockets_do_not_slow_the_next_one():
    """The cost of a socket does not depend on how many are open."""
    with Context() as context:
        before = min(calls_to_use_a_pair(context) for _ in range(5))
        kept = []
        for number in range(400):
            kept.append(context.socket(zmq.PUSH))
            kept[-1].bind(f"inproc://kept-{number}")
            with pytest.raises(zmq.Again):
                kept[-1].send(b"", zmq.NOBLOCK)
        assert min(calls_to_use_a_pair(context) for _ in range(5)) < 1.2 * before
        for socket in kept:
            socket.close()
