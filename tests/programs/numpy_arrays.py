"""Send numpy arrays: a header in JSON, then the data without a copy."""

import numpy as np
import zmq


def send_array(socket, array, flags=0, copy=False, track=False):
    header = {"dtype": str(array.dtype), "shape": array.shape}
    socket.send_json(header, flags | zmq.SNDMORE)
    return socket.send(array, flags, copy=copy, track=track)


def recv_array(socket, flags=0, copy=True, track=False):
    header = socket.recv_json(flags=flags)
    data = socket.recv(flags=flags, copy=copy, track=track)
    return np.frombuffer(data, dtype=header["dtype"]).reshape(header["shape"])


with zmq.Context() as context, context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
    pull.rcvtimeo = 10_000
    port = pull.bind_to_random_port("tcp://127.0.0.1")
    push.connect(f"tcp://127.0.0.1:{port}")
    for array in (np.eye(3), np.arange(300_000).reshape(3, -1), np.zeros((0, 2), "f4")):
        for copy in (True, False):
            send_array(push, array, copy=copy)
            received = recv_array(pull, copy=copy)
            print(received.shape, received.dtype, np.array_equal(received, array))
    push.send(np.asfortranarray(np.arange(6).reshape(2, 3)))
    print(len(pull.recv()))
    try:
        push.send(np.arange(10)[::2])
    except (ValueError, BufferError) as error:
        print(type(error).__name__)
    else:
        print(len(pull.recv()))
