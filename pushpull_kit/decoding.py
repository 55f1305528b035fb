"""What a worker makes of a message's bytes before its handler sees them.

Pickle is not among the ways: whoever can send a pickle can run code here (pyzmq's documentation on
serialization says so).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def _text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"expected text in UTF-8; got {payload[:40]!r}; start the worker with receive='bytes'"
        ) from error


def _json(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError) as error:  # a very long number is a plain ValueError
        raise ValueError(
            f"expected JSON; got {payload[:40]!r} ({error}); push with send_json, or start the "
            "worker with receive='bytes'"
        ) from error


#: What `receive` may be, and what makes of one frame what the handler is given.
DECODERS: dict[str, Callable[[bytes], Any] | None] = {
    "string": _text,
    "bytes": None,
    "json": _json,
    "multipart": None,
}
