"""The result as JSON and as a plain-text table."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from . import machine
from .line import PACE_S
from .measure import Plan, Row

Result = dict[str, Any]  # the content of the JSON

WIDTH = 98
TITLES = {
    "ways": "Ways to hand over 8 bytes, each in turn with raw pyzmq over tcp to a process",
    "kit": "The timed kit, each in turn with raw pyzmq to a thread, same transport and size",
}
COLUMNS = "{:31}{:>7}{:>8}{:>18}{:>12}{:>22}"
HEAD = (
    COLUMNS.format("", "", "wait, µs", "over raw", "done", "over raw"),
    COLUMNS.format("", "median", "9 in 10", "(middle half)", "a second", "(middle half)"),
)


def result(rows: Iterable[Row], plan: Plan) -> Result:
    """Return the measurements with the method, the machine and the versions."""
    return {
        **machine.described(),
        "method": {
            "wait": f"one call at a time, {PACE_S * 1e3:g} ms after the message before it was done",
            "done": "from the first call of a burst until its last message is done",
            "over_raw": "medians of pairs measured in turn: of calls' waits, and of bursts' rates",
            "low, high": "the middle half",
            "p90": "what nine in ten do not exceed",
            **plan._asdict(),
        },
        "rows": [asdict(row) for row in rows],
    }


def by_rate(rows: Iterable[Any]) -> list[Any]:
    """Sort rows by messages done per second, highest first. Rows without figures come last."""
    return sorted(
        rows,
        key=lambda row: -row["figures"]["done_per_s"]["median"] if row["figures"] else 0.0,
    )


def table(result: Result) -> str:
    """Return the table, then what each caller waits for, then method, machine and versions."""
    lines = []
    for group, title in TITLES.items():
        rows = [row for row in result["rows"] if row["group"] == group]
        if rows:
            lines += [title, "", *HEAD]
            lines += [line(row) for row in (by_rate(rows) if group == "ways" else rows)]
            lines += [""]
    until: dict[str, list[str]] = {}
    for row in result["rows"]:
        names = until.setdefault(row["caller_waits_until"], [])
        name = row["name"].partition(",")[0] if row["group"] == "ways" else "timed PUSH"
        names += [name] if name not in names else []
    lines += ["A caller waits until:"]
    for what, names in until.items():
        lines += textwrap.wrap(f"- {what}: {', '.join(names)}", WIDTH, subsequent_indent="  ")
    lines += ["", *textwrap.wrap(how(result), WIDTH), *textwrap.wrap(foot(result), WIDTH)]
    return "\n".join(lines)


def line(row: dict[str, Any]) -> str:
    """Return one row as text."""
    name = label(row)
    figures = row["figures"]
    if not figures:
        why = f"skipped: {row['skipped']}" if row["skipped"] else f"FAILED: {row['failed']}"
        return f"{name:30} {why}"
    wait, done = figures["wait_us"], figures["done_per_s"]
    return COLUMNS.format(
        name,
        short(wait["median"]),
        short(wait["p90"]),
        ratio(figures["wait_over_raw"]),
        f"{done['median']:,.0f}",
        ratio(figures["done_over_raw"]),
    )


def label(row: dict[str, Any]) -> str:
    """Return the label of a row: its name, and for ways also where the consumer is."""
    return f"{row['name']} > {row['to']}" if row["group"] == "ways" else row["name"]


def ratio(spread: dict[str, float]) -> str:
    """Return a ratio and its middle half: 1.5 (1.4-1.6), or as a fraction: 1/170 (180-160)."""
    if spread["median"] >= 0.1:
        return f"{spread['median']:.2g} ({spread['low']:.2g}-{spread['high']:.2g})"
    middle, low, high = (short(1 / spread[key]) for key in ("median", "low", "high"))
    return f"1/{middle} ({low}-{high})"


def short(figure: float) -> str:
    """Return a figure with two digits, or more if they stand before the decimal point."""
    return f"{figure:,.0f}" if figure >= 10 else f"{figure:.2g}"


def how(result: Result) -> str:
    """Return the method as text."""
    pairs, calls, burst_s = (result["method"][key] for key in ("pairs", "calls", "burst_s"))
    return (
        f"{pairs} pairs of {calls} single calls each, {PACE_S * 1e3:g} ms after the message before "
        f"was done, and {pairs} pairs of bursts of about {burst_s:g} s. "
        "Over raw: the median of the pairs' ratios. 9 in 10: no more than that."
    )


def foot(result: Result) -> str:
    """Return machine, versions and date as text."""
    cpu, cores, system = (result["machine"][key] for key in ("cpu", "cores", "system"))
    names = {"python": "Python", "distributed": "dask.distributed", "redis": "redis-py"}
    versions = ", ".join(
        f"{names.get(name, name)} {version}"
        for name, version in result["versions"].items()
        if version
    )
    return f"Measured on {cpu}, {cores} cores, {system}; {versions}; {result['date']}."
