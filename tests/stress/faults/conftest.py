"""Fixtures for child processes that end with their test, and for addresses of one test only."""

import tempfile
from collections.abc import Callable, Iterator

import pytest
from faults import Child


@pytest.fixture
def child() -> Iterator[Callable[..., Child]]:
    """Start Python processes; kill them at the end of the test, also when it fails."""
    children = []

    def start(code: str, *args: object) -> Child:
        children.append(Child(code, *args))
        return children[-1]

    try:
        yield start
    finally:
        for each in children:
            each.close()


@pytest.fixture
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """An address to bind, over TCP unless the test asks for another transport."""
    transport = getattr(request, "param", "tcp")
    if transport == "ipc":  # tmp_path may be too long for the path of a socket
        with tempfile.TemporaryDirectory(prefix="faults") as folder:
            yield f"ipc://{folder}/socket"
    else:
        yield {"tcp": "tcp://127.0.0.1:*", "inproc": "inproc://faults"}[transport]
