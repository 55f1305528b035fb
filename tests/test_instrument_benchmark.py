"""The benchmark of the instrument as a whole: errors that would make its figures wrong."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks import instrument, instrumented
from benchmarks.instrument import KINDS, Kind

ROOT = Path(__file__).parent.parent

PAYLOADS = [b"%08d" % number for number in range(50)]

# In a process of its own: multiprocessing's resource tracker lives as long as its process.
SHORT_RUN = """
import json
from benchmarks import instrument
instrument.KINDS = {"by hand": instrument.KINDS["plain"]._replace(bound=("<=", 9))}
instrument.PROCESSES, instrument.PAIRS = 1, 2
(row,) = instrument.rows()
print(json.dumps(row._asdict()))
"""


@pytest.mark.parametrize("name", KINDS)
def test_the_log_of_each_kind_has_every_send_and_receipt(name: str):
    """Bursts are measured one after the other, and each is in the log when its clock stops."""
    kind = KINDS[name]
    if not instrument.is_installed(kind.module):
        pytest.skip(f"{kind.package} is not installed")
    with kind.open() as program:
        for _ in range(2):
            cost = instrument.measure(program, PAYLOADS)
            assert cost.cpu_us > 0
            assert cost.wall_us > 0


def test_a_log_that_lacks_a_receipt_raises():
    """A figure of an instrument that drops what it should note would be too small."""
    program = _program(noted=2 * len(PAYLOADS) - 1)
    with pytest.raises(RuntimeError, match="100 sends and receipts were made, and 99 were noted"):
        instrument.measure(program, PAYLOADS)


def test_updating_the_log_is_in_the_cost():
    """The clock stops when the log is up to date."""
    calls: list[str] = []
    program = _program(noted=2 * len(PAYLOADS), calls=calls)
    instrument.measure(program, PAYLOADS)
    assert calls == ["update", "take_count"]


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch):
    """The row has no figure and no bound, and says how to install the package."""
    kind = Kind("... x", instrumented.plain, "", ("<=", 1), module="no_such.module", package="x-y")
    monkeypatch.setattr(instrument, "KINDS", {"x": kind})
    (row,) = instrument.rows()
    assert row.details == "x-y is not installed; pip install -e '.[bench]'"
    assert row.holds


def test_a_short_run_has_a_row():
    """Both programs run in new processes, alternately, and the row has the bound of its kind."""
    done = subprocess.run(
        [sys.executable, "-c", SHORT_RUN], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert row["figure"] > 0
    assert row["bound"] == ["<=", 9]
    assert "1 processes of 2 pairs" in row["details"]


def test_a_program_that_fails_is_an_error():
    """The error names the program, and what it raised is on the standard error."""
    code = SHORT_RUN.replace("by hand", "no such program")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert "KeyError: 'no such program'" in done.stderr
    assert "the process of 'no such program' has ended; its error is above" in done.stderr


def _program(noted: int, calls: list[str] | None = None) -> instrumented.Program:
    """Return a program without sockets whose log claims to have noted so many events."""
    called = [] if calls is None else calls

    def send_all(payloads: Sequence[bytes]) -> None:
        """Send nothing."""

    def receive_all(n: int) -> None:
        """Receive nothing."""

    def take_count() -> int:
        called.append("take_count")
        return noted

    return instrumented.Program(send_all, receive_all, lambda: called.append("update"), take_count)
