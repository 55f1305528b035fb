"""Leave a daemon thread that waits for messages when the program ends."""

import threading

import zmq


def receive():
    pull = context.socket(zmq.PULL)
    pull.bind("inproc://jobs")
    while True:
        print(pull.recv_string(), flush=True)
        printed.release()


context = zmq.Context.instance()
printed = threading.Semaphore(0)
threading.Thread(target=receive, daemon=True).start()
with context.socket(zmq.PUSH) as push:
    push.connect("inproc://jobs")
    for number in range(3):
        push.send_string(f"job {number}")
        printed.acquire(timeout=10)
print("the end")
