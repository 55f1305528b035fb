"""The comparison of ways to hand over messages: errors that would make its figures wrong."""

import json
import platform
import subprocess
import sys
import tomllib
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from benchmarks.comparison import (
    executors,
    figure,
    measure,
    native,
    queues,
    report,
    services,
    zeromq,
)
from benchmarks.comparison.contenders import Contender, kit, ways
from benchmarks.comparison.line import Line, Measurable, Missing, needed
from benchmarks.comparison.processes import running

ROOT = Path(__file__).parent.parent

Opener = Callable[[], AbstractContextManager[Measurable]]

LINES: dict[str, Opener] = {
    "SimpleQueue": lambda: queues.simple_queue(8),
    "Queue": lambda: queues.queue_queue(8),
    "ThreadPoolExecutor": lambda: executors.thread_pool(8),
    "raw to thread, tcp": lambda: zeromq.raw_to_thread("tcp", 8),
    "raw to thread, ipc": lambda: zeromq.raw_to_thread("ipc", 1_000),
    "raw to thread, inproc": lambda: zeromq.raw_to_thread("inproc", 1_000_000),
    "timed PUSH, inproc": lambda: zeromq.timed_to_thread("inproc", 8),
    "Worker, tcp": lambda: zeromq.kit_to_worker("tcp", 1_000),
    "raw to process, tcp": lambda: zeromq.raw_to_process("tcp", 8),
    "HTTP": lambda: services.http_keep_alive(8),
    "libzmq in C, tcp": lambda: native.libzmq("tcp", 8),
    "libzmq in C, inproc": lambda: native.libzmq("inproc", 8),
}


@pytest.mark.parametrize("open_line", LINES.values(), ids=LINES)
def test_all_messages_are_done_when_the_clock_stops(open_line: Opener):
    """Both measurements wait until the receiver has counted every message, or raise."""
    try:
        with open_line() as line:
            assert line.rate(50) > 0
            waits_ns = line.waits_ns(3)
            assert len(waits_ns) == 3
            assert min(waits_ns) > 0
            assert line.rate(50) > 0
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("what", ["rate", "waits_ns"])
def test_a_line_that_loses_a_message_raises(what: str):
    """A receiver that counts one message less raises an error."""
    sent: list[bytes] = []
    lossy = Line(sent.append, lambda: len(sent) - 1, b"12345678")
    with pytest.raises(RuntimeError, match="were handed over, and"):
        getattr(lossy, what)(10)


def test_a_burst_is_no_larger_than_may_wait_in_memory():
    """A burst has a maximum size for a fast line, and a minimum size for a slow one."""
    plan = measure.Plan(pairs=2, calls=1, burst_s=1.0, burst_least=40)
    assert measure.burst_size(_Steady(1e9), 1_000_000, plan) == 100
    assert measure.burst_size(_Steady(1e9), 8, plan) == measure.BURST_BYTES // 8
    assert measure.burst_size(_Steady(1_000.0), 8, plan) == 1_000
    assert measure.burst_size(_Steady(1.0), 8, plan) == 40


def test_ratios_are_over_raw():
    """A line whose call takes 3 µs, compared with one of 2 µs, has ratio 1.5; so have the rates."""
    row = measure.row(_contender(_Steady(3e6, 3_000), _Steady(2e6, 2_000)), measure.QUICK)
    assert row.figures is not None
    assert row.figures.wait_us == measure.Spread(3, 3, 3, 3)
    assert row.figures.raw_wait_us.median == 2
    assert row.figures.wait_over_raw.median == row.figures.done_over_raw.median == 1.5
    assert row.figures.calls == measure.QUICK.pairs * measure.QUICK.calls


def test_a_missing_requirement_is_named(monkeypatch: pytest.MonkeyPatch):
    """The row of a contender names the missing package or program and how to install it."""
    with pytest.raises(Missing, match=r"no_such_package is not installed; pip install -e"):
        needed("no_such_package")
    monkeypatch.setenv("PATH", "")
    by_name = {contender.name: contender for contender in ways()}
    row = measure.row(by_name["libzmq in C, tcp"], measure.QUICK)
    assert row.figures is None
    assert row.skipped == "there is no C compiler, cc; apt-get install gcc libc6-dev"
    monkeypatch.setitem(sys.modules, "redis", sys)  # any module will do
    row = measure.row(by_name["Redis list"], measure.QUICK)
    assert row.skipped == "redis-server is not installed; apt-get install redis-server"


