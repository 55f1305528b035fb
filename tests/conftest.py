"""What tests share, and the rule for all: a test leaves nothing running and nothing open."""

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
    import nbval  # noqa: F401  pytest knows its options only where it is installed
    import zmq
    from zmq.utils import garbage

    from pushpull_kit import Context
    from pushpull_kit.sockets.context import RETIRE_TIMEOUT_S
except ModuleNotFoundError as error:
    raise pytest.UsageError(
        f"{error} for this Python. Install what the tests need:"
        f' `{sys.executable} -m pip install -e ".[test]"` in the root of the repository.'
    ) from error

#: How long threads, and libzmq's own, may take to end when a test has ended them.
GRACE_S = 2.0

# Every context and socket that is alive, whichever way it was made.
_alive: WeakSet[Any] = WeakSet()


@pytest.fixture
def context() -> Iterator[Context]:
    """A timed context; afterwards its workers are stopped and its sockets closed, linger 0."""
    context = Context()
    with _sockets_kept(context):
        yield context
        context.retire(RETIRE_TIMEOUT_S)


@pytest.fixture
def raw_context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    """A context of pyzmq's own, destroyed afterwards, linger 0."""
    context = zmq.Context()
    with _sockets_kept(context):
        yield context
        context.destroy(linger=0)


@contextmanager
def _sockets_kept(context: zmq.Context[Any]) -> Iterator[None]:
    """Hold on to what `context.socket()` makes: forgotten at a test's end, it would warn."""
    kept = []

    def socket(*args: Any, **kwargs: Any) -> Any:
        kept.append(type(context).socket(context, *args, **kwargs))
        return kept[-1]

    vars(context)["socket"] = socket  # pyzmq would take an attribute for an option
    try:
        yield
    finally:
        del vars(context)["socket"]


@pytest.fixture(scope="session", autouse=True)
def _known_to_us() -> Iterator[None]:
    """Keep a list of contexts and sockets: a context knows only those made by its `socket()`."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in (zmq.Context, zmq.Socket):
            patch.setattr(kind, "__init__", _remembering(kind.__init__))
        yield


def _remembering(plain: Callable[..., None]) -> Callable[..., None]:
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        plain(self, *args, **kwargs)
        _alive.add(self)

    return init


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Fail a test that leaves a thread, a context, a socket or a descriptor behind."""
    threads, opened, descriptors = set(threading.enumerate()), WeakSet(_open()), _descriptors()
    yield
    # The last one of `fresh_context` is the kit's to close, at the next call: that is now.
    if Context._instance is not None:
        Context._instance.retire(RETIRE_TIMEOUT_S)

    def left() -> list[str]:
        if garbage.gc.is_alive() and not garbage.gc.refs:
            garbage.gc.stop()  # pyzmq's own thread, for sends with copy=False
        return [
            *(f"thread {t.name!r}" for t in threading.enumerate() if t not in threads),
            *(f"{item!r}" for item in _open() if item not in opened),
            *(name for fd, name in _descriptors().items() if fd not in descriptors),
        ]

    deadline_s = time.monotonic() + GRACE_S
    while left():
        if time.monotonic() > deadline_s:
            pytest.fail(f"left behind: {'; '.join(left())}", pytrace=False)
        time.sleep(0.005)  # libzmq closes in threads of its own


def _open() -> list[Any]:
    return [item for item in list(_alive) if not item.closed and not item._shadow]


def _descriptors() -> dict[tuple[int, int, int], str]:
    """Return this process's descriptors, each told from an earlier one of its number; named."""
    found = {}
    if os.path.isdir("/dev/fd"):  # on Linux and macOS
        for fd in map(int, os.listdir("/dev/fd")):
            if fd <= 2:
                continue  # pytest's, to capture what is printed
            with suppress(OSError):  # the one that listed the others is closed
                stat = os.fstat(fd)
                name = f"descriptor {fd}"
                with suppress(OSError):
                    name += f" ({os.readlink(f'/proc/self/fd/{fd}')})"
                found[fd, stat.st_dev, stat.st_ino] = name
    return found
