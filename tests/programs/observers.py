"""Register the bound method of a socket as an observer, and unregister it later."""

import zmq


class Topic:
    def __init__(self):
        self.observers = []

    def subscribe(self, observer):
        if observer not in self.observers:
            self.observers.append(observer)

    def unsubscribe(self, observer):
        self.observers.remove(observer)

    def publish(self, data):
        for observer in self.observers:
            observer(data)


topic = Topic()
with zmq.Context() as context, context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
    pull.rcvtimeo = 10_000
    pull.bind("inproc://news")
    push.connect("inproc://news")
    topic.subscribe(push.send)
    topic.publish(b"first")
    topic.subscribe(push.send)  # is there already
    topic.publish(b"second")
    topic.unsubscribe(push.send)
    topic.publish(b"third")
    while pull.poll(0):
        print(pull.recv())
    print("observers", len(topic.observers))
