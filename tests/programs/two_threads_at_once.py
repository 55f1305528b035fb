"""Use sockets in several threads at the same moment, which libzmq does not allow."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import zmq

N_SENDS, N_THREADS = 3_000, 3
sys.setswitchinterval(1e-6)
context = zmq.Context()
pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
pull.rcvhwm = push.sndhwm = 0
pull.rcvtimeo = 50
port = pull.bind_to_random_port("tcp://127.0.0.1")
push.connect(f"tcp://127.0.0.1:{port}")
sending = threading.Event()


def send_all():
    n_accepted = 0
    for number in range(N_SENDS):
        with suppress(RuntimeError):  # refused: another thread is in the socket
            push.send(b"%d" % number)
            n_accepted += 1
    return n_accepted


def receive_all():
    n_received = 0
    while True:
        try:
            pull.recv()
            n_received += 1
        except RuntimeError:
            pass
        except zmq.Again:
            if not sending.is_set():
                return n_received


sending.set()
with ThreadPoolExecutor(2 * N_THREADS) as pool:
    receivers = [pool.submit(receive_all) for _ in range(N_THREADS)]
    senders = [pool.submit(send_all) for _ in range(N_THREADS)]
    n_accepted = sum(sender.result() for sender in senders)
    sending.clear()
    n_received = sum(receiver.result() for receiver in receivers)
assert n_accepted == n_received
context.destroy(linger=0)
