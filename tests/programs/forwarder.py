"""Pass frames on from socket to socket without copying them."""

import threading

import zmq


def forward(context, source, target):
    with context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
        pull.rcvtimeo = 10_000
        pull.bind(source)
        push.connect(target)
        frames = [zmq.Frame(b"first")]
        while frames[0].bytes != b"stop":
            frames = pull.recv_multipart(copy=False)
            push.send_multipart(frames, copy=False)


with zmq.Context() as context, context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
    pull.rcvtimeo = 10_000
    pull.bind("inproc://c")
    push.connect("inproc://a")
    threads = [
        threading.Thread(target=forward, args=(context, f"inproc://{source}", f"inproc://{target}"))
        for source, target in ("ab", "bc")
    ]
    for thread in threads:
        thread.start()
    for number in range(10):
        push.send_multipart([b"%d" % number, bytes(number * 10_000)])
    push.send(b"stop")
    for _ in range(11):
        print([len(frame) for frame in pull.recv_multipart(copy=False)])
    for thread in threads:
        thread.join()
