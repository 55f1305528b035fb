"""Peers that send invalid bytes harm no worker and delay no message of a correct peer."""

import contextlib
import random
import struct

import pytest
import zmq
from faults import DEADLINE_S, between_processes, counts, memory_bytes, needs_proc, until
from peers import (
    COMMAND,
    GREETING,
    LONG,
    MORE,
    connected_peer,
    frame,
    is_disconnected,
    raw_connection,
    ready,
)

from pushpull_kit import Worker

HTTP = b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\r\n"
TLS = bytes.fromhex("16030100c8010000c40303") + bytes(193)


def announced(size: int) -> bytes:
    """Return the header of a frame that announces this many bytes."""
    return bytes([LONG]) + struct.pack(">Q", size)


#: Bytes sent in place of the handshake.
BEFORE = {
    "nothing, as in a port scan": b"",
    "one byte": b"\xff",
    "HTTP": HTTP,
    "TLS": TLS,
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "half a greeting": GREETING[:32],
    "a greeting and no more": GREETING,
    "half a handshake": GREETING + ready(b"PUSH")[:7],
    "another mechanism": GREETING.replace(b"NULL\0", b"CURVE"),
    "an unknown mechanism": GREETING.replace(b"NULL", b"LULL"),
    "a PULL": GREETING + ready(b"PULL"),
    "no such socket type": GREETING + ready(b"SHOVE"),
    "metadata that lie about their size": GREETING + b"\x04\x0a\x05READY\xff\xff\xff\xff",
    "a message before the handshake's end": GREETING + frame(b"early"),
    "an unnamed command": GREETING + bytes([COMMAND, 1, 0]),
    "zeros": bytes(10_000),
    **{
        f"random {seed} after a greeting": GREETING + random.Random(seed).randbytes(10_000)
        for seed in range(10)
    },
}

#: Bytes that libzmq reads as ZMTP 1.0 (2010), which has no handshake. Each frame is a length byte,
#: a flags byte and the payload. The first frame is a name; the next ones are messages.
FIRST_ZMTP = {
    "ZMTP 1.0": (b"\x01\0" + b"\x06\0hello" * 2, ["hello"] * 2),
    # The request of a browser that follows a link to http://127.0.0.1:5559/aaa...a!Bdelete...
    "a web address": (
        b"GET /" + b"a" * 67 + b"!B" + b"delete-all-that-there-is,-please" + HTTP[5:],
        ["delete-all-that-there-is,-please", "TTP/1.1\r\nHost: localhost\r\nUser-"],
    ),
}
RANDOM = [random.Random(seed).randbytes(10_000) for seed in range(10)]

#: Bytes sent by a peer after a completed handshake as a PUSH.
AFTER = {
    "a frame of 2**62 bytes": announced(2**62),
    "a frame of 2**63 bytes": announced(2**63),
    "a frame of 2**64 - 1 bytes": announced(2**64 - 1),
    "a frame of 100 GB, of which ten bytes come": announced(100_000_000_000) + bytes(10),
    "a command that is none": bytes([COMMAND, 5]) + b"\x04JOIN",
    "an ERROR": bytes([COMMAND, 7]) + b"\x05ERROR\x00",
    "a PING cut short": bytes([COMMAND, 5]) + b"\x04PING",
    "a part of a message": frame(b"part", MORE),
}


def served_around(context, worker, fault):
    """Send a hundred messages of a correct peer, half before the fault and half after it."""
    push = context.socket(zmq.PUSH)
    push.connect(worker.endpoint)
    for number in range(50):
        push.send_string(f"good {number}")
    until(lambda: context.timings.summary().handled == 50, "half of them are handled")
    with contextlib.closing(fault()):
        for number in range(50, 100):
            push.send_string(f"good {number}")
        until(lambda: context.timings.summary().handled == 100, "the other half is handled")


GOOD = [f"good {number}" for number in range(100)]
HUNDRED_HANDLED = {"pushed": 100, "handled": 100}


def connect_and_send(endpoint, data):
    peer = raw_connection(endpoint)
    with contextlib.suppress(ConnectionError):  # the worker may disconnect it early
        peer.sendall(data)
    return peer


@pytest.mark.parametrize("kind", BEFORE)
def test_a_peer_without_handshake_is_no_sender(context, address, kind):
    """Bytes in place of a handshake are not handled; the messages of a correct peer are handled
    before it and while the faulty peer stays connected."""
    got = []
    with Worker(got.append, bind=address, context=context) as worker:
        served_around(context, worker, lambda: connect_and_send(worker.endpoint, BEFORE[kind]))
    assert got == GOOD
    assert counts(context.timings.summary()) == HUNDRED_HANDLED


