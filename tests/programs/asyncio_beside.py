"""Send from synchronous code to a receiver that uses zmq.asyncio."""

import asyncio

import zmq
import zmq.asyncio


async def receive(pull, count):
    received = []
    while len(received) < count:
        if not await pull.poll(10_000):
            raise TimeoutError("nothing came")
        received.append(await pull.recv_string())
    return received


async def main():
    loop_context = zmq.asyncio.Context()
    pull = loop_context.socket(zmq.PULL)
    port = pull.bind_to_random_port("tcp://127.0.0.1")

    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.connect(f"tcp://127.0.0.1:{port}")
        for number in range(5):
            push.send_string(f"job {number}")
        print(await receive(pull, 5))

    with zmq.asyncio.Context() as context, context.socket(zmq.PUSH) as push:
        push.connect(f"tcp://127.0.0.1:{port}")
        await push.send_string("from a coroutine")
        print(await receive(pull, 1))

    pull.close()
    loop_context.term()


asyncio.run(main())
