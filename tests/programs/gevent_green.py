"""Use zmq.green's sockets beside plain ones."""

import gevent
import zmq
import zmq.green

context = zmq.green.Context()
pull = context.socket(zmq.PULL)
port = pull.bind_to_random_port("tcp://127.0.0.1")


def receive(count):
    with gevent.Timeout(10):
        return [pull.recv_string() for _ in range(count)]


def send():
    with context.socket(zmq.PUSH) as push:
        push.connect(f"tcp://127.0.0.1:{port}")
        for number in range(5):
            push.send_string(f"job {number}")


receiver = gevent.spawn(receive, 5)
gevent.spawn(send)
print(receiver.get(timeout=10))

with zmq.Context() as plain_context, plain_context.socket(zmq.PUSH) as push:
    push.connect(f"tcp://127.0.0.1:{port}")
    push.send_string("from a plain socket")
    print(gevent.spawn(receive, 1).get(timeout=10))

pull.close()
context.term()
