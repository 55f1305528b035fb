"""Give each process of a pool a socket of its own in the pool's initializer."""

import multiprocessing
from multiprocessing.util import Finalize

import zmq


def connect(endpoint):
    global push
    push = zmq.Context.instance().socket(zmq.PUSH)
    push.connect(endpoint)
    Finalize(push, push.close, exitpriority=10)


def work(number):
    push.send_json([number, number**2])
    return number


def main():
    with zmq.Context() as context, context.socket(zmq.PULL) as pull:
        pull.rcvtimeo = 20_000
        port = pull.bind_to_random_port("tcp://127.0.0.1")
        spawned = multiprocessing.get_context("spawn")
        with spawned.Pool(2, connect, (f"tcp://127.0.0.1:{port}",)) as pool:
            print("sum", sum(pool.imap_unordered(work, range(20))))
            squares = sorted(pull.recv_json() for _ in range(20))
            print(squares == [[number, number**2] for number in range(20)])
            pool.close()
            pool.join()


if __name__ == "__main__":
    main()
