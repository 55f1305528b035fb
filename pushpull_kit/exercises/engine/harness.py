"""What a judge works with: sockets to give to an answer, and ways to run it and to watch it."""

from __future__ import annotations

import inspect
import linecache
import reprlib
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from threading import Thread
from time import monotonic
from types import FrameType
from typing import Any

import zmq

from ...jupyter import print_under_this_cell
from . import supervisor as sandbox
from .supervisor import Sandbox, disowned

#: How long an answer may run. Generous: a solution needs a hundredth of it.
LIMIT_S = 5.0

_reprs = reprlib.Repr()
_reprs.maxlist = _reprs.maxtuple = _reprs.maxset = _reprs.maxdict = 12
_reprs.maxstring = _reprs.maxother = 80


class NotYet(Exception):
    """A fact that the exercise asks for does not hold; the text tells the learner which."""


def expect(condition: object, message: str) -> None:
    """Raise `NotYet` with `message`, a sentence or two of Markdown, unless the condition holds."""
    if not condition:
        raise NotYet(message)


def show(value: object) -> str:
    """Return a value as a short code span, whatever is in it: for messages."""
    return span(_reprs.repr(value))


def span(text: str) -> str:
    """Return text as Markdown's code span, fenced by more backticks than it holds in a row."""
    text = " ".join(text.split()) or " "
    ticks = "`"
    while ticks in text:
        ticks += "`"
    pad = " " if "`" in text else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def block(text: str, language: str = "text") -> str:
    """Return text as Markdown's code block, fenced by more backticks than it holds in a row."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


class Run:
    """An answer at work in a thread of its own."""

    def __init__(self, lab: Lab, answer: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.took_s: float | None = None
        self._lab, self._answer, self._args = lab, answer, args
        self._value: object = None
        self._error: str | None = None
        self._pin = print_under_this_cell()
        self._ended = threading.Event()
        self._thread = Thread(target=self._work, name="answer")
        lab.start_in_family(self._thread)

    @property
    def running(self) -> bool:
        """Whether the answer has not returned yet."""
        return not self._ended.is_set()

    @property
    def line(self) -> str:
        """Where the answer is now: the learner's line, as a code span."""
        frame = sys._current_frames().get(self._thread.ident or 0)
        lines = _lines(reversed(list(traceback.walk_stack(frame))), self._answer) if frame else []
        return span(lines[-1]) if lines else "a line outside your function"

    def _work(self) -> None:
        self._pin()
        began_s = monotonic()
        try:
            self._value = self._answer(*self._args)
        except SystemExit:
            self._error = "Your function called `sys.exit()`. End it with `return` instead."
        except BaseException as error:  # kept as text: its traceback would keep sockets alive
            where = _lines(traceback.walk_tb(error.__traceback__), self._answer)[-3:]
            what = traceback.format_exception_only(error)[-1].strip()[:500]
            self._error = "Your function raised an error:\n\n" + block("\n".join([*where, what]))
        finally:
            self.took_s = monotonic() - began_s
            self._ended.set()

    def result(
        self,
        within_s: float | None = None,
        *,
        returns: type | tuple[type, ...] | None = None,
        if_late: str = "",
        may_close: bool = False,
    ) -> Any:
        """Wait for the answer and return what it returned.

        Raises `NotYet` if it has not returned in time (`if_late` is added, to say why), raised, or
        returned something else than `returns`, and, unless it `may_close`, if it closed what it was
        given.
        """
        limit_s = LIMIT_S if within_s is None else within_s
        if not self._ended.wait(limit_s):
            blocked = self._lab.context.timings.summary().sending if self._lab.is_open else 0
            message = f"Your function had not returned after {limit_s:g} s. It was at {self.line}"
            message += ", blocked in `send`." if blocked else "."
            raise NotYet(f"{message} {if_late}".strip())
        expect(self._error is None, self._error or "")
        value = self._value
        for kind, word in ((inspect.isgenerator, "yield"), (inspect.iscoroutine, "async")):
            if kind(value):
                value.close()  # type: ignore[attr-defined]
                raise NotYet(f"Your function did not run: `{word}` in it makes it wait to be asked")
        if returns is not None and not isinstance(value, returns):
            kinds = returns if isinstance(returns, tuple) else (returns,)
            wanted = " or ".join(f"`{kind.__name__}`" for kind in kinds)
            what = "nothing (`None`)" if value is None else f"{show(value)}"
            raise NotYet(f"Your function returned {what}. It was to return a {wanted}.")
        if not may_close:
            self._lab.expect_open()
        return value


