"""Distribute tasks to workers, collect results, then stop the workers with a signal of PUB."""

import threading

import zmq

N_TASKS, N_WORKERS = 120, 3


def worker(context):
    pull, push, control = map(context.socket, (zmq.PULL, zmq.PUSH, zmq.SUB))
    with pull, push, control:
        pull.connect("inproc://tasks")
        push.connect("inproc://results")
        control.connect("inproc://control")
        control.subscribe(b"KILL")
        poller = zmq.Poller()
        poller.register(pull, zmq.POLLIN)
        poller.register(control, zmq.POLLIN)
        while True:
            events = dict(poller.poll(10_000))
            if pull in events:
                push.send_json(pull.recv_json() ** 2)
            if control in events or not events:
                return


with zmq.Context() as context:
    tasks, results, control = map(context.socket, (zmq.PUSH, zmq.PULL, zmq.XPUB))
    with tasks, results, control:
        control.xpub_verbose = True
        for socket, name in ((tasks, "tasks"), (results, "results"), (control, "control")):
            socket.rcvtimeo = socket.sndtimeo = 10_000
            socket.bind(f"inproc://{name}")
        threads = [threading.Thread(target=worker, args=(context,)) for _ in range(N_WORKERS)]
        for thread in threads:
            thread.start()
        for number in range(N_TASKS):
            tasks.send_json(number)
        print("sum", sum(results.recv_json() for _ in range(N_TASKS)))
        print("workers", sum(control.recv() == b"\1KILL" for _ in range(N_WORKERS)))
        control.send(b"KILL")
        for thread in threads:
            thread.join()
