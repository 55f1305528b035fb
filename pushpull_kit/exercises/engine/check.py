'''An exercise that checks itself, and how to write one.

In a notebook a learner fills in a stub and checks it, in two cells::

    def push_all(sender, jobs): ...

    from pushpull_kit.exercises.push_without_waiting import hand_over
    hand_over.check(push_all)

`check` says *not attempted*, *not yet* (which fact failed) or *correct*; `hand_over.hint()` gives
one more hint at each call, `hand_over.solution()` shows the source of a solution. Notebooks show
`check` only: an executed `hint()` would tell everybody.

Writing one
===========

A module for each notebook, named as the notebook without its number, holds for each exercise a
solution and a *judge*, which calls the answer and expects facts::

    # mypy: allow-untyped-defs, allow-untyped-calls
    """Exercises of notebook 01, push without waiting."""

    from .engine.check import Lab, exercise, expect, show

    def push_all(sender, jobs):                     # the solution, named as in the stub
        for job in jobs:
            sender.send_string(job)                 # no type annotations: learners see this

    @exercise(
        solution=push_all,
        hints=["From gentle ...", "... to plain: `for job in jobs:` and one `send_string` each."],
    )
    def hand_over(lab, answer):                     # the judge; its name is the exercise's
        """Push each job, in order, and return without waiting for any work."""
        sender, receiver = lab.pair()
        lab.run(answer, sender, ["wash", "dry"])
        came = lab.drain(receiver)
        expect(came == ["wash", "dry"], f"Pushed were `wash`, `dry`; received was {show(came)}.")
        return "Two jobs pushed, in order."         # added to "Correct."

- `lab.run(answer, *args)` calls the answer in a thread of its own and returns what it returned.
  It raises `NotYet` when the answer does not return within `LIMIT_S` (the line where it waits is
  shown; `if_late="..."` adds why), raises, cannot be called so, returns something else than
  `returns=list` (or a tuple of types), or closes what it was given (unless `may_close=True`).
  Give it copies: an answer may empty the list that it is given.
- `lab.start(answer, *args)` returns at once, so that the judge can act meanwhile, in the main
  thread: `run.running`, `run.line`, `run.result(...)` with the keywords above, `run.took_s`.
- `lab.pair(sndhwm=10, rcvhwm=10)` is a PUSH connected to a PULL by inproc, where counts are exact;
  `lab.socket(zmq.PULL, rcvhwm=1)` any other socket of `lab.context`, to be bound or connected, and
  then `lab.give(socket)` to the answer: a socket belongs to one thread at a time. A judge may start
  `Worker(handler, bind="inproc://jobs", context=lab.context)`; the lab stops it. A handler that is
  to wait waits for `lab.gate()`, which the end sets. `lab.context.timings` has all messages:
  `lab.wait_until(lambda: lab.context.timings.summary().sending)` is how to see a blocked send.
- `lab.drain(pull)` takes what is there now, `lab.receive(pull, count)` waits for that many (it
  needs to over TCP, and when the answer still runs). `lab.wait_until(condition)` is True or False.
- `expect(fact, message)`: the message is a sentence or two of Markdown, to the learner ("you"),
  with what was to be and what was measured. Whatever comes from the learner goes through `show`.
- An exercise may ask for a value (a number, a list) instead of a function: `solution=20`, the judge
  compares `answer`, and the stub is `answer = None` or `...`, alone or in a list, tuple or dict.

Judge what holds on any machine, however busy: order, counts, who returned while whom was held at a
gate. Never milliseconds; may a time be named at all, then because it is seconds away from the
limit. A right answer written otherwise than yours must pass. A solution takes well under a second.

Testing one
===========

`tests/answers/<module>.py` holds wrong answers, three or more of those that people give to each
exercise, each with the reason (a regular expression) for which it is to be refused::

    def only_the_first(sender, jobs):
        sender.send_string(jobs[0])

    WRONG = {"hand_over": [(only_the_first, "received was"), ...]}
    RIGHT = {"hand_over": [push_bytes]}             # optional: other ways to be right

`pytest tests/test_exercises.py -k push_without_waiting` then tests the stub, the solution, all of
these, and that no two wrong answers share a reason. No other file needs a change. Before you
commit, `python -m tests.answers push_without_waiting` checks each 100 times while other processes
keep the machine busy.
'''

from __future__ import annotations

import dis
import html
import inspect
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from types import CodeType
from typing import Any

import zmq

from ...errors import PushPullError
from .harness import Lab, NotYet, block, expect, show, span
from .supervisor import PRINTED_KEPT

__all__ = ["Exercise", "Lab", "NotYet", "Note", "Verdict", "exercise", "expect", "show"]

NOT_ATTEMPTED, NOT_YET, CORRECT = "not attempted", "not yet", "correct"