class Lab(Sandbox):
    """A context with sockets for one check. Used in a `with`: everything ends with it.

    `context` is a `Context` with its timings. A socket belongs to whichever thread uses it next,
    once the thread that used it last has ended.
    """

    def __init__(self, model: object = None) -> None:
        super().__init__()
        self.model = model
        self._given: list[Any] = []
        self._pairs = 0

    def run(self, answer: object, *args: Any, **how: Any) -> Any:
        """Call the answer in a thread, wait, return what it returned; keywords as `Run.result`."""
        return self.start(answer, *args).result(**how)

    def start(self, answer: object, *args: Any) -> Run:
        """Call the answer in a thread, and return at once: `.result()`, `.running`, `.line`."""
        name = getattr(self.model, "__name__", "answer")
        names = inspect.signature(self.model).parameters if callable(self.model) else ()
        call = f"{name}({', '.join(names)})"
        if not callable(answer):
            raise NotYet(
                f"Expected a function, `{call}`; got {show(answer)}. Give `check` the function's "
                "name, without parentheses after it."
            )
        try:
            inspect.signature(answer).bind(*args)
        except TypeError as error:
            raise NotYet(f"Your function cannot be called as `{call}`: {error}.") from None
        except ValueError:
            pass  # a builtin without a signature: calling it will tell
        return Run(self, answer, args)

    def socket(self, kind: int, **options: Any) -> Any:
        """Return a socket of the lab's context with these options, such as `sndhwm=1`."""
        socket = self.context.socket(kind)
        for option, value in options.items():
            setattr(socket, option, value)
        return self.give(socket)

    def give(self, socket: Any) -> Any:
        """Let the next thread that uses the socket own it; call it after you have used it."""
        if socket not in self._given:
            self._given.append(socket)
        return disowned(socket)

    def pair(self, *, sndhwm: int = 1000, rcvhwm: int = 1000) -> tuple[Any, Any]:
        """Return a PUSH and the PULL that it is connected to, by inproc, where counts are exact."""
        self._pairs += 1
        address = f"inproc://pair-{self._pairs}"
        push, pull = self.socket(zmq.PUSH, sndhwm=sndhwm), self.socket(zmq.PULL, rcvhwm=rcvhwm)
        pull.bind(address)
        push.connect(address)
        return self.give(push), self.give(pull)

    def gate(self) -> threading.Event:
        """Return an event for handlers of yours to wait for; the end of the check sets it."""
        self._gates.append(threading.Event())
        return self._gates[-1]

    def drain(self, pull: Any) -> list[Any]:
        """Return the messages that are there now: text, or a list of texts where multipart.

        Over inproc that is all that was sent; over TCP, more may be on its way: use `receive`.
        """
        messages: list[Any] = []
        while True:
            try:
                parts = [_text(part) for part in pull.recv_multipart(zmq.NOBLOCK)]
            except zmq.Again:
                return messages
            messages.append(parts if len(parts) > 1 else parts[0])

    def receive(self, pull: Any, count: int, within_s: float | None = None) -> list[Any]:
        """Return the next `count` messages, fewer if no more come in time, as `drain` does.

        When the answer has ended, waits for `sandbox.GRACE_S` at most.
        """
        messages: list[Any] = []

        def one() -> bool:
            if len(messages) < count and pull.poll(0):
                parts = [_text(part) for part in pull.recv_multipart()]
                messages.append(parts if len(parts) > 1 else parts[0])
            return len(messages) >= count

        def ended() -> bool:
            return not self._alive

        self.wait_until(lambda: one() or ended(), within_s)
        self.wait_until(one, sandbox.GRACE_S if ended() else 0)
        return messages

    def wait_until(self, condition: Callable[[], object], within_s: float | None = None) -> bool:
        """Wait for a condition, `LIMIT_S` at most; return whether it came true."""
        return sandbox.wait_until(condition, LIMIT_S if within_s is None else within_s)

    def expect_open(self) -> None:
        """Raise `NotYet` if the answer closed a socket or the context that it was given."""
        expect(self.is_open, "Your function terminated the context it was given. Leave it open.")
        expect(
            not any(socket.closed for socket in self._given),
            "Your function closed the socket it was given. Its caller still needs it: leave it "
            "open.",
        )

    @property
    def is_open(self) -> bool:
        """Whether the context can still be used."""
        return not self.context.closed and self.context not in self._in_term.values()


def _lines(frames: Iterable[tuple[FrameType, int]], answer: Any) -> list[str]:
    """Return the learner's own lines of a stack, outermost first."""
    code = getattr(inspect.unwrap(answer), "__code__", None)
    return [
        f"line {number}, in {frame.f_code.co_name}: "
        + linecache.getline(frame.f_code.co_filename, number, frame.f_globals).strip()
        for frame, number in frames
        if code is not None and frame.f_code.co_filename == code.co_filename
    ]


def _text(part: bytes) -> str | bytes:
    try:
        return part.decode()
    except UnicodeDecodeError:
        return part
