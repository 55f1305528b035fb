'''The Exercise class: runs a judge on an answer and shows the verdict. How to write an exercise.

In a notebook, a learner fills in a stub and checks it, in two cells::

    def push_all(sender, jobs): ...

    from pushpull_kit.exercises.push_without_waiting import hand_over
    hand_over.check(push_all)

`check` says *not attempted*, *not yet* (with the fact that failed) or *correct*. Each call of
`hand_over.hint()` shows one more hint, and `hand_over.solution()` shows the source of a solution.
Notebooks call `check` only: the output of a hint would be visible to every reader.

Write an exercise
=================

There is a module for each notebook, with its name without the number. For each exercise the module
has a solution and a *judge*: a function that calls the answer and expects facts::

    # mypy: allow-untyped-defs, allow-untyped-calls
    """Exercises of notebook 01, push without waiting."""

    from .engine.check import exercise, expect, show

    def push_all(sender, jobs):                     # the solution, with the name of the stub
        for job in jobs:
            sender.send_string(job)                 # no type annotations: learners see this

    @exercise(
        solution=push_all,
        hints=["A gentle hint ...", "... to a plain one: `for job in jobs:` with a `send_string`."],
    )
    def hand_over(harness, answer):                 # the judge; its name is the exercise's name
        """Push each job, in order, and return without waiting for any work."""
        sender, receiver = harness.pair()
        harness.run(answer, sender, ["wash", "dry"])
        came = harness.drain(receiver)
        expect(came == ["wash", "dry"], f"Expected `wash`, `dry`; received {show(came)}.")
        return "Two jobs were pushed, in order."    # shown after "Correct."

- `harness.run(answer, *args)` calls the answer in a thread of its own, and returns what it
  returned. It raises `NotYet` if the answer does not return within `Harness.limit_s` (the message
  shows the line where it waits, and `if_late="..."` adds why), raises an error, cannot be called
  with these arguments, returns a value that is not of the type in `returns=list` (or of one of
  several types), or closes what it was given (unless `may_close=True`). Pass copies: an answer may
  change the list that it is given.
- `harness.start(answer, *args)` returns at once, and the judge can act while the answer runs. It
  has `run.running`, `run.line`, `run.result(...)` with the keywords above, and `run.took_s`.
- `harness.pair(sndhwm=10, rcvhwm=10)` is a PUSH connected to a PULL over inproc, where counts are
  exact. `harness.socket(zmq.PULL, rcvhwm=1)` is any other socket of `harness.context`. Only one
  thread at a time may be in a socket: pass one to the answer as `harness.give(socket)`, and leave
  it alone until the answer has returned.
- A judge may start `Worker(handler, bind="inproc://jobs", context=harness.context)`. The end of
  the check stops it. A handler that is to wait waits for a `harness.gate()`, which the end of the
  check opens. `harness.context.timings` has all messages. So this waits for a blocked send:
  `harness.wait_until(lambda: harness.context.timings.summary().sending)`.
- `harness.drain(pull)` returns the messages that have arrived. `harness.receive(pull, count)` waits
  for that many; use it over TCP, and while the answer runs. `harness.wait_until(condition)` returns
  whether the condition came true.
- `expect(fact, message)` refuses the answer if the fact is false. The message is a sentence or two
  of Markdown, and calls the learner "you". It says what was expected and what was measured. Pass
  every value that comes from the learner through `show`.
- An exercise may ask for a value, such as a number or a list, instead of a function. Then
  `solution=20`, the judge compares `answer`, and the stub is `None` or `...`, alone or in a list,
  tuple or dict.

Judge facts that hold on every machine under every load: order, counts, and which call returned
while another was waiting at a gate. Do not judge milliseconds. If you must compare a time, it has
to be seconds away from its limit. Every right answer must pass, also one that is written in another
way than yours. A solution takes well under a second.

Test an exercise
================

`tests/answers/<module>.py` has wrong answers that people give, three or more for each exercise. To
each belongs a regular expression, which its message must match::

    def only_the_first(sender, jobs):
        sender.send_string(jobs[0])

    WRONG = {"hand_over": [(only_the_first, "received"), ...]}
    RIGHT = {"hand_over": [push_bytes]}             # optional: other right answers

`pytest tests/test_exercises.py -k push_without_waiting` then tests the stub, the solution and all
of these, and that no message matches the expression of another wrong answer. No other file needs a
change. Before you commit, run `python -m tests.answers push_without_waiting`: it checks each answer
100 times while other processes keep the machine busy.
'''

from __future__ import annotations

import dis
import inspect
import textwrap
from collections.abc import Callable, Sequence
from threading import Lock
from types import CodeType
from typing import Any

import zmq

from ...errors import PushPullError
from .harness import Harness
from .markdown import block, show, span
from .supervisor import PRINTED_KEPT
from .verdict import CORRECT, NOT_ATTEMPTED, NOT_YET, Note, NotYet, Verdict, expect

__all__ = ["Exercise", "Harness", "NotYet", "Note", "Verdict", "exercise", "expect", "show"]

Judge = Callable[[Harness, Any], str | None]

# A check replaces attributes that the whole process uses; see `supervisor`.
_one_check_at_a_time = Lock()


