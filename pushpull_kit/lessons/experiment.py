"""A function with controls: Run, Stop, and the last two runs side by side."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any, Self

from ipywidgets import HTML, Box, Button, DOMWidget, VBox  # type: ignore[import-untyped]

from ..errors import PushPullError
from ..jupyter import cell, print_under_this_cell
from ..recording.units import duration
from ..views.timeline.widget import Timeline
from .controls import controls_for
from .run import Run, Running
from .run_report import bar, compared, label, listed, report, text, title

#: How many runs are kept.
RUNS_KEPT = 6

#: How often progress is shown: often enough to look alive, seldom enough for any browser.
TICK_S = 0.2

# Held for no longer than it takes to look and to say.
_lock = threading.Lock()

_open: set[Experiment] = set()


class Experiment(VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Runs `function(context, **values)` in a thread and a context of its own when Run is pressed.

    `controls` are what ipywidgets' `interact` takes: `count=10`, `rcvhwm=(1, 1000)`,
    `work_s=(0.0, 2.0)`, `copy=True`, `kind=["fast", "slow"]`, or a widget. A name's ending `_s`,
    `_ms`, `_us`, `_ns` or `_bytes` is its unit. A parameter without a control gets one from its
    default. What the function pushed is waited for while its workers get on with it; then all that
    it left open is closed. `runs` are the last ones; their prints appear under this cell.

    Raises `TypeError` or `ValueError` for a function or a control that makes no sense.
    """

    _cell: tuple[str, str] | None = None
    _closed = False
    _current: tuple[Running, threading.Thread] | None = None
    _views: tuple[VBox, ...] = ()
    _made: tuple[Any, ...] = ()

    def __init__(self, function: Callable[..., object], /, **controls: Any) -> None:
        self._controls = controls_for(function, controls)
        super().__init__()
        self._function, self._name = function, getattr(function, "__name__", "function")
        self._print_under_cell, self._cell = print_under_this_cell(), cell()
        for other in [it for it in _open if it._was_made_by(self._cell)]:
            other.close()
        _open.add(self)
        self.runs: deque[Run] = deque(maxlen=RUNS_KEPT)
        self._numbers = 0
        self._run_button = Button(description="Run", icon="play", button_style="primary")
        self._stop_button = Button(description="Stop", icon="stop", disabled=True)
        self._run_button.on_click(lambda _: self._begin(self.values))
        self._stop_button.on_click(lambda _: self.stop())
        self._bar, self._status, self._figures = HTML(), HTML(), HTML()
        buttons = [self._run_button, self._stop_button, self._bar, self._status]
        row = Box(buttons, layout={"flex_flow": "row wrap", "align_items": "center"})
        self._beside = Box(layout={"flex_flow": "row wrap"})
        mine = [it for name, it in self._controls.items() if it is not controls.get(name)]
        self._made = (*mine, *buttons, row, self._beside, self._figures)
        shown = [it for it in self._controls.values() if isinstance(it, DOMWidget)]
        self.children = (*shown, row, self._beside, self._figures)

    def __repr__(self) -> str:  # no live value, since a strict nbval run compares it
        names = ", ".join(map(label, self._controls))
        return f"<Experiment {self._name}({names}): run this cell, then press Run>"

    @property
    def values(self) -> dict[str, Any]:
        """What the controls say now."""
        return {name: control.get_interact_value() for name, control in self._controls.items()}

    def run(self, /, *, timeout: float = 60.0, **values: Any) -> Run:
        """Run with the controls' values, but for those given here, and return what came of it.

        After `timeout` seconds, or at an Interrupt, the run is stopped. What the function raises is
        in the record. Raises `PushPullError` while another run is in progress, and once closed.
        """
        unknown = [name for name in values if name not in self._controls]
        if unknown:
            raise TypeError(
                f"expected values for {listed(self._controls)}; got one for {listed(unknown)}; "
                "correct the name, or give the Experiment such a control"
            )
        begun = self._begin({**self.values, **values})
        if begun is None:
            state = "a closed one" if self._closed else f"one in run {self._numbers}"
            raise PushPullError(
                f"expected an Experiment at rest; got {state}; "
                + ("make a new one" if self._closed else "stop() it, or wait for its end")
            )
        running, conductor = begun
        deadline_s = monotonic() + timeout
        try:
            while not running.over.wait(TICK_S):  # on Windows an Interrupt waits for its end
                if monotonic() > deadline_s:
                    running.error = f"stopped: it took longer than {timeout:g} s"
                    break
        finally:
            _end(running, conductor)
        assert running.result is not None
        return running.result

    def stop(self) -> None:
        """Ask the run in progress, if there is one, to stop; do not wait for it."""
        current = self._current
        if current is not None:
            current[0].stopping.set()

    def close(self) -> None:
        """Stop the run in progress, wait for its threads, and close the views; again does nothing.

        That takes a few seconds at most; a function that cannot be stopped is left behind.
        """
        with _lock:
            self._closed, current = True, self._current
            _open.discard(self)
        if current is not None:
            _end(*current)
        for widget in (*_all_in(self._views), *self._made):
            _close(widget)
        self._views = self._made = ()
        self.layout.close()
        super().close()

    def __del__(self) -> None:
        """Do nothing: ipywidgets would call `close`, in any thread and whatever that holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _was_made_by(self, now: tuple[str, str] | None) -> bool:
        """Whether the cell that runs now made this one when it was run before."""
        before = self._cell
        return bool(before and now and before[0] == now[0] and before[1] != now[1])

    def _begin(self, values: dict[str, Any]) -> tuple[Running, threading.Thread] | None:
        """Start a run, unless one is in progress; neither touch a socket nor wait."""
        with _lock:
            if self._current is not None or self._closed:
                return None
            self._numbers += 1
            running = Running(self._numbers, self._function, values, self._print_under_cell)
            name = f"conductor of run {self._numbers} of {self._name}"
            thread = threading.Thread(target=self._conduct, args=(running,), name=name, daemon=True)
            thread.start()
            self._current = running, thread
            return self._current

    # In the conductor, which alone writes what the widgets show while a run is in progress.

    def _conduct(self, running: Running) -> None:
        try:
            self._print_under_cell()
            self._run_button.disabled, self._stop_button.disabled = True, False
            running.start()
            outcome = self._show(running)
            while not running.done.wait(TICK_S):
                self._show_progress(running)
                if running.stopping.is_set() and not running.press():
                    break
            self._stop_button.disabled = True
            run = running.record()
            outcome.value = report(run)
            runs = [*self.runs, run][-2:]
            self._bar.value = ""
            self._status.value = text(f"run {run.number} {run.outcome}", attributes="role=status")
            self._figures.value = text(compared(*runs) if len(runs) == 2 else "")
            for view in self._views:  # on one scale
                view.children[-1].min_span_s = max(it.summary.span_s for it in runs)
        finally:
            self._run_button.disabled, self._stop_button.disabled = False, True
            with _lock:
                self._current = None
                if running.result is not None:
                    self.runs.append(running.result)
            running.over.set()

    def _show(self, running: Running) -> HTML:
        """Lay a new run beside the last, close the one before, and return where to say its end."""
        caption = HTML(
            text(
                title(running.number, running.values),
                "b",
                'style="display: block; line-height: 1.3"',
            )
        )
        outcome = HTML(text("running"))
        parts = [caption, outcome, Timeline(running.context)]
        view = VBox(parts, layout={"flex": "1 1 380px", "min_width": "0", "margin": "4px"})
        old, self._views = self._views[:-1], (*self._views[-1:], view)
        self._beside.children = self._views
        for widget in _all_in(old):
            _close(widget)
        return outcome

    def _show_progress(self, running: Running) -> None:
        summary = running.context.timings.summary()
        finished, count = summary.handled + summary.failed, running.values.get("count")
        if isinstance(count, int) and count > 0:
            finished += summary.refused
            self._bar.value = bar(min(finished, count), count)
            done = f"{finished:,} of {count:,} finished"
        else:
            if not self._bar.value:
                self._bar.value = bar()
            done = f"{summary.pushed:,} pushed, {finished:,} finished"
        elapsed = duration(monotonic() - running.began_s)
        state = "stopping" if running.stopping.is_set() else "running"
        self._status.value = text(f"{state} · {elapsed} · {done}")


def _end(running: Running, conductor: threading.Thread) -> None:
    running.stopping.set()
    running.over.wait()  # first, since in 3.11 an Interrupt in a join breaks the thread
    conductor.join()


def _close(widget: Any) -> None:
    """Close a widget with what ipywidgets made along with it."""
    for part in (widget, widget.layout, getattr(widget, "style", None)):
        if part is not None:
            part.close()


def _all_in(views: Iterable[VBox]) -> list[Any]:
    return [widget for view in views for widget in (*view.children, view)]
