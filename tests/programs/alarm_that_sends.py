"""Send from a signal handler while the main thread waits; then let a handler close the socket."""

import signal

import zmq


def on_alarm(signum, frame):
    push.send_multipart([b"from", b"the handler"])
    push.send(b"")


def on_user_signal(signum, frame):
    print("closing in the handler")
    push.close()
    pull.close()


signal.signal(signal.SIGALRM, on_alarm)
signal.signal(signal.SIGUSR1, on_user_signal)
with zmq.Context() as context:
    pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    pull.rcvtimeo = 10_000
    pull.bind("inproc://jobs")
    push.connect("inproc://jobs")
    for _ in range(2):
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        print(pull.recv_multipart(), pull.recv())
    for number in range(1_000):
        if number % 100 == 0:
            signal.raise_signal(signal.SIGALRM)
        push.send(b"x")
    print(sum(len(pull.recv()) for _ in range(1_030)))
    signal.raise_signal(signal.SIGUSR1)
    try:
        push.send(b"late")
    except zmq.ZMQError as error:
        print(error)
