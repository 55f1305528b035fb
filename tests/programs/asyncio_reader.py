"""Receive in an asyncio loop that watches the socket's file descriptor."""

import asyncio

import zmq


async def main():
    context = zmq.Context()
    pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    pull.bind("tcp://127.0.0.1:*")
    push.connect(pull.last_endpoint)
    loop = asyncio.get_running_loop()
    received, done = [], loop.create_future()

    def on_readable():
        while pull.getsockopt(zmq.EVENTS) & zmq.POLLIN:
            received.append(pull.recv(zmq.NOBLOCK))
        if len(received) == 10 and not done.done():
            done.set_result(None)

    loop.add_reader(pull.FD, on_readable)
    for number in range(10):
        push.send(b"job %d" % number)
        await asyncio.sleep(0)
        loop.call_soon(on_readable)  # the descriptor is edge-triggered
    await asyncio.wait_for(done, 10)
    loop.remove_reader(pull.FD)
    print(received)
    push.close()
    pull.close()
    context.term()


asyncio.run(main())
