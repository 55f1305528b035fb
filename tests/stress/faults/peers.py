"""Peers that implement ZMTP, ZeroMQ's protocol, as far as the fault tests need it."""

import socket
import struct
from urllib.parse import urlsplit

from faults import DEADLINE_S

#: Signature, version 3.0, mechanism NULL, not a server (RFC 23).
GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)

MORE, LONG, COMMAND = 1, 2, 4


def ready(socket_type: bytes) -> bytes:
    """Return the command that ends the handshake."""
    body = b"\x05READY\x0bSocket-Type" + struct.pack(">I", len(socket_type)) + socket_type
    return bytes([COMMAND, len(body)]) + body


def frame(payload: bytes, flags: int = 0) -> bytes:
    """Return one frame, with the long form of its length."""
    return bytes([LONG | flags]) + struct.pack(">Q", len(payload)) + payload


def raw_connection(endpoint: str) -> socket.socket:
    """Connect to a ZeroMQ endpoint with a plain operating system socket."""
    url = urlsplit(endpoint)
    if url.scheme == "ipc":
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(url.path)  # with a timeout it fails when the backlog is full
        peer.settimeout(DEADLINE_S)
        return peer
    assert url.hostname is not None
    assert url.port is not None
    return socket.create_connection((url.hostname, url.port), DEADLINE_S)


def connected_peer(endpoint: str, socket_type: bytes = b"PUSH") -> socket.socket:
    """Connect, and complete the handshake of a socket of this type."""
    peer = raw_connection(endpoint)
    peer.sendall(GREETING)
    read(peer, len(GREETING))
    peer.sendall(ready(socket_type))
    (size,) = read(peer, 2)[1:]
    read(peer, size)
    return peer


def read(peer: socket.socket, size: int) -> bytes:
    """Read exactly `size` bytes."""
    got = b""
    while len(got) < size:
        part = peer.recv(size - len(got))
        if not part:
            raise ConnectionError(f"expected {size} bytes; the connection ended after {len(got)}")
        got += part
    return got


def is_disconnected(peer: socket.socket) -> bool:
    """Read until the other side closes; return False if it does not within the timeout."""
    try:
        while peer.recv(65_536):
            pass
    except ConnectionError:
        pass
    except TimeoutError:
        return False
    return True
