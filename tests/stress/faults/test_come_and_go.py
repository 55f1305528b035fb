"""A thousand peers that connect and leave: descriptors and memory do not grow."""

import struct
from socket import SO_LINGER, SOL_SOCKET

import pytest
import zmq
from faults import (
    DEADLINE_S,
    between_processes,
    counts,
    descriptors,
    memory_bytes,
    needs_proc,
    until,
    within_a_process,
)
from peers import connected_peer, frame, raw_connection

from pushpull_kit import Worker

pytestmark = needs_proc

COUNT = 1_000

#: Memory may grow by this much, since it always varies a little. A thousand leaked connections
#: take 4 MB (measured), and 24 MB with completed handshakes.
SPARE_BYTES, SPARE_WITH_HANDS_SHAKEN_BYTES = 2_500_000, 10_000_000


def leaves_nothing(come_and_go, spare_bytes=SPARE_WITH_HANDS_SHAKEN_BYTES):
    """After a hundred calls to warm up, a thousand calls add no descriptors and no memory."""
    opened = descriptors()
    for number in range(-100, COUNT):
        if number == 0:
            before = memory_bytes()
        come_and_go(number)
        if number % 50 == 49:  # libzmq closes late; many open connections at once would keep memory
            until(lambda: descriptors() <= opened, f"again {opened} descriptors are open, no more")
    grown = memory_bytes() - before
    print(f"{COUNT:,} came and went: {opened} descriptors, memory grew by {grown / 1e3:,.0f} kB")
    assert grown < spare_bytes


NUMBERS = [str(number) for number in range(-100, COUNT)]


def reset(peer):
    """Close with a reset, so that the other side gets an error."""
    peer.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


@pytest.mark.parametrize("close", [lambda peer: peer.close(), reset], ids=["closed", "reset"])
@between_processes
def test_port_scans_leave_nothing(context, address, close):
    """A thousand peers that connect and leave leak nothing, and all messages of a correct peer are
    handled meanwhile."""
    got = []
    with Worker(got.append, bind=address, context=context) as worker:
        push = context.socket(zmq.PUSH)
        push.connect(worker.endpoint)
        push.send(b"first")
        worker.wait(1, DEADLINE_S)  # now the correct peer has all its descriptors

        def come_and_go(number):
            close(raw_connection(worker.endpoint))
            push.send_string(str(number))

        leaves_nothing(come_and_go, SPARE_BYTES)
        worker.wait(101 + COUNT, DEADLINE_S)
    assert got == ["first", *NUMBERS]
    assert counts(context.timings.summary()) == {"pushed": 101 + COUNT, "handled": 101 + COUNT}


@pytest.mark.parametrize("cut", [3, 600], ids=["with a message", "in the middle of a message"])
def test_senders_of_one_message_leave_nothing(context, address, cut):
    """A thousand peers that complete the handshake, send a message or a part of one, and leave leak
    nothing; exactly the whole messages are handled."""
    got = []
    whole, rest = frame(b"one"), frame(bytes(1_000))[: cut if cut > 9 else 0]
    with Worker(got.append, bind=address, context=context) as worker:

        def come_and_go(number):
            with connected_peer(worker.endpoint) as peer:
                peer.sendall(whole + rest)

        leaves_nothing(come_and_go)
        worker.wait(100 + COUNT, DEADLINE_S)
    assert got == ["one"] * (100 + COUNT)
    assert counts(context.timings.summary()) == {"untimed": 100 + COUNT}


@within_a_process
def test_timed_sockets_leave_nothing(context, address):
    """A thousand timed PUSH sockets that send one message each leak nothing; the log has one lane
    for all of them; and each message is handled."""
    got = []
    with Worker(got.append, bind=address, context=context) as worker:

        def come_and_go(number):
            with context.socket(zmq.PUSH) as push:
                push.connect(worker.endpoint)
                push.send_string(str(number))

        leaves_nothing(come_and_go)
        worker.wait(100 + COUNT, DEADLINE_S)
    assert sorted(got, key=int) == NUMBERS
    assert counts(context.timings.summary()) == {"pushed": 100 + COUNT, "handled": 100 + COUNT}
    assert len(context.timings.lanes) == 3  # none, the worker, the sender


@within_a_process
def test_workers_that_come_and_go_leave_nothing(context, address):
    """A worker that is started and stopped a thousand times leaks nothing and handles the message
    that it gets each time."""
    got = []
    context.socket(zmq.PUSH)  # starts libzmq's own threads
    worker = Worker(got.append, bind=address, context=context)

    def come_and_go(number):
        finished = worker.finished
        with worker, context.socket(zmq.PUSH) as push:
            push.connect(worker.endpoint)
            push.send_string(str(number))
            worker.wait(finished + 1, DEADLINE_S)

    leaves_nothing(come_and_go)
    assert got == NUMBERS
    assert counts(context.timings.summary()) == {"pushed": 100 + COUNT, "handled": 100 + COUNT}
