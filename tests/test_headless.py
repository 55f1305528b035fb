"""Without a person to look: why a notebook cannot go on is said soon, in a sentence that helps.

Each test asks the real pytest, with the notebooks' own conftest.py beside tiny notebooks.
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

#: What no pytest below may take, so that a wait for nbval's own timeout is a failure.
LIMIT_S = 60
LONG_S = 10 * LIMIT_S
SHORT_S = 2

THIS_PYTHON = "--nbval-current-env"


class Report(NamedTuple):
    """What pytest said, in all and of each cell."""

    folder: Path
    code: int
    output: str
    cells: dict[str, list[str]]  # of each notebook, by cell: "" if it passed, or why not


def run_pytest(folder: Path, *options: str, **environment: str) -> Report:
    """Run pytest on the notebooks of a folder, in bounded time."""
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
    """Run a command to its end, or fail when it takes too long; kernels do not outlive it."""
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
            pytest.fail(f"not reported in {LIMIT_S} s; so far:\n{process.communicate()[0]}")
    return process.returncode, output


def write(path: Path, *sources: str, tags: tuple[str, ...] = ()) -> None:
    """Write a notebook whose cells, as committed, were run and showed nothing."""
    notebook = nbformat.v4.new_notebook()
    for count, source in enumerate(sources, start=1):
        cell = nbformat.v4.new_code_cell(source, execution_count=count)
        cell.metadata["tags"] = list(tags)
        notebook.cells.append(cell)
    path.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """What pytest says of three folders, side by side, since much of it is waiting."""
    with ThreadPoolExecutor() as pool:
        return {
            make.__name__: pool.submit(make, tmp_path_factory.mktemp(make.__name__))
            for make in (fail_soon, hang, start_not)
        }


# Kernel death, and a missing module

DIES = "import os; os._exit(3)"

# The kernel leaves a process behind that might hold a port which another notebook needs.
LEAVES = """
import subprocess, sys
from pathlib import Path
wait = [sys.executable, "-c", "import threading; threading.Event().wait()"]
Path("left").write_text(str(subprocess.Popen(wait).pid))
"""

# Ends the kernel where no cell does: when nbval is about to run the second one. And trips over its
# own feet when a notebook is done and its kernel gone.
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
        raise RuntimeError("another plugin's own trouble")
"""


def fail_soon(folder: Path) -> Report:
    """Run notebooks that fail soon; a death that goes unnoticed is waited out for ten minutes."""
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
    """Pytest's report of notebooks that fail soon."""
    return reports["fail_soon"].result()


def test_kernel_death_is_reported_at_once(soon):
    """When a cell ends the kernel, that is said of this cell, with how the process ended."""
    before, at, *_ = soon.cells["dies"]
    assert before == ""
    assert "The kernel died in this cell (exit status 3" in at
    assert "python -X faulthandler" in at
    assert DIES in at


def test_what_comes_after_kernel_death_is_skipped(soon):
    """No cell is tried in a kernel that is dead; each says why it was not run."""
    *_, one, other = soon.cells["dies"]
    assert "dies.ipynb was not run after Cell 1: The kernel died in this cell" in one
    assert "dies.ipynb was not run after Cell 1" in other


def test_kernel_death_is_no_exception(soon):
    """A cell that may raise an exception may not end the kernel."""
    assert "The kernel died in this cell" in soon.cells["excused"][0]


def test_kernel_death_between_cells_is_not_the_next_cells_doing(soon):
    """A kernel that is dead before a cell begins is reported as such."""
    before, at, after = soon.cells["killed"]
    assert before == ""
    assert "The kernel died before this cell" in at
    assert "was not run after Cell 1: The kernel died before this cell" in after
    if sys.platform != "win32":
        assert "SIGKILL: the system does so when memory runs out" in at


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no groups of processes")
def test_kernel_death_ends_what_the_kernel_has_started(soon):
    """A process that the kernel started is not left to hold a port that another needs."""
    with suppress(psutil.NoSuchProcess):
        left = psutil.Process(int((soon.folder / "left").read_text()))
        if "threading.Event().wait()" in "".join(left.cmdline()):  # else its number is another's
            left.kill()
            pytest.fail("what the kernel had started went on")


