"""Keep only the latest message, with CONFLATE."""

import zmq

with zmq.Context() as context, context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
    pull.conflate = push.conflate = True
    pull.rcvtimeo = 10_000
    pull.bind("inproc://position")
    push.connect("inproc://position")
    for step in range(10):
        push.send_json({"step": step})
    print(pull.recv_json())
    print("more", pull.poll(0))
    push.send_json({"step": "last"})
    print(pull.recv_json())
