"""Share one PUSH socket among the threads of a pool, behind a lock."""

import threading
from concurrent.futures import ThreadPoolExecutor

import zmq

context = zmq.Context()
pull = context.socket(zmq.PULL)
pull.rcvtimeo = 10_000
pull.bind("inproc://results")
push = context.socket(zmq.PUSH)
push.connect("inproc://results")
lock = threading.Lock()
all_running = threading.Barrier(4)


def square(number):
    if number < 4:
        all_running.wait(10)
    with lock:
        push.send_pyobj((number, number**2))
    return threading.current_thread().name


with ThreadPoolExecutor(4) as pool:
    names = set(pool.map(square, range(100)))
print("threads", len(names))

squares = dict(pull.recv_pyobj() for _ in range(100))
print("squares", squares == {n: n**2 for n in range(100)})
push.close()
pull.close()
context.term()
