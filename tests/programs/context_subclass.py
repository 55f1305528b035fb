"""Extend pyzmq's classes: a context whose sockets compress what they send."""

import pickle
import zlib

import zmq


class CompressingSocket(zmq.Socket):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.linger = 0

    def send_zipped(self, obj, flags=0, protocol=5):
        return self.send(zlib.compress(pickle.dumps(obj, protocol)), flags=flags)

    def recv_zipped(self, flags=0):
        return pickle.loads(zlib.decompress(self.recv(flags)))


class CompressingContext(zmq.Context):
    _socket_class = CompressingSocket


context = CompressingContext()
with context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
    print(isinstance(push, CompressingSocket), type(pull).__name__, push.linger)
    pull.rcvtimeo = 10_000
    pull.bind("inproc://zipped")
    push.connect("inproc://zipped")
    push.send_zipped({"a": [1, 2, 3]})
    print(pull.recv_zipped())
context.term()

with zmq.Context() as context:
    with context.socket(zmq.PAIR, socket_class=CompressingSocket) as pair:
        print(type(pair).__name__, pair.linger)
    with context.socket(zmq.PUSH) as push:
        print(push.type == zmq.PUSH, isinstance(push, zmq.Socket))
