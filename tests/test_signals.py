"""A signal handler that raises leaves no message half known, and loses none of the kit's own."""

import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest
import zmq

INTERRUPTED_SENDS = """
    import os, signal, threading, zmq
    from pushpull_kit import Context
    from pushpull_kit.recording.events import INGEST_AT

    context = Context()
    pull = context.socket(zmq.PULL)
    pull.rcvhwm = 0
    pull.bind("inproc://wide")
    push = context.socket(zmq.PUSH)
    push.sndhwm = 0
    push.connect("inproc://wide")
    done = threading.Event()
    armed = False
    interrupts = sent = 0

    def interrupt(*_):  # once for each time that it is armed, so never outside the try
        global armed, interrupts
        if armed:
            armed, interrupts = False, interrupts + 1
            raise KeyboardInterrupt

    def send_signals():
        while not done.wait(0.0005):
            os.kill(os.getpid(), signal.SIGINT)

    signal.signal(signal.SIGINT, interrupt)
    thread = threading.Thread(target=send_signals)
    thread.start()
    while interrupts < 300:
        try:
            armed = True
            for _ in range(INGEST_AT):
                push.send(b"next")
                sent += 1
            armed = False
        except KeyboardInterrupt:
            pass
    done.set()
    thread.join()
    received = 0
    while pull.poll(0):
        pull.recv()
        received += 1
    s = context.timings.summary()
    print(sent <= received <= sent + interrupts, s.pushed == received == s.handled + s.handling,
          len(context.timings) == s.pushed + s.interrupted + s.refused)
    context.destroy(linger=0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a signal does not wake libzmq on Windows")
@pytest.mark.parametrize("quick", [False, True], ids=["first send", "later send"])
def test_interrupt_ends_a_blocked_send(context, quick):
    """An interrupt ends a blocked `send`, which is recorded; the socket still works."""
    pull = context.socket(zmq.PULL)
    pull.rcvhwm = 1
    push = context.socket(zmq.PUSH)
    push.sndhwm = 1
    address = "inproc://narrow"
    if quick:
        pull.bind(address)
        push.connect(address)
        push.send(b"0")
        push.send(b"1")
    else:
        push.bind(address)

    interrupted, once = threading.Event(), iter([KeyboardInterrupt])

    def raise_once(*_):
        for error in once:
            raise error

    def interrupt_when_blocked():
        while not context.timings.summary().sending:
            pass
        # More than once: a signal that comes just before libzmq waits does not wake it.
        while not interrupted.wait(0.02):
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, raise_once)
    thread = threading.Thread(target=interrupt_when_blocked)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            push.send(b"blocked")
    finally:
        interrupted.set()
        thread.join()
        signal.signal(signal.SIGINT, before)
    assert context.timings.summary().interrupted == 1
    if not quick:
        pull.connect(address)
    else:
        pull.recv()
        pull.recv()
    push.send(b"after")
    assert pull.recv() == b"after"


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals on Windows")
def test_interrupts_leave_the_log_consistent():
    """Every message is counted once, however often interrupts occur during sends."""
    code = textwrap.dedent(INTERRUPTED_SENDS)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == "True True True\n"


ALARMS = """
    import signal, sys, threading, time, zmq
    from pushpull_kit import Context

    receives_in_main = sys.argv[1] == "receiver"

    class Alarm(Exception):
        pass

    armed, alarms = False, 0

    def raise_alarm(*_):  # only where the loop below expects it
        global armed, alarms
        if armed:
            armed, alarms = False, alarms + 1
            raise Alarm

    context = Context()
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    push.rcvtimeo = pull.rcvtimeo = 2_000
    push.sndtimeo = 2_000
    pull.bind("inproc://jobs")
    push.connect("inproc://jobs")
    sent = received = 0
    is_over = threading.Event()

    def send():
        global sent
        push.send(b"%d" % sent)
        sent += 1

    def receive():
        global received
        pull.recv()
        received += 1

    def other():
        if receives_in_main:
            while not is_over.is_set():
                send()
            push.send(b"end")
        else:
            while pull.recv() != b"end":
                receive_count[0] += 1

    receive_count = [0]
    signal.signal(signal.SIGALRM, raise_alarm)
    thread = threading.Thread(target=other)
    thread.start()
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    work, deadline_s = receive if receives_in_main else send, time.monotonic() + 1
    while time.monotonic() < deadline_s:
        try:
            armed = True
            for _ in range(1000):
                work()
            armed = False
        except Alarm:
            pass
    armed = False
    signal.setitimer(signal.ITIMER_REAL, 0)
    if receives_in_main:
        is_over.set()
        while pull.recv() != b"end":
            received += 1
        lost = sent - received
    else:
        push.send(b"end")
        lost = received_late = 0
    thread.join()
    s = context.timings.summary()
    print("alarms:", alarms, "lost:", lost, s, file=sys.stderr)
    assert alarms > 20
    assert 0 <= lost <= alarms  # an exception in pyzmq's own call loses one message
    if not receives_in_main:
        assert 0 <= receive_count[0] - sent <= alarms  # `send` returned nothing, but it had sent
        assert s.handled == receive_count[0] + 1
    assert (s.in_flight, s.untimed) == (0 if not receives_in_main else s.in_flight, 0)
    assert s.in_flight <= lost
    assert s.pushed == s.handled + s.in_flight
    assert (s.sending, s.handling) == (0, 0)
    push.close(0), pull.close(0), context.term()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals on Windows")
@pytest.mark.parametrize("in_main", ["sender", "receiver"])
def test_a_signal_every_millisecond(in_main):
    """Exceptions every millisecond leave no message half known, and lose one each at most."""
    command = [sys.executable, "-c", textwrap.dedent(ALARMS), in_main]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
