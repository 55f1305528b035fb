"""Lines through a server: HTTP with keep-alive, and a Redis list."""

from __future__ import annotations

import http.client
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager

from .line import LIMIT_S, MARK, Line, Missing, needed
from .processes import consumer, running


@contextmanager
def http_keep_alive(size: int) -> Iterator[Line]:
    """HTTP client and threading server of the standard library; one connection, TCP_NODELAY."""
    with (
        consumer("http") as port,
        closing(http.client.HTTPConnection("127.0.0.1", int(port), timeout=LIMIT_S)) as connection,
    ):

        def put(message: bytes) -> None:
            connection.request("POST", "/", message)
            connection.getresponse().read()

        def finish() -> int:
            connection.request("GET", "/")
            return int(connection.getresponse().read())

        yield Line(put, finish, bytes(size))


@contextmanager
def redis_list(size: int) -> Iterator[Line]:
    """RPUSH, and BLPOP in another process, through a Redis server that saves nothing to disk."""
    redis = needed("redis")
    server = shutil.which("redis-server")
    if server is None:
        raise Missing("redis-server is not installed; apt-get install redis-server")
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/redis"  # a Unix socket, because a port may be in use
        keep_nothing = ("--save", "", "--appendonly", "no", "--dir", folder)
        command = (server, "--port", "0", "--unixsocket", path, *keep_nothing)
        with (
            running(*command, until="eady to accept connections"),
            consumer("redis", path),
            redis.Redis(unix_socket_path=path, socket_timeout=LIMIT_S) as client,
        ):

            def put(message: bytes) -> None:
                client.rpush("messages", message)

            def finish() -> int:
                client.rpush("messages", MARK)
                _, counted = client.blpop(["counts"], timeout=LIMIT_S / 2)
                return int(counted)

            yield Line(put, finish, bytes(size))
