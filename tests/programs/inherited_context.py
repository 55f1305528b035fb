"""Fork while a context is open: the child makes its own, the parent goes on with its own."""

import os

import zmq

context = zmq.Context.instance()
pull = context.socket(zmq.PULL)
pull.rcvtimeo = 20_000
port = pull.bind_to_random_port("tcp://127.0.0.1")
push = context.socket(zmq.PUSH)
push.connect(f"tcp://127.0.0.1:{port}")
push.send_string("before the fork")
print(pull.recv_string(), flush=True)

child = os.fork()
if child == 0:
    own_context = zmq.Context.instance()
    own = own_context.socket(zmq.PUSH)
    own.connect(f"tcp://127.0.0.1:{port}")
    own.send_string(f"from the child, with a context of its own: {own_context is not context}")
    own.close()
    own_context.term()
    os._exit(3)

print(pull.recv_string())
print("exit code", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
push.send_string("after the fork")
print(pull.recv_string())
context.destroy()
