"""Runs a function where no signal handler and no exception from outside can interrupt it."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def run_apart(function: Callable[[], T]) -> T:
    """Call `function` in a new thread, wait for it, and return what it returns.

    If the wait is interrupted, the function still runs to its end.

    Args:
        function: takes no arguments.

    Raises:
        BaseException: what the function raises.

    >>> run_apart(lambda: 1 + 1)
    2
    """
    results: list[T] = []
    errors: list[BaseException] = []
    done = _thread.allocate_lock()
    done.acquire()

    def run() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)
        finally:
            # Garbage collection in this thread may have called `current_thread`, which lists it
            # for ever (until Python 3.12).
            getattr(threading, "_active", {}).pop(_thread.get_ident(), None)
            done.release()

    try:
        # Not a `threading.Thread`: a signal handler that raises in its `start` breaks it.
        _thread.start_new_thread(run, ())
    except RuntimeError:  # no thread can be started, such as at the end of the interpreter
        return function()
    done.acquire()
    if errors:
        raise errors[0]
    return results[0]
