"""Have pytest say at once, and in words, why a notebook cannot be run to its end.

nbval takes a dead kernel for a slow cell until its timeout, and runs the cells after a hung one.
With this file beside the notebooks, any notebooks, pytest says which cell ended the kernel, hung
or lacks a module, and what to do; then the rest of that notebook is skipped.
"""

import signal
import sys
import time
import traceback
from collections.abc import Generator
from io import IOBase
from queue import Empty
from typing import Any

import pytest

try:
    from nbval.plugin import IPyNbCell, NbCellError
except ModuleNotFoundError as error:
    raise pytest.UsageError(
        f"{error} for this Python. Install what running notebooks as tests needs:"
        f" `{sys.executable} -m pip install nbval`, or, in the root of pushpull_kit's repository,"
        f' `{sys.executable} -m pip install -e ".[test]"`.'
    ) from error

#: How often a kernel that says nothing is asked whether it is alive.
SLICE_S = 0.5

#: What the end of a process by a signal often means.
OFTEN = {
    "SIGABRT": "libzmq does so when two threads use one socket",
    "SIGKILL": "the system does so when memory runs out",
    "SIGSEGV": "C code does so when it uses what was freed",
}

_overdue = pytest.StashKey[bool]()  # of a cell: nbval gave up waiting for it
_cut_short = pytest.StashKey[str]()  # of a notebook: why its other cells are not run

Wrapper = Generator[None, Any, Any]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Wrapper:
    """Skip what comes after the cell that cut the notebook short; watch over any other cell."""
    if not isinstance(item, IPyNbCell):
        return (yield)
    if reason := item.parent.stash.get(_cut_short, None):
        pytest.skip(reason)
    result = yield
    watch(item)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Wrapper:
    """Fail a cell that had to be interrupted, even one that may raise, or catches it."""
    result = yield
    if item.stash.get(_overdue, False):
        item.raise_cell_error("Interrupted")  # type: ignore[attr-defined]
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Wrapper:
    """Begin the report with a sentence that helps, and print that at once."""
    report = yield
    if not isinstance(item, IPyNbCell) or not report.failed or call.when == "teardown":
        return report
    if why := what_happened(item, call):
        short = why.partition(". ")[0]
        item.parent.stash[_cut_short] = f"{item.path.name} was not run after {item.name}: {short}"
        # Of a setup, the other words are a traceback through pytest and Jupyter.
        report.longrepr = why if call.when == "setup" else f"{why}\n\n{report.longrepr}"
        if terminal := item.config.pluginmanager.get_plugin("terminalreporter"):
            terminal.ensure_newline()
            terminal.write_line(f"{item.nodeid}: {why}", red=True)
            terminal.flush()
    return report


def watch(cell: Any) -> None:
    """Have nbval wait for this cell in slices, and look after the kernel in between.

    Its `get_message` is where nbval does all its waiting. Nothing is waited for without end: the
    threads of a hung cell may go on talking, which nbval would listen to forever.
    """
    kernel = cell.parent.kernel
    plain = type(kernel).get_message  # not the one for the cell before
    end_s = time.monotonic() + cell.config.option.nbval_cell_timeout + cell.output_timeout

    def get_message(stream: str, timeout: float | None = None) -> Any:
        until_s = end_s if timeout is None else min(end_s, time.monotonic() + timeout)
        while (left_s := until_s - time.monotonic()) > 0:
            try:
                return plain(kernel, stream, timeout=min(left_s, SLICE_S))
            except Empty:
                if not kernel.is_alive():
                    cell.raise_cell_error("The kernel died")
        if stream == "shell":
            cell.stash[_overdue] = True
        raise Empty

    kernel.get_message = get_message


def what_happened(cell: Any, call: pytest.CallInfo[None]) -> str | None:
    """Say why the notebook cannot go on after a cell that failed; None if it can."""
    kernel = cell.parent.kernel
    if kernel is None:
        return not_started(cell, call)
    if cell.stash.get(_overdue, False):
        return hung(cell)
    if cell.parent.timed_out:
        return None  # the cell was done, its output was not: nbval says so, and ends the kernel
    if not kernel.is_alive():
        return died(cell, call)
    last = cell.test_outputs[-1] if cell.test_outputs else {}
    return lacks(cell, last["evalue"]) if last.get("ename") == "ModuleNotFoundError" else None


def not_started(cell: Any, call: pytest.CallInfo[None]) -> str:
    """Of a kernel that was not there to begin with."""
    assert call.excinfo is not None
    said = str(call.excinfo.value).rstrip(".")
    # The traceback holds a file that nbval opened for the kernel. Left open, it makes a warning
    # when it goes: where warnings are errors, one in a cell of another notebook.
    for frame, _ in traceback.walk_tb(call.excinfo.tb):
        given = frame.f_locals.get("kwargs")
        if isinstance(given, dict) and isinstance(file := given.get("stderr"), IOBase):
            file.close()
    if cell.config.option.nbval_current_env:
        return (
            f"The kernel did not start: {said}. `{sys.executable} -m ipykernel_launcher`"
            " may show why; installing ipykernel anew may help."
        )
    return (
        f"The kernel did not start: {said}. With --nbval-current-env, pytest's own Python runs"
        " the notebooks, whichever kernel they name."
    )


def hung(cell: Any) -> str:
    """Of a cell that did not end in time."""
    if cell.parent.kernel.is_alive():
        then = "and was interrupted: the traceback below shows where it was"
    else:
        then = "and took no notice of an interrupt, so its kernel was killed"
    return (
        f"The cell did not end within {cell.config.option.nbval_cell_timeout:g} s {then}. If it"
        " waits for what may never come, give it a bound, as `poll(timeout)`, RCVTIMEO and"
        " SNDTIMEO do in ZeroMQ; if it is only slow, give cells longer with"
        " --nbval-cell-timeout=SECONDS."
    )


def died(cell: Any, call: pytest.CallInfo[None]) -> str:
    """Of a kernel that is no more; what it has started and left is ended."""
    kernel = cell.parent.kernel
    process = getattr(kernel.km.provisioner, "process", None)
    how = ending(process.poll()) if process else "how is not known"
    kernel.stop()
    begun = call.excinfo is not None and call.excinfo.errisinstance(NbCellError)
    when = "in this cell" if begun else "before this cell"
    return (
        f"The kernel died {when} ({how}). What it said last went with it: run the code as a"
        " script, with `python -X faulthandler`, to see that."
    )


def ending(code: int) -> str:
    """Say how a process ended."""
    if code >= 0:
        return f"exit status {code}: something called exit, or stopped it"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"{name}: {OFTEN[name]}" if name in OFTEN else name


def lacks(cell: Any, said: str) -> str:
    """Of a cell that imports what is not installed."""
    python = cell.parent.kernel.km.kernel_spec.argv[0]
    return (
        f"{said} for the Python that runs the notebook. Install there what the notebook needs: for"
        f' pushpull_kit\'s own, `{python} -m pip install -e ".[test]"` in the root of the'
        " repository."
    )
