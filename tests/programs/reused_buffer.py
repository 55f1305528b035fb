"""Receive into one buffer again and again."""

import array

import zmq

context = zmq.Context()
pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
pull.rcvtimeo = 10_000
pull.bind("inproc://samples")
push.connect("inproc://samples")

buffer = bytearray(8)
for payload in (b"short", b"exactly8", b"longer than that", b""):
    push.send(payload)
    size = pull.recv_into(buffer)
    print(size, bytes(buffer[: min(size, len(buffer))]))

samples = array.array("i", [0] * 4)
push.send(array.array("i", [1, 2, 3, 4]))
print(pull.recv_into(samples), samples)
push.send_multipart([b"ab", b"cd"])
print(pull.recv_into(buffer, nbytes=1), pull.rcvmore, pull.recv_into(memoryview(buffer)[4:]))
print(bytes(buffer))
try:
    pull.recv_into(b"read-only", flags=zmq.NOBLOCK)
except (TypeError, ValueError, BufferError, zmq.ZMQError) as error:
    print(type(error).__name__)
context.destroy()
