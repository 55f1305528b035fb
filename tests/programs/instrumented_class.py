"""Wrap methods of `zmq.Socket` for all sockets, as tracing libraries do."""

import functools

import zmq

calls = []


def instrument(name):
    original = getattr(zmq.Socket, name)

    @functools.wraps(original)
    def traced(self, *args, **kwargs):
        calls.append((name, self.type == zmq.PUSH))
        return original(self, *args, **kwargs)

    setattr(zmq.Socket, name, traced)
    return original


context = zmq.Context()
pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
pull.rcvtimeo = 10_000
pull.bind("inproc://jobs")
push.connect("inproc://jobs")
push.send(b"before")
print(pull.recv(), len(calls))

originals = {name: instrument(name) for name in ("send", "recv", "poll", "close")}
push.send(b"traced")
push.send_string("traced")
push.send_multipart([b"traced", b"twice"])
print(pull.poll(10_000), pull.recv(), pull.recv_string(), pull.recv_multipart())
for name, original in originals.items():
    setattr(zmq.Socket, name, original)
push.send(b"after")
print(pull.recv(), calls)
context.destroy()
