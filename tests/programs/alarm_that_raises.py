"""Use SIGALRM with a handler that raises as a timeout for receiving and sending."""

import signal
from contextlib import contextmanager

import zmq


class TimeIsUp(Exception):
    pass


def on_alarm(signum, frame):
    raise TimeIsUp


@contextmanager
def at_most(seconds, what):
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    except TimeIsUp:
        print(what, "took too long")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


signal.signal(signal.SIGALRM, on_alarm)
with zmq.Context() as context, context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
    with at_most(0.1, "sending"):
        push.send(b"there is no peer")
    port = pull.bind_to_random_port("tcp://127.0.0.1")
    push.connect(f"tcp://127.0.0.1:{port}")
    for number in range(3):
        with at_most(0.1, "receiving"):
            pull.recv()
        with at_most(10, "one message"):
            push.send_multipart([b"job", b"%d" % number])
            print(pull.recv_multipart())
