"""An Experiment runs a function in a thread, shows and keeps its runs, and closes everything."""

import _thread
import gc
import re
import threading
import time
from contextlib import contextmanager

import ipywidgets
import pytest
import zmq

import pushpull_kit.lessons.experiment
from pushpull_kit import Experiment, PushPullError, Timeline, Worker
from pushpull_kit.lessons.experiment import RUNS_KEPT
from pushpull_kit.lessons.run_report import comparison, report

#: Far more than anything here needs.
LONG_S = 20

EVIL = "<script>alert('größer & kleiner')</script>"


def wait_until(condition):
    deadline_s = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.002)


def widgets(experiment, kind=ipywidgets.Widget):
    """All widgets of a kind that the Experiment shows, from top to bottom."""

    def within(box):
        for child in box.children:
            yield child
            yield from within(child) if isinstance(child, ipywidgets.Box) else ()

    return [widget for widget in within(experiment) if isinstance(widget, kind)]


def button(experiment, name):
    return next(it for it in widgets(experiment, ipywidgets.Button) if it.description == name)


def page(experiment):
    """The HTML that it shows, tags included."""
    return "\n".join(widget.value for widget in widgets(experiment, ipywidgets.HTML))


def words(experiment):
    return re.sub("<.*?>", "", page(experiment))


def work(context, count=3, rcvhwm=1000, work_s=0.0):
    """Push to a worker. The run waits for it and closes everything."""
    sender = context.socket(zmq.PUSH)
    sender.bind("inproc://jobs")
    Worker(
        lambda text: time.sleep(work_s), connect="inproc://jobs", context=context, rcvhwm=rcvhwm
    ).start()
    for number in range(count):
        sender.send_string(str(number))


class Gate:
    """A function that waits until the gate is open. Stop does not end the wait."""

    def __init__(self):
        self.entered, self.open = threading.Event(), threading.Event()

    def __call__(self, context, **values):
        self.entered.set()
        assert self.open.wait(LONG_S)


@contextmanager
def gated(**controls):
    """An Experiment whose function waits at a gate."""
    gate = Gate()
    with Experiment(gate, **controls) as experiment:
        try:
            button(experiment, "Run").click()
            assert gate.entered.wait(LONG_S)
            yield experiment, gate
        finally:
            gate.open.set()


# What it shows


def test_nothing_runs_before_run_is_pressed():
    """Making an Experiment calls nothing and starts no thread."""
    threads = threading.active_count()
    with Experiment(lambda context: pytest.fail("called")) as experiment:
        assert threading.active_count() == threads
        assert not experiment.runs


def test_the_text_is_constant():
    """The text has no value that changes, because strict nbval compares it."""
    with Experiment(work, count=3, work_s=(0.0, 2.0)) as experiment:
        before = repr(experiment)
        experiment.run()
        assert repr(experiment) == experiment._repr_mimebundle_()["text/plain"] == before
    assert before == ("<Experiment work(count, rcvhwm, work (s)): run this cell, then press Run>")


def test_controls_are_labeled_with_their_units():
    """The end of a parameter's name is shown as its unit."""
    with Experiment(work, count=3, work_s=(0.0, 2.0)) as experiment:
        sliders = widgets(experiment, (ipywidgets.IntSlider, ipywidgets.FloatSlider))
        assert [it.description for it in sliders] == ["count", "rcvhwm", "work (s)"]


def test_values_are_those_of_the_controls():
    """Moving a control changes what the next run is given."""
    with Experiment(work, count=3) as experiment:
        widgets(experiment, ipywidgets.IntSlider)[0].value = 4
        assert experiment.values == {"count": 4, "rcvhwm": 1000, "work_s": 0.0}
        assert experiment.run().summary.handled == 4


def test_a_wrong_control_is_refused_at_once():
    """A wrong control is an error at once, and no incomplete widget warns later."""
    with pytest.raises(TypeError, match="got one for 'cuont'"):
        Experiment(work, cuont=3)
    gc.collect()


# A run


def test_a_run_is_shown_with_its_values():
    """A run has a caption with its values, a live view, and its outcome."""
    with Experiment(work, work_s=0.001) as experiment:
        experiment.run()
        assert "run 1: count = 3, rcvhwm = 1000, work = 0.001 s" in words(experiment)
        assert "finished after" in words(experiment)
        assert len(widgets(experiment, Timeline)) == 1


def test_the_run_button_starts_a_run():
    """The Run button starts a run, which ends by itself."""
    with Experiment(work) as experiment:
        button(experiment, "Run").click()
        wait_until(lambda: experiment.runs)
        assert experiment.runs[0].outcome == "finished"
        assert not button(experiment, "Run").disabled
        assert button(experiment, "Stop").disabled


def test_one_run_at_a_time():
    """During a run the Run button is disabled and does nothing, and `run()` is refused."""
    with gated() as (experiment, gate):
        wait_until(lambda: button(experiment, "Run").disabled)
        assert not button(experiment, "Stop").disabled
        button(experiment, "Run").click()
        with pytest.raises(PushPullError, match="got one in run 1; stop"):
            experiment.run()
        gate.open.set()
        wait_until(lambda: experiment.runs)
        assert [run.number for run in experiment.runs] == [1]


