"""Starts programs, and stops them in every case."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from .line import LIMIT_S

ROOT = Path(__file__).parent.parent.parent
STOP_S = 5.0  # time to end after SIGTERM; then the program is killed


@contextmanager
def consumer(kind: str, *arguments: str) -> Iterator[str]:
    """Run a consumer of `consumer.py`; yield what it prints after "ready"."""
    command = (sys.executable, "-m", f"{__package__}.consumer", kind, *arguments)
    with running(*command, until="ready") as line:
        yield line.removeprefix("ready").strip()


@contextmanager
def running(*command: str, until: str) -> Iterator[str]:
    """Run a program, yield the first line that contains `until`, then stop the program."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,  # closes when this process ends, even if it is killed
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=ROOT,
        text=True,
        start_new_session=True,  # Ctrl-C reaches this process only, which stops the program
    ) as process:
        said: deque[str] = deque(maxlen=1)
        ready: SimpleQueue[str | None] = SimpleQueue()
        listener = threading.Thread(target=_listen, args=(process, until, said, ready), daemon=True)
        listener.start()
        try:
            with suppress(Empty):
                if (line := ready.get(timeout=LIMIT_S)) is not None:
                    yield line
                    return
            raise RuntimeError(f"{command[0]} did not say {until!r}; at last {''.join(said)!r}")
        finally:
            _stop(process)
            listener.join(STOP_S)


def _listen(process: Any, until: str, said: deque[str], ready: SimpleQueue[str | None]) -> None:
    """Read all output of the program, so that it never blocks in a write."""
    for line in process.stdout:
        said.append(line)
        if until in line:
            ready.put(line)
    ready.put(None)


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)
    if hasattr(os, "killpg"):  # also kills the processes that the program has started
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
