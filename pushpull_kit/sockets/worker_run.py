"""One run of a worker: its thread and its inbox, and how other threads ask it to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager

from ..errors import WorkerStuckError
from .inbox import Inbox
from .lifecycle import BackgroundThread


class WorkerRun:
    """What happens between one `start` of a worker and the end of its thread.

    Args:
        lock: taken for each change of what several threads read; never while waiting.
        worker_name: the worker's name.
        handler_name: what an error calls the handler.
        recipe: what must be equal so that the inbox fits another run.
        target: what the thread does. It calls `open` first and `end` last.
        on_end: called in the thread when it counts as ended.
    """

    def __init__(
        self,
        lock: AbstractContextManager[object],
        worker_name: str,
        handler_name: str,
        recipe: tuple[object, ...],
        target: Callable[[WorkerRun], None],
        on_end: Callable[[], None],
    ) -> None:
        self.recipe = recipe
        self.inbox: Inbox | None = None
        self.ready: Future[None] = Future()  # done when the inbox is open; has what it raised
        self.stopping = False  # the thread reads this after each message
        self.keep_inbox = False  # at the end, for the run that follows
        self._may_resume = True  # no other thread has asked to stop
        self._is_over = False  # whether `end` was called
        self._lock = lock
        self._worker_name, self._handler_name = worker_name, handler_name
        self.thread = BackgroundThread(lambda: target(self), f"worker {worker_name}", on_end)

    @property
    def ended(self) -> bool:
        """Whether the thread has ended. It has in a forked child process."""
        return not self.thread.running

    @property
    def is_own_thread(self) -> bool:
        """Whether the calling thread is this run's: then the handler is calling."""
        return self.thread is threading.current_thread()

    @property
    def waits_for_successor(self) -> bool:
        """Whether the inbox is open for a run that has not taken it yet."""
        return self.keep_inbox and self.inbox is not None

    def ask_to_stop(self, *, keep_inbox: bool = False) -> None:
        """Ask to stop after the current message, without waiting.

        Args:
            keep_inbox: whether to leave the inbox open, for `take_inbox`.
        """
        with self._lock:
            self.stopping = True
            self.keep_inbox |= keep_inbox
            self._may_resume &= self.is_own_thread
            inbox = None if self.ended else self.inbox  # a forked child has its parent's
        if inbox is not None:
            inbox.wake_up()

    def goes_on(self) -> bool:
        """Return whether the run goes on, now that its worker is started again.

        When the handler starts it, the run goes on unless another thread has asked it to stop.
        """
        with self._lock:
            if self.is_own_thread and self._may_resume:
                self.stopping = False
            return self.is_own_thread or not self.stopping

    def wait(self, timeout: float) -> None:
        """Wait for the end, at most `timeout` seconds. Raises `WorkerStuckError` after that."""
        if self.thread.wait(max(0.0, timeout)):
            return
        raise WorkerStuckError(
            f"expected worker {self._worker_name!r} to stop within {timeout:.3g} s; its handler, "
            f"{self._handler_name}, has not returned (thread {self.thread.name!r}). Python "
            "cannot end a thread: the worker stops when the handler returns, or restart "
            "the kernel"
        )

    def leave(self) -> None:
        """Stop for good, and leave the inbox to others. Only the handler may call this."""
        with self._lock:
            self.stopping = self.keep_inbox = self._is_over = True
            self._may_resume = False

    def take_inbox(self, recipe: tuple[object, ...]) -> Inbox | None:
        """Return the inbox, once, if it was kept and fits. One that does not fit is closed."""
        with self._lock:
            if not self.keep_inbox:
                return None
            inbox, self.inbox = self.inbox, None
        if inbox is None or recipe == self.recipe:
            return inbox
        inbox.close()
        return None

    def drop_inbox(self) -> None:
        """Keep the inbox no longer: close it now, or at the end if the thread may still use it."""
        with self._lock:
            self.keep_inbox = False
            is_over = self._is_over or self.ended
        if is_over:
            self._close_inbox()

    # In the run's thread.

    def open(self, make_inbox: Callable[[], Inbox]) -> Inbox:
        """Return the inbox, a new one unless that of another run was taken over."""
        if self.inbox is None:
            self.inbox = make_inbox()
        return self.inbox

    def end(self) -> None:
        """Close the inbox, unless it is kept for another run."""
        with self._lock:
            self._is_over, is_kept = True, self.keep_inbox
        if not is_kept:
            self._close_inbox()

    def _close_inbox(self) -> None:
        with self._lock:
            inbox, self.inbox = self.inbox, None
        if inbox is not None:
            inbox.close()
