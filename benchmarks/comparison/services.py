"""Lines through a server: HTTP with the connection kept, and a list in Redis."""

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
    """The standard library's HTTP client and threading server, one connection, no Nagle delay."""
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
    """RPUSH, and BLPOP in another process, through a server of our own that keeps nothing."""
    redis = needed("redis")
    server = shutil.which("redis-server")
    if server is None:
        raise Missing("redis-server is not installed; apt-get install redis-server")
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/redis"  # a socket in the file system: no port that could be taken
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
