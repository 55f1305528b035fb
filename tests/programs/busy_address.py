"""Look for a free port among busy ones."""

import zmq

context = zmq.Context()
holder = context.socket(zmq.PULL)
holder.rcvtimeo = 10_000
port = holder.bind_to_random_port("tcp://127.0.0.1")

second = context.socket(zmq.PULL)
try:
    second.bind(f"tcp://127.0.0.1:{port}")
except zmq.ZMQError as error:
    print(error.errno == zmq.EADDRINUSE, str(error).partition(" (")[0])
try:
    second.bind_to_random_port("tcp://127.0.0.1", port, port + 1)
except zmq.ZMQBindError as error:
    print(error)
for endpoint in ("no endpoint", "tcp://", "udp://127.0.0.1:1", "inproc://a"):
    try:
        second.bind(endpoint)
    except zmq.ZMQError as error:
        print(endpoint, zmq.Errno(error.errno).name)
    else:
        print(endpoint, "bound")

holder.unbind(f"tcp://127.0.0.1:{port}")
second.rcvtimeo = 10_000
second.bind("tcp://127.0.0.1:*")
with context.socket(zmq.PUSH) as push:
    push.connect(second.last_endpoint)
    push.send_string("found")
    print(second.recv_string())
context.destroy()
