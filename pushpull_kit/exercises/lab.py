"""What an answer runs in: a context, sockets and threads that end with the check.

An answer may block, loop, leave threads or contexts behind, close what it was given, print without
end. So it runs in a thread of its own, its *family* being that thread and those it starts, and
what the family makes is noted. In the end every context is terminated, which wakes what blocks in
a socket with ContextTerminated; a family that still runs is sent SystemExit; then the sockets are
closed. Each step is bounded. What stays is named in `Lab.left`.
"""

from __future__ import annotations

import ctypes
import inspect
import linecache
import reprlib
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from threading import Thread, current_thread
from time import monotonic, sleep
from types import FrameType, TracebackType
from typing import Any, Self

import zmq

from ..cells import print_under_this_cell
from ..context import Context
from ..sockets import TimedSocket
from ..worker import Worker

#: How long an answer may run. Generous: a solution needs a hundredth of it.
LIMIT_S = 5.0

#: How long each step of the end may take.
GRACE_S = 1.0

#: What is unsent when an answer closes its socket is delivered within this time, or dropped:
#: pyzmq's own default would wait for a peer for ever (pyzmq #102).
LINGER_MS = 500

#: How much of what an answer prints is kept, in characters.
PRINTED_KEPT = 2_000

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
        self._thread = Thread(target=self._work, name="answer", daemon=True)
        lab.family.append(self._thread)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the answer has not returned yet."""
        return self._thread.is_alive()

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
        self.took_s = monotonic() - began_s

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
        self._thread.join(limit_s)
        if self._thread.is_alive():
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


class Lab:
    """A context with sockets for one check. Used in a `with`: everything ends with it.

    `context` is a `Context` with its timings. A socket belongs to whichever thread uses it next,
    once the thread that used it last has ended.
    """

    def __init__(self, model: object = None) -> None:
        self.model = model
        self.family: list[Thread] = []
        self.printed = ""
        self.printed_total = 0
        self.left: list[str] = []
        self.own_contexts = 0
        self._contexts: list[zmq.Context[Any]] = []
        self._given: list[Any] = []
        self._gates: list[threading.Event] = []
        self._in_term: dict[Thread, zmq.Context[Any]] = {}
        self._terms: list[Thread] = []
        self._pairs = 0
        self.context = Context()
        self._adopt(self.context)

    # For checks.

    def run(self, answer: object, *args: Any, **how: Any) -> Any:
        """Call the answer in a thread, wait, return what it returned; keywords as `Run.result`."""
        return self.start(answer, *args).result(**how)

    def start(self, answer: object, *args: Any) -> Run:
        """Call the answer in a thread, and return at once: `.result()`, `.running`, `.line`."""
        name = getattr(self.model, "__name__", "answer")
        call = f"{name}{inspect.signature(self.model)}" if callable(self.model) else name
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
        if isinstance(socket, TimedSocket):
            socket.disown()
        if socket not in self._given:
            self._given.append(socket)
        return socket

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

        When the answer has ended, waits for `GRACE_S` at most.
        """
        messages: list[Any] = []

        def one() -> bool:
            if pull.poll(0):
                parts = [_text(part) for part in pull.recv_multipart()]
                messages.append(parts if len(parts) > 1 else parts[0])
            return len(messages) >= count

        def ended() -> bool:
            return not any(thread.is_alive() for thread in self.family)

        self.wait_until(lambda: one() or ended(), within_s)
        self.wait_until(one, GRACE_S if ended() else 0)
        return messages

    def wait_until(self, condition: Callable[[], object], within_s: float | None = None) -> bool:
        """Wait for a condition, `LIMIT_S` at most; return whether it came true."""
        deadline_s = monotonic() + (LIMIT_S if within_s is None else within_s)
        while not condition():
            if monotonic() > deadline_s:
                return False
            sleep(0.001)
        return True

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

    # The family, and what it makes.

    def __enter__(self) -> Self:
        self._undo = [
            _replaced(Thread, "start", self._starting(Thread.start)),
            _replaced(zmq.Context, "__init__", self._making(zmq.Context.__init__)),
            _replaced(sys, "stdout", _Printed(self, sys.stdout)),
            _replaced(threading, "excepthook", self._raised(threading.excepthook)),
        ]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        try:
            self._end()
        finally:
            for undo in reversed(self._undo):
                undo()

    def _starting(self, plain: Callable[..., None]) -> Callable[..., None]:
        def start(thread: Thread) -> None:
            if current_thread() in self.family:
                thread.daemon = True  # one that stays must not hold up the end of the kernel
                self.family.append(thread)
            plain(thread)

        return start

    def _making(self, plain: Callable[..., None]) -> Callable[..., None]:
        def init(context: zmq.Context[Any], *args: Any, **kwargs: Any) -> None:
            plain(context, *args, **kwargs)
            if current_thread() in self.family and not context._shadow:
                self.own_contexts += 1
                self._adopt(context)

        return init

    def _raised(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        def hook(args: Any) -> None:
            if args.thread not in self.family:
                plain(args)
            elif not issubclass(args.exc_type, (SystemExit, zmq.ContextTerminated)):
                text = f"{args.thread.name}: {args.exc_type.__name__}: {args.exc_value}\n"
                self.note_printed(text)

        return hook

    def _adopt(self, context: zmq.Context[Any]) -> None:
        """Have a context that can be ended in bounded time, and terminated by two threads."""
        context.setsockopt(zmq.LINGER, LINGER_MS)
        lock = threading.Lock()

        def term() -> None:
            self._in_term[current_thread()] = context
            with lock:
                if not context.closed:
                    zmq.Context.term(context)
            del self._in_term[current_thread()]

        vars(context)["term"] = term  # pyzmq would take an attribute for an option
        self._contexts.append(context)

    def note_printed(self, text: str) -> None:
        """Keep the beginning of what is printed, and count the rest."""
        self.printed += text[: PRINTED_KEPT - len(self.printed)]
        self.printed_total += len(text)

    # The end.

    def _running(self) -> list[Thread]:
        """Return the threads that run now, but those that wait for a context to be closed."""
        return [t for t in self._threads() if t.is_alive() and t not in self._in_term]

    def _threads(self) -> list[Thread]:
        workers = [w for c in self._contexts if isinstance(c, Context) for w in c.workers.values()]
        threads = [w._thread for w in workers if isinstance(w, Worker)]
        return [*self.family, *(thread for thread in threads if thread is not None)]

    def _end(self) -> None:
        threads = self._threads()
        for gate in self._gates:
            gate.set()
        for context in self._contexts:
            if isinstance(context, Context) and not context.closed:
                for worker in list(context.workers.values()):
                    worker.ask_to_stop()
        if any(thread.is_alive() for thread in self.family):
            self._terminate()
        if not self.wait_until(lambda: not self._running(), GRACE_S):
            for thread in self._running():
                _send_system_exit(thread)
            self.wait_until(lambda: not self._running(), GRACE_S)
        if not self._running():
            for context in self._contexts:
                for socket in list(context._sockets):
                    self.give(socket).close(linger=0)
        self._terminate()
        self.wait_until(lambda: not any(t.is_alive() for t in (*self._terms, *threads)), GRACE_S)
        self.left += sorted({thread.name for thread in threads if thread.is_alive()})
        for context in self._contexts:
            if isinstance(context, Context) and context.closed:
                for worker in list(context.workers.values()):
                    worker.stop(0)

    def _terminate(self) -> None:
        """Have each context terminated by a thread: it takes until its sockets are closed."""
        if not self._terms:
            self._terms = [
                Thread(target=vars(context)["term"], name="check-term", daemon=True)
                for context in self._contexts
            ]
            for thread in self._terms:
                thread.start()


class _Printed:
    """Standard output that keeps what the family prints apart."""

    def __init__(self, lab: Lab, plain: Any) -> None:
        self._lab, self._plain = lab, plain

    def write(self, text: str) -> int:
        if current_thread() not in self._lab.family:
            return int(self._plain.write(text))
        self._lab.note_printed(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)


def _replaced(owner: Any, name: str, new: Any) -> Callable[[], None]:
    """Set an attribute, and return what sets it back."""
    plain = getattr(owner, name)
    setattr(owner, name, new)
    return lambda: setattr(owner, name, plain)


def _send_system_exit(thread: Thread) -> None:
    """Raise SystemExit in a thread at its next step of Python; one that waits in C never gets it.

    Not an exception of ours, because threads end by this one without a word.
    """
    ident = ctypes.c_ulong(thread.ident or 0)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(SystemExit))


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
