"""What a check says: verdicts, and the error by which a judge refuses an answer."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

NOT_ATTEMPTED, NOT_YET, CORRECT = "not attempted", "not yet", "correct"


class NotYet(Exception):
    """A fact that the exercise asks for does not hold. The text tells the learner which."""


def expect(condition: object, message: str) -> None:
    """Refuse the answer unless a condition holds.

    Args:
        condition: the fact; anything true will do.
        message: a sentence or two of Markdown for the learner, whom it calls "you": what was
            expected, and what was measured.

    Raises:
        NotYet: the condition does not hold.

    >>> expect(1 + 1 == 2, "not raised")
    >>> expect(1 + 1 == 3, "Expected 3; got 2.")
    Traceback (most recent call last):
        ...
    pushpull_kit.exercises.engine.verdict.NotYet: Expected 3; got 2.
    """
    if not condition:
        raise NotYet(message)


@dataclass(frozen=True)
class Note:
    """A piece of Markdown. As plain text it reads the same.

    >>> Note("**Hint 1 of 2:** use `send_string`.")
    Hint 1 of 2: use `send_string`.
    """

    text: str

    def __repr__(self) -> str:
        return self.text.replace("**", "")

    def _repr_markdown_(self) -> str:
        """Return the Markdown, with `<` and `&` escaped outside of code spans and blocks."""
        return re.sub(
            r"(`+)[^`].*?(?<!`)\1(?!`)|[<&]",
            lambda match: match[0] if match[1] else html.escape(match[0]),
            self.text,
            flags=re.DOTALL,
        )


@dataclass(frozen=True, repr=False)
class Verdict(Note):
    """What a check found.

    Attributes:
        text: everything that is shown, as Markdown.
        outcome: `"not attempted"`, `"not yet"` or `"correct"`.
        message: why, in a sentence or two; what the answer printed is only in `text`.

    >>> from pushpull_kit.exercises.push_without_waiting import hand_over
    >>> verdict = hand_over.check(lambda sender, jobs: None)
    >>> verdict.outcome
    'not attempted'
    """

    outcome: str
    message: str