def test_a_missing_module_is_reported_once(soon):
    """What is not installed is named, with where and how to install it; the rest is skipped."""
    at, *after = soon.cells["lacks"]
    assert "No module named 'not_there'" in at
    assert f"`{sys.executable} -m pip install" in at
    assert len(after) == 2
    for reason in after:
        assert "was not run after Cell 0: No module named 'not_there'" in reason


def test_any_other_exception_is_nbvals_to_report(soon):
    """After a plain exception the other cells of the notebook are run."""
    at, after = soon.cells["wrong"]
    assert "ZeroDivisionError" in at
    assert after == ""


def test_trouble_after_a_notebook_is_not_taken_for_its_own(soon):
    """What goes wrong when a notebook is done is reported as it is: its kernel has rightly gone."""
    assert "another plugin's own trouble" in soon.output
    assert "kernel" not in "".join(soon.cells["trips"])


def test_one_notebooks_trouble_is_not_the_nexts(soon):
    """A notebook after the broken ones is run as ever, and the closing line counts rightly."""
    assert soon.cells["works"] == ["", ""]
    assert soon.code == pytest.ExitCode.TESTS_FAILED
    assert " 5 failed, 6 passed, 6 skipped, 1 error in " in soon.output.splitlines()[-1]


@pytest.mark.parametrize("cell", ["dies.ipynb::Cell 1", "lacks.ipynb::Cell 0"])
def test_the_sentence_is_there_before_the_end(soon, cell):
    """Who watches the log need not wait for the other notebooks: it is printed when it happens."""
    assert f"{cell}: " in soon.output.partition("= FAILURES =")[0]


# A cell that hangs

# What waits for a message, and tells nobody.
HANGS = """
import zmq
pull = zmq.Context.instance().socket(zmq.PULL)
pull.bind("inproc://nobody")
pull.recv()
"""

# Deaf to the interrupt, while a thread prints: nbval alone would listen to it forever.
DEAF = """
import signal, threading
def talk(end=threading.Event()):
    while not end.wait(0.2):
        print("still here")
threading.Thread(target=talk, daemon=True).start()
signal.signal(signal.SIGINT, signal.SIG_IGN)
threading.Event().wait()
"""

# Takes an interrupt for an ordinary end.
CATCHES = """
try:
    while True:
        pass
except KeyboardInterrupt:
    pass
"""


def hang(folder: Path) -> Report:
    """Run cells that never end, for which nbval does not wait long."""
    write(folder / "catches.ipynb", CATCHES, "b = 1")
    write(folder / "deaf.ipynb", DEAF, "b = 1")
    write(folder / "hangs.ipynb", HANGS, "b = 1", "c = 1")
    return run_pytest(folder, THIS_PYTHON, f"--nbval-cell-timeout={SHORT_S}")


@pytest.fixture
def late(reports):
    """Pytest's report of cells that never end."""
    return reports["hang"].result()


def test_a_hung_cell_is_named_with_a_remedy(late):
    """A cell that waits for what never comes is interrupted, and the line where it stood shown."""
    at = late.cells["hangs"][0]
    assert f"The cell did not end within {SHORT_S} s and was interrupted" in at
    assert "poll(timeout)" in at
    assert "--nbval-cell-timeout=SECONDS" in at
    assert re.search(r"-> \d pull\.recv\(\)", at)


def test_what_comes_after_a_hung_cell_is_skipped(late):
    """The cells after it would wait as long, each: they say why they were not run."""
    for reason in late.cells["hangs"][1:]:
        assert "was not run after Cell 0: The cell did not end within" in reason
    assert late.code == pytest.ExitCode.TESTS_FAILED
    assert " 3 failed, 4 skipped in " in late.output.splitlines()[-1]


