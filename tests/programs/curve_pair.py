"""Encrypt a connection with CURVE."""

import sys

import zmq

if not zmq.has("curve"):
    sys.exit("this libzmq has no CURVE")

server_public, server_secret = zmq.curve_keypair()
client_public, client_secret = zmq.curve_keypair()
context = zmq.Context()
pull = context.socket(zmq.PULL)
pull.rcvtimeo = 10_000
pull.curve_secretkey, pull.curve_publickey = server_secret, server_public
pull.curve_server = True
port = pull.bind_to_random_port("tcp://127.0.0.1")

push = context.socket(zmq.PUSH)
push.curve_secretkey, push.curve_publickey = client_secret, client_public
push.curve_serverkey = server_public
push.connect(f"tcp://127.0.0.1:{port}")
push.send_string("secret")
print(pull.recv_string(), push.mechanism == zmq.CURVE, pull.curve_server)

stranger = context.socket(zmq.PUSH)
stranger.immediate = True
stranger.sndtimeo = 100
stranger.connect(f"tcp://127.0.0.1:{port}")
try:
    stranger.send(b"in the clear")
except zmq.Again:
    print("a stranger gets no connection")
context.destroy(linger=0)
