"""Checks the arguments of a worker: handler, endpoint, context, decoder and socket options."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Literal

import zmq

from .context import Context
from .decoding import DECODERS

#: Functions whose call only makes an object: their code does not run until something drives that.
_NOT_RUN_BY_A_CALL: list[tuple[Callable[[Any], bool], str, str]] = [
    (inspect.iscoroutinefunction, "a coroutine function", "asyncio.run(...)"),
    (inspect.isasyncgenfunction, "an async generator function", "asyncio.run(...)"),
    (inspect.isgeneratorfunction, "a generator function", "a loop"),
]


def check_handler(handler: object) -> None:
    """Raise `TypeError` for something that cannot be called, or whose code a call does not run."""
    if not callable(handler):
        raise TypeError(
            f"handler: expected a function of one argument, the message; got {handler!r}; "
            "give the function's name, without parentheses"
        )
    function = _function_of(handler)
    for is_kind, kind, remedy in _NOT_RUN_BY_A_CALL:
        if is_kind(function):
            raise TypeError(
                f"handler: expected a function that is done when it returns; got {handler!r}, "
                f"{kind}, whose code would not run; give a plain function that calls it in {remedy}"
            )


def _function_of(handler: Any) -> Any:
    """Return the function that a call of this handler runs."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    if inspect.isroutine(handler) or inspect.isclass(handler):
        return handler
    return type(handler).__call__


def checked_endpoint(connect: object, bind: object) -> tuple[Literal["connect", "bind"], str]:
    """Return how to attach, and where. Raise if there is not exactly one endpoint."""
    if (connect is None) == (bind is None):
        raise ValueError(
            "expected exactly one of connect=... and bind=...; got "
            + ("neither" if connect is None else f"both, {connect!r} and {bind!r}")
            + "; connect to an address that a PUSH has bound, bind one that a PUSH connects to"
        )
    endpoint = bind if connect is None else connect
    if not isinstance(endpoint, str):
        raise TypeError(
            f"expected an endpoint such as 'tcp://127.0.0.1:5559'; got {endpoint!r}; give a str"
        )
    return "bind" if connect is None else "connect", endpoint


def check_context(context: object) -> None:
    """Raise `TypeError` for a context that has no log."""
    if context is not None and not isinstance(context, Context):
        raise TypeError(
            f"context: expected a pushpull_kit.Context; got {context!r}; make one with "
            "fresh_context() or Context()"
        )


def check_receive(receive: object) -> None:
    """Raise `ValueError` for a way of receiving that does not exist."""
    if isinstance(receive, str) and receive in DECODERS:
        return
    remedy = "one of these"
    if "pickle" in str(receive) or "pyobj" in str(receive):
        remedy = "'json': whoever can send a pickle can run code here"
    raise ValueError(
        f"receive: expected one of {', '.join(map(repr, DECODERS))}; got {receive!r}; use {remedy}"
    )


def check_options(options: dict[str, Any]) -> None:
    """Raise `TypeError` for a socket option that does not exist."""
    for option in options:
        if option.upper() not in zmq.SocketOption.__members__:
            raise TypeError(
                f"expected pyzmq's socket options as further keywords, such as rcvhwm=10; got "
                f"{option!r}; see zmq.SocketOption for their names"
            )
