"""Ports that no other process uses, so that several runs of the tests fit on one machine."""

import itertools
import random
import re
import socket

#: Operating systems use higher ports for outgoing connections and for `bind` to port 0. The ports
#: have four digits, as in the notebooks, so that printed tables keep their widths.
RANGE = range(2_000, 10_000)
BLOCK_SIZE = 50

_FIXED_PORT = re.compile(r"(?<=\b127\.0\.0\.1:)\d+")


class PortBlock:
    """A block of ports of 127.0.0.1 that belongs to this process until `close`.

    The first port of the block is the lock: this process keeps it bound, so another process that
    wants the same block fails to bind it and tries another block.
    """

    def __init__(self) -> None:
        self._lock = _bound(random.choice(RANGE[::BLOCK_SIZE]))
        while self._lock is None:
            self._lock = _bound(random.choice(RANGE[::BLOCK_SIZE]))
        first = self._lock.getsockname()[1]
        self._others = itertools.cycle(range(first + 1, first + BLOCK_SIZE))

    def take(self) -> int:
        """Return the next port of the block that is not in use."""
        for port in self._others:
            if probe := _bound(port):
                probe.close()
                return port
        raise AssertionError("a cycle does not end")

    def replace_ports(self, *sources: str) -> list[str]:
        """Replace each port of 127.0.0.1 in the sources by a free one, equal ports by equal ones.

        >>> block = PortBlock()
        >>> bind, connect = block.replace_ports("tcp://127.0.0.1:5559", "tcp://127.0.0.1:5559")
        >>> bind == connect
        True
        >>> block.close()
        """
        free = {port: str(self.take()) for port in set(_FIXED_PORT.findall("\n".join(sources)))}
        return [_FIXED_PORT.sub(lambda match: free[match[0]], source) for source in sources]

    def close(self) -> None:
        """Give the block up."""
        assert self._lock is not None
        self._lock.close()


def _bound(port: int) -> socket.socket | None:
    """Return a socket bound to this port of 127.0.0.1, or None if the port is in use."""
    bound = socket.socket()
    try:
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        return None
    return bound
