"""Replace `send` as tests and tracing libraries do."""

from unittest import mock

import zmq

context = zmq.Context()
pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
pull.rcvtimeo = 10_000
pull.bind("inproc://jobs")
push.connect("inproc://jobs")
push.send(b"before")
print(pull.recv())

for target in (push, zmq.Socket):
    with mock.patch.object(target, "send") as send:
        push.send(b"mocked")
        push.send_string("mocked")
        push.send_json(["mocked"])
        push.send_multipart([b"mocked", b"mocked"])
    print(send.call_count, send.call_args_list[:3])
    print("delivered", pull.poll(0))

original, seen = push.send, []


def traced(data, *args, **kwargs):
    seen.append(bytes(data))
    return original(data, *args, **kwargs)


push.send = traced
push.send(b"bytes")
push.send_string("text")
push.send_pyobj(None)
print(len(seen), seen[:2], pull.recv(), pull.recv_string(), pull.recv_pyobj())
push.send = original
push.send_string("after")
print(pull.recv_string())
context.destroy()
