"""The consumer of a line as a program: `python -m benchmarks.comparison.consumer KIND ...`."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .line import consume, count, needed, take_count


def ready(what: object = "") -> None:
    """Print that the consumer is ready for messages."""
    print("ready", what, flush=True)


def serve_zmq(messages: str, counts: str) -> None:
    """Receive with plain pyzmq."""
    import zmq

    with (
        zmq.Context() as context,
        context.socket(zmq.PULL) as pull,
        context.socket(zmq.PUSH) as push,
    ):
        pull.connect(messages)
        push.connect(counts)
        ready()
        consume(pull.recv, lambda counted: push.send(b"%d" % counted))


class Answer(BaseHTTPRequestHandler):
    """Counts POST requests and returns the count to a GET."""

    protocol_version = "HTTP/1.1"  # keeps the connection open
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Count the message."""
        count(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

    def do_GET(self) -> None:
        """Return the number of messages since the last GET."""
        self.send_response(200)
        body = b"%d" % take_count()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing for a request."""


def serve_http() -> None:
    """Answer requests on a port that the system chooses."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        ready(server.server_port)
        server.serve_forever()


def serve_redis(path: str) -> None:
    """Take messages from a Redis list."""
    with needed("redis").Redis(unix_socket_path=path) as client:
        ready()
        consume(
            lambda: client.blpop(["messages"])[1],
            lambda counted: client.rpush("counts", counted),
        )


def end_with_parent() -> None:
    """End this process when its parent closes standard input or ends."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    kinds: dict[str, Callable[..., None]]
    kinds = {"zmq": serve_zmq, "http": serve_http, "redis": serve_redis}
    kinds[sys.argv[1]](*sys.argv[2:])
