"""Send from one process to another, as zguide's ventilator and sink do."""

import subprocess
import sys

import zmq

COUNT = 20_000


def ventilator():
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.sndtimeo = 20_000
        push.bind("tcp://127.0.0.1:*")
        endpoint = push.getsockopt_string(zmq.LAST_ENDPOINT)
        sink = subprocess.Popen([sys.executable, __file__, endpoint], stdout=subprocess.PIPE)
        for number in range(COUNT):
            push.send(b"%d" % number)
        with sink:
            print("the sink says:", sink.stdout.read().decode().split())
        print("exit code", sink.returncode)


def sink(endpoint):
    with zmq.Context() as context, context.socket(zmq.PULL) as pull:
        pull.rcvtimeo = 20_000
        pull.connect(endpoint)
        received = [int(pull.recv()) for _ in range(COUNT)]
        print(len(received), "in_order" if received == sorted(received) else "mixed")


if len(sys.argv) > 1:
    sink(sys.argv[1])
else:
    ventilator()
