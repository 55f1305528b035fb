"""Send large buffers without a copy, and wait until libzmq has done with them."""

import zmq

context = zmq.Context()
pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
pull.rcvtimeo = 10_000
port = pull.bind_to_random_port("tcp://127.0.0.1")
push.connect(f"tcp://127.0.0.1:{port}")

blob = bytes(range(256)) * 4_096
tracker = push.send(blob, copy=False, track=True)
frame = pull.recv(copy=False)
print(len(frame), frame.bytes == blob, frame.more)
tracker.wait(timeout=10)
print("done", tracker.done)

frame = zmq.Frame(blob, track=True)
tracker = push.send(frame, copy=False, track=True)
del frame
print(pull.recv() == blob)
tracker.wait(timeout=10)

print(push.send(b"small", copy=True, track=True), pull.recv())
tracker = push.send_multipart([b"head", blob], copy=False, track=True)
frames = pull.recv_multipart(copy=False)
print([len(frame) for frame in frames], [frame.more for frame in frames])
tracker.wait(timeout=10)

small = bytearray(b"reused")
push.send(small, copy=True)
small[:] = b"XXXXXX"
print(pull.recv())
context.destroy()
