"""Formats a duration as text with a suitable unit, such as 1.50 ms."""

from __future__ import annotations

from ..spec import TIME_UNITS


def duration(seconds: float) -> str:
    """Return seconds as a person would say them, with three digits.

    Args:
        seconds: a duration of zero or more, in seconds.

    >>> duration(6), duration(0.00031)
    ('6.00 s', '310 µs')
    """
    if not seconds:
        return "0 s"
    ns = seconds * 1e9
    # From 0.9995 on, three digits round to 1.00 of the larger unit.
    unit, unit_ns = next((u for u in TIME_UNITS if ns >= 0.9995 * u[1]), TIME_UNITS[-1])
    value = ns / unit_ns
    digits = 0 if unit == "ns" or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:,.{digits}f} {unit}"
