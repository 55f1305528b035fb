"""Connected sockets, and calls from another thread."""

from concurrent.futures import ThreadPoolExecutor

import zmq


def connected_pair(context):
    """Return a PUSH and a PULL of the context that are connected over TCP."""
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    pull.bind("tcp://127.0.0.1:*")
    push.connect(pull.last_endpoint.decode())
    return push, pull


def in_a_thread(function, *args, name=""):
    """Call a function in another thread; return what it returns, or raise what it raises."""
    with ThreadPoolExecutor(1, thread_name_prefix=name) as pool:
        return pool.submit(function, *args).result()
