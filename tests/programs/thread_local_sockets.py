"""Give each thread a socket of its own, and destroy them all with the context."""

import threading
from concurrent.futures import ThreadPoolExecutor

import zmq

context = zmq.Context()
local = threading.local()
pull = context.socket(zmq.PULL)
pull.rcvtimeo = 10_000
port = pull.bind_to_random_port("tcp://127.0.0.1")
all_running = threading.Barrier(3)


def push_of_this_thread():
    if not hasattr(local, "push"):
        local.push = context.socket(zmq.PUSH)
        local.push.connect(f"tcp://127.0.0.1:{port}")
        all_running.wait(10)
    return local.push


def work(number):
    push_of_this_thread().send_string(f"{number:02d}")
    return id(local.push)


with ThreadPoolExecutor(3) as pool:
    sockets = set(pool.map(work, range(30)))
    print("sockets", len(sockets))
    print(sorted(pull.recv_string() for _ in range(30)))
    context.destroy(linger=0)  # while the pool's threads are alive and idle
    print("closed", context.closed)
