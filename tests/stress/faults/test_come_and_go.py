"""A thousand peers that come and go: descriptors and memory stay as they were."""

import struct
from socket import SO_LINGER, SOL_SOCKET

import pytest
import zmq
from faults import (
    DEADLINE_S,
    between_processes,
    books,
    descriptors,
    memory_bytes,
    needs_proc,
    until,
    within_a_process,
)
from peers import dial, frame, introduced

from pushpull_kit import Worker

pytestmark = needs_proc

COUNT = 1_000

#: What memory may grow by, for it is never quite still. A thousand connections that stayed were
#: measured to take 4 MB, and 24 MB with hands shaken.
SPARE_BYTES, SPARE_WITH_HANDS_SHAKEN_BYTES = 2_500_000, 10_000_000


def leaves_nothing(come_and_go, spare_bytes=SPARE_WITH_HANDS_SHAKEN_BYTES):
    """Call a thousand times, after a hundred to warm up: descriptors and memory stay."""
    opened = descriptors()
    for number in range(-100, COUNT):
        if number == 0:
            before = memory_bytes()
        come_and_go(number)
        if number % 50 == 49:  # libzmq closes late: let no crowd gather, whose memory would stay
            until(lambda: descriptors() <= opened, f"again {opened} descriptors are open, no more")
    grown = memory_bytes() - before
    print(f"{COUNT:,} came and went: {opened} descriptors, memory grew by {grown / 1e3:,.0f} kB")
    assert grown < spare_bytes


NUMBERS = [str(number) for number in range(-100, COUNT)]


def reset(peer):
    """Close so that the other side meets an error."""
    peer.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


@pytest.mark.parametrize("close", [lambda peer: peer.close(), reset], ids=["closed", "reset"])
@between_processes
def test_port_scans_leave_nothing(context, address, close):
    """A thousand who connect and end leave nothing behind, and a good peer's messages between
    theirs are all handled."""
    got = []
    with Worker(got.append, bind=address, context=context) as worker:
        push = context.socket(zmq.PUSH)
        push.connect(worker.endpoint)
        push.send(b"first")
        worker.wait(1, DEADLINE_S)  # now the good peer has all the descriptors that it needs

        def come_and_go(number):
            close(dial(worker.endpoint))
            push.send_string(str(number))

        leaves_nothing(come_and_go, SPARE_BYTES)
        worker.wait(101 + COUNT, DEADLINE_S)
    assert got == ["first", *NUMBERS]
    assert books(context.timings.summary()) == {"pushed": 101 + COUNT, "handled": 101 + COUNT}


@pytest.mark.parametrize("cut", [3, 600], ids=["with a message", "in the middle of a message"])
def test_pushers_of_one_message_leave_nothing(context, address, cut):
    """A thousand who shake hands, send a message or most of one, and end, leave nothing behind;
    each whole message is handled, and no other."""
    got = []
    whole, rest = frame(b"one"), frame(bytes(1_000))[: cut if cut > 9 else 0]
    with Worker(got.append, bind=address, context=context) as worker:

        def come_and_go(number):
            with introduced(worker.endpoint) as peer:
                peer.sendall(whole + rest)

        leaves_nothing(come_and_go)
        worker.wait(100 + COUNT, DEADLINE_S)
    assert got == ["one"] * (100 + COUNT)
    assert books(context.timings.summary()) == {"untimed": 100 + COUNT}


@within_a_process
def test_timed_sockets_leave_nothing(context, address):
    """A thousand timed PUSHes that are made, send one message each and are closed leave nothing
    behind, not in the log either: it has one lane for all; and each message is handled."""
    got = []
    with Worker(got.append, bind=address, context=context) as worker:

        def come_and_go(number):
            with context.socket(zmq.PUSH) as push:
                push.connect(worker.endpoint)
                push.send_string(str(number))

        leaves_nothing(come_and_go)
        worker.wait(100 + COUNT, DEADLINE_S)
    assert sorted(got, key=int) == NUMBERS
    assert books(context.timings.summary()) == {"pushed": 100 + COUNT, "handled": 100 + COUNT}
    assert len(context.timings.lanes) == 3  # none, the worker, the sender


@within_a_process
def test_workers_that_come_and_go_leave_nothing(context, address):
    """A worker that is started and stopped a thousand times leaves nothing behind, and has handled
    the message that it was sent each time."""
    got = []
    context.socket(zmq.PUSH)  # from now on libzmq has its own threads
    worker = Worker(got.append, bind=address, context=context)

    def come_and_go(number):
        finished = worker.finished
        with worker, context.socket(zmq.PUSH) as push:
            push.connect(worker.endpoint)
            push.send_string(str(number))
            worker.wait(finished + 1, DEADLINE_S)

    leaves_nothing(come_and_go)
    assert got == NUMBERS
    assert books(context.timings.summary()) == {"pushed": 100 + COUNT, "handled": 100 + COUNT}
