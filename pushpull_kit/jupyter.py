"""Which notebook cell runs, and under which cell a thread's prints appear."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def cell() -> tuple[str, str] | None:
    """Return the id of the cell that runs now, and the id of this run of it.

    The first stays the same when the cell is run again; the second changes.

    Returns:
        `None` outside Jupyter, and in a front end that gives its cells no ids.
    """
    shell = _shell()
    parent: Any = shell.get_parent() if shell else {}
    cell_id = parent.get("metadata", {}).get("cellId")
    return (cell_id, parent["header"]["msg_id"]) if cell_id else None


def print_under_this_cell() -> Callable[[], None]:
    """Return a function that makes the thread which calls it print under the cell that runs now.

    Since version 7.1, ipykernel shows what a thread prints under the latest cell unless the thread
    sets a parent. `set_thread_parent` (version 7.4) sets it for the calling thread only. Outside
    Jupyter the function does nothing.
    """
    shell = _shell()
    if shell is None:
        return lambda: None
    parent = shell.get_parent()
    set_parent = getattr(shell, "set_thread_parent", shell.set_parent)
    return lambda: set_parent(parent) and None


def _shell() -> Any:
    """Return the kernel's shell, or `None` outside a kernel. Does not import IPython."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython else None
    return shell if hasattr(shell, "get_parent") else None
