"""Hand a context to a library that makes its own object for it."""

import copy

import zmq


def library(address):
    shadow = zmq.Context.shadow(address)
    with shadow.socket(zmq.PUSH) as push:
        push.connect("inproc://jobs")
        push.send_string("from the shadow context")
    return shadow.closed


context = zmq.Context()
with context.socket(zmq.PULL) as pull:
    pull.rcvtimeo = 10_000
    pull.bind("inproc://jobs")
    print("shadow closed", library(context.underlying), pull.recv_string())
    print("shadow closed", library(context), pull.recv_string())

    again = copy.copy(context)
    print("same", again.underlying == context.underlying, again is context)
    with context.socket(zmq.PUSH) as push:
        push.connect("inproc://jobs")
        twin = zmq.Socket.shadow(push.underlying)
        twin.send(b"from the shadow socket")
        print(pull.recv())
        push.send(b"from the socket")
        print(pull.recv())
print("open", not context.closed)
context.term()
print("closed", context.closed)
