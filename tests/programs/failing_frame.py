"""Fail in the middle of a multipart message, and go on."""

import zmq

context = zmq.Context()
pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
pull.rcvtimeo = 10_000
pull.bind("inproc://jobs")
push.connect("inproc://jobs")


def attempt(send, *args):
    try:
        send(*args)
    except Exception as error:
        print(type(error).__name__)


attempt(push.send_multipart, [b"one", "text"])
attempt(push.send_multipart, [b"one", 2, b"three"])
print("delivered", pull.poll(0))

push.send(b"one", zmq.SNDMORE)
attempt(push.send, "text", zmq.SNDMORE)
attempt(push.send, 2)
attempt(push.send_json, {1, 2})
print("delivered", pull.poll(0))
push.send(b"two", zmq.SNDMORE)
push.send(b"three")
print(pull.recv_multipart())

push.send_multipart([b"", memoryview(b"view"), bytearray(b"array")])
print(pull.recv_multipart(), pull.rcvmore)
push.send_multipart([b"first", b"second"])
print(pull.recv(), pull.rcvmore, pull.recv(), pull.rcvmore)
context.destroy()
