"""HTML fragments that an Experiment shows."""

from __future__ import annotations

from html import escape


def text(words: str, tag: str = "span", attributes: str = "") -> str:
    """Return an HTML element that shows these words, whatever characters are in them."""
    return f"<{tag} {attributes}>{escape(words)}</{tag}>"


def progress_bar(done: int | None = None, count: int = 1) -> str:
    """Return the browser's progress bar. Without `done` it shows only that something runs."""
    value = "" if done is None else f'value="{done}" max="{count}"'
    return f'<progress aria-label="progress of the run" {value}></progress>'
