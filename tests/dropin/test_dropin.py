"""`make dropin` finds what works with pyzmq's `Context` and not with the kit's."""

import io
import os
import tarfile
from pathlib import Path

import outcomes
import psutil
import pytest
import sdist
from outcomes import END, Outcome, compare, run
from sdist import extract


@pytest.fixture
def suite(tmp_path):
    """Write a file of tests into a folder like pyzmq's, and return its path."""

    def write(source: str) -> Path:
        (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        path = tmp_path / "tests" / "test_it.py"
        path.parent.mkdir()
        path.write_text(source, encoding="utf-8")
        return path

    return write


@pytest.fixture
def one_attempt(monkeypatch):
    """Run each file once, to save time."""
    monkeypatch.setattr(outcomes, "ATTEMPTS", 1)


def failing(found: dict[str, Outcome]) -> list[str]:
    """Return the names of what failed, without the file's."""
    return [name.partition("::")[2] for name, it in found.items() if it.kind == "failed"]


# Both contexts

IN_PLACE = """
import zmq, zmq.asyncio, zmq.devices.basedevice, zmq.eventloop.future, zmq.sugar.context

def test_in_place():
    from pushpull_kit import Context
    assert zmq.Context is zmq.sugar.Context is zmq.sugar.context.Context is Context
    assert type(zmq.Context.instance()) is zmq.devices.basedevice.Context is Context
    assert issubclass(zmq.asyncio.Context, Context)
    assert issubclass(zmq.eventloop.future.Context, Context)
    zmq.Context.instance().term()
"""


def test_the_kits_context_is_wherever_pyzmq_has_its_own(suite):
    """pyzmq's modules that are imported later use and extend the kit's `Context`."""
    file = suite(IN_PLACE)
    assert failing(run(file, "kit")) == []
    assert failing(run(file, "plain")) == ["test_in_place"]


SPAWNED = """
import multiprocessing

def check():
    import pushpull_kit, zmq
    assert zmq.Context is pushpull_kit.Context

def test_spawned():
    process = multiprocessing.get_context("spawn").Process(target=check)
    process.start()
    process.join()
    assert process.exitcode == 0
"""


def test_a_spawned_process_has_the_kits_context_too(suite):
    """A process that one of pyzmq's tests spawns has the `Context` of its parent."""
    file = suite(SPAWNED)
    assert failing(run(file, "kit")) == []
    assert failing(run(file, "plain")) == ["test_spawned"]


# Differences

PLAIN_ONLY = """
import zmq

def test_both():
    pass

def test_neither():
    assert False, "as expected"

def test_plain_only():
    assert zmq.Context.__module__ == "zmq.sugar.context"
"""


def test_what_passes_with_pyzmqs_context_alone_is_a_difference(suite, one_attempt):
    """A test that fails with both contexts is no difference; it is reported by itself."""
    result = compare(suite(PLAIN_ONLY))
    assert list(result.differences) == ["test_it.py::test_plain_only"]
    assert result.failed_with_both == ["test_it.py::test_neither"]
    assert result.counts == {"passed": 1, "failed": 1, "different": 1}


KIT_ONLY = """
import zmq

def test_kit_only():
    assert zmq.Context.__module__ == "pushpull_kit.sockets.context"
"""


def test_what_passes_with_the_kits_context_alone_is_no_difference(suite, one_attempt):
    """A test that failed once with pyzmq's `Context`, because of its timing, hides nothing."""
    result = compare(suite(KIT_ONLY))
    assert result.differences == {}
    assert result.counts == {"passed": 1}


SECOND_TIME = """
from pathlib import Path
import zmq

def test_second_time():
    if zmq.Context.__module__ == "zmq.sugar.context":
        return
    before = Path("before").exists()
    Path("before").touch()
    assert before
"""


def test_a_test_that_passes_at_the_second_run_is_no_difference(suite):
    """Tests that depend on timing get another chance."""
    assert compare(suite(SECOND_TIME)).differences == {}


def test_a_skipped_test_is_a_difference_if_it_passes_with_pyzmqs_context(suite, one_attempt):
    """A test that is skipped with the kit alone counts as a difference."""
    file = suite(
        "import pytest, zmq\n"
        "@pytest.mark.skipif(zmq.Context.__module__ != 'zmq.sugar.context', reason='no')\n"
        "def test_it(): pass\n"
    )
    assert compare(file).differences == {"test_it.py::test_it": "skipped: no"}


def test_a_file_that_cannot_be_imported_with_the_kit_is_a_difference(suite, one_attempt):
    """Each test of a file that ends at its import counts as a difference."""
    file = suite(
        "import zmq\n"
        "if zmq.Context.__module__ != 'zmq.sugar.context': raise ImportError('no')\n"
        "def test_it(): pass\n"
    )
    differences = compare(file).differences
    assert differences.pop(f"test_it.py::{END}").startswith("failed: exit code 2; see ")
    assert differences == {
        "test_it.py": "failed: ImportError: no",
        "test_it.py::test_it": "failed: did not run",
    }


# Ends of the process

CRASH = """
import os

def test_first():
    pass

def test_crash():
    os._exit(7)

def test_after():
    pass
"""


def test_a_crash_fails_the_test_that_was_running(suite):
    """After a crash, the results of the tests before it are kept."""
    found = run(suite(CRASH), "kit")
    assert found["test_it.py::test_first"] == Outcome("passed")
    assert found["test_it.py::test_crash"] == Outcome("failed", "did not end")
    assert failing(found) == ["test_crash", END]
    assert found[f"test_it.py::{END}"].reason.startswith("exit code 7; see ")


HANG = """
import subprocess, sys, threading

def test_hang():
    child = subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()"])
    with open("child", "w") as file:
        file.write(str(child.pid))
    threading.Event().wait()
"""


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no groups of processes")
def test_a_hang_fails_the_test_and_leaves_no_process(suite, monkeypatch):
    """A process that hangs is killed, and so is what its test has started."""
    monkeypatch.setattr(outcomes, "FILE_LIMIT_S", 15)
    file = suite(HANG)
    found = run(file, "plain")
    assert failing(found) == ["test_hang", END]
    assert found[f"test_it.py::{END}"].reason.startswith("hung for 15 s")
    child = int((file.parents[1] / "child").read_text(encoding="utf-8"))
    assert child not in [it.pid for it in psutil.process_iter() if it.status() != "zombie"]


# The source distribution


def test_only_the_tests_are_extracted(tmp_path):
    """The package itself and names that leave the folder are not extracted."""
    archive = tmp_path / "it.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        for name in ("pytest.ini", "tests/test_a.py", "zmq/__init__.py", "tests/../../b.py"):
            file.addfile(tarfile.TarInfo(f"pyzmq-1/{name}"), io.BytesIO())
    extract(archive, tmp_path / "new")
    files = [it.relative_to(tmp_path) for it in tmp_path.rglob("*") if it.is_file()]
    assert sorted(map(str, files)) == ["it.tar.gz", "new/pytest.ini", "new/tests/test_a.py"]


def test_a_distribution_that_cannot_be_had_is_no_failure(tmp_path, monkeypatch, capsys):
    """Without an index, the reason is printed and nothing is left behind."""
    monkeypatch.setattr(sdist, "ROOT", tmp_path)
    monkeypatch.setattr(sdist, "FOLDER", tmp_path / "build" / "it")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert sdist.main() == 0
    assert "cannot be had: pip download: " in capsys.readouterr().out
    assert list(sdist.FOLDER.parent.iterdir()) == []
