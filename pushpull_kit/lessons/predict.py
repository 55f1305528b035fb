"""A question with choices: the learner commits to a guess, and later sees the measurement."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from ipywidgets import HTML, Button, RadioButtons, VBox  # type: ignore[import-untyped]


class Predict(VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Asks a question before a measurement, and shows the measurement beside the guess after it.

    Nothing is stored outside the notebook.

    Args:
        question: the question, in words.
        choices: two or more different texts.

    Attributes:
        choices: the choices, a tuple.
        guess: the choice that was committed, or `None`.

    Raises:
        TypeError: the question or a choice is no text or is empty, or there are fewer than two.
        ValueError: a choice is given twice.

    >>> from pushpull_kit import Predict
    >>> guess = Predict("When does send() return?", ["at once", "when the job is done"])
    >>> guess
    Predict: When does send() return? (at once / when the job is done)
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
            description="Commit",
            disabled=True,
            tooltip="Keep the choice; it cannot be changed then",
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

    def __repr__(self) -> str:  # without the guess, because strict nbval compares it
        return f"Predict: {self.question} ({' / '.join(self.choices)})"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Add the whole text, for readers without a kernel. ipywidgets would cut it short."""
        bundle = super()._repr_mimebundle_(**kwargs)
        return {**bundle, "text/plain": repr(self)}

    def reveal(self, measured: object, because: str = "") -> Revealed:
        """Show the measurement beside the guess, here and under the cell that calls this.

        A learner who has not guessed yet can still do so.

        Args:
            measured: one of the choices: then it is said whether the guess was right. Anything
                else, such as a number, is only shown beside the guess.
            because: the reason, in a sentence.

        Returns:
            What the cell shows when this is its last line.

        Raises:
            TypeError: `because` is not a text.

        >>> from pushpull_kit import Predict
        >>> guess = Predict("When does send() return?", ["at once", "when the job is done"])
        >>> guess.reveal("at once", "It only queues the job.")
        Measured: at once. It only queues the job.
        """
        if not isinstance(because, str):
            raise TypeError(f"because: expected the reason as text; got {because!r}; give a str")
        self._revealed = str(measured), because
        self._show_answer()
        plain = " ".join(filter(None, [f"Measured: {measured}.", because]))
        return Revealed(plain, plain if self.guess is None else self._answer_text())

    def close(self) -> None:
        """Close the widgets. Closing them again does nothing."""
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
            self._show_answer()

    def _show_answer(self) -> None:
        self._answer.value = f'<div role="status">{escape(self._answer_text())}</div>'

    def _answer_text(self) -> str:
        if self.guess is None:
            return "You made no guess. Make one now, and it is shown beside what was measured."
        said = f"You said “{self.guess}”."
        if self._revealed is None:
            return f"{said} Run the next cells to see."
        measured, because = self._revealed
        verdict = ""
        if measured in self.choices:
            verdict = "You were right." if measured == self.guess else "Not what you expected."
        return " ".join(filter(None, [said, f"Measured: {measured}.", verdict, because]))


class Revealed:
    """A measurement as `Predict.reveal` shows it under a cell, beside the guess if there is one.

    Args:
        plain: the measurement alone, as text.
        with_guess: the measurement beside the guess, as text.

    >>> from pushpull_kit import Predict
    >>> revealed = Predict("How many?", ["one", "two"]).reveal("two")
    >>> print(revealed)
    Measured: two.
    """

    def __init__(self, plain: str, with_guess: str) -> None:
        self._plain, self._with_guess = plain, with_guess

    def __repr__(self) -> str:  # without the guess, because strict nbval compares it
        return self._plain

    def _repr_html_(self) -> str:
        return f"<p>{escape(self._with_guess)}</p>"


def _checked(question: object, choices: object) -> tuple[str, ...]:
    """Return the choices as a tuple, or raise what `Predict` says."""
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
