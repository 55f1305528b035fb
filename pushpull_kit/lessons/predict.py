"""A question to commit to before the measurement, and the measurement beside the guess."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from ipywidgets import HTML, Button, RadioButtons, VBox  # type: ignore[import-untyped]


class Predict(VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Asks `question`, with `choices` to commit to, before `reveal` shows what was measured.

    `choices` are a tuple; `guess` is the one that was committed, or `None`. Nothing is stored
    outside the notebook. Raises `TypeError` or `ValueError` for a question without words, or fewer
    than two different choices.
    """

    def __init__(self, question: str, choices: Iterable[str]) -> None:
        self.question, self.choices = question, _checked(question, choices)
        super().__init__()
        self.guess: str | None = None
        self._revealed: tuple[str, str] | None = None
        self._radio = RadioButtons(
            options=self.choices, value=None, description="Your guess:", layout={"width": "auto"}
        )
        self._button = Button(
            description="Commit", disabled=True, tooltip="Commit to the choice: it is kept as it is"
        )
        self._answer = HTML()
        self._radio.observe(lambda change: self._choose(), names="value")
        self._button.on_click(lambda _: self._commit())
        self.children = (
            HTML(f"<b>{escape(question)}</b>"),
            self._radio,
            self._button,
            self._answer,
        )

    def __repr__(self) -> str:  # no guess, since a strict nbval run compares it
        return f"Predict: {self.question} ({' / '.join(self.choices)})"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Give the whole text to readers without a kernel: ipywidgets would cut it short."""
        bundle = super()._repr_mimebundle_(**kwargs)
        return {**bundle, "text/plain": repr(self)}

    def reveal(self, measured: object, because: str = "") -> Revealed:
        """Show what was measured beside the guess, here and under the cell that calls this.

        A `measured` that is one of the choices decides whether the guess was right; anything else,
        such as a number, is shown beside it. Who made no guess can still make one.
        """
        if not isinstance(because, str):
            raise TypeError(f"because: expected the reason as text; got {because!r}; give a str")
        self._revealed = str(measured), because
        self._tell()
        plain = " ".join(filter(None, [f"Measured: {measured}.", because]))
        return Revealed(plain, plain if self.guess is None else self._told())

    def close(self) -> None:
        """Close the widgets; again does nothing."""
        for child in self.children:
            for widget in (child, child.layout, child.style):
                widget.close()
        self.layout.close()
        super().close()

    def _choose(self) -> None:
        self._button.disabled = self.guess is not None or self._radio.value is None

    def _commit(self) -> None:
        if self.guess is None and self._radio.value is not None:
            self.guess = self._radio.value
            self._radio.disabled = self._button.disabled = True
            self._tell()

    def _tell(self) -> None:
        self._answer.value = f'<div role="status">{escape(self._told())}</div>'

    def _told(self) -> str:
        if self.guess is None:
            return "You made no guess. Make one now, and it is shown beside what was measured."
        said = f"You said “{self.guess}”."
        if self._revealed is None:
            return f"{said} Run the next cells to see."
        measured, because = self._revealed
        verdict = "You were right." if measured == self.guess else "Not what you expected."
        if measured not in self.choices:
            verdict = ""
        return " ".join(filter(None, [said, f"Measured: {measured}.", verdict, because]))


class Revealed:
    """What was measured, to be shown under a cell; where there is a guess, a person sees it too."""

    def __init__(self, plain: str, told: str) -> None:
        self._plain, self._told = plain, told

    def __repr__(self) -> str:  # no guess, since a strict nbval run compares it
        return self._plain

    def _repr_html_(self) -> str:
        return f"<p>{escape(self._told)}</p>"


def _checked(question: object, choices: object) -> tuple[str, ...]:
    if not isinstance(question, str) or not question.strip():
        raise TypeError(
            f"question: expected a text, such as 'When will the client end?'; got {question!r}; "
            "ask in words"
        )
    found = list(choices) if isinstance(choices, Iterable) and not isinstance(choices, str) else []
    if len(found) < 2 or not all(isinstance(it, str) and it.strip() for it in found):
        raise TypeError(
            "choices: expected two texts or more, such as ['at once', 'after 6 s']; got "
            f"{choices!r}; write them in a list"
        )
    if len(set(found)) < len(found):
        twice = next(it for it in found if found.count(it) > 1)
        raise ValueError(
            f"choices: expected each choice once; got {twice!r} {found.count(twice)} times; "
            "remove or reword one"
        )
    return tuple(found)
