"""What a judge works with: sockets for an answer, and ways to run the answer and to watch it."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from typing import Any

import zmq

from .answer_run import AnswerRun
from .markdown import show
from .supervised_context import disowned
from .supervisor import Supervisor, wait_until
from .verdict import NotYet, expect


class Harness(Supervisor):
    """A timed context with sockets for one check. Everything ends at the end of the `with`.

    Threads may use a socket one after the other.

    Args:
        model: the exercise's solution; an error shows its parameters.

    >>> def push(sender):
    ...     sender.send_string("wash")
    >>> with Harness(push) as harness:
    ...     sender, receiver = harness.pair()
    ...     harness.run(push, sender)
    ...     harness.drain(receiver)
    ['wash']
    """

    #: How long an answer may run, in seconds. A solution needs a hundredth of it.
    limit_s = 5.0

    def __init__(self, model: object = None) -> None:
        super().__init__()
        self.model = model
        self._given: list[Any] = []
        self._pairs = 0

    def run(self, answer: object, *args: Any, **result_options: Any) -> Any:
        """Call the answer in a thread, wait for it, and return what it returned.

        Args:
            answer: what the learner gave to `check`.
            args: what the answer is called with. Pass copies of lists: it may change them.
            result_options: keywords of `AnswerRun.result`: `within_s`, `returns`, `if_late`,
                `may_close`.

        Raises:
            NotYet: as `start` and `AnswerRun.result`.

        >>> with Harness() as harness:
        ...     harness.run(lambda number: number + 1, 6, returns=int)
        7
        """
        return self.start(answer, *args).result(**result_options)

    def start(self, answer: object, *args: Any) -> AnswerRun:
        """Call the answer in a thread, and return at once, so that the judge can act meanwhile.

        Args:
            answer: what the learner gave to `check`.
            args: what the answer is called with.

        Returns:
            The call, with `running`, `line`, `result(...)` and `took_s`.

        Raises:
            NotYet: the answer is no function, or cannot be called with these arguments.

        >>> with Harness() as harness:
        ...     sender, receiver = harness.pair()
        ...     run = harness.start(lambda: receiver.recv_string())
        ...     sender.send_string("wash")
        ...     run.result()
        'wash'
        """
        name = getattr(self.model, "__name__", "answer")
        parameters = inspect.signature(self.model).parameters if callable(self.model) else ()
        call = f"{name}({', '.join(parameters)})"
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
            pass  # a builtin without a signature: the call will tell
        return AnswerRun(self, answer, args, self.limit_s, self.expect_open)

    def socket(self, kind: int, **options: Any) -> Any:
        """Return a socket of the harness's context; after you have used it, call `give`.

        Args:
            kind: `zmq.PUSH`, `zmq.PULL`, ...
            options: pyzmq's socket options, such as `sndhwm=1`.

        >>> with Harness() as harness:
        ...     harness.socket(zmq.PUSH, sndhwm=3).sndhwm
        3
        """
        socket = self.context.socket(kind)
        for option, value in options.items():
            setattr(socket, option, value)
        return self.give(socket)

    def give(self, socket: Any) -> Any:
        """Return the socket, which the next thread that uses it owns. The answer must not close it.

        Args:
            socket: a socket of the harness that your thread has used.

        >>> with Harness() as harness:
        ...     sender = harness.socket(zmq.PUSH)
        ...     _ = sender.bind("inproc://jobs")
        ...     harness.run(lambda socket: socket.sndhwm, harness.give(sender))
        1000
        """
        if socket not in self._given:
            self._given.append(socket)
        return disowned(socket)

    def pair(self, *, sndhwm: int = 1000, rcvhwm: int = 1000) -> tuple[Any, Any]:
        """Return a PUSH and a PULL that are connected over inproc, where counts are exact.

        Args:
            sndhwm: the PUSH's high-water mark, in messages; 0 for none.
            rcvhwm: the PULL's high-water mark, in messages; 0 for none.

        >>> with Harness() as harness:
        ...     sender, receiver = harness.pair(sndhwm=1, rcvhwm=1)
        ...     sender.send_string("wash")
        ...     harness.drain(receiver)
        ['wash']
        """
        self._pairs += 1
        address = f"inproc://pair-{self._pairs}"
        push, pull = self.socket(zmq.PUSH, sndhwm=sndhwm), self.socket(zmq.PULL, rcvhwm=rcvhwm)
        pull.bind(address)
        push.connect(address)
        return self.give(push), self.give(pull)

    def gate(self) -> threading.Event:
        """Return an event that handlers of yours can wait for. The end of the check sets it.

        >>> with Harness() as harness:
        ...     gate = harness.gate()
        >>> gate.is_set()
        True
        """
        self._gates.append(threading.Event())
        return self._gates[-1]

    def drain(self, pull: Any) -> list[Any]:
        """Return the messages that can be received now.

        Over inproc these are all that were sent. Over TCP more may be on the way: use `receive`.

        Args:
            pull: a PULL of the harness that no running thread owns.

        Returns:
            Each message as text, or as bytes if it is not UTF-8; a list of these if multipart.

        >>> with Harness() as harness:
        ...     sender, receiver = harness.pair()
        ...     sender.send(b"a"); sender.send_multipart([b"b", b"c"])
        ...     harness.drain(receiver)
        ['a', ['b', 'c']]
        """
        messages: list[Any] = []
        while True:
            try:
                messages.append(_message(pull, zmq.NOBLOCK))
            except zmq.Again:
                return messages

    def receive(self, pull: Any, count: int, within_s: float | None = None) -> list[Any]:
        """Wait for `count` messages, and return them as `drain` does.

        When the answer has ended, this waits for `grace_s` at most.

        Args:
            pull: a PULL of the harness that no running thread owns.
            count: how many messages to wait for.
            within_s: how long to wait, in seconds; `limit_s` if not given.

        Returns:
            The messages; fewer than `count` if no more came in time.

        >>> with Harness() as harness:
        ...     sender, receiver = harness.pair()
        ...     run = harness.start(sender.send_string, "wash")
        ...     harness.receive(receiver, 1)
        ['wash']
        """
        messages: list[Any] = []

        def all_came() -> bool:
            if len(messages) < count and pull.poll(0):
                messages.append(_message(pull))
            return len(messages) >= count

        self.wait_until(lambda: all_came() or self.answer_has_ended, within_s)
        self.wait_until(all_came, self.grace_s if self.answer_has_ended else 0)
        return messages

    def wait_until(self, condition: Callable[[], object], within_s: float | None = None) -> bool:
        """Wait for a condition, and return whether it came true in time.

        Args:
            condition: called again and again.
            within_s: how long to wait, in seconds; `limit_s` if not given.

        >>> with Harness() as harness:
        ...     run = harness.start(lambda: None)
        ...     harness.wait_until(lambda: not run.running)
        True
        """
        return wait_until(condition, self.limit_s if within_s is None else within_s)

    def expect_open(self) -> None:
        """Refuse an answer that closed a socket or terminated the context that it was given.

        Raises:
            NotYet: a socket that was given is closed, or the context is terminated.

        >>> with Harness() as harness:
        ...     harness.expect_open()
        """
        expect(self.is_open, "Your function terminated the context it was given. Leave it open.")
        expect(
            not any(socket.closed for socket in self._given),
            "Your function closed the socket it was given. Its caller still needs it: leave it "
            "open.",
        )


def _message(pull: Any, flags: int = 0) -> Any:
    """Receive the next message: a text, or a list of texts if it is multipart."""
    parts = [_text(part) for part in pull.recv_multipart(flags)]
    return parts if len(parts) > 1 else parts[0]


def _text(part: bytes) -> str | bytes:
    try:
        return part.decode()
    except UnicodeDecodeError:
        return part
