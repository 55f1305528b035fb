"""Send a last message when the interpreter exits, after an error that nobody catches."""

import atexit

import zmq


@atexit.register
def say_goodbye():
    push.send_string("goodbye")
    print(pull.recv_string())
    push.close()
    pull.close()
    context.term()


context = zmq.Context.instance()
pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
pull.rcvtimeo = 10_000
pull.bind("inproc://jobs")
push.connect("inproc://jobs")
push.send_string("hello")
print(pull.recv_string())
raise LookupError("nobody catches this")
