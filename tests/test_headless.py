"""Pytest reports soon, with cause and remedy, why a notebook cannot run to its end.

Each test runs pytest on tiny notebooks, with a copy of notebooks/conftest.py beside them.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import nbformat
import psutil
import pytest

ROOT = Path(__file__).parent.parent

#: How soon a notebook that cannot go on must be reported on a machine that has nothing else to do.
REPORTED_S = 60

#: Maximum duration of each pytest run below, on a machine that runs other tests as well. A run that
#: waits for nbval's timeout of `LONG_S` takes longer, and fails.
LIMIT_S = 3 * REPORTED_S
LONG_S = 10 * LIMIT_S
SHORT_S = 2

THIS_PYTHON = "--nbval-current-env"


class Report(NamedTuple):
    """What a pytest run printed, and its verdict on each cell."""

    folder: Path
    code: int
    output: str
    cells: dict[str, list[str]]  # by notebook, one per cell: "" if it passed, or why not


def run_pytest(folder: Path, *options: str, **environment: str) -> Report:
    """Run pytest on the notebooks of a folder within `LIMIT_S`."""
    shutil.copy(ROOT / "notebooks" / "conftest.py", folder)
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    always = ["--nbval", "--color=no", "--junitxml=report.xml"]
    command = [sys.executable, "-m", "pytest", *always, *options]
    code, output = run(command, folder, **environment)
    xml = (folder / "report.xml").read_text(encoding="utf-8")
    cases = ElementTree.fromstring(re.sub(r"#x1B\[[\d;]*m", "", xml)).iter("testcase")
    cells: dict[str, list[str]] = {}
    for case in cases:
        notebook = case.get("classname", "").removesuffix(".ipynb").rpartition(".")[2]
        cells.setdefault(notebook, []).append("".join(case.itertext()))
    return Report(folder, code, output, cells)


def run(command: list[str], folder: Path, **environment: str) -> tuple[int, str]:
    """Run a command; if it takes longer than `LIMIT_S`, fail and kill it and its kernels."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
            pytest.fail(f"not reported in {LIMIT_S} s; output so far:\n{process.communicate()[0]}")
    return process.returncode, output


def write(path: Path, *sources: str, tags: tuple[str, ...] = ()) -> None:
    """Write a notebook whose cells were run and have no outputs."""
    notebook = nbformat.v4.new_notebook()
    for count, source in enumerate(sources, start=1):
        cell = nbformat.v4.new_code_cell(source, execution_count=count)
        cell.metadata["tags"] = list(tags)
        notebook.cells.append(cell)
    path.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Pytest's reports on three folders. The runs are concurrent because they mostly wait."""
    with ThreadPoolExecutor() as pool:
        return {
            make.__name__: pool.submit(make, tmp_path_factory.mktemp(make.__name__))
            for make in (fail_soon, hang, not_start)
        }


# Kernel death and a missing module

DIES = "import os; os._exit(3)"

# Starts a process that may hold a port which another notebook needs.
LEAVES = """
import subprocess, sys
from pathlib import Path
wait = [sys.executable, "-c", "import threading; threading.Event().wait()"]
Path("left").write_text(str(subprocess.Popen(wait).pid))
"""

# A plugin that kills the kernel before the second cell of one notebook runs, and raises after
# another notebook has ended and its kernel is gone.
MISHAPS = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item):
    if item.nodeid == "killed.ipynb::Cell 1":
        item.parent.kernel.km.provisioner.process.kill()
        item.parent.kernel.km.provisioner.process.wait()

@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item):
    yield
    if item.nodeid == "trips.ipynb::Cell 0":
        raise RuntimeError("error in another plugin")
"""


def fail_soon(folder: Path) -> Report:
    """Run notebooks that fail soon; an unnoticed kernel death would take `LONG_S`."""
    write(folder / "dies.ipynb", "a = 1", DIES, "b = 1", "c = 1")
    write(folder / "excused.ipynb", LEAVES + DIES, "b = 1", tags=("raises-exception",))
    write(folder / "killed.ipynb", "a = 1", "b = 1", "c = 1")
    write(folder / "lacks.ipynb", "import not_there", "not_there.a", "b = 1")
    write(folder / "wrong.ipynb", "1 / 0", "b = 1")
    write(folder / "works.ipynb", "a = 1", "assert a")
    write(folder / "trips.ipynb", "a = 1")
    (folder / "mishaps.py").write_text(MISHAPS, encoding="utf-8")
    return run_pytest(folder, THIS_PYTHON, f"--nbval-cell-timeout={LONG_S}", "-p", "mishaps")


@pytest.fixture
def soon(reports):
    """Pytest's report on notebooks that fail soon."""
    return reports["fail_soon"].result()


