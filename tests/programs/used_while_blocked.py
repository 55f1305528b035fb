"""Call a socket while another thread is blocked in it, which libzmq does not allow."""

import threading
from contextlib import suppress

import zmq

context = zmq.Context()
pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
pull.rcvtimeo = 20_000
pull.bind("inproc://jobs")
push.connect("inproc://jobs")
entering, received = threading.Event(), []


def receive():
    while len(received) < 2:
        with suppress(RuntimeError):
            received.append(pull.recv())
            entering.set()


receiver = threading.Thread(target=receive)
receiver.start()
push.send(b"first")
entering.wait(10)
refused = False
while not refused:  # until the receiver is blocked in its second call
    try:
        pull.recv(zmq.NOBLOCK)
    except zmq.Again:
        pass
    except RuntimeError:
        refused = True
push.send(b"second")
receiver.join()
assert received == [b"first", b"second"]
context.destroy(linger=0)
