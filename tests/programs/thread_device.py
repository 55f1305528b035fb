"""Forward messages with pyzmq's STREAMER device in a background thread."""

import zmq
from zmq.devices import ThreadDevice

context = zmq.Context.instance()
device = ThreadDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)
device.bind_in("inproc://in")
device.bind_out("inproc://out")
device.setsockopt_in(zmq.RCVHWM, 5)
device.setsockopt_out(zmq.LINGER, 0)
device.start()

with context.socket(zmq.PUSH) as push, context.socket(zmq.PULL) as pull:
    push.linger = 0
    push.sndtimeo = pull.rcvtimeo = 10_000
    push.connect("inproc://in")
    pull.connect("inproc://out")
    for number in range(10):
        push.send_string(f"job {number}")
    print([pull.recv_string() for _ in range(10)])

context.term()
device.join(10)
print("ended", device.done, context.closed)
