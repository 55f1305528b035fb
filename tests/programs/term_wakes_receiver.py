"""End a receiver in another thread by terminating the context."""

import threading

import zmq


def receive(context, ready, came):
    with context.socket(zmq.PULL) as pull:
        pull.bind(f"inproc://{threading.current_thread().name}")
        ready.set()
        received = []
        try:
            while True:
                received.append(pull.recv_string())
                came.set()
        except zmq.ContextTerminated as error:
            print(f"received {received}; {error}")


context = zmq.Context()
ready, came = threading.Event(), threading.Event()
thread = threading.Thread(target=receive, args=(context, ready, came), name="receiver")
thread.start()
ready.wait(10)
push = context.socket(zmq.PUSH)
push.connect("inproc://receiver")
push.send_string("the only job")
push.close()
came.wait(10)
context.term()
thread.join()
print("closed", context.closed)
try:
    context.socket(zmq.PULL)
except zmq.ZMQError as error:
    print(type(error).__name__, error)