@pytest.mark.parametrize("kind", AFTER)
def test_a_sender_that_breaks_the_protocol_harms_no_other(context, address, kind):
    """Bytes that break the protocol after the handshake are not handled; the messages of a correct
    peer are handled before it and while the faulty peer stays connected."""
    got = []

    def break_protocol():
        peer = connected_peer(worker.endpoint)
        peer.sendall(AFTER[kind])
        return peer

    with Worker(got.append, bind=address, context=context) as worker:
        served_around(context, worker, break_protocol)
    assert got == GOOD
    assert counts(context.timings.summary()) == HUNDRED_HANDLED


@pytest.mark.parametrize("kind", FIRST_ZMTP)
def test_zmtp_1_0_is_accepted(context, address, kind):
    """Bytes that read as ZMTP 1.0 are handled as messages, and the log counts them as untimed."""
    data, expected = FIRST_ZMTP[kind]
    got = []
    with Worker(got.append, bind=address, context=context) as worker:
        peer = connect_and_send(worker.endpoint, data)
        worker.wait(len(expected), DEADLINE_S)
        served_around(context, worker, lambda: peer)
    assert got == expected + GOOD
    assert counts(context.timings.summary()) == {**HUNDRED_HANDLED, "untimed": len(expected)}


def test_random_bytes_may_pass_for_messages(context, address):
    """libzmq reads some random bytes as messages. The worker handles them or fails to decode them
    and goes on; the log counts them as untimed, and all messages of a correct peer are handled."""
    got = []

    def faulty_peers():
        connections = contextlib.ExitStack()
        for data in RANDOM:
            connections.enter_context(connect_and_send(worker.endpoint, data))
        until(lambda: worker.errors, "a message could not be decoded")
        return connections

    with Worker(got.append, bind=address, context=context) as worker:
        served_around(context, worker, faulty_peers)
    assert [text for text in got if text.startswith("good")] == GOOD
    strange = worker.finished - 100
    print(
        f"{len(RANDOM)} times {len(RANDOM[0]):,} random bytes: {strange} messages, "
        f"{len(got) - 100} of them text"
    )
    assert counts(context.timings.summary()) == {**HUNDRED_HANDLED, "untimed": strange}


@pytest.mark.parametrize(
    "data",
    [*(data for data, _ in FIRST_ZMTP.values()), *RANDOM],
    ids=[*FIRST_ZMTP, *(f"random {number}" for number in range(len(RANDOM)))],
)
def test_a_zap_domain_refuses_zmtp_1_0(context, address, data):
    """A worker with a `zap_domain` closes a ZMTP 1.0 connection and handles nothing from it."""
    got = []
    with Worker(got.append, bind=address, context=context, zap_domain=b"any") as worker:
        peer = connect_and_send(worker.endpoint, data)
        assert is_disconnected(peer)
        served_around(context, worker, lambda: peer)
    assert got == GOOD
    assert counts(context.timings.summary()) == HUNDRED_HANDLED


@between_processes
def test_all_invalid_bytes_at_once(context, address):
    """With all kinds of invalid bytes at once, each kind also from a peer that disconnects at once,
    exactly the messages of a correct peer are handled."""
    got = []

    def faulty_peers():
        connections = contextlib.ExitStack()
        for data in BEFORE.values():
            connect_and_send(worker.endpoint, data).close()
            connections.enter_context(connect_and_send(worker.endpoint, data))
        for data in AFTER.values():
            connections.enter_context(connected_peer(worker.endpoint)).sendall(data)
        return connections

    with Worker(got.append, bind=address, context=context) as worker:
        served_around(context, worker, faulty_peers)
    assert got == GOOD
    assert counts(context.timings.summary()) == HUNDRED_HANDLED


@needs_proc
def test_an_announced_giant_frame_takes_no_memory(context, address):
    """A hundred peers that announce a frame of 100 GB and send ten bytes of it cost no memory."""
    kind = "a frame of 100 GB, of which ten bytes come"
    with (
        Worker(print, bind=address, context=context) as worker,
        contextlib.ExitStack() as connections,
    ):
        before = memory_bytes()
        for _ in range(100):
            connections.enter_context(connected_peer(worker.endpoint)).sendall(AFTER[kind])
        peer = connections.enter_context(connected_peer(worker.endpoint))
        peer.sendall(frame(b"small"))
        worker.wait(1, DEADLINE_S)
        assert memory_bytes() - before < 50_000_000


def test_a_worker_may_refuse_large_messages(context, address):
    """With `maxmsgsize`, a peer that announces a larger message is disconnected before it sends."""
    got = []
    with (
        Worker(got.append, bind=address, context=context, maxmsgsize=1_000) as worker,
        connected_peer(worker.endpoint) as peer,
    ):
        peer.sendall(frame(bytes(1_000)) + announced(1_001))
        assert is_disconnected(peer)
        worker.wait(1, DEADLINE_S)
    assert got == ["\0" * 1_000]
