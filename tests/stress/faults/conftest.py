"""Processes that do not outlive their test, and addresses that are nobody else's."""

import tempfile
from collections.abc import Callable, Iterator

import pytest
from faults import Child


@pytest.fixture
def child() -> Iterator[Callable[..., Child]]:
    """Starts Python processes that are killed at the end of the test, whatever comes."""
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
    if transport == "ipc":  # not tmp_path, which may be too long for a socket of the system
        with tempfile.TemporaryDirectory(prefix="faults") as folder:
            yield f"ipc://{folder}/socket"
    else:
        yield {"tcp": "tcp://127.0.0.1:*", "inproc": "inproc://faults"}[transport]
