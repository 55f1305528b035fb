"""End a sender that waits for a peer by terminating the context."""

import threading

import zmq


def send(context):
    with context.socket(zmq.PUSH) as push:
        sending.set()
        try:
            push.send_string("nobody is there")
        except zmq.ContextTerminated as error:
            print(error)
        try:
            push.connect("inproc://late")
        except zmq.ZMQError as error:
            print(type(error).__name__)


context = zmq.Context()
sending = threading.Event()
thread = threading.Thread(target=send, args=(context,))
thread.start()
sending.wait(10)
context.term()
thread.join()
print("closed", context.closed)
