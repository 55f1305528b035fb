"""Which cell of a notebook runs, and where the prints of a thread appear."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def cell() -> tuple[str, str] | None:
    """Return the id of the cell that runs now and the id of this run of it, or `None`.

    Running the cell again keeps the first and changes the second. `None` outside Jupyter, and where
    the front end does not name its cells.
    """
    shell = _shell()
    parent: Any = shell.get_parent() if shell else {}
    cell_id = parent.get("metadata", {}).get("cellId")
    return (cell_id, parent["header"]["msg_id"]) if cell_id else None


def print_under_this_cell() -> Callable[[], None]:
    """Return what makes a thread print under the cell that runs now, or nothing outside Jupyter.

    Since 7.1 ipykernel shows what a thread prints under the latest cell, unless the thread says
    otherwise; `set_thread_parent` (7.4) says it without a word to other threads.
    """
    shell = _shell()
    if shell is None:
        return lambda: None
    parent = shell.get_parent()
    pin = getattr(shell, "set_thread_parent", shell.set_parent)
    return lambda: pin(parent) and None


def _shell() -> Any:
    """Return the shell of a kernel, or `None` outside one; IPython is not imported for that."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython else None
    return shell if hasattr(shell, "get_parent") else None
