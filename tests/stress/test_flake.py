"""`make flake` tells flaky notebooks from stable ones, and leaves no process behind."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import psutil
import pytest

HERE = Path(__file__).parent

#: Maximum time processes may take to start and to end on busy cores.
LIMIT_S = 60


@pytest.fixture
def flake(monkeypatch, tmp_path):
    """The module under test, with its output in a folder of the test."""
    monkeypatch.syspath_prepend(HERE)
    import flake

    monkeypatch.setattr(flake, "KEPT", tmp_path / "kept")
    (tmp_path / "kept").mkdir()
    return flake


@pytest.fixture
def notebook(tmp_path):
    """A notebook of two cells that passes only the first time it runs."""
    path = tmp_path / "first_time_only.ipynb"
    sources = ("from pathlib import Path", "Path('ran').touch(exist_ok=False)")
    cells = [nbformat.v4.new_code_cell(s, execution_count=n) for n, s in enumerate(sources, 1)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def children():
    """Return the running child processes."""
    return [it for it in psutil.Process().children() if it.status() != psutil.STATUS_ZOMBIE]


def test_every_core_is_kept_busy_and_then_left_alone(flake):
    """Inside the block there is a busy process for each core, and after it none."""
    before = children()
    with flake.busy_cores() as count:
        busy = [it for it in children() if it not in before]
        assert count == len(busy) == os.cpu_count()
    assert not [it for it in busy if it.is_running()]


def test_busy_processes_end_with_their_parent():
    """The busy processes end by themselves when the tool is killed."""
    code = """
import flake, psutil
with flake.busy_cores():
    print(*(it.pid for it in psutil.Process().children()), flush=True)
    input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        busy = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert busy
    _, alive = psutil.wait_procs(busy, timeout=LIMIT_S)
    for it in alive:
        it.kill()
    assert alive == []


def test_a_flaky_notebook_is_reported_and_its_output_kept(flake, notebook):
    """When the second of two real rounds fails, the report names the cell and keeps the output."""
    first, second = (flake.play([notebook], name) for name in ("first", "second"))
    assert (first.passed, first.failed, first.trouble) == (2, 0, ())
    assert (second.passed, second.failed) == (1, 1)
    assert "Cell 1" in second.trouble[0]
    assert [path.name for path in flake.KEPT.iterdir()] == ["second.txt"]
    assert "FileExistsError" in (flake.KEPT / "second.txt").read_text(encoding="utf-8")


def test_a_round_without_cells_is_not_clean(flake, tmp_path):
    """A round in which pytest itself fails is not clean, though no cell failed."""
    outcome = flake.play([tmp_path / "nowhere.ipynb"], "none")
    assert outcome.run == 0
    assert outcome.trouble == ("pytest ended with exit code 4",)


def test_a_round_that_hangs_is_ended(flake, monkeypatch):
    """A round that exceeds the limit is interrupted and counts as hung."""
    monkeypatch.setattr(flake, "ROUND_LIMIT_S", 0.1)
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with process:
        assert flake.bounded(process) is None
        assert process.poll() is not None


def plays(monkeypatch, flake, outcomes):
    """Replace pytest by these numbers of passed and failed cells; return the orders of the rounds.

    None in place of the numbers raises KeyboardInterrupt.
    """
    given, orders = iter(outcomes), []

    def play(paths, name):
        orders.append(paths)
        if (outcome := next(given)) is None:
            raise KeyboardInterrupt
        passed, failed = outcome
        return flake.Round(passed, failed, 0, 1.0, ("a.ipynb, Cell 0: why",) * failed)

    monkeypatch.setattr(flake, "play", play)
    monkeypatch.setattr(flake, "BUSY", "")
    return orders


@pytest.mark.parametrize(
    ("outcomes", "code", "sentence"),
    [
        ([(5, 0), (5, 0)], 0, "Clean: 10 cells were run and none failed, rounds: 2."),
        ([(5, 0), (4, 1), (5, 0), (4, 1)], 1, "Not clean: rounds 2, 4 of 4."),
        ([(5, 0), (4, 0)], 1, "Fewer cells than in the first round were run in round 2."),
        ([(5, 0), None], 1, "Interrupted after 1 of 2 rounds."),
    ],
)
def test_the_verdict(flake, monkeypatch, capsys, outcomes, code, sentence):
    """All rounds run; the verdict names failed and short rounds, and then the exit code is 1."""
    plays(monkeypatch, flake, outcomes)
    assert flake.main([str(len(outcomes))]) == code
    said = capsys.readouterr().out
    assert sentence in said
    assert said.count("passed, ") == 2 * (len(outcomes) - outcomes.count(None))


def test_each_round_has_another_order_that_its_seed_repeats(flake, monkeypatch, tmp_path):
    """The order of the notebooks differs between rounds and depends only on the seed."""
    for name in "abcdefgh":
        (tmp_path / f"{name}.ipynb").touch()
    orders = plays(monkeypatch, flake, [(1, 0)] * 9)
    for seed in ("7", "7", "8"):
        flake.main(["3", str(tmp_path), "--seed", seed])
    assert orders[:3] == orders[3:6]
    assert orders[:3] != orders[6:]
    assert len({tuple(order) for order in orders[:3]}) == 3
    assert len({tuple(sorted(order)) for order in orders}) == 1
