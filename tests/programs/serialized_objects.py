"""Send Python objects in each of pyzmq's forms."""

import datetime
import json

import zmq

context = zmq.Context()
pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
pull.rcvtimeo = 10_000
port = pull.bind_to_random_port("tcp://127.0.0.1")
push.connect(f"tcp://127.0.0.1:{port}")

push.send_pyobj({"when": datetime.date(2024, 2, 29), "what": {1, 2}})
print(pull.recv_pyobj())
push.send_json({"text": "ä", "list": [1, None]}, ensure_ascii=False)
print(pull.recv_json())
push.send_string("käse", encoding="latin-1")
print(pull.recv_string(encoding="latin-1"))
push.send_serialized([1, 2], lambda obj: [json.dumps(part).encode() for part in obj])
print(pull.recv_serialized(lambda frames: [json.loads(frame) for frame in frames]))

push.send_string("not JSON")
push.send(b"\xff not UTF-8")
for receive in (pull.recv_json, pull.recv_string):
    try:
        receive()
    except ValueError as error:
        print(type(error).__name__)
try:
    push.send_string(b"bytes")
except TypeError as error:
    print(error)
push.send_string("\N{SNOWMAN}")
print(pull.recv_string())
context.destroy()