def test_kernel_death_is_reported_at_once(soon):
    """When a cell ends the kernel, its report says so, and how the process ended."""
    before, at, *_ = soon.cells["dies"]
    assert before == ""
    assert "The kernel died in this cell (exit status 3" in at
    assert "python -X faulthandler" in at
    assert DIES in at


def test_cells_after_kernel_death_are_skipped(soon):
    """Each cell after the death of the kernel is skipped, with the reason."""
    *_, one, other = soon.cells["dies"]
    assert "dies.ipynb was not run after Cell 1: The kernel died in this cell" in one
    assert "dies.ipynb was not run after Cell 1" in other


def test_kernel_death_is_not_an_exception(soon):
    """A cell tagged `raises-exception` fails if it ends the kernel."""
    assert "The kernel died in this cell" in soon.cells["excused"][0]


def test_kernel_death_between_cells_is_not_blamed_on_the_next_cell(soon):
    """The report says that the kernel died before the cell started."""
    before, at, after = soon.cells["killed"]
    assert before == ""
    assert "The kernel died before this cell" in at
    assert "was not run after Cell 1: The kernel died before this cell" in after
    if sys.platform != "win32":
        assert "SIGKILL: the system kills a process when memory runs out" in at


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups")
def test_kernel_death_ends_the_processes_of_the_kernel(soon):
    """A process that the dead kernel started is ended, because it may hold a port."""
    with suppress(psutil.NoSuchProcess):
        left = psutil.Process(int((soon.folder / "left").read_text()))
        # Another process may have its id by now.
        if "threading.Event().wait()" in "".join(left.cmdline()):
            left.kill()
            pytest.fail("a process that the kernel started still runs")


def test_a_missing_module_is_reported_once(soon):
    """The report names the module and the install command; the next cells are skipped."""
    at, *after = soon.cells["lacks"]
    assert "No module named 'not_there'" in at
    assert f"`{sys.executable} -m pip install" in at
    assert len(after) == 2
    for reason in after:
        assert "was not run after Cell 0: No module named 'not_there'" in reason


def test_nbval_reports_any_other_exception(soon):
    """After any other exception, the next cells of the notebook run."""
    at, after = soon.cells["wrong"]
    assert "ZeroDivisionError" in at
    assert after == ""


def test_an_error_after_a_notebook_is_not_a_kernel_death(soon):
    """An error after the last cell is reported as it is, though the kernel is gone by then."""
    assert "error in another plugin" in soon.output
    assert "kernel" not in "".join(soon.cells["trips"])


def test_the_next_notebook_runs(soon):
    """A notebook after the broken ones passes, and the closing line has the right counts."""
    assert soon.cells["works"] == ["", ""]
    assert soon.code == pytest.ExitCode.TESTS_FAILED
    assert " 5 failed, 6 passed, 6 skipped, 1 error in " in soon.output.splitlines()[-1]


@pytest.mark.parametrize("cell", ["dies.ipynb::Cell 1", "lacks.ipynb::Cell 0"])
def test_the_cause_is_printed_at_once(soon, cell):
    """The cause is printed when it happens, before the other notebooks have run."""
    assert f"{cell}: " in soon.output.partition("= FAILURES =")[0]


# A cell that hangs

# Waits for a message without a timeout.
HANGS = """
import zmq
pull = zmq.Context.instance().socket(zmq.PULL)
pull.bind("inproc://nobody")
pull.recv()
"""

# Ignores the interrupt while a thread prints. nbval alone would wait as long as it prints.
IGNORES = """
import signal, threading
def talk(end=threading.Event()):
    while not end.wait(0.2):
        print("still here")
threading.Thread(target=talk, daemon=True).start()
signal.signal(signal.SIGINT, signal.SIG_IGN)
threading.Event().wait()
"""

# Catches the interrupt and ends normally.
CATCHES = """
try:
    while True:
        pass
except KeyboardInterrupt:
    pass
"""


def hang(folder: Path) -> Report:
    """Run cells that never end, with a short timeout."""
    write(folder / "catches.ipynb", CATCHES, "b = 1")
    write(folder / "ignores.ipynb", IGNORES, "b = 1")
    write(folder / "hangs.ipynb", HANGS, "b = 1", "c = 1")
    return run_pytest(folder, THIS_PYTHON, f"--nbval-cell-timeout={SHORT_S}")


@pytest.fixture
def late(reports):
    """Pytest's report on cells that never end."""
    return reports["hang"].result()


def test_a_hung_cell_is_reported_with_a_remedy(late):
    """A hung cell is interrupted, and the report shows the line that waited."""
    at = late.cells["hangs"][0]
    assert f"The cell did not end within {SHORT_S} s and was interrupted" in at
    assert "poll(timeout)" in at
    assert "--nbval-cell-timeout=SECONDS" in at
    assert re.search(r"-> \d pull\.recv\(\)", at)


