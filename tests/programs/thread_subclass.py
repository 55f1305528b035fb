"""Make a socket in a thread's `__init__` and use it in its `run`."""

import threading

import zmq


class Receiver(threading.Thread):
    def __init__(self, context):
        super().__init__(name="receiver")
        self.pull = context.socket(zmq.PULL)
        self.pull.rcvtimeo = 10_000
        self.pull.bind("tcp://127.0.0.1:*")
        self.endpoint = self.pull.getsockopt_string(zmq.LAST_ENDPOINT)
        self.received = []

    def run(self):
        self.received.extend(iter(self.pull.recv_string, "stop"))


with zmq.Context() as context:
    receiver = Receiver(context)
    print("high-water mark", receiver.pull.rcvhwm)
    receiver.start()
    with context.socket(zmq.PUSH) as push:
        push.connect(receiver.endpoint)
        for number in range(5):
            push.send_string(f"job {number}")
        push.send_string("stop")
        receiver.join()
    receiver.pull.close()
    print(receiver.received)
