"""Escapes a learner's text so that Markdown shows it literally."""

from __future__ import annotations

import reprlib

_short_repr = reprlib.Repr()
_short_repr.maxlist = _short_repr.maxtuple = _short_repr.maxset = _short_repr.maxdict = 12
_short_repr.maxstring = _short_repr.maxother = 80


def show(value: object) -> str:
    """Return a value as a short code span, for messages to a learner.

    Args:
        value: any object, also one of the learner's.

    Returns:
        Its `repr`, shortened, as Markdown.

    >>> show(["wash", "dry"])
    "`['wash', 'dry']`"
    """
    return span(_short_repr.repr(value))


def span(text: str) -> str:
    """Return text as a code span, fenced by more backticks than it has in a row.

    >>> span("a `b` c")
    '`` a `b` c ``'
    """
    text = " ".join(text.split()) or " "
    fence = "`"
    while fence in text:
        fence += "`"
    padding = " " if "`" in text else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def block(text: str, language: str = "text") -> str:
    """Return text as a code block, fenced by more backticks than it has in a row."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