def test_an_error_is_reported_and_does_not_end_the_run():
    """The row of a contender that fails contains the error."""
    row = measure.row(_contender(_Steady(0.0), _Steady(1.0)), measure.QUICK)
    assert (row.figures, row.skipped) == (None, None)
    assert row.failed == "ZeroDivisionError: float division by zero"


def test_a_program_that_does_not_start_is_an_error():
    """The error contains the last output of the program."""
    raised = pytest.raises(RuntimeError, match="'no, thanks")
    with raised, running(sys.executable, "-c", "print('no, thanks')", until="ready"):
        pytest.fail("the program was never ready")


def test_table_and_figure_show_every_row():
    """Each row, measured, skipped or failed, has a line of 100 columns at most and a label."""
    figures = measure.row(_contender(_Steady(2e6), _Steady(1e6)), measure.QUICK).figures
    rows = [
        measure.Row(
            contender.group,
            *(contender.name, contender.to, contender.waits_for, contender.size, contender.beside),
            figures=figures if number > 1 else None,
            skipped="it is not installed; install it" if number == 0 else None,
            failed="RuntimeError: broken" if number == 1 else None,
        )
        for number, contender in enumerate((*ways(), *kit()))
    ]
    result = report.result(rows, measure.QUICK)
    table = report.table(result).splitlines()
    assert max(map(len, table)) <= 100
    for row in result["rows"]:
        assert [line for line in table if line.startswith(report.label(row))]
    assert any(line.endswith("skipped: it is not installed; install it") for line in table)
    assert any(line.endswith("FAILED: RuntimeError: broken") for line in table)
    drawn = figure.draw(result)
    assert {
        report.label(row).replace(">", "→") for row in result["rows"] if row["group"] == "ways"
    } <= {text.get_text() for text in drawn.texts}
    in_panel = [text.get_text() for text in drawn.axes[0].texts]
    assert "skipped: it is not installed; install it" in in_panel
    assert "failed: RuntimeError: broken" in in_panel


def test_a_figure_without_measurements_has_axes():
    """If all rows are skipped, the axes still have tick labels."""
    line = _contender(_Steady(2e6), _Steady(1e6))
    head = (line.group, line.name, line.to, line.waits_for, line.size, line.beside)
    result = report.result([measure.Row(*head, skipped="it is not installed")], measure.QUICK)
    for axes in figure.draw(result).axes:
        ticks = axes.get_xticks()
        assert all(axes.xaxis.get_major_formatter().format_ticks(ticks))


def test_a_quick_run_writes_json_and_figure(tmp_path: Path):
    """The command line works with contenders in other processes; the host name is not written."""
    command = (sys.executable, "-m", "benchmarks.comparison", "--quick", "--out", tmp_path)
    names = ("multiprocessing.Queue", "ProcessPoolExecutor", "PUSH, inproc, 8 B")
    done = subprocess.run((*command, *names), cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "comparison.json").read_text("utf-8")
    rows: list[dict[str, Any]] = json.loads(written)["rows"]
    assert [row["name"] for row in rows] == list(names)
    assert all(row["figures"]["done_per_s"]["median"] > 0 for row in rows)
    assert f'"{platform.node()}' not in written
    assert str(ROOT) not in written
    assert (tmp_path / "comparison.png").read_bytes().startswith(b"\x89PNG")
    assert "multiprocessing.Queue > process" in done.stdout


def test_the_extra_is_pinned():
    """constraints.txt pins each package of the bench extra within its bounds."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    pins = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if not line.startswith("#")
    )
    for requirement in map(Requirement, extras["bench"]):
        assert pins[requirement.name] in requirement.specifier


class _Steady:
    """A line with a constant rate and a constant wait."""

    def __init__(self, rate: float, wait_ns: int = 1_000) -> None:
        self._rate, self._wait_ns = rate, wait_ns

    def waits_ns(self, calls: int) -> list[int]:
        return [self._wait_ns] * calls

    def rate(self, messages: int) -> float:
        return self._rate


def _contender(line: Measurable, raw: Measurable) -> Contender:
    @contextmanager
    def given(which: Measurable, size: int) -> Any:
        yield which

    return Contender(
        *("ways", "steady", "thread", "it is there", 8, lambda size: given(line, size)),
        *("raw", lambda size: given(raw, size)),
    )
