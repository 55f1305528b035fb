"""Run into SNDTIMEO and RCVTIMEO; the last time, without catching it."""

import zmq

context = zmq.Context()
pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
push.sndtimeo = 20
pull.setsockopt(zmq.RCVTIMEO, 20)
try:
    push.send(b"there is no peer")
except zmq.Again as error:
    print("send:", error, error.errno == zmq.EAGAIN)
pull.bind("inproc://jobs")
push.connect("inproc://jobs")
push.send_multipart([b"two", b"frames"])
print(pull.recv_multipart())
try:
    pull.recv_multipart()
except zmq.Again as error:
    print("recv_multipart:", error)
try:
    pull.recv_string()
finally:
    context.destroy()