class Exercise:
    """An exercise: `check(answer)`, `hint()`, `solution()`.

    Args:
        judge: calls the answer and expects facts. Its name and docstring become the exercise's.
        model: the solution, a function or a value.
        hints: hints in Markdown, the gentlest first.

    >>> from pushpull_kit.exercises.push_without_waiting import hand_over
    >>> hand_over
    <Exercise hand_over: check(answer), hint(), solution()>
    """

    def __init__(self, judge: Judge, model: object, hints: Sequence[str]) -> None:
        self.name = judge.__name__
        self.__doc__ = judge.__doc__
        self.judge = judge
        self.model = model
        self.hints = tuple(hints)
        self._hints_given = 0

    def __repr__(self) -> str:
        return f"<Exercise {self.name}: check(answer), hint(), solution()>"

    def check(self, answer: object) -> Verdict:
        """Judge an answer, and say which fact failed, if any.

        This takes a few seconds at most. An Interrupt ends the check.

        Args:
            answer: the learner's function, or the learner's value.

        Returns:
            The verdict; a notebook shows it as Markdown.

        >>> from pushpull_kit.exercises.push_without_waiting import hand_over
        >>> def push_all(sender, jobs):
        ...     for job in jobs:
        ...         sender.send_string(job)
        >>> hand_over.check(push_all).outcome
        'correct'
        >>> def push_all(sender, jobs):
        ...     sender.send_string(jobs[0])
        >>> hand_over.check(push_all)
        Not yet. Only the first of 5 jobs was pushed. Does your loop end after it?
        """
        if _is_untouched(answer, asks_for_function=callable(self.model)):
            return Verdict("**Not attempted yet:** fill in the cell above.", NOT_ATTEMPTED, "")
        with _one_check_at_a_time, Harness(self.model) as harness:
            outcome, message = self._judge(harness, answer)
        if harness.left:
            outcome = NOT_YET
            message += (
                f"\n\nStill running: thread {', '.join(map(span, harness.left))}. Python cannot "
                "end it. It ends when its call returns, or when you restart the kernel."
            )
        if outcome == NOT_YET and harness.own_contexts:
            message += (
                "\n\nYour function made a context of its own. Over inproc, sockets of two contexts "
                "cannot meet. Use the sockets, or the context, that it is given."
            )
        text = f"**{'Correct.' if outcome == CORRECT else 'Not yet.'}** {message}".strip()
        return Verdict(text + _describe_output(harness), outcome, message)

    def hint(self) -> Note:
        """Return the next hint. After the last one, return that one again.

        >>> one_two = exercise(solution=12, hints=["Count.", "It is `12`."])(lambda _, answer: None)
        >>> one_two.hint()
        Hint 1 of 2: Count. (1 more: call `hint()` again.)
        """
        number = min(self._hints_given + 1, len(self.hints))
        self._hints_given = number
        left = len(self.hints) - number
        more = f"{left} more: call `hint()` again." if left else "That was the last one."
        return Note(f"**Hint {number} of {len(self.hints)}:** {self.hints[number - 1]} ({more})")

    def solution(self) -> Note:
        """Return one solution: the source of a function, or a value.

        >>> from pushpull_kit.exercises.push_without_waiting import hand_over
        >>> print(hand_over.solution())
        ```python
        def push_all(sender, jobs):
            for job in jobs:
                sender.send_string(job)
        ```
        """
        if callable(self.model):
            return Note(block(textwrap.dedent(inspect.getsource(self.model)), "python"))
        return Note(f"One right answer: {show(self.model)}")

    def _judge(self, harness: Harness, answer: object) -> tuple[str, str]:
        """Call the judge; return the outcome and its message."""
        try:
            return CORRECT, self.judge(harness, answer) or ""
        except NotYet as error:
            return NOT_YET, str(error)
        except (zmq.ZMQError, PushPullError) as error:
            return NOT_YET, (
                "The check could not continue. Did your function close, terminate or keep a "
                f"socket or a context that it was given? {show(error)}"
            )


def exercise(*, solution: object, hints: Sequence[str]) -> Callable[[Judge], Exercise]:
    """Make an exercise from a judge. This is a decorator; the module's docstring has an example.

    Args:
        solution: a function with the stub's name and parameters, or a value.
        hints: two or more hints in Markdown, from a gentle one to a plain one.

    Returns:
        What makes the `Exercise` from `judge(harness, answer)`.

    >>> @exercise(solution=20, hints=["Add them.", "10 + 10"])
    ... def fits(harness, answer):
    ...     "Say how many messages fit."
    ...     expect(answer == 20, f"Expected 20; you said {show(answer)}.")
    >>> fits.check(10)
    Not yet. Expected 20; you said `10`.
    """
    return lambda judge: Exercise(judge, solution, hints)


def _describe_output(harness: Harness) -> str:
    """Return what the answer printed, as Markdown to be added to a verdict."""
    if not harness.printed:
        return ""
    text = f"\n\nYour function printed:\n\n{block(harness.printed)}"
    if harness.printed_total > PRINTED_KEPT:
        text += f"\n\n… and {harness.printed_total - PRINTED_KEPT:,} characters more."
    return text


def _is_untouched(answer: object, asks_for_function: bool) -> bool:
    """Return whether an answer is still the stub: an empty function, or no value."""
    if asks_for_function:
        code = getattr(answer, "__code__", None)
        return isinstance(code, CodeType) and _is_empty(code)
    if isinstance(answer, (list, tuple, dict)):
        values = answer.values() if isinstance(answer, dict) else answer
        return any(_is_untouched(value, False) for value in values)
    return answer is None or answer is ...


def _is_empty(code: CodeType) -> bool:
    """Return whether a function only returns `None`, as after a docstring, `...` or `pass`."""
    steps = [step for step in dis.get_instructions(code) if step.opname not in ("RESUME", "NOP")]
    return all(
        step.opname == "RETURN_VALUE"
        or (step.opname in ("LOAD_CONST", "RETURN_CONST") and step.argval is None)
        for step in steps
    )
