"""Peers that send rubbish: no worker is harmed, and no message of a good peer is missing."""

import contextlib
import random
import struct

import pytest
import zmq
from faults import DEADLINE_S, between_processes, books, memory_bytes, needs_proc, until
from peers import COMMAND, GREETING, LONG, MORE, dial, frame, hung_up, introduced, ready

from pushpull_kit import Worker

HTTP = b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\r\n"
TLS = bytes.fromhex("16030100c8010000c40303") + bytes(193)


def announced(size: int) -> bytes:
    """The head of a frame that is said to have so many bytes."""
    return bytes([LONG]) + struct.pack(">Q", size)


#: What comes in place of the handshake.
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

#: What libzmq takes for ZMTP 1.0, of 2010, which has no handshake: each frame is one byte for its
#: length, one for its flags, and the rest. The first is a name; what follows are messages.
FIRST_ZMTP = {
    "ZMTP 1.0": (b"\x01\0" + b"\x06\0hello" * 2, ["hello"] * 2),
    # What a browser sends that follows a link to http://127.0.0.1:5559/aaa...a!Bdelete...
    "a web address": (
        b"GET /" + b"a" * 67 + b"!B" + b"delete-all-that-there-is,-please" + HTTP[5:],
        ["delete-all-that-there-is,-please", "TTP/1.1\r\nHost: localhost\r\nUser-"],
    ),
}
RANDOM = [random.Random(seed).randbytes(10_000) for seed in range(10)]

#: What comes from a peer that has shaken hands as a PUSH.
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
    """Have a hundred messages of a good peer handled: half before the fault, half after it."""
    push = context.socket(zmq.PUSH)
    push.connect(worker.endpoint)
    for number in range(50):
        push.send_string(f"good {number}")
    until(lambda: context.timings.summary().handled == 50, "half of them are handled")
    with contextlib.closing(fault()):
        for number in range(50, 100):
            push.send_string(f"good {number}")
        until(lambda: context.timings.summary().handled == 100, "all that is good is handled")


GOOD = [f"good {number}" for number in range(100)]
BOOKS = {"pushed": 100, "handled": 100}


def intrude(endpoint, rubbish):
    stranger = dial(endpoint)
    with contextlib.suppress(ConnectionError):  # it may be shown the door before it is through
        stranger.sendall(rubbish)
    return stranger


@pytest.mark.parametrize("kind", BEFORE)
def test_a_stranger_is_no_pusher(context, address, kind):
    """Of what a stranger sends in place of a handshake nothing is handled, and a good peer's
    messages are, before it and while it holds on."""
    got = []
    with Worker(got.append, bind=address, context=context) as worker:
        served_around(context, worker, lambda: intrude(worker.endpoint, BEFORE[kind]))
    assert got == GOOD
    assert books(context.timings.summary()) == BOOKS


@pytest.mark.parametrize("kind", AFTER)
def test_a_pusher_that_goes_mad_harms_no_other(context, address, kind):
    """Of what a peer sends that shook hands and then breaks the protocol nothing is handled, and
    a good peer's messages are, before it and while it holds on."""
    got = []

    def go_mad():
        peer = introduced(worker.endpoint)
        peer.sendall(AFTER[kind])
        return peer

    with Worker(got.append, bind=address, context=context) as worker:
        served_around(context, worker, go_mad)
    assert got == GOOD
    assert books(context.timings.summary()) == BOOKS


@pytest.mark.parametrize("kind", FIRST_ZMTP)
def test_a_stranger_may_pass_for_a_pusher(context, address, kind):
    """What reads as ZMTP 1.0 is handled like any message, and the log counts it as untimed."""
    rubbish, expected = FIRST_ZMTP[kind]
    got = []
    with Worker(got.append, bind=address, context=context) as worker:
        stranger = intrude(worker.endpoint, rubbish)
        worker.wait(len(expected), DEADLINE_S)
        served_around(context, worker, lambda: stranger)
    assert got == expected + GOOD
    assert books(context.timings.summary()) == {**BOOKS, "untimed": len(expected)}


def test_random_bytes_may_pass_for_messages(context, address):
    """Of random bytes, some are messages to libzmq, which the worker handles, or fails to decode
    and goes on; the log counts them as untimed, and a good peer's messages are all handled."""
    got = []

    def crowd():
        crowd = contextlib.ExitStack()
        for rubbish in RANDOM:
            crowd.enter_context(intrude(worker.endpoint, rubbish))
        until(lambda: worker.errors, "a first one could not be decoded")
        return crowd

    with Worker(got.append, bind=address, context=context) as worker:
        served_around(context, worker, crowd)
    assert [text for text in got if text.startswith("good")] == GOOD
    strange = worker.finished - 100
    print(
        f"{len(RANDOM)} times {len(RANDOM[0]):,} random bytes: {strange} messages, "
        f"{len(got) - 100} of them text"
    )
    assert books(context.timings.summary()) == {**BOOKS, "untimed": strange}


@pytest.mark.parametrize(
    "rubbish",
    [*(rubbish for rubbish, _ in FIRST_ZMTP.values()), *RANDOM],
    ids=[*FIRST_ZMTP, *(f"random {number}" for number in range(len(RANDOM)))],
)
def test_with_a_zap_domain_a_stranger_does_not_pass(context, address, rubbish):
    """A worker with a `zap_domain` speaks no ZMTP 1.0: it hangs up, and handles nothing of it."""
    got = []
    with Worker(got.append, bind=address, context=context, zap_domain=b"any") as worker:
        stranger = intrude(worker.endpoint, rubbish)
        assert hung_up(stranger)
        served_around(context, worker, lambda: stranger)
    assert got == GOOD
    assert books(context.timings.summary()) == BOOKS


@between_processes
def test_all_strangers_at_once(context, address):
    """With every kind of rubbish on the line at once, and each a second time from one who hangs up
    at once, a good peer's messages are all handled, and no other."""
    got = []

    def crowd():
        crowd = contextlib.ExitStack()
        for rubbish in BEFORE.values():
            intrude(worker.endpoint, rubbish).close()
            crowd.enter_context(intrude(worker.endpoint, rubbish))
        for rubbish in AFTER.values():
            crowd.enter_context(introduced(worker.endpoint)).sendall(rubbish)
        return crowd

    with Worker(got.append, bind=address, context=context) as worker:
        served_around(context, worker, crowd)
    assert got == GOOD
    assert books(context.timings.summary()) == BOOKS


@needs_proc
def test_a_giant_that_is_only_announced_takes_no_memory(context, address):
    """A hundred peers that announce a frame of 100 GB and send ten bytes of it cost no memory."""
    kind = "a frame of 100 GB, of which ten bytes come"
    with Worker(print, bind=address, context=context) as worker, contextlib.ExitStack() as giants:
        before = memory_bytes()
        for _ in range(100):
            giants.enter_context(introduced(worker.endpoint)).sendall(AFTER[kind])
        peer = giants.enter_context(introduced(worker.endpoint))
        peer.sendall(frame(b"small"))
        worker.wait(1, DEADLINE_S)
        assert memory_bytes() - before < 50_000_000


def test_a_worker_may_refuse_large_messages(context, address):
    """With `maxmsgsize`, a peer that announces a larger message is hung up on before it sends."""
    got = []
    with (
        Worker(got.append, bind=address, context=context, maxmsgsize=1_000) as worker,
        introduced(worker.endpoint) as peer,
    ):
        peer.sendall(frame(bytes(1_000)) + announced(1_001))
        assert hung_up(peer)
        worker.wait(1, DEADLINE_S)
    assert got == ["\0" * 1_000]
