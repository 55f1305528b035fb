"""Leave the context's block by an error, with open sockets: they are closed, with a warning."""

import warnings

import zmq

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    try:
        with zmq.Context() as context:
            pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
            pull.bind("inproc://jobs")
            push.connect("inproc://jobs")
            push.send(b"job")
            print(pull.recv())
            raise LookupError("something else failed")
    except LookupError as error:
        print("caught", error)
print(context.closed, pull.closed, push.closed)
for warning in caught:
    print(warning.category.__name__, str(warning.message).partition("<")[0])

for call in (pull.recv, push.send_string, context.socket):
    try:
        call("late") if call == push.send_string else call(zmq.PULL)
    except zmq.ZMQError as error:
        print(type(error).__name__, error)