def test_cells_after_a_hung_cell_are_skipped(late):
    """The cells after a hung cell are skipped, with the reason."""
    for reason in late.cells["hangs"][1:]:
        assert "was not run after Cell 0: The cell did not end within" in reason
    assert late.code == pytest.ExitCode.TESTS_FAILED
    assert " 3 failed, 4 skipped in " in late.output.splitlines()[-1]


def test_a_cell_that_ignores_the_interrupt_is_ended(late):
    """An ignored interrupt and a thread that keeps printing do not prolong the wait."""
    at, after = late.cells["ignores"]
    assert "ignored the interrupt, so its kernel was killed" in at
    assert "was not run after Cell 0" in after


def test_a_cell_that_catches_the_interrupt_fails(late):
    """A cell that ended only because nbval interrupted it fails."""
    assert "The cell did not end within" in late.cells["catches"][0]


def test_the_timeouts_of_the_project_allow_a_report_within_a_minute():
    """A hung cell and a silent kernel reach their timeouts early enough to be reported in time."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    given = options["tool"]["pytest"]["ini_options"]["addopts"]
    timeouts_s = [float(it.partition("=")[2]) for it in given if "-timeout=" in it]
    assert len(timeouts_s) == 2
    assert max(timeouts_s) <= REPORTED_S - 15  # time to interrupt, to kill and to report


# A kernel that does not start

# Replaces ipykernel's launcher. One kernel exits at once; one runs as long as its parent and
# sends nothing.
LAUNCHER = """
import os, sys, time
parent = os.getppid()
while os.path.basename(os.getcwd()) == "silent" and os.getppid() == parent:
    time.sleep(0.1)
"""


def not_start(folder: Path) -> Report:
    """Run notebooks whose kernels do not start."""
    (folder / "ipykernel_launcher.py").write_text(LAUNCHER, encoding="utf-8")
    for name in ("ends", "silent"):
        write(folder / name / f"{name}.ipynb", "a = 1", "b = 1")
    options = THIS_PYTHON, f"--nbval-kernel-startup-timeout={2 * SHORT_S}"
    return run_pytest(folder, *options, PYTHONPATH=str(folder))


def test_a_kernel_that_does_not_start_is_reported(reports):
    """A kernel that exits or sends nothing is reported once, with a way to find the cause."""
    report = reports["not_start"].result()
    assert report.cells.keys() == {"ends", "silent"}
    for (at, after), how in zip(report.cells.values(), ("died", "didn't respond in"), strict=True):
        assert "The kernel did not start: Kernel " + how in at
        assert f"`{sys.executable} -m ipykernel_launcher` may show why" in at
        assert "was not run after Cell 0: The kernel did not start" in after
    assert "_manager.py" not in report.output  # no traceback through pytest
    assert " 2 skipped, 2 errors in " in report.output.splitlines()[-1]


def test_a_kernel_that_is_not_installed_is_reported(tmp_path):
    """The report on an unknown kernel name gives the option that ignores the name."""
    write(tmp_path / "unknown.ipynb", "a = 1", "b = 1")
    at, after = run_pytest(tmp_path, "--nbval-kernel-name=unheard-of").cells["unknown"]
    assert "The kernel did not start: No such kernel named unheard-of. With --nbval-current" in at
    assert "was not run after Cell 0: The kernel did not start" in after


# Missing modules of pytest itself

WITHOUT = """
import sys
from importlib.machinery import PathFinder

module, path = sys.argv[1:]
find = PathFinder.find_spec
PathFinder.find_spec = classmethod(lambda _, it, *args: None if it == module else find(it, *args))

import pytest
sys.exit(pytest.main([path] if module != "nbval" else [path, "-p", "no:nbval"]))
"""


@pytest.mark.parametrize(
    ("module", "path"),
    [
        ("nbval", "notebooks"),
        ("nbval", "tests/test_errors.py"),
        ("pushpull_kit", "tests/test_errors.py"),
    ],
)
def test_a_missing_test_requirement_is_reported(module, path):
    """Pytest names a missing requirement, the Python that lacks it, and the install command."""
    code, output = run([sys.executable, "-c", WITHOUT, module, path], ROOT)
    assert code == pytest.ExitCode.USAGE_ERROR
    assert f"No module named '{module}' for this Python. Install what" in output
    assert f'`{sys.executable} -m pip install -e ".[test]"`' in output


def test_missing_ipykernel_is_reported():
    """Without ipykernel nbval cannot be imported; pytest's output names ipykernel."""
    code, output = run([sys.executable, "-c", WITHOUT, "ipykernel", "notebooks"], ROOT)
    assert code != pytest.ExitCode.OK
    assert "No module named 'ipykernel'" in output
