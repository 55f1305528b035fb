"""A function with controls: Run, Stop, and the last two runs side by side."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any, NamedTuple, Self

from ipywidgets import HTML, Box, Button, DOMWidget, VBox  # type: ignore[import-untyped]

from ..errors import PushPullError
from ..jupyter import cell, print_under_this_cell
from ..recording.units import duration
from ..sockets.lifecycle import BackgroundThread
from ..views.timeline.widget import Timeline
from .controls import controls_for, quoted
from .html import progress_bar, text
from .parameters import label
from .run import Run, RunInProgress
from .run_report import comparison, report, title

#: How many runs are kept.
RUNS_KEPT = 6

#: How often progress is shown: a person sees that it goes on, and no browser is overloaded.
TICK_S = 0.2

# Guards the runs in progress and the list of open experiments. Nothing waits while it holds this.
_lock = threading.Lock()

_open_experiments: set[Experiment] = set()


class _Supervised(NamedTuple):
    """A run in progress and the thread that supervises it."""

    run: RunInProgress
    supervisor: BackgroundThread

    def end(self) -> None:
        """Stop the run, and wait until its supervisor has ended."""
        self.run.ask_to_stop()
        self.supervisor.wait()


class Experiment(VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A function with a control for each parameter, a Run button, and the last runs.

    A run calls `function(context, **values)` in a thread and a context of its own. What the
    function pushed is waited for as long as its workers make progress. Then all that it left open
    is closed. What it prints appears under the cell that made the Experiment. The last two runs
    are shown side by side.

    Args:
        function: what to run. Its first parameter takes the `Context`; the others get controls.
        controls: a control for a parameter, by name, as for ipywidgets' `interact`: `count=10`,
            `rcvhwm=(1, 1000)`, `work_s=(0.0, 2.0)`, `copy=True`, `kind=["fast", "slow"]`, or a
            widget. The end of a name, `_s`, `_ms`, `_us`, `_ns` or `_bytes`, is shown as its unit.
            A parameter that is not given here gets its control from its default.

    Attributes:
        runs: the records of the last `RUNS_KEPT` runs, each a `Run`.

    Raises:
        TypeError: the function cannot be run so, or a control is for no parameter or is missing.
        ValueError: no control can be made from what was given for a parameter.

    >>> import zmq
    >>> from pushpull_kit import Experiment, Worker
    >>> def push(context, count):
    ...     worker = Worker(len, bind="inproc://jobs", context=context).start()
    ...     sender = context.socket(zmq.PUSH)
    ...     sender.connect("inproc://jobs")
    ...     for number in range(count):
    ...         sender.send_string(str(number))
    >>> experiment = Experiment(push, count=(1, 100))
    >>> experiment
    <Experiment push(count): run this cell, then press Run>
    >>> experiment.run(count=3).summary.handled
    3
    >>> experiment.close()
    """

    _cell: tuple[str, str] | None = None
    _closed = False
    _current: _Supervised | None = None
    _views: tuple[VBox, ...] = ()
    _own_widgets: tuple[Any, ...] = ()

    def __init__(self, function: Callable[..., object], /, **controls: Any) -> None:
        self._controls = controls_for(function, controls)
        super().__init__()
        self._function, self._name = function, getattr(function, "__name__", "function")
        self._print_under_cell, self._cell = print_under_this_cell(), cell()
        for other in [it for it in _open_experiments if it._was_made_by(self._cell)]:
            other.close()
        _open_experiments.add(self)
        self.runs: deque[Run] = deque(maxlen=RUNS_KEPT)
        self._last_number = 0
        self._run_button = Button(description="Run", icon="play", button_style="primary")
        self._stop_button = Button(description="Stop", icon="stop", disabled=True)
        self._run_button.on_click(lambda _: self._begin(self.values))
        self._stop_button.on_click(lambda _: self.stop())
        self._bar, self._status, self._comparison = HTML(), HTML(), HTML()
        buttons = [self._run_button, self._stop_button, self._bar, self._status]
        row = Box(buttons, layout={"flex_flow": "row wrap", "align_items": "center"})
        self._side_by_side = Box(layout={"flex_flow": "row wrap"})
        own_controls = [it for name, it in self._controls.items() if it is not controls.get(name)]
        below = (row, self._side_by_side, self._comparison)
        self._own_widgets = (*own_controls, *buttons, *below)
        shown = [it for it in self._controls.values() if isinstance(it, DOMWidget)]
        self.children = (*shown, *below)

    def __repr__(self) -> str:  # without values, because strict nbval compares it
        names = ", ".join(map(label, self._controls))
        return f"<Experiment {self._name}({names}): run this cell, then press Run>"

    @property
    def values(self) -> dict[str, Any]:
        """The controls' values now, by parameter name."""
        return {name: control.get_interact_value() for name, control in self._controls.items()}

    def run(self, /, *, timeout: float = 60.0, **values: Any) -> Run:
        """Run the function, wait for the end of the run, and return its record.

        Args:
            timeout: after how many seconds the run is stopped. An Interrupt stops it too.
            values: arguments for this run; the others come from the controls.

        Returns:
            The record of the run. What the function raised is in its `error` and `traceback`.

        Raises:
            TypeError: a value is given for a parameter that has no control.
            PushPullError: another run is in progress, or the Experiment is closed.

        >>> from pushpull_kit import Experiment
        >>> with Experiment(lambda context, count: None, count=3) as experiment:
        ...     experiment.run(count=5).values
        {'count': 5}
        """
        unknown = [name for name in values if name not in self._controls]
        if unknown:
            raise TypeError(
                f"expected values for {quoted(self._controls)}; got one for {quoted(unknown)}; "
                "correct the name, or give the Experiment such a control"
            )
        begun = self._begin({**self.values, **values})
        if begun is None:
            state = "a closed one" if self._closed else f"one in run {self._last_number}"
            raise PushPullError(
                f"expected an open Experiment without a run in progress; got {state}; "
                + ("make a new one" if self._closed else "stop() it, or wait for its end")
            )
        deadline_s = monotonic() + timeout
        try:
            while not begun.supervisor.wait(TICK_S):  # on Windows an Interrupt ends no wait
                if monotonic() > deadline_s:
                    begun.run.ask_to_stop(f"stopped: it took longer than {timeout:g} s")
                    break
        finally:
            begun.end()
        assert begun.run.result is not None
        return begun.run.result

    def stop(self) -> None:
        """Ask the run in progress to stop, without waiting. Without such a run, do nothing."""
        current = self._current
        if current is not None:
            current.run.ask_to_stop()

    def close(self) -> None:
        """Stop the run in progress, wait for its threads, and close the widgets.

        This takes a few seconds at most. A function that cannot be stopped is left behind. Closing
        a closed Experiment does nothing.
        """
        with _lock:
            self._closed, current = True, self._current
            _open_experiments.discard(self)
        if current is not None:
            current.end()
        for widget in (*_widgets_of(self._views), *self._own_widgets):
            _close(widget)
        self._views = self._own_widgets = ()
        self.layout.close()
        super().close()

    def __del__(self) -> None:
        """Do nothing. ipywidgets would call `close`, in any thread and while locks are held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _was_made_by(self, now: tuple[str, str] | None) -> bool:
        """Whether an earlier run of the cell that runs now made this Experiment."""
        before = self._cell
        if before is None or now is None:
            return False
        (cell_id, run_id), (cell_id_now, run_id_now) = before, now
        return cell_id == cell_id_now and run_id != run_id_now

    def _begin(self, values: dict[str, Any]) -> _Supervised | None:
        """Start a run and return it, or `None` while another is in progress. Waits for nothing."""
        with _lock:
            if self._current is not None or self._closed:
                return None
            self._last_number += 1
            number = self._last_number
            run = RunInProgress(number, self._function, values, self._print_under_cell)
            name = f"supervisor of run {number} of {self._name}"
            supervisor = BackgroundThread(lambda: self._supervise(run), name)
            supervisor.start()
            self._current = _Supervised(run, supervisor)
            return self._current

    # In the supervisor's thread. During a run only this thread writes what the widgets show.

    def _supervise(self, run: RunInProgress) -> None:
        """Start the run, show its progress, escalate a request to stop, and keep the record."""
        try:
            self._print_under_cell()
            self._run_button.disabled, self._stop_button.disabled = True, False
            run.start()
            outcome = self._add_view(run)
            while not run.wait(TICK_S):
                self._show_progress(run)
                if run.stop_requested and not run.escalate_stop():
                    break
            self._stop_button.disabled = True
            record = run.record()
            outcome.value = report(record)
            self._show_end(record)
        finally:
            self._run_button.disabled, self._stop_button.disabled = False, True
            with _lock:
                self._current = None
                if run.result is not None:
                    self.runs.append(run.result)

    def _add_view(self, run: RunInProgress) -> HTML:
        """Show a new run beside the last one, and return the widget for its outcome."""
        words = title(run.number, run.values)
        caption = HTML(text(words, "b", 'style="display: block; line-height: 1.3"'))
        outcome = HTML(text("running"))
        parts = [caption, outcome, Timeline(run.context)]
        view = VBox(parts, layout={"flex": "1 1 380px", "min_width": "0", "margin": "4px"})
        old, self._views = self._views[:-1], (*self._views[-1:], view)
        self._side_by_side.children = self._views
        for widget in _widgets_of(old):
            _close(widget)
        return outcome

    def _show_progress(self, run: RunInProgress) -> None:
        summary = run.context.timings.summary()
        finished, count = summary.handled + summary.failed, run.values.get("count")
        if isinstance(count, int) and count > 0:
            finished += summary.refused
            self._bar.value = progress_bar(min(finished, count), count)
            progress = f"{finished:,} of {count:,} finished"
        else:
            if not self._bar.value:
                self._bar.value = progress_bar()
            progress = f"{summary.pushed:,} pushed, {finished:,} finished"
        elapsed = duration(monotonic() - run.began_s)
        state = "stopping" if run.stop_requested else "running"
        self._status.value = text(f"{state} · {elapsed} · {progress}")

    def _show_end(self, record: Run) -> None:
        """Show how a run ended; compare it with the one before, both on one scale of time."""
        shown = [*self.runs, record][-2:]
        self._bar.value = ""
        words = f"run {record.number} {record.outcome}"
        self._status.value = text(words, attributes="role=status")
        self._comparison.value = text(comparison(*shown) if len(shown) == 2 else "")
        for view in self._views:
            timeline = view.children[-1]
            timeline.min_span_s = max(run.summary.span_s for run in shown)


def _close(widget: Any) -> None:
    """Close a widget, and the widgets that ipywidgets made with it."""
    for part in (widget, widget.layout, getattr(widget, "style", None)):
        if part is not None:
            part.close()


def _widgets_of(views: Iterable[VBox]) -> list[Any]:
    return [widget for view in views for widget in (*view.children, view)]
