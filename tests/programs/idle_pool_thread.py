"""Close sockets in the main thread that idle threads of a pool have made."""

import threading
from concurrent.futures import ThreadPoolExecutor

import zmq

both_running = threading.Barrier(2)


def connect_and_greet(context, endpoint, name):
    push = context.socket(zmq.PUSH)
    push.connect(endpoint)
    push.send_string(f"hello from {name}")
    both_running.wait(10)
    return push


with ThreadPoolExecutor(2) as pool:
    with zmq.Context() as context, context.socket(zmq.PULL) as pull:
        pull.rcvtimeo = 10_000
        pull.bind("tcp://127.0.0.1:*")
        made = [
            pool.submit(connect_and_greet, context, pull.last_endpoint, name)
            for name in ("one", "two")
        ]
        sockets = [future.result() for future in made]
        print(sorted(pull.recv_string() for _ in sockets))
        sockets[0].send_string("from the main thread")
        print(pull.recv_string())
        for push in sockets:
            push.close()
    print("closed", context.closed, [push.closed for push in sockets])
