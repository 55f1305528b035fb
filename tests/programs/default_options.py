"""Set options on the context, in constructors and as attributes; bind and connect in blocks."""

import zmq

context = zmq.Context(io_threads=2)
context.linger = 0
context.setsockopt(zmq.SNDHWM, 7)
context.set(zmq.MAX_SOCKETS, 50)
print(context.get(zmq.IO_THREADS), context.linger, context.max_sockets)

with context.socket(zmq.PUSH) as push, context.socket(zmq.PULL) as pull:
    print(push.linger, push.sndhwm, push.hwm, pull.linger, pull.rcvhwm)
    pull.set_hwm(3)
    pull.rcvtimeo = 10_000
    pull.setsockopt_string(zmq.IDENTITY, "receiver")
    print(pull.rcvhwm, pull.get_hwm(), pull.getsockopt_string(zmq.IDENTITY), pull.type)
    with pull.bind("tcp://127.0.0.1:*") as bound, push.connect(pull.last_endpoint) as connected:
        print(bound is pull, connected is push)
        push.send(b"in the block")
        print(pull.recv())
    for wrong in ("recieve_timeout", "rcvmoar"):
        try:
            setattr(pull, wrong, 1)
        except AttributeError as error:
            print(type(error).__name__, wrong in str(error).lower())
print(push.closed, pull.closed, context.closed)
context.term()
print(context.closed)
