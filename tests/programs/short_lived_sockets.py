"""Make a socket for each message, as a request handler does."""

import zmq

context = zmq.Context()
context.max_sockets = 10_000  # closed sockets count until libzmq has cleared them away
pull = context.socket(zmq.PULL)
pull.rcvtimeo = 10_000
pull.bind("inproc://jobs")


def handle(number):
    with context.socket(zmq.PUSH) as push:
        push.connect("inproc://jobs")
        push.send(b"%d" % number)


total = 0
for number in range(2_000):
    handle(number)
    total += int(pull.recv())
print("sum", total)

pairs = []
for number in range(150):
    receiver, sender = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    receiver.bind(f"inproc://pair {number}")
    sender.connect(f"inproc://pair {number}")
    sender.send(b"%d" % number)
    pairs.append((receiver, sender))
print("sum", sum(int(receiver.recv()) for receiver, _ in pairs))
context.destroy()
