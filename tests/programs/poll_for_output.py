"""Ask before sending: POLLOUT, EVENTS and `zmq.select`."""

import zmq

context = zmq.Context()
push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
push.sndhwm = pull.rcvhwm = 2
print("no peer", push.poll(0, zmq.POLLOUT), push.getsockopt(zmq.EVENTS))
pull.bind("inproc://jobs")
push.connect("inproc://jobs")
print("a peer", push.poll(0, zmq.POLLOUT) == zmq.POLLOUT, push.EVENTS == zmq.POLLOUT)

sent = 0
while push.poll(0, zmq.POLLOUT):
    push.send(b"%d" % sent)
    sent += 1
print("full after", sent, zmq.select([pull], [push], [], timeout=0) == ([pull], [], []))

received = []
while pull.poll(0):
    received.append(pull.recv())
print("received", received, "poll", pull.poll(0), pull.poll(1, zmq.POLLIN))
readable, writable, failed = zmq.select([pull], [push], [push, pull], timeout=10)
print("empty", readable, writable == [push], failed)
context.destroy()
