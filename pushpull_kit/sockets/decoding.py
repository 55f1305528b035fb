"""Decoders: turn a message's bytes into the value that a worker's handler gets.

Pickle is not among the ways: whoever can send a pickle can run code here
(https://pyzmq.readthedocs.io/en/latest/howto/serialization.html).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any

#: What a worker's `receive` may be, and how a message of one frame is decoded; `None`: not at all.
DECODERS: dict[str, Callable[[bytes], Any] | None] = {
    "string": bytes.decode,
    "bytes": None,
    "json": json.loads,
    "multipart": None,
}


def decoding(receive: str, handler: Callable[[Any], object]) -> Callable[[Any], object]:
    """Return a function that decodes a message and hands it to `handler`.

    It takes bytes for a message of one frame, otherwise a list of frames. It raises `ValueError`
    for a message that has not the form that `receive` asks for, and `TypeError` if the handler
    returns a coroutine or a generator, whose code has not run.

    Args:
        receive: a key of `DECODERS`.
        handler: called with what was decoded.
    """
    decoder = DECODERS[receive]
    if receive == "multipart":

        def handle_frames(message: bytes | list[bytes]) -> None:
            result = handler(message if isinstance(message, list) else [message])
            if result is not None:
                check_result(result)

        return handle_frames

    def handle(message: bytes | list[bytes]) -> None:
        if isinstance(message, list):
            raise ValueError(
                f"expected a message of one frame; got {len(message)} frames; "
                "start the worker with receive='multipart'"
            )
        try:
            decoded = message if decoder is None else decoder(message)
        except (ValueError, RecursionError) as error:
            raise unreadable(receive, message, error) from error
        result = handler(decoded)
        if result is not None:
            check_result(result)

    return handle


def check_result(result: object) -> None:
    """Raise `TypeError` if a handler returned a coroutine or a generator.

    A coroutine is closed, so that Python does not warn that it was never awaited.
    """
    if not isinstance(result, (CoroutineType, GeneratorType, AsyncGeneratorType)):
        return
    remedy = "loop over it in the handler"
    if not isinstance(result, GeneratorType):
        remedy = "call asyncio.run(...) in the handler"
    if isinstance(result, CoroutineType):
        result.close()
    raise TypeError(
        f"expected a handler that is done when it returns; got {result!r:.200} from it, which "
        f"nothing runs; {remedy}"
    )


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
