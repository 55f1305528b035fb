"""Collect results from processes that multiprocessing starts with spawn."""

import multiprocessing
import sys

import zmq


def work(number, endpoints):
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.connect(endpoints.recv())
        for part in range(10):
            push.send_pyobj((number, part))
    sys.exit(number)


def main():
    processes = multiprocessing.get_context("spawn")
    workers, pipes = [], []
    for number in range(2):
        here, there = processes.Pipe()
        pipes.append(here)
        workers.append(processes.Process(target=work, args=(number, there)))
        workers[-1].start()
    with zmq.Context() as context, context.socket(zmq.PULL) as pull:
        pull.rcvtimeo = 20_000
        port = pull.bind_to_random_port("tcp://127.0.0.1")
        for pipe in pipes:
            pipe.send(f"tcp://127.0.0.1:{port}")
        received = sorted(pull.recv_pyobj() for _ in range(20))
    print(received == [(number, part) for number in range(2) for part in range(10)])
    for worker in workers:
        worker.join()
    print("exit codes", [worker.exitcode for worker in workers])


if __name__ == "__main__":
    main()
