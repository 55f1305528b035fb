"""End with a KeyboardInterrupt while waiting for a message."""

import os
import signal
import threading

import zmq

signal.signal(signal.SIGINT, signal.default_int_handler)
context = zmq.Context()
pull = context.socket(zmq.PULL)
pull.bind("inproc://jobs")
push = context.socket(zmq.PUSH)
push.connect("inproc://jobs")
push.send(b"job")
print(pull.recv())
timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
timer.start()
try:
    pull.recv()
finally:
    print("closing")
    timer.join()
    push.close()
    pull.close()
    context.term()
