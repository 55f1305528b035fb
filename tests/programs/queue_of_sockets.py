"""Lend sockets to threads from a queue, as a connection pool does."""

import queue
import threading

import zmq

context = zmq.Context()
pull = context.socket(zmq.PULL)
pull.rcvtimeo = 10_000
port = pull.bind_to_random_port("tcp://127.0.0.1")
idle = queue.Queue()
for _ in range(2):
    push = context.socket(zmq.PUSH)
    push.connect(f"tcp://127.0.0.1:{port}")
    idle.put(push)


def request(number):
    for part in range(10):
        push = idle.get(timeout=10)
        push.send_multipart([b"%d" % number, b"part %d" % part])
        idle.put(push)


threads = [threading.Thread(target=request, args=(number,)) for number in range(5)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

received = sorted(pull.recv_multipart() for _ in range(50))
print(len(received), received[0], received[-1])
while not idle.empty():
    idle.get().close()
pull.close()
context.term()
