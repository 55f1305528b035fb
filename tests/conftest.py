"""Fixtures for all tests, and a guard that fails a test that leaves something open or running."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakSet

import pytest

try:
    import nbval  # noqa: F401  without it, pytest rejects the options in pyproject.toml
    import zmq
    from pairs import connected_pair
    from zmq.utils import garbage

    from pushpull_kit import Context
    from pushpull_kit.sockets.context import RETIRE_TIMEOUT_S
except ModuleNotFoundError as error:
    raise pytest.UsageError(
        f"{error} for this Python. Install what the tests need:"
        f' `{sys.executable} -m pip install -e ".[test]"` in the root of the repository.'
    ) from error

#: Maximum time that threads, including libzmq's, may take to end after their test has ended.
GRACE_S = 2.0

# Every context and socket of this process that has not been collected.
_alive: WeakSet[Any] = WeakSet()


@pytest.fixture
def context() -> Iterator[Context]:
    """A timed context. At the end its workers are stopped and its sockets closed, linger 0."""
    context = Context()
    with _references_kept(context):
        yield context
        context.retire(RETIRE_TIMEOUT_S)


@pytest.fixture
def raw_context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    """A plain pyzmq context. At the end it is destroyed, linger 0."""
    context = zmq.Context()
    with _references_kept(context):
        yield context
        context.destroy(linger=0)


@pytest.fixture
def strict_context() -> Iterator[Context]:
    """A strict context, such as `fresh_context` returns, that ends as `context` does."""
    context = Context(strict=True)
    with _references_kept(context):
        yield context
        context.retire(RETIRE_TIMEOUT_S)


@pytest.fixture
def connected(context: Context) -> tuple[Any, Any]:
    """A timed PUSH that is connected to a timed PULL."""
    return connected_pair(context)


@contextmanager
def _references_kept(context: zmq.Context[Any]) -> Iterator[None]:
    """Keep a reference to each socket of the context: a collected open socket would warn."""
    kept = []

    def socket(*args: Any, **kwargs: Any) -> Any:
        kept.append(type(context).socket(context, *args, **kwargs))
        return kept[-1]

    vars(context)["socket"] = socket  # setattr would set a socket option
    try:
        yield
    finally:
        del vars(context)["socket"]


@pytest.fixture(scope="session", autouse=True)
def _contexts_and_sockets_tracked() -> Iterator[None]:
    """Add each new context and socket to `_alive`; a context knows only sockets it made itself."""
    with pytest.MonkeyPatch.context() as patch:
        for cls in (zmq.Context, zmq.Socket):
            patch.setattr(cls, "__init__", _tracked(cls.__init__))
        yield


def _tracked(original: Callable[..., None]) -> Callable[..., None]:
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        _alive.add(self)

    return init


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Fail a test that leaves a thread, a context, a socket or a descriptor behind."""
    threads, opened, descriptors = set(threading.enumerate()), WeakSet(_open()), _descriptors()
    yield
    # The next call of `fresh_context` would close the previous context. Close it here.
    if Context._instance is not None:
        Context._instance.retire(RETIRE_TIMEOUT_S)

    def left() -> list[str]:
        if garbage.gc.is_alive() and not garbage.gc.refs:
            garbage.gc.stop()  # pyzmq's thread for sends with copy=False
        return [
            *(f"thread {t.name!r}" for t in threading.enumerate() if t not in threads),
            *(f"{item!r}" for item in _open() if item not in opened),
            *(name for fd, name in _descriptors().items() if fd not in descriptors),
        ]

    deadline_s = time.monotonic() + GRACE_S
    while left():
        if time.monotonic() > deadline_s:
            pytest.fail(f"left behind: {'; '.join(left())}", pytrace=False)
        time.sleep(0.005)  # libzmq closes sockets in threads of its own


def _open() -> list[Any]:
    return [item for item in list(_alive) if not item.closed and not item._shadow]


def _descriptors() -> dict[tuple[int, int, int], str]:
    """Return the name of each open descriptor of this process.

    The key holds the device and the inode as well as the number, because a new descriptor may get
    the number of a closed one.
    """
    found = {}
    if os.path.isdir("/dev/fd"):  # on Linux and macOS
        for fd in map(int, os.listdir("/dev/fd")):
            if fd <= 2:
                continue  # pytest replaces these to capture output
            with suppress(OSError):  # the descriptor that os.listdir used is closed by now
                stat = os.fstat(fd)
                name = f"descriptor {fd}"
                with suppress(OSError):
                    name += f" ({os.readlink(f'/proc/self/fd/{fd}')})"
                found[fd, stat.st_dev, stat.st_ino] = name
    return found
