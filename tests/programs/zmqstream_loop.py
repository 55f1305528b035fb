"""Receive and send on a tornado loop with ZMQStream."""

import zmq
from tornado.ioloop import IOLoop
from zmq.eventloop.zmqstream import ZMQStream

received = []


async def main():
    loop = IOLoop.current()
    context = zmq.Context()
    pull = context.socket(zmq.PULL)
    port = pull.bind_to_random_port("tcp://127.0.0.1")
    push = context.socket(zmq.PUSH)
    push.connect(f"tcp://127.0.0.1:{port}")
    incoming, outgoing = ZMQStream(pull), ZMQStream(push)

    def on_recv(frames):
        received.append(frames)
        if len(received) == 20:
            loop.stop()

    incoming.on_recv(on_recv)
    for number in range(10):
        outgoing.send_string(f"job {number}")
        outgoing.send_multipart([b"frames", b"%d" % number])
    return context, incoming, outgoing


loop = IOLoop(make_current=False)
context, *streams = loop.run_sync(main)
timeout = loop.call_later(10, loop.stop)
loop.start()
loop.remove_timeout(timeout)
print(len(received), received[0], received[-1])
for stream in streams:
    stream.close()
loop.close()
context.term()
