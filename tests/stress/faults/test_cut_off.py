"""A message whose connection ends in the middle of it is never handled in part."""

import contextlib
import itertools
import selectors
import socket
import struct
import threading

import pytest
import zmq
from faults import DEADLINE_S, between_processes, counts, until
from peers import MORE, connected_peer, frame, raw_connection

from pushpull_kit import Worker

#: Closing with this option sends a reset, as a machine does after a restart.
RESET = struct.pack("ii", 1, 0)


@pytest.mark.parametrize("cut", [1, 5, 9, 10, 500, 1_008], ids=lambda size: f"after {size} bytes")
@pytest.mark.parametrize("end", ["closed", "reset"])
def test_half_a_message_is_none(context, cut, end, address):
    """If a peer ends in the middle of its second message, the first is handled and the second is
    not; the worker serves the next peer."""
    got = []
    with Worker(got.append, bind=address, context=context) as worker:
        peer = connected_peer(worker.endpoint)
        peer.sendall(frame(b"whole") + frame(b"x" * 1_000)[:cut])
        worker.wait(1, DEADLINE_S)
        if end == "reset":
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        peer.close()
        push = context.socket(zmq.PUSH)
        push.connect(worker.endpoint)
        push.send(b"next")
        worker.wait(2, DEADLINE_S)
    assert got == ["whole", "next"]
    assert counts(context.timings.summary()) == {"pushed": 1, "handled": 1, "untimed": 1}


@between_processes
def test_a_multipart_message_without_its_end_is_none(context, address):
    """If a message is cut off between two frames, no frame of it is handled or becomes a part of
    the next message."""
    got = []
    options = {"receive": "multipart", "context": context}
    with Worker(got.append, bind=address, **options) as worker:
        with connected_peer(worker.endpoint) as peer:
            peer.sendall(frame(b"a", MORE) + frame(b"b") + frame(b"c", MORE))
            worker.wait(1, DEADLINE_S)
        push = context.socket(zmq.PUSH)
        push.connect(worker.endpoint)
        push.send_multipart([b"d", b"e"])
        worker.wait(2, DEADLINE_S)
    assert got == [[b"a", b"b"], [b"d", b"e"]]
    assert counts(context.timings.summary()) == {"pushed": 1, "handled": 1, "untimed": 1}


class Cable:
    """A proxy between a PUSH and a worker that cuts its connections.

    It cuts each connection except the last after `most` bytes from the PUSH.
    """

    def __init__(self, endpoint, most, cuts):
        self._far, self._most, self._cuts_left = endpoint, most, cuts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        self._listener.settimeout(DEADLINE_S)
        self._over, self._other_end = socket.socketpair()
        self.endpoint = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while True:
            near, _ = self._listener.accept()
            with near, raw_connection(self._far) as far:
                if not self._pass_on(near, far):
                    return

    def _pass_on(self, near, far):
        """Forward bytes until it is time to cut; return False when it is time to end."""
        passed, selector = 0, selectors.DefaultSelector()
        with selector:
            for sock in (near, far, self._over):
                selector.register(sock, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select(DEADLINE_S):
                    if key.fileobj is self._over:
                        return False
                    data = key.fileobj.recv(65_536)
                    if key.fileobj is far:
                        near.sendall(data)
                        continue
                    if self._cuts_left and passed + len(data) > self._most:
                        far.sendall(data[: self._most - passed])
                        self._cuts_left -= 1
                        return True
                    far.sendall(data)
                    passed += len(data)

    def close(self):
        self._other_end.close()
        self._thread.join(DEADLINE_S)
        self._over.close()
        self._listener.close()


def test_what_a_cut_cable_loses_is_what_the_log_misses(context):
    """If a connection is cut ten times in the middle of a message, every message arrives whole and
    once, or not at all; a lost message stays in flight."""
    count, payload, got = 20_000, b"%05d" + b" " * 995, []
    with Worker(got.append, bind="tcp://127.0.0.1:*", context=context, receive="bytes") as worker:
        with contextlib.closing(Cable(worker.endpoint, most=200_500, cuts=10)) as cable:
            push = context.socket(zmq.PUSH)
            push.sndhwm, push.sndbuf, push.reconnect_ivl = 0, 65_536, 1
            push.connect(cable.endpoint)
            for number in range(count):
                push.send(payload % number)
            push.send(b"last")
            # The worker reads its connections in turn, so after a cut the first messages of the new
            # connection may come before the last of the old one. Those are few; each connection
            # carries thousands.
            until(lambda: b"last" in got, "what was queued last has come")
        worker.wait(len(got))
    numbers = sorted(int(text) for text in got if text != b"last")
    assert sorted(got) == [*(payload % number for number in numbers), b"last"]
    assert len(numbers) == len(set(numbers))
    lost = count - len(numbers)
    gaps = sum(b - a > 1 for a, b in itertools.pairwise(numbers))
    print(f"{count:,} pushed, ten cuts: {len(numbers):,} handled, {lost:,} lost in {gaps} gaps")
    assert gaps == 10
    assert counts(context.timings.summary()) == {
        "pushed": count + 1,
        "handled": len(numbers) + 1,
        "in_flight": lost,
    }


def test_what_a_stopped_worker_had_not_taken_is_what_the_log_misses(context):
    """An inproc pipe cannot be cut, but a worker that stops drops its queue: of 10,000 messages it
    handled those that its handler saw, and the log shows the rest in flight."""
    got, pushed = [], threading.Event()

    def handler(text):
        pushed.wait(DEADLINE_S)
        got.append(text)
        if len(got) == 10:
            worker.ask_to_stop()

    worker = Worker(handler, bind="inproc://faults", context=context, rcvhwm=0).start()
    push = context.socket(zmq.PUSH)
    push.connect("inproc://faults")
    for number in range(10_000):
        push.send_string(str(number), zmq.NOBLOCK)
    pushed.set()
    until(lambda: not worker.running, "the worker has stopped itself")
    worker.stop()
    assert got == list(map(str, range(10)))
    assert counts(context.timings.summary()) == {
        "pushed": 10_000,
        "handled": 10,
        "in_flight": 9_990,
    }
