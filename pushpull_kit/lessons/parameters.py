"""Labels of parameters: splits a name such as `handler_s` into words and a unit."""

from __future__ import annotations

#: What a name may end in, and how that unit is written.
UNITS = {"s": "s", "ms": "ms", "us": "µs", "ns": "ns", "bytes": "bytes"}

#: How many characters of a value are shown.
MAX_VALUE_CHARACTERS = 40


def label(name: str) -> str:
    """Return a parameter's name with its unit apart.

    >>> label("handler_s"), label("count")
    ('handler (s)', 'count')
    """
    words, unit = _split(name)
    return f"{words} ({unit})" if unit else words


def name_without_unit(name: str) -> str:
    """Return a parameter's name without its unit.

    >>> name_without_unit("handler_s")
    'handler'
    """
    return _split(name)[0]


def value_with_unit(name: str, value: object) -> str:
    """Return a parameter's value with its unit, the value in few characters.

    >>> value_with_unit("handler_s", 0.1 + 0.2)
    '0.3 s'
    """
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    if len(shown) > MAX_VALUE_CHARACTERS:
        shown = shown[: MAX_VALUE_CHARACTERS - 1] + "…"
    unit = _split(name)[1]
    return f"{shown} {unit}" if unit else shown


def _split(name: str) -> tuple[str, str]:
    """Return the words of a name, and its unit or an empty text."""
    stem, _, ending = name.rpartition("_")
    unit = UNITS.get(ending, "") if stem else ""
    words = (stem if unit else name).replace("_", " ").strip()
    return words or name, unit
