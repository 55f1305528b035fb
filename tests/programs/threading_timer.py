"""Send a heartbeat from timers; each runs in a thread of its own."""

import threading

import zmq


class Heartbeat:
    def __init__(self, push, period_s):
        self.push, self.period_s, self.beats = push, period_s, 0
        self.ended = threading.Event()

    def schedule(self):
        threading.Timer(self.period_s, self.beat).start()

    def beat(self):
        self.push.send_json({"beat": self.beats})
        self.beats += 1
        if self.beats < 5:
            self.schedule()
        else:
            self.ended.set()


with zmq.Context() as context, context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
    pull.rcvtimeo = 10_000
    port = pull.bind_to_random_port("tcp://127.0.0.1")
    push.connect(f"tcp://127.0.0.1:{port}")
    push.send_json({"beat": "none yet"})
    heartbeat = Heartbeat(push, 0.005)
    heartbeat.schedule()
    for _ in range(6):
        print(pull.recv_json())
    heartbeat.ended.wait(10)
    push.send_json({"beat": "last"})
    print(pull.recv_json())