def test_the_buttons_return_at_once():
    """The callbacks of Run and Stop wait for nothing, since the main thread may call them."""
    with gated() as (experiment, _):
        button(experiment, "Stop").click()
        assert not experiment.runs


def test_run_takes_other_values():
    """`run(name=value)` overrides a control and does not change it."""
    with Experiment(work) as experiment:
        assert experiment.run(count=5).values["count"] == 5
        assert experiment.values["count"] == 3


def test_run_refuses_an_unknown_value():
    """A value for a parameter without a control is refused."""
    with (
        Experiment(work) as experiment,
        pytest.raises(TypeError, match="got one for 'cuont'; correct the name"),
    ):
        experiment.run(cuont=5)


def test_runs_are_kept_up_to_a_number():
    """The last runs are kept, and numbers are not used twice."""
    with Experiment(lambda context: None) as experiment:
        for _ in range(RUNS_KEPT + 2):
            experiment.run()
        assert [run.number for run in experiment.runs] == list(range(3, RUNS_KEPT + 3))


def test_the_last_two_runs_are_shown_side_by_side():
    """Two views are shown; the views of older runs are closed."""
    with Experiment(work) as experiment:
        experiment.run()
        first = widgets(experiment, Timeline)[0]
        experiment.run()
        assert first in widgets(experiment, Timeline)
        experiment.run()
        assert len(widgets(experiment, Timeline)) == 2
        assert first.comm is None
        assert "run 1" not in words(experiment)


def test_two_runs_are_compared_in_one_line():
    """Below the two runs are their figures, and the values that differ."""
    with Experiment(work, work_s=0.002) as experiment:
        before = experiment.run()
        assert "→" not in words(experiment)
        after = experiment.run(rcvhwm=1, work_s=0.003)
        line = comparison(before, after)
        assert line in words(experiment)
        assert re.fullmatch(
            r"run 1 → run 2: your cell waited \S+ .?s → \S+ .?s · the work took \S+ ms → \S+ ms"
            r" · all was over after \S+ ms → \S+ ms · rcvhwm 1000 → 1 · work 0\.002 s → 0\.003 s",
            line,
        )


def test_two_runs_share_one_scale_of_time():
    """Both views show as much time as the longer run took."""
    with Experiment(work, work_s=0.002) as experiment:
        first, second = experiment.run(work_s=0.02), experiment.run()
        spans = {view.min_span_s for view in widgets(experiment, Timeline)}
        assert spans == {first.summary.span_s}
        assert first.summary.span_s > second.summary.span_s


def test_the_comparison_says_that_a_run_failed():
    """The line of figures says when one of the two runs did not finish."""
    with Experiment(lambda context, fail: fail and 1 / 0, fail=False) as experiment:
        line = comparison(experiment.run(), experiment.run(fail=True))
        assert line.startswith("run 1 → run 2 (failed): ")
        assert line.endswith(" · fail False → True")


@pytest.mark.parametrize(
    ("count", "shown"),
    [(4, ['value="3" max="4"', "3 of 4 finished"]), (None, ["<progress", "2 pushed, 2 finished"])],
)
def test_progress_is_shown(count, shown):
    """With a `count` the bar shows how many are finished or refused; without, that it runs."""
    gate = Gate()

    def function(context, **values):
        worker = Worker(str, bind="inproc://jobs", context=context).start()
        sender = context.socket(zmq.PUSH)
        sender.connect("inproc://jobs")
        for _ in range(2):
            sender.send(b"x")
        worker.wait(2)
        alone = context.socket(zmq.PUSH)
        alone.bind("inproc://alone")
        with pytest.raises(zmq.Again):
            alone.send(b"x", zmq.NOBLOCK)
        gate(context)

    controls = {} if count is None else {"count": count}
    with Experiment(function, **controls) as experiment:
        button(experiment, "Run").click()
        wait_until(lambda: all(part in page(experiment) for part in shown))
        assert re.search(r"running · [\d.]+ .?s · ", words(experiment))
        assert count or "value=" not in page(experiment)
        gate.open.set()
        wait_until(lambda: experiment.runs)
        assert "<progress" not in page(experiment)
        assert "run 1 finished" in words(experiment)


# How a run ends


def test_stop_ends_a_run_that_is_blocked_in_send():
    """A bound PUSH without a peer blocks; Stop ends it, and the run is kept as stopped."""

    def blocked(context):
        sender = context.socket(zmq.PUSH)
        sender.bind("inproc://jobs")
        sender.send(b"to no receiver")

    with Experiment(blocked) as experiment:
        button(experiment, "Run").click()
        wait_until(lambda: widgets(experiment, Timeline))
        button(experiment, "Stop").click()
        wait_until(lambda: experiment.runs)
        assert experiment.runs[0].outcome == "stopped"
        assert "stopped after" in words(experiment)
        assert not button(experiment, "Run").disabled


def test_stop_without_a_run_does_nothing():
    """Stop without a run does not stop the next run."""
    with Experiment(work) as experiment:
        experiment.stop()
        assert experiment.run().outcome == "finished"


