"""Lines of libzmq without Python: a small C program, linked to the library that pyzmq uses."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import zmq

from .line import LIMIT_S, Missing

SOURCE = Path(__file__).with_name("native.c")
ENDPOINTS = {"tcp": "tcp://127.0.0.1:*", "inproc": "inproc://line"}


@dataclass(frozen=True)
class Native:
    """The C program. It opens and warms up a new line for each measurement."""

    program: str
    transport: str
    size: int

    def waits_ns(self, calls: int) -> list[int]:
        """Time calls of zmq_send, as `Line.waits_ns` does."""
        return [int(line) for line in self._run("waits", calls)]

    def rate(self, messages: int) -> float:
        """Time a burst, as `Line.rate` does."""
        (line,) = self._run("rate", messages)
        return float(line)

    def _run(self, what: str, count: int) -> list[str]:
        command = (self.program, ENDPOINTS[self.transport], str(self.size), what, str(count))
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
        if done.returncode:
            raise RuntimeError(f"the C program failed: {done.stderr.strip()}")
        version, *lines = done.stdout.split()
        if version != zmq.zmq_version():
            raise RuntimeError(
                f"expected pyzmq's libzmq {zmq.zmq_version()}; it ran with {version}"
            )
        return lines


@contextmanager
def libzmq(transport: str, size: int) -> Iterator[Native]:
    """Build the program in a temporary folder."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise Missing("there is no C compiler, cc; apt-get install gcc libc6-dev")
    library = _library()
    with tempfile.TemporaryDirectory() as folder:
        program = f"{folder}/native"
        flags = (f"-Wl,-rpath,{library.parent}", "-Wl,--allow-shlib-undefined", "-pthread")
        built = subprocess.run(
            (compiler, "-O2", SOURCE, "-o", program, library, *flags),
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )
        if built.returncode:
            error = next(iter(built.stderr.strip().splitlines()), "no word why")
            raise Missing(f"cc could not build native.c: {error}; apt-get install gcc libc6-dev")
        yield Native(program, transport, size)


def _library() -> Path:
    """Return the path of the libzmq that this process has loaded."""
    maps = Path("/proc/self/maps")
    if maps.exists() and (found := re.search(r"/\S*/libzmq\S*\.so\S*", maps.read_text())):
        return Path(found[0])
    raise Missing("which libzmq pyzmq has loaded, is only found on Linux and in a shared library")
