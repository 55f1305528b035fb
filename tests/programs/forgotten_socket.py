"""Forget to close a socket: it is closed when it is collected, with a warning."""

import gc
import warnings

import zmq


def forget(context):
    push = context.socket(zmq.PUSH)
    push.connect("inproc://jobs")
    push.send(b"from a forgotten socket")


context = zmq.Context()
pull = context.socket(zmq.PULL)
pull.rcvtimeo = 10_000
pull.bind("inproc://jobs")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    forget(context)
    gc.collect()
for warning in caught:
    print(warning.category.__name__, str(warning.message).partition("<")[0])
print(pull.recv())
pull.close()
context.term()
