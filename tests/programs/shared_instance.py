"""Share `zmq.Context.instance()` among modules and threads."""

import threading

import zmq


class Client:
    def __init__(self, context=None):
        self.context = context or zmq.Context.instance()
        self.push = self.context.socket(zmq.PUSH)
        self.push.connect("inproc://server")


def server():
    pull = zmq.Context.instance().socket(zmq.PULL)
    pull.rcvtimeo = 10_000
    pull.bind("inproc://server")
    ready.set()
    received.extend(pull.recv_json() for _ in range(6))
    pull.close()


ready, received = threading.Event(), []
thread = threading.Thread(target=server)
thread.start()
ready.wait(10)
clients = [Client(), Client(zmq.Context.instance())]
print(clients[0].context is clients[1].context is zmq.Context.instance())
for number in range(3):
    for client in clients:
        client.push.send_json(number)
thread.join()
print(sorted(received))
for client in clients:
    client.push.close()
zmq.Context.instance().term()
print("renewed", zmq.Context.instance() is not clients[0].context)
zmq.Context.instance().term()