def test_a_cell_deaf_to_interrupts_is_ended_too(late):
    """Neither an ignored interrupt nor a thread that goes on printing makes pytest wait on."""
    at, after = late.cells["deaf"]
    assert "took no notice of an interrupt, so its kernel was killed" in at
    assert "was not run after Cell 0" in after


def test_a_cell_that_catches_the_interrupt_has_failed(late):
    """A cell that ends only because nbval interrupted it does not pass."""
    assert "The cell did not end within" in late.cells["catches"][0]


def test_the_projects_timeouts_leave_room_within_a_minute():
    """A cell that hangs, and a kernel that does not answer, are given up in time to be reported."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    given = options["tool"]["pytest"]["ini_options"]["addopts"]
    timeouts_s = [float(it.partition("=")[2]) for it in given if "-timeout=" in it]
    assert len(timeouts_s) == 2
    assert max(timeouts_s) <= LIMIT_S - 15  # to interrupt, to kill, to report


# A kernel that does not start

# In place of ipykernel's: one ends at once, one never says a word while its parent is there.
LAUNCHER = """
import os, sys, time
parent = os.getppid()
while os.path.basename(os.getcwd()) == "silent" and os.getppid() == parent:
    time.sleep(0.1)
"""


def start_not(folder: Path) -> Report:
    """Run notebooks whose kernels do not start."""
    (folder / "ipykernel_launcher.py").write_text(LAUNCHER, encoding="utf-8")
    for name in ("ends", "silent"):
        write(folder / name / f"{name}.ipynb", "a = 1", "b = 1")
    options = THIS_PYTHON, f"--nbval-kernel-startup-timeout={2 * SHORT_S}"
    return run_pytest(folder, *options, PYTHONPATH=str(folder))


def test_a_kernel_that_does_not_start_is_reported(reports):
    """A kernel that ends at its start, or says nothing, is reported once, with how to find out."""
    report = reports["start_not"].result()
    assert report.cells.keys() == {"ends", "silent"}
    for (at, after), how in zip(report.cells.values(), ("died", "didn't respond in"), strict=True):
        assert "The kernel did not start: Kernel " + how in at
        assert f"`{sys.executable} -m ipykernel_launcher` may show why" in at
        assert "was not run after Cell 0: The kernel did not start" in after
    assert "_manager.py" not in report.output  # the sentence, and no traceback through pytest
    assert " 2 skipped, 2 errors in " in report.output.splitlines()[-1]


def test_a_kernel_that_is_not_installed_is_reported(tmp_path):
    """Of a kernel of an unknown name it is said which option does without the name."""
    write(tmp_path / "unknown.ipynb", "a = 1", "b = 1")
    at, after = run_pytest(tmp_path, "--nbval-kernel-name=unheard-of").cells["unknown"]
    assert "The kernel did not start: No such kernel named unheard-of. With --nbval-current" in at
    assert "was not run after Cell 0: The kernel did not start" in after


# What pytest itself lacks

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
def test_what_pytest_lacks_is_named_with_how_to_install_it(module, path):
    """Run by a Python without what the tests need, pytest says what, for which Python, and how."""
    code, output = run([sys.executable, "-c", WITHOUT, module, path], ROOT)
    assert code == pytest.ExitCode.USAGE_ERROR
    assert f"No module named '{module}' for this Python. Install what" in output
    assert f'`{sys.executable} -m pip install -e ".[test]"`' in output


def test_ipykernel_missing_is_named():
    """Without ipykernel nbval cannot be loaded, and pytest says so."""
    code, output = run([sys.executable, "-c", WITHOUT, "ipykernel", "notebooks"], ROOT)
    assert code != pytest.ExitCode.OK
    assert "No module named 'ipykernel'" in output
