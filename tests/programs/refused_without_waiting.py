"""Drop what cannot be sent at once, as a metrics client does while nobody listens."""

import zmq

context = zmq.Context()
push = context.socket(zmq.PUSH)
dropped = 0
for number in range(20_000):
    try:
        push.send(b"sample %d" % number, zmq.NOBLOCK)
    except zmq.Again:
        dropped += 1
print("dropped", dropped)

pull = context.socket(zmq.PULL)
pull.rcvtimeo = 10_000
pull.rcvhwm = push.sndhwm = 5
pull.bind("inproc://metrics")
push.connect("inproc://metrics")
accepted = []
for number in range(100):
    try:
        push.send_string(f"sample {number}", flags=zmq.DONTWAIT)
        accepted.append(number)
    except zmq.ZMQError as error:
        if error.errno != zmq.EAGAIN:
            raise
print("accepted", accepted)
print("received", [pull.recv_string() for _ in accepted])
try:
    pull.recv(zmq.NOBLOCK)
except zmq.Again as error:
    print(error)
context.destroy()
