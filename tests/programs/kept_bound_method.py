"""Keep only the bound methods of sockets, as callbacks do."""

from functools import partial

import zmq


def connected_send(context, endpoint):
    push = context.socket(zmq.PUSH)
    push.connect(endpoint)
    return push.send


class Emitter:
    def __init__(self, context, endpoint):
        push = context.socket(zmq.PUSH)
        push.connect(endpoint)
        self.emit = push.send_string


context = zmq.Context()
pull = context.socket(zmq.PULL)
pull.rcvtimeo = 10_000
pull.bind("inproc://jobs")

callbacks = [connected_send(context, "inproc://jobs") for _ in range(3)]
for number, callback in enumerate(callbacks):
    callback(b"callback %d" % number)
    print(pull.recv())

emitter = Emitter(context, "inproc://jobs")
emitter.emit("emitted")
print(pull.recv_string())

send = connected_send(context, "inproc://jobs")
list(map(send, [b"mapped 1", b"mapped 2"]))
print(pull.recv(), pull.recv())

send_dict = partial(context.socket(zmq.PUSH).send_json, sort_keys=True)
send_dict.func.__self__.connect("inproc://jobs")
send_dict({"b": 1, "a": 2})
print(pull.recv())

context.destroy()