Judge = Callable[[Lab, Any], str | None]

#: The hooks of a `Lab` are the process's: one check runs at a time.
_one_at_a_time = Lock()


@dataclass(frozen=True)
class Note:
    """A piece of Markdown; as plain text it reads the same."""

    text: str

    def __repr__(self) -> str:
        return self.text.replace("**", "")

    def _repr_markdown_(self) -> str:
        return re.sub(
            r"(`+)[^`].*?(?<!`)\1(?!`)|[<&]",
            lambda match: match[0] if match[1] else html.escape(match[0]),
            self.text,
            flags=re.DOTALL,
        )


@dataclass(frozen=True, repr=False)
class Verdict(Note):
    """What a check found: `outcome` is "not attempted", "not yet" or "correct"."""

    outcome: str
    message: str


class Exercise:
    """An exercise: `check(answer)`, `hint()`, `solution()`.

    `model` is the answer that `solution()` shows.
    """

    def __init__(self, judge: Judge, model: object, hints: Sequence[str]) -> None:
        self.name = judge.__name__
        self.__doc__ = judge.__doc__
        self.model = model
        self.hints = tuple(hints)
        self._judge = judge
        self._hints_given = 0

    def __repr__(self) -> str:
        return f"<Exercise {self.name}: check(answer), hint(), solution()>"

    def check(self, answer: object) -> Verdict:
        """Judge an answer, and say which fact failed, if any; takes seconds at most.

        An Interrupt ends the check.
        """
        if _is_untouched(answer, asks_for_function=callable(self.model)):
            text = "**Not attempted yet:** fill in the cell above."
            return Verdict(text, NOT_ATTEMPTED, "")
        with _one_at_a_time, Lab(self.model) as lab:
            outcome = NOT_YET
            try:
                message, outcome = self._judge(lab, answer) or "", CORRECT
            except NotYet as error:
                message = str(error)
            except (zmq.ZMQError, PushPullError) as error:
                message = (
                    "The check could not go on: did your function close, terminate or keep "
                    f"something that is not its own? {show(error)}"
                )
        if lab.left:
            outcome = NOT_YET
            message += (
                f"\n\nStill running, and out of reach: thread {', '.join(map(span, lab.left))}. It "
                "ends when what it waits for comes, or when you restart the kernel."
            )
        if outcome == NOT_YET and lab.own_contexts:
            message += (
                "\n\nYour function made a context of its own. Over inproc, sockets of two contexts "
                "never meet: use the sockets, or the context, that it is given."
            )
        text = f"**{'Correct.' if outcome == CORRECT else 'Not yet.'}** {message}".strip()
        if lab.printed:
            text += f"\n\nYour function printed:\n\n{block(lab.printed)}"
            if lab.printed_total > PRINTED_KEPT:
                text += f"\n\n… and {lab.printed_total - PRINTED_KEPT:,} characters more."
        return Verdict(text, outcome, message)

    def hint(self) -> Note:
        """Give the next hint; they begin gently and end plainly."""
        number = min(self._hints_given + 1, len(self.hints))
        self._hints_given = number
        left = len(self.hints) - number
        more = f"{left} more: call `hint()` again." if left else "That was the last one."
        return Note(f"**Hint {number} of {len(self.hints)}:** {self.hints[number - 1]} ({more})")

    def solution(self) -> Note:
        """Show one way to solve it."""
        if callable(self.model):
            return Note(block(textwrap.dedent(inspect.getsource(self.model)), "python"))
        return Note(f"One right answer: {show(self.model)}")


def exercise(*, solution: object, hints: Sequence[str]) -> Callable[[Judge], Exercise]:
    """Make an exercise of a judge, `judge(lab, answer)`; this module's docstring has an example."""
    return lambda judge: Exercise(judge, solution, hints)


def _is_untouched(answer: object, asks_for_function: bool) -> bool:
    """Whether an answer is a stub: a function that has nothing in it, or no value."""
    if asks_for_function:
        code = getattr(answer, "__code__", None)
        return isinstance(code, CodeType) and _has_nothing_in_it(code)
    if isinstance(answer, (list, tuple, dict)):
        values = answer.values() if isinstance(answer, dict) else answer
        return any(_is_untouched(value, False) for value in values)
    return answer is None or answer is ...


def _has_nothing_in_it(code: CodeType) -> bool:
    """Whether a function only returns `None`, as after a docstring, `...` or `pass`."""
    steps = [step for step in dis.get_instructions(code) if step.opname not in ("RESUME", "NOP")]
    return all(
        step.opname == "RETURN_VALUE"
        or (step.opname in ("LOAD_CONST", "RETURN_CONST") and step.argval is None)
        for step in steps
    )
