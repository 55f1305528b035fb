"""What is written about parameters and runs: names with their units, captions, comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from ..recording.units import duration
from .run import Run

#: What a name may end in, and how that reads.
UNITS = {"s": "s", "ms": "ms", "us": "µs", "ns": "ns", "bytes": "bytes"}


def label(name: str) -> str:
    """Return a parameter's name with its unit apart, such as `handler (s)` for `handler_s`."""
    words, unit = _parted(name)
    return f"{words} ({unit})" if unit else words


def words_of(name: str) -> str:
    """Return a parameter's name without its unit, such as `handler` for `handler_s`."""
    return _parted(name)[0]


def value_of(name: str, value: object) -> str:
    """Return what a parameter was given with its unit, such as `0.1 s`, in about 40 characters."""
    unit, said = _parted(name)[1], f"{value:g}" if isinstance(value, float) else str(value)
    return (said if len(said) <= 40 else said[:39] + "…") + (f" {unit}" if unit else "")


def title(number: int, values: Mapping[str, Any]) -> str:
    """Return a run's caption, such as `run 2: rcvhwm = 1, handler = 0.1 s`."""
    given = [f"{words_of(name)} = {value_of(name, value)}" for name, value in values.items()]
    return f"run {number}" + (": " if given else "") + ", ".join(given)


def listed(names: Iterable[str]) -> str:
    """Return names as an error says them."""
    return ", ".join(map(repr, names)) or "(none)"


def text(words: str, tag: str = "span", attributes: str = "") -> str:
    """Return words as HTML that shows just these words."""
    return f"<{tag} {attributes}>{escape(words)}</{tag}>"


def bar(done: int | None = None, count: int = 1) -> str:
    """Return the browser's own progress bar; one without a value says only that something runs."""
    value = "" if done is None else f'value="{done}" max="{count}"'
    return f'<progress aria-label="progress of the run" {value}></progress>'


def report(run: Run) -> str:
    """Return how a run ended, its traceback behind a fold."""
    ended = text(f"{run.outcome} after {duration(run.took_s)}")
    if not run.error:
        return ended
    if not run.traceback:
        return f"{ended}: {text(run.error)}"
    fold = text(run.traceback, "pre", 'style="overflow-x: auto"')
    return f"{ended}<details>{text(run.error, 'summary')}{fold}</details>"


def compared(before: Run, after: Run) -> str:
    """Return the figures of two runs, and what they were given differently, as one line."""
    first, second = before.summary, after.summary
    steps = [
        ("your cell waited", duration(first.sending_s), duration(second.sending_s)),
        ("the work took", duration(first.working_s), duration(second.working_s)),
        ("all was over after", duration(first.span_s), duration(second.span_s)),
    ]
    for name in after.values:
        old, new = (value_of(name, run.values[name]) for run in (before, after))
        if old != new:
            steps.append((words_of(name), old, new))
    runs = " → ".join(
        f"run {run.number}" + (f" ({run.outcome})" if run.outcome != "finished" else "")
        for run in (before, after)
    )
    return f"{runs}: " + " · ".join(f"{what} {old} → {new}" for what, old, new in steps)


def _parted(name: str) -> tuple[str, str]:
    stem, _, ending = name.rpartition("_")
    unit = UNITS.get(ending, "") if stem else ""
    return (stem if unit else name).replace("_", " ").strip() or name, unit
