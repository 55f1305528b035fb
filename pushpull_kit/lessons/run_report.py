"""What is written about runs: a caption, how one ended, and two compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..recording.units import duration
from .html import text
from .parameters import name_without_unit, value_with_unit
from .run import Run


def title(number: int, values: Mapping[str, Any]) -> str:
    """Return a run's caption.

    >>> title(2, {"rcvhwm": 1, "handler_s": 0.1})
    'run 2: rcvhwm = 1, handler = 0.1 s'
    """
    given = [
        f"{name_without_unit(name)} = {value_with_unit(name, value)}"
        for name, value in values.items()
    ]
    return f"run {number}" + (": " if given else "") + ", ".join(given)


def report(run: Run) -> str:
    """Return as HTML how a run ended, with its traceback folded."""
    ended = text(f"{run.outcome} after {duration(run.took_s)}")
    if not run.error:
        return ended
    if not run.traceback:
        return f"{ended}: {text(run.error)}"
    folded = text(run.traceback, "pre", 'style="overflow-x: auto"')
    return f"{ended}<details>{text(run.error, 'summary')}{folded}</details>"


def comparison(first: Run, second: Run) -> str:
    """Return one line: the figures of two runs, and the values that differ between them."""
    before, after = first.summary, second.summary
    changes = [
        ("your cell waited", duration(before.sending_s), duration(after.sending_s)),
        ("the work took", duration(before.working_s), duration(after.working_s)),
        ("all was over after", duration(before.span_s), duration(after.span_s)),
    ]
    for name in second.values:
        old = value_with_unit(name, first.values[name])
        new = value_with_unit(name, second.values[name])
        if old != new:
            changes.append((name_without_unit(name), old, new))
    figures = " · ".join(f"{what} {old} → {new}" for what, old, new in changes)
    return f"{_name(first)} → {_name(second)}: {figures}"


def _name(run: Run) -> str:
    """Return a run's number, and its outcome unless it finished."""
    return f"run {run.number}" + (f" ({run.outcome})" if run.outcome != "finished" else "")
