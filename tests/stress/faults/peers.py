"""Peers that speak ZMTP, ZeroMQ's protocol, by hand: as far as a fault needs, and no further."""

import socket
import struct
from urllib.parse import urlsplit

from faults import DEADLINE_S

#: Signature, version 3.0, mechanism NULL, not a server (RFC 23).
GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)

MORE, LONG, COMMAND = 1, 2, 4


def ready(socket_type: bytes) -> bytes:
    """The command that ends the handshake."""
    body = b"\x05READY\x0bSocket-Type" + struct.pack(">I", len(socket_type)) + socket_type
    return bytes([COMMAND, len(body)]) + body


def frame(payload: bytes, flags: int = 0) -> bytes:
    """One frame, with the long form of its length."""
    return bytes([LONG | flags]) + struct.pack(">Q", len(payload)) + payload


def dial(endpoint: str) -> socket.socket:
    """Connect to an endpoint of ZeroMQ's with a plain socket of the system."""
    url = urlsplit(endpoint)
    if url.scheme == "ipc":
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(url.path)  # without a timeout, or it is refused while many others wait
        peer.settimeout(DEADLINE_S)
        return peer
    assert url.hostname is not None
    assert url.port is not None
    return socket.create_connection((url.hostname, url.port), DEADLINE_S)


def introduced(endpoint: str, socket_type: bytes = b"PUSH") -> socket.socket:
    """Connect, and shake hands as a socket of that type does."""
    peer = dial(endpoint)
    peer.sendall(GREETING)
    read(peer, len(GREETING))
    peer.sendall(ready(socket_type))
    (size,) = read(peer, 2)[1:]
    read(peer, size)
    return peer


def read(peer: socket.socket, size: int) -> bytes:
    """Read exactly so many bytes."""
    got = b""
    while len(got) < size:
        part = peer.recv(size - len(got))
        if not part:
            raise ConnectionError(f"expected {size} bytes; the connection ended after {len(got)}")
        got += part
    return got


def hung_up(peer: socket.socket) -> bool:
    """Read until the other side closes, and say whether it did."""
    try:
        while peer.recv(65_536):
            pass
    except ConnectionError:
        pass
    except TimeoutError:
        return False
    return True
