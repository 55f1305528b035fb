"""Where in a notebook the prints of a thread appear."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def print_under_this_cell() -> Callable[[], None]:
    """Return what makes a thread print under the cell that runs now, or nothing outside Jupyter.

    Since 7.1 ipykernel shows what a thread prints under the latest cell, unless the thread says
    otherwise; `set_thread_parent` (7.4) says it without a word to other threads.
    """
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython else None
    if not hasattr(shell, "get_parent"):
        return lambda: None
    parent = shell.get_parent()
    pin = getattr(shell, "set_thread_parent", shell.set_parent)
    return lambda: pin(parent) and None
