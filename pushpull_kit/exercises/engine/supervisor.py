"""Owns all threads and contexts of one check, ends them in time, and keeps what they print.

An answer may block, loop, leave threads or contexts behind, close what it was given, or print
without end. So it runs in a thread of its own, and while a check runs three things are replaced:

- `Thread.start`, so that a thread which the answer starts is known to the supervisor,
- `zmq.Context.__init__`, so that a context which the answer makes is known too,
- `sys.stdout`, so that what the answer prints is kept apart.

They are the process's, so one check runs at a time.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from threading import Thread, current_thread
from time import monotonic, sleep
from typing import Any, Self

import zmq
from zmq.utils.garbage import GarbageCollectorThread

from ...sockets.context import Context
from ...sockets.lifecycle import raise_in_thread
from ...sockets.worker import Worker
from .supervised_context import SupervisedContext

#: How often an exception is raised in a thread that still runs. One that is raised while Python
#: runs a callback, such as a finalizer, is lost.
TRIES = 3

#: How much of what an answer prints is kept, in characters.
PRINTED_KEPT = 2_000


class Supervisor:
    """A context for one answer, and everything that the answer makes.

    At the end of the `with`, all of it ends in these steps. Each waits `grace_s` at most::

        wake        open the gates, ask workers to stop, terminate the contexts of blocked threads
        exit        raise SystemExit in threads that still run
        close       close the sockets; if threads still run, when these have ended
        terminate   terminate the contexts
        note        what still runs is named in `left`

    Attributes:
        context: a timed context for the answer's sockets.
        printed: what the answer's threads printed, at most `PRINTED_KEPT` characters.
        printed_total: how many characters they printed in all.
        own_contexts: how many contexts the answer made.
        left: the names of threads that could not be ended.
    """

    #: How long each step of the end may take, in seconds.
    grace_s = 1.0

    def __init__(self) -> None:
        self.printed = ""
        self.printed_total = 0
        self.own_contexts = 0
        self.left: list[str] = []
        self._threads: set[Thread] = set()
        # The threads among them that have not ended. `Thread.is_alive` can be wrong after an
        # exception in a join (bpo-45274, Python 3.11), and sockets in use would be closed then.
        self._running: set[Thread] = set()
        self._contexts: list[SupervisedContext] = []
        self._gates: list[threading.Event] = []
        self._replacements = ExitStack()
        self.context = Context()
        self._contexts.append(SupervisedContext(self.context))

    def __enter__(self) -> Self:
        self._supervise_threads()
        self._supervise_contexts()
        self._replace(sys, "stdout", _AnswerOutput(self, sys.stdout))
        return self

    def __exit__(self, *exc_info: object) -> None:
        with self._replacements:
            self._end()

    @property
    def is_open(self) -> bool:
        """Whether the context can still be used: no thread has terminated it, or is about to."""
        return not (self.context.closed or self._contexts[0].threads_in_term)

    @property
    def answer_has_ended(self) -> bool:
        """Whether none of the answer's threads runs."""
        return not self._running

    def start_thread(self, thread: Thread) -> None:
        """Start a thread of the answer: as a daemon, so that the process can end without it."""
        thread.daemon = True
        thread.run = self._supervised(thread.run)  # type: ignore[method-assign]
        self._threads.add(thread)
        self._running.add(thread)
        self._original_start(thread)

    def is_answer_thread(self, thread: Thread) -> bool:
        """Return whether this is a thread of the answer."""
        return thread in self._threads

    def keep_output(self, text: str) -> None:
        """Keep the beginning of what the answer prints, and count the rest."""
        self.printed += text[: PRINTED_KEPT - len(self.printed)]
        self.printed_total += len(text)

    # What is replaced during a check.

    def _replace(self, owner: Any, name: str, replacement: object) -> None:
        """Set an attribute until the end of the check."""
        self._replacements.callback(setattr, owner, name, getattr(owner, name))
        setattr(owner, name, replacement)

    def _supervise_threads(self) -> None:
        """From now on, a thread that a thread of the answer starts is one of the answer's."""
        self._original_start = original_start = Thread.start

        def start(thread: Thread) -> None:
            # pyzmq starts a thread of its own, at the first send with copy=False.
            is_pyzmqs = isinstance(thread, GarbageCollectorThread)
            if self.is_answer_thread(current_thread()) and not is_pyzmqs:
                self.start_thread(thread)
            else:
                original_start(thread)

        self._replace(Thread, "start", start)

    def _supervise_contexts(self) -> None:
        """From now on, a context that a thread of the answer makes is ended with the check."""
        original_init = zmq.Context.__init__

        def init(context: zmq.Context[Any], *args: Any, **kwargs: Any) -> None:
            original_init(context, *args, **kwargs)
            if self.is_answer_thread(current_thread()) and not context._shadow:
                self.own_contexts += 1
                self._contexts.append(SupervisedContext(context))

        self._replace(zmq.Context, "__init__", init)

    def _supervised(self, run: Callable[[], None]) -> Callable[[], None]:
        """Return what a thread of the answer runs instead: errors are kept, the end is noted."""

        def supervised_run() -> None:
            try:
                run()
            except (SystemExit, zmq.ContextTerminated):
                pass  # the check ends threads so
            except BaseException as error:
                last_line = traceback.format_exception_only(error)[-1]
                self.keep_output(f"{current_thread().name}: {last_line}")
            finally:
                self._running.discard(current_thread())

        return supervised_run

    # The end, step by step.

    def _end(self) -> None:
        self._wake()
        if not self._wait_for_threads(self.grace_s):
            self._raise_system_exit()
        self._close_sockets()
        self._terminate()
        self._note_what_is_left()

    def _wake(self) -> None:
        for gate in self._gates:
            gate.set()
        for worker in self._workers():
            worker.ask_to_stop()
        if not self.answer_has_ended:
            self._start_to_terminate()

    def _raise_system_exit(self) -> None:
        for _ in range(TRIES):
            for thread in self._running_threads():
                raise_in_thread(thread.ident, SystemExit)  # threads end by it without a message
            if self._wait_for_threads(self.grace_s / TRIES):
                return

    def _close_sockets(self) -> None:
        if self._running_threads():
            Thread(target=self._close_when_unused, name="check-close", daemon=True).start()
        else:
            self._close_when_unused()

    def _close_when_unused(self) -> None:
        while self._running_threads():
            sleep(0.1)
        for context in self._contexts:
            context.close_sockets()

    def _terminate(self) -> None:
        self._start_to_terminate()
        wait_until(lambda: self.answer_has_ended and self._all_closed(), self.grace_s)

    def _note_what_is_left(self) -> None:
        self.left = sorted({thread.name for thread in (*self._running, *self._running_threads())})
        for worker in self._workers():
            if not worker.running:
                worker.stop(0)

    def _start_to_terminate(self) -> None:
        for context in list(self._contexts):
            context.start_to_terminate()

    def _all_closed(self) -> bool:
        return all(supervised.context.closed for supervised in self._contexts)

    def _wait_for_threads(self, timeout_s: float) -> bool:
        return wait_until(lambda: not self._running_threads(), timeout_s)

    def _running_threads(self) -> list[Thread]:
        """Return the threads that run now, except those that wait for a context's end."""
        of_workers = [worker.thread for worker in self._workers() if worker.running]
        in_term = {thread for context in self._contexts for thread in context.threads_in_term}
        threads = {*self._running, *of_workers} - in_term
        return [thread for thread in threads if thread is not None]

    def _workers(self) -> list[Worker]:
        return [worker for context in list(self._contexts) for worker in context.workers]


class _AnswerOutput:
    """Standard output that keeps apart what the answer's threads print."""

    def __init__(self, supervisor: Supervisor, original: Any) -> None:
        self._supervisor, self._original = supervisor, original

    def write(self, text: str) -> int:
        if not self._supervisor.is_answer_thread(current_thread()):
            return int(self._original.write(text))
        self._supervisor.keep_output(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


def wait_until(condition: Callable[[], object], timeout_s: float) -> bool:
    """Wait for a condition; return whether it came true in time."""
    deadline_s = monotonic() + timeout_s
    while not condition():
        if monotonic() > deadline_s:
            return False
        sleep(0.001)
    return True
