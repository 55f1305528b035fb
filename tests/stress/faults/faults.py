"""Child processes to kill, stop and cut off, and exact counts of what became of messages."""

import json
import os
import queue
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from pushpull_kit import Summary

#: Maximum wait for an event that must happen. Under load a process needs seconds to start.
DEADLINE_S = 30.0

needs_signals = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no SIGKILL and no SIGSTOP"
)
needs_proc = pytest.mark.skipif(
    not os.path.isdir("/proc/self/fd"), reason="descriptors and memory are counted in Linux's /proc"
)

#: Start of each child's code. Child and test exchange lines of JSON, without buffering.
PRELUDE = """
import json, os, sys
def say(what):
    os.write(1, (json.dumps(what) + "\\n").encode())
def hear():
    line = sys.stdin.readline()
    return json.loads(line) if line else sys.exit(1)  # the test has ended
"""


class Child:
    """A child Python process; `hear` returns its messages in order."""

    def __init__(self, code: str, *args: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", PRELUDE + textwrap.dedent(code)]
            + [str(arg) for arg in args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._said: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.put(line)
        self._said.put(b"")

    def hear(self) -> Any:
        """Return the next message of the child."""
        line = self._said.get(timeout=DEADLINE_S)
        assert line, f"the child ended with {self._process.wait(DEADLINE_S)}; see its traceback"
        return json.loads(line)

    def hear_the_rest(self) -> list[Any]:
        """Return all remaining messages of the child, until it ends or is killed."""
        return list(map(json.loads, iter(lambda: self._said.get(timeout=DEADLINE_S), b"")))

    def say(self, what: object = None) -> None:
        """Send a message to the child."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        self._process.stdin.flush()

    def stop(self) -> None:
        """Stop the child as Ctrl+Z does, and return when all its threads have stopped."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def go_on(self) -> None:
        """Continue the child after `stop`."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill the child with SIGKILL, as the system does when memory runs out."""
        self._process.kill()
        self._process.wait(DEADLINE_S)

    def close(self) -> None:
        """Kill the child unless it has ended, and close its streams."""
        self.kill()
        self._listener.join(DEADLINE_S)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()


between_processes = pytest.mark.parametrize(
    "address",
    [
        "tcp",
        pytest.param(
            "ipc",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="libzmq has no ipc here"),
        ),
    ],
    indirect=True,
)
within_a_process = pytest.mark.parametrize("address", ["tcp", "ipc", "inproc"], indirect=True)


def until(condition: Callable[[], object], what: str) -> None:
    """Return when the condition holds, or fail after `DEADLINE_S`."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"not true within {DEADLINE_S:g} s: {what}"
        time.sleep(0.002)  # between two checks


def counts(summary: Summary) -> dict[str, int]:
    """Check that the counts of a summary add up; return those that are not zero."""
    s = summary
    assert s.pushed == s.handled + s.failed + s.handling + s.in_flight
    names = ("pushed", "handled", "failed", "handling", "in_flight")
    names += ("refused", "interrupted", "sending", "untimed", "let_go")
    return {name: getattr(s, name) for name in names if getattr(s, name)}


def memory_bytes() -> int:
    """Return the resident memory of this process."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors() -> int:
    """Return the number of open descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))
