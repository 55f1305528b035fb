"""Programs started, and stopped whatever happens."""

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
STOP_S = 5.0  # to end when asked to; then it is killed


@contextmanager
def consumer(kind: str, *arguments: str) -> Iterator[str]:
    """Run a consumer of `consumer.py`, and give what it says when it is ready."""
    command = (sys.executable, "-m", f"{__package__}.consumer", kind, *arguments)
    with running(*command, until="ready") as line:
        yield line.removeprefix("ready").strip()


@contextmanager
def running(*command: str, until: str) -> Iterator[str]:
    """Run a program, and give the line in which it says that it is ready; then stop it."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,  # closed when this process ends, even if it is killed
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=ROOT,
        text=True,
        start_new_session=True,  # an interrupt at the keyboard is for us: we stop it
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
    """Hear the program out, so that it never waits for a reader."""
    for line in process.stdout:
        said.append(line)
        if until in line:
            ready.put(line)
    ready.put(None)


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)
    if hasattr(os, "killpg"):  # and what it started itself, which is of its session
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
