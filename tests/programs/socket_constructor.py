"""Make sockets with `zmq.Socket(context, type)`, and with keyword arguments."""

import zmq

with zmq.Context() as context:
    with zmq.Socket(context, zmq.PULL) as pull, zmq.Socket(context, zmq.PUSH) as push:
        pull.rcvtimeo = 10_000
        pull.bind("inproc://direct")
        push.connect("inproc://direct")
        push.send_string("directly")
        print(pull.recv_string(), pull.context is context)
    with context.socket(zmq.SocketType.PULL) as pull, context.socket(socket_type=8) as push:
        print(pull.type, push.type)
        pull.rcvtimeo = 10_000
        pull.bind("inproc://by keyword")
        push.connect("inproc://by keyword")
        push.send_string("by keyword")
        print(pull.recv_string(), push.context is context)
    for wrong in (99, "PUSH", None):
        try:
            context.socket(wrong).close()
        except (TypeError, ValueError, zmq.ZMQError) as error:
            print(type(error).__name__)
