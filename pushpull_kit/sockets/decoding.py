"""What a worker makes of a message's bytes before its handler gets them.

Pickle is not among the ways: whoever can send a pickle can run code here
(https://pyzmq.readthedocs.io/en/latest/howto/serialization.html).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

#: What a worker's `receive` may be, and how a message of one frame is decoded.
DECODERS: dict[str, Callable[[bytes], Any] | None] = {
    "string": bytes.decode,
    "bytes": None,
    "json": json.loads,
    "multipart": None,
}


def decode(receive: str, message: bytes | list[bytes]) -> Any:
    """Return what the handler gets.

    Args:
        receive: a key of `DECODERS`.
        message: bytes if it has one frame, otherwise a list of frames.

    Raises:
        ValueError: the message has not the form that `receive` asks for.
    """
    if receive == "multipart":
        return message if isinstance(message, list) else [message]
    if isinstance(message, list):
        raise ValueError(
            f"expected a message of one frame; got {len(message)} frames; "
            "start the worker with receive='multipart'"
        )
    decoder = DECODERS[receive]
    if decoder is None:
        return message
    try:
        return decoder(message)
    except (ValueError, RecursionError) as error:
        raise unreadable(receive, message, error) from error


def unreadable(receive: str, payload: bytes, error: Exception) -> ValueError:
    """Return the error for a payload that is not text, or not JSON."""
    if receive == "string":
        return ValueError(
            f"expected text in UTF-8; got {payload[:40]!r}; start the worker with receive='bytes'"
        )
    return ValueError(
        f"expected JSON; got {payload[:40]!r} ({error}); push with send_json, or start the "
        "worker with receive='bytes'"
    )
