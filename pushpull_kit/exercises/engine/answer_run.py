"""One call of an answer in a thread of its own: its state, its result, and where it blocks."""

from __future__ import annotations

import inspect
import linecache
import sys
import traceback
from collections.abc import Callable, Iterable
from time import monotonic
from types import FrameType
from typing import Any

from ...jupyter import print_under_this_cell
from ...sockets.lifecycle import BackgroundThread
from .markdown import block, show, span
from .supervisor import Supervisor
from .verdict import NotYet


class AnswerRun:
    """One call of an answer, which has started when this is made.

    Args:
        supervisor: starts the thread and ends it with the check.
        answer: the learner's function.
        args: what it is called with.
        limit_s: how long it may run, in seconds.
        expect_open: raises `NotYet` if the answer closed what it was given.

    Attributes:
        took_s: how long the answer ran, in seconds; `None` while it runs.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        answer: Callable[..., object],
        args: tuple[Any, ...],
        limit_s: float,
        expect_open: Callable[[], None],
    ) -> None:
        self.took_s: float | None = None
        self._supervisor, self._answer, self._args = supervisor, answer, args
        self._limit_s, self._expect_open = limit_s, expect_open
        self._value: object = None
        self._error: str | None = None
        self._print_under_cell = print_under_this_cell()
        self._thread = BackgroundThread(self._call, "answer")
        supervisor.start_thread(self._thread)

    @property
    def running(self) -> bool:
        """Whether the answer has not returned yet."""
        return self._thread.running

    @property
    def line(self) -> str:
        """The learner's line that runs now, as a code span for a message."""
        frame = sys._current_frames().get(self._thread.ident or 0)
        stack = reversed(list(traceback.walk_stack(frame))) if frame else []
        lines = _lines_of(self._answer, stack)
        return span(lines[-1]) if lines else "a line outside your function"

    def result(
        self,
        within_s: float | None = None,
        *,
        returns: type | tuple[type, ...] | None = None,
        if_late: str = "",
        may_close: bool = False,
    ) -> Any:
        """Wait for the answer, and return what it returned.

        Args:
            within_s: how long to wait, in seconds; the exercise's limit if not given.
            returns: the type, or one of several types, that the answer is to return.
            if_late: added to the message when the answer does not return, to say why.
            may_close: whether the answer may close the sockets and the context it was given.

        Returns:
            What the answer returned.

        Raises:
            NotYet: the answer has not returned in time, raised an error, returned something of
                another type, or closed what it was given.
        """
        limit_s = self._limit_s if within_s is None else within_s
        if not self._thread.wait(limit_s):
            raise NotYet(f"{self._describe_delay(limit_s)} {if_late}".strip())
        if self._error is not None:
            raise NotYet(self._error)
        self._refuse_if_not_run()
        if returns is not None and not isinstance(self._value, returns):
            types = returns if isinstance(returns, tuple) else (returns,)
            expected = " or ".join(f"`{kind.__name__}`" for kind in types)
            got = "nothing (`None`)" if self._value is None else show(self._value)
            raise NotYet(f"Your function returned {got}; expected {expected}.")
        if not may_close:
            self._expect_open()
        return self._value

    def _describe_delay(self, limit_s: float) -> str:
        supervisor = self._supervisor
        blocked = supervisor.context.timings.summary().sending if supervisor.is_open else 0
        where = f"{self.line}, blocked in `send`." if blocked else f"{self.line}."
        return f"Your function had not returned after {limit_s:g} s. It was at {where}"

    def _refuse_if_not_run(self) -> None:
        """Raise `NotYet` for a generator or a coroutine: the call has run nothing of it."""
        for is_kind, word in ((inspect.isgenerator, "yield"), (inspect.iscoroutine, "async")):
            if is_kind(self._value):
                self._value.close()  # type: ignore[attr-defined]
                raise NotYet(
                    f"Your function did not run: with `{word}` in it, a call runs nothing. Write "
                    f"it without `{word}`."
                )

    def _call(self) -> None:
        self._print_under_cell()
        began_s = monotonic()
        try:
            self._value = self._answer(*self._args)
        except SystemExit:
            self._error = "Your function called `sys.exit()`. End it with `return` instead."
        except BaseException as error:  # kept as text: its traceback would keep sockets alive
            frames = traceback.walk_tb(error.__traceback__)
            lines = _lines_of(self._answer, frames)[-3:]
            last_line = traceback.format_exception_only(error)[-1].strip()[:500]
            self._error = "Your function raised an error:\n\n" + block(
                "\n".join([*lines, last_line])
            )
        finally:
            self.took_s = monotonic() - began_s


def _lines_of(answer: Any, frames: Iterable[tuple[FrameType, int]]) -> list[str]:
    """Return those lines of a stack that are in the learner's file or cell, outermost first."""
    code = getattr(inspect.unwrap(answer), "__code__", None)
    return [
        f"line {number}, in {frame.f_code.co_name}: "
        + linecache.getline(frame.f_code.co_filename, number, frame.f_globals).strip()
        for frame, number in frames
        if code is not None and frame.f_code.co_filename == code.co_filename
    ]
