"""Make pytest report soon, in a sentence, why a notebook cannot run to its end.

nbval treats a dead kernel as a slow cell until the timeout, and runs the cells after a hung cell.
With this file beside the notebooks, pytest reports which cell ended the kernel, hung or imports a
missing module, and what to do. It then skips the rest of that notebook. The file works beside any
notebooks.
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

#: How often to check that a kernel that sends no messages is alive.
SLICE_S = 0.5

#: Frequent causes of a process that ends by a signal.
FREQUENT_CAUSE = {
    "SIGABRT": "libzmq aborts when two threads use one socket",
    "SIGKILL": "the system kills a process when memory runs out",
    "SIGSEGV": "C code used memory that was freed",
}

_overdue = pytest.StashKey[bool]()  # of a cell: nbval stopped waiting for it
_cut_short = pytest.StashKey[str]()  # of a notebook: why its other cells are skipped

Wrapper = Generator[None, Any, Any]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Wrapper:
    """Skip a cell after the one that ended its notebook; otherwise watch the kernel."""
    if not isinstance(item, IPyNbCell):
        return (yield)
    if reason := item.parent.stash.get(_cut_short, None):
        pytest.skip(reason)
    result = yield
    watch(item)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Wrapper:
    """Fail a cell that was interrupted, even if it may raise or catches KeyboardInterrupt."""
    result = yield
    if item.stash.get(_overdue, False):
        item.raise_cell_error("Interrupted")  # type: ignore[attr-defined]
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Wrapper:
    """Start the report with the cause and the remedy, and print them at once."""
    report = yield
    if not isinstance(item, IPyNbCell) or not report.failed or call.when == "teardown":
        return report
    if why := explain(item, call):
        short = why.partition(". ")[0]
        item.parent.stash[_cut_short] = f"{item.path.name} was not run after {item.name}: {short}"
        # The report of a failed setup is only a traceback through pytest and Jupyter.
        report.longrepr = why if call.when == "setup" else f"{why}\n\n{report.longrepr}"
        if terminal := item.config.pluginmanager.get_plugin("terminalreporter"):
            terminal.ensure_newline()
            terminal.write_line(f"{item.nodeid}: {why}", red=True)
            terminal.flush()
    return report


def watch(cell: Any) -> None:
    """Make nbval wait for this cell in slices, and check the kernel between two slices.

    nbval does all its waiting in `get_message`. The wait has an end even while threads of a hung
    cell keep printing; nbval alone would wait as long as they print.
    """
    kernel = cell.parent.kernel
    original = type(kernel).get_message  # not the replacement for the previous cell
    end_s = time.monotonic() + cell.config.option.nbval_cell_timeout + cell.output_timeout

    def get_message(stream: str, timeout: float | None = None) -> Any:
        until_s = end_s if timeout is None else min(end_s, time.monotonic() + timeout)
        while (left_s := until_s - time.monotonic()) > 0:
            try:
                return original(kernel, stream, timeout=min(left_s, SLICE_S))
            except Empty:
                if not kernel.is_alive():
                    cell.raise_cell_error("The kernel died")
        if stream == "shell":
            cell.stash[_overdue] = True
        raise Empty

    kernel.get_message = get_message


def explain(cell: Any, call: pytest.CallInfo[None]) -> str | None:
    """Return why the notebook cannot go on after a failed cell, or None if it can."""
    kernel = cell.parent.kernel
    if kernel is None:
        return not_started(cell, call)
    if cell.stash.get(_overdue, False):
        return hung(cell)
    if cell.parent.timed_out:
        return None  # only output is missing: nbval reports that and ends the kernel
    if not kernel.is_alive():
        return died(cell, call)
    last = cell.test_outputs[-1] if cell.test_outputs else {}
    if last.get("ename") == "ModuleNotFoundError":
        return missing_module(cell, last["evalue"])
    return None


def not_started(cell: Any, call: pytest.CallInfo[None]) -> str:
    """Return the message about a kernel that did not start."""
    assert call.excinfo is not None
    reason = str(call.excinfo.value).rstrip(".")
    # The traceback holds a file that nbval opened for the kernel. If it stays open, its collection
    # causes a ResourceWarning. Where warnings are errors, that fails a cell of another notebook.
    for frame, _ in traceback.walk_tb(call.excinfo.tb):
        given = frame.f_locals.get("kwargs")
        if isinstance(given, dict) and isinstance(file := given.get("stderr"), IOBase):
            file.close()
    if cell.config.option.nbval_current_env:
        return (
            f"The kernel did not start: {reason}. `{sys.executable} -m ipykernel_launcher`"
            " may show why; reinstalling ipykernel may help."
        )
    return (
        f"The kernel did not start: {reason}. With --nbval-current-env, pytest's own Python runs"
        " the notebooks, whichever kernel they name."
    )


def hung(cell: Any) -> str:
    """Return the message about a cell that did not end in time."""
    if cell.parent.kernel.is_alive():
        then = "and was interrupted: the traceback below shows where it waited"
    else:
        then = "and ignored the interrupt, so its kernel was killed"
    return (
        f"The cell did not end within {cell.config.option.nbval_cell_timeout:g} s {then}. If it"
        " waits for something that may never happen, set a timeout: `poll(timeout)`, RCVTIMEO or"
        " SNDTIMEO in ZeroMQ. If it is only slow, raise the limit with"
        " --nbval-cell-timeout=SECONDS."
    )


def died(cell: Any, call: pytest.CallInfo[None]) -> str:
    """Return the message about a kernel that died, and end the processes that it started."""
    kernel = cell.parent.kernel
    process = getattr(kernel.km.provisioner, "process", None)
    how = ending(process.poll()) if process else "exit status unknown"
    kernel.stop()
    begun = call.excinfo is not None and call.excinfo.errisinstance(NbCellError)
    when = "in this cell" if begun else "before this cell"
    return (
        f"The kernel died {when} ({how}). Its last output is lost. To see it, run the code as a"
        " script with `python -X faulthandler`."
    )


def ending(code: int) -> str:
    """Return how a process ended, in words."""
    if code >= 0:
        return f"exit status {code}: some code called exit, or another process stopped it"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"{name}: {FREQUENT_CAUSE[name]}" if name in FREQUENT_CAUSE else name


def missing_module(cell: Any, error: str) -> str:
    """Return the message about a cell that imports a module that is not installed."""
    python = cell.parent.kernel.km.kernel_spec.argv[0]
    return (
        f"{error} for the Python that runs the notebook. Install what the notebook needs: for the"
        f' notebooks of pushpull_kit, `{python} -m pip install -e ".[test]"` in the root of its'
        " repository."
    )
