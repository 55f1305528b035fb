"""Shut down on SIGTERM: stop receiving, finish what has come, close, leave with a code."""

import os
import signal
import sys
import threading

import zmq


class Terminated(BaseException):
    pass


def on_terminate(signum, frame):
    raise Terminated


signal.signal(signal.SIGTERM, on_terminate)
context = zmq.Context()
pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
pull.bind("inproc://jobs")
push.connect("inproc://jobs")
timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM))
try:
    for number in range(3):
        push.send_string(f"job {number}")
        print(pull.recv_string())
    timer.start()
    pull.recv()
except Terminated:
    print("terminated")
finally:
    timer.join()
    push.send_string("goodbye")
    print(pull.recv_string())
    context.destroy(linger=0)
    print("closed", context.closed)
sys.exit(143)
