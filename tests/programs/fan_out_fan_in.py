"""Send to three receivers in turn; each of them answers over a socket of its own."""

import zmq

with zmq.Context() as context:
    jobs, results = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    jobs.bind("inproc://jobs")
    results.bind("inproc://results")
    results.rcvtimeo = 10_000
    receivers = [context.socket(zmq.PULL) for _ in range(3)]
    senders = [context.socket(zmq.PUSH) for _ in range(3)]
    for receiver, sender in zip(receivers, senders, strict=True):
        receiver.rcvtimeo = 10_000
        receiver.connect("inproc://jobs")
        sender.connect("inproc://results")

    for number in range(12):
        jobs.send_string(f"job {number}")
    for receiver, sender in zip(receivers, senders, strict=True):
        share = [receiver.recv_string() for _ in range(4)]
        print(share)
        for job in share:
            sender.send_multipart([b"done", job.encode()])
    print(sorted(results.recv_multipart()[1] for _ in range(12)))

    for socket in (jobs, results, *receivers, *senders):
        socket.close()