def test_after_a_run_that_cannot_be_stopped_the_next_run_works(monkeypatch):
    """The record says that the function could not be stopped, and the next run finishes."""
    monkeypatch.setattr(pushpull_kit.lessons.run, "GIVE_UP_AFTER_S", 0.1)
    lock = threading.Lock()

    def function(context, stuck):
        if stuck:
            lock.acquire()

    with lock, Experiment(function, stuck=True) as experiment:
        run = experiment.run(timeout=0.01)
        assert "could not be stopped" in run.error
        assert "could not be stopped" in words(experiment)
        assert experiment.run(stuck=False).outcome == "finished"


def test_run_has_a_time_limit():
    """`run()` stops the run after `timeout` seconds, and the record says so."""

    def blocked(context):
        context.socket(zmq.PULL).bind("inproc://jobs")
        Worker(print, bind="inproc://other", context=context).start().wait(1, timeout=1000)

    with Experiment(blocked) as experiment:
        run = experiment.run(timeout=0.05)
        assert (run.outcome, run.error) == ("stopped", "stopped: it took longer than 0.05 s")


def test_an_interrupt_stops_run():
    """An Interrupt ends `run()` and the run."""

    def function(context):
        sender = context.socket(zmq.PUSH)
        sender.bind("inproc://jobs")
        threading.Timer(0.05, _thread.interrupt_main).start()
        sender.send(b"to no receiver")

    with Experiment(function) as experiment:
        with pytest.raises(KeyboardInterrupt):
            experiment.run()
        assert experiment.runs[0].outcome == "stopped"
        assert not button(experiment, "Run").disabled


def test_an_error_is_shown_as_text():
    """The error's last line is shown, the traceback is folded, and neither is run as HTML."""

    def function(context, text):
        raise ValueError(text)

    with Experiment(function, text=EVIL) as experiment:
        run = experiment.run()
        assert (run.outcome, run.error) == ("failed", f"ValueError: {EVIL}")
        assert "<script" not in page(experiment)
        assert re.search(
            r"<details><summary >ValueError: &lt;script&gt;.*</summary><pre .*Traceback",
            page(experiment),
            re.DOTALL,
        )
        assert report(run) in page(experiment)


def test_unusual_names_are_names():
    """Parameters may have any name that Python allows, also those of Experiment's parameters."""

    def größe(context, 数, self, function, layout, children):
        pass

    values = {"数": 1, "self": 2, "function": 3, "layout": 4, "children": 5}
    with Experiment(größe, **values) as experiment:
        assert experiment.run(self=7).values == {**values, "self": 7}
        assert repr(experiment).startswith("<Experiment größe(数, self, function")


# Nothing is left open


def test_fifty_runs_leave_nothing():
    """Runs leave no thread and no widget behind, whatever the function leaves open."""
    with Experiment(work) as experiment:
        experiment.run()
        experiment.run()
        before = threading.active_count(), len(ipywidgets.widgets.widget._instances)
        for _ in range(50):
            assert experiment.run().summary.handled == 3
        after = threading.active_count(), len(ipywidgets.widgets.widget._instances)
        assert after[1] == before[1]
        wait_until(lambda: threading.active_count() <= before[0])


def test_close_during_a_run():
    """Closing stops the run, waits for its threads, and closes all widgets."""
    known = set(ipywidgets.widgets.widget._instances)
    with gated(count=3) as (experiment, gate):
        threading.Timer(0.05, gate.open.set).start()
        experiment.close()
        experiment.close()
        assert not [it for it in threading.enumerate() if "run 1" in it.name]
        assert set(ipywidgets.widgets.widget._instances) - known == set()
        with pytest.raises(PushPullError, match="got a closed one; make a new one"):
            experiment.run()


def test_garbage_collection_does_not_close_it(monkeypatch):
    """The garbage collector runs in any thread, while locks are held, so it must not close."""
    with Experiment(work) as experiment:
        pass
    monkeypatch.setattr(Experiment, "close", lambda self: pytest.fail("closed"))
    experiment.__del__()


def test_a_learners_widget_is_not_closed():
    """A widget that the learner gave as a control stays open."""
    slider = ipywidgets.IntSlider(3)
    with Experiment(work, count=slider) as experiment:
        assert slider in experiment.children
    assert slider.comm is not None
    slider.close()


def test_running_a_cell_again_closes_its_experiment(monkeypatch):
    """A new run of the cell that made an Experiment closes it; the same run does not."""

    def made_in(cell, run):
        monkeypatch.setattr(pushpull_kit.lessons.experiment, "cell", lambda: cell and (cell, run))
        return Experiment(lambda context: None)

    first, second = made_in("a", "1"), made_in("a", "1")
    assert first.comm is not None
    other, outside = made_in("b", "2"), made_in(None, "")
    again = made_in("a", "3")
    assert [it.comm is None for it in (first, second, other, outside, again)] == [
        True, True, False, False, False,
    ]  # fmt: skip
    for experiment in (other, outside, again):
        experiment.close()
