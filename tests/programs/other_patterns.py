"""Use REQ and REP, PUB and SUB, ROUTER and DEALER in the context that also has a PUSH."""

import zmq

with zmq.Context() as context:
    sockets = [context.socket(kind) for kind in (zmq.REP, zmq.REQ, zmq.XPUB, zmq.SUB)]
    sockets += [context.socket(kind) for kind in (zmq.ROUTER, zmq.DEALER, zmq.PULL, zmq.PUSH)]
    for number in range(0, 8, 2):
        sockets[number].rcvtimeo = sockets[number + 1].rcvtimeo = 10_000
        sockets[number].bind(f"inproc://{number}")
        sockets[number + 1].connect(f"inproc://{number}")
    rep, req, xpub, sub, router, dealer, pull, push = sockets

    req.send_json({"question": 1})
    rep.send_json({**rep.recv_json(), "answer": 2})
    print(req.recv_json())
    sub.subscribe("news")
    print(xpub.recv())
    xpub.send_multipart([b"news", b"it works"])
    print(sub.recv_multipart())
    dealer.send_multipart([b"", b"body"])
    identity, *frames = router.recv_multipart()
    router.send_multipart([identity, *reversed(frames)])
    print(dealer.recv_multipart())
    push.send(b"and a job")
    print(pull.recv())
    try:
        rep.send(b"out of turn")
    except zmq.ZMQError as error:
        print(error)
    for socket in sockets:
        socket.close()
