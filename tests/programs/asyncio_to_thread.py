"""Call blocking sockets from coroutines: `to_thread` and `run_in_executor`."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import zmq


async def main():
    with zmq.Context() as context:
        push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
        pull.rcvtimeo = push.sndtimeo = 10_000
        pull.bind("tcp://127.0.0.1:*")
        push.connect(pull.last_endpoint)
        loop = asyncio.get_running_loop()

        first = loop.run_in_executor(None, pull.recv)
        await asyncio.to_thread(push.send, b"over a thread")
        print(await first)

        push.send_string("from the loop")
        print(await asyncio.to_thread(pull.recv_string))

        with ThreadPoolExecutor(3) as pool:  # each call may run in another thread
            for number in range(30):
                await loop.run_in_executor(pool, push.send_json, {"number": number})
            received = [await loop.run_in_executor(pool, pull.recv_json) for _ in range(30)]
        print(received == [{"number": number} for number in range(30)])

        push.close()
        pull.close()


asyncio.run(main())
