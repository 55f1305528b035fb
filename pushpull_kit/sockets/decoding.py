"""What a worker makes of a message's bytes before its handler sees them.

Pickle is not among the ways: whoever can send a pickle can run code here (pyzmq's documentation on
serialization says so).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

#: What `receive` may be, and what makes of one frame what the handler is given.
DECODERS: dict[str, Callable[[bytes], Any] | None] = {
    "string": bytes.decode,
    "bytes": None,
    "json": json.loads,
    "multipart": None,
}


def unreadable(receive: str, payload: bytes, error: Exception) -> ValueError:
    """Return what to raise where decoding raised `error`: what was expected, what came, what to do.

    A decoder may raise `ValueError` (`UnicodeDecodeError` is one) or `RecursionError`.
    """
    if receive == "string":
        return ValueError(
            f"expected text in UTF-8; got {payload[:40]!r}; start the worker with receive='bytes'"
        )
    return ValueError(
        f"expected JSON; got {payload[:40]!r} ({error}); push with send_json, or start the "
        "worker with receive='bytes'"
    )
