"""The leak guard of conftest.py fails a test that leaves something open, and only that test."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from xml.etree import ElementTree

import pytest

# Tests that leak, and tests that do not

LEAKY_TESTS = """
    import os, socket, threading
    import pytest, zmq
    from pushpull_kit import Context, Worker, fresh_context

    kept = []


    def test_thread():
        threading.Thread(target=threading.Event().wait, name="forgotten", daemon=True).start()


    def test_socket():
        kept.append(zmq.Context())
        kept.append(kept[-1].socket(zmq.PUSH))


    def test_bare_socket(raw_context):
        # Made without Context.socket(), so its context does not track it.
        kept.append(context := zmq.Context())
        kept.append(zmq.Socket(context, zmq.PAIR))


    def test_context():
        kept.append(Context())


    def test_descriptor():
        kept.append(os.open(os.devnull, os.O_RDONLY))


    def test_python_socket():
        kept.append(socket.socket())


    def test_replaced_descriptor(borrowed):
        os.close(borrowed.pop())
        kept.append(socket.socket())


    @pytest.fixture(scope="module")
    def borrowed():
        return [os.open(os.devnull, os.O_RDONLY)]


    def test_clean(context, raw_context):
        worker = Worker(print, bind="tcp://127.0.0.1:*", context=context).start()
        push = context.socket(zmq.PUSH)
        push.connect(worker.endpoint)
        push.send(b"a" * 100_000, copy=False)
        raw = raw_context.socket(zmq.PUSH)
        raw.connect("tcp://127.0.0.1:9")
        raw.send(b"to nobody")


    def test_fresh_context():
        context = fresh_context()
        Worker(print, bind="tcp://127.0.0.1:*", context=context).start()
        kept.append(context.socket(zmq.PUSH))


    def test_after_all():
        pass
"""


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Pytest's report of each of `LEAKY_TESTS` under a copy of conftest.py: "" if it passed."""
    folder = tmp_path_factory.mktemp("leaky")
    guard = Path(__file__).with_name("conftest.py").read_text(encoding="utf-8")
    impatient = re.sub(r"^GRACE_S = .*", "GRACE_S = 0.2", guard, flags=re.MULTILINE)
    (folder / "conftest.py").write_text(impatient, encoding="utf-8")
    shutil.copy(Path(__file__).with_name("pairs.py"), folder)
    (folder / "test_leaky.py").write_text(textwrap.dedent(LEAKY_TESTS), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--junitxml=verdicts.xml"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    cases = ElementTree.parse(folder / "verdicts.xml").iter("testcase")
    return {case.get("name"): "".join(case.itertext()).strip() for case in cases}


def kinds(verdict):
    """The kinds of resources that a report names as leaked."""
    pattern = r"thread|zmq\.Socket|zmq\.Context|context\.Context|descriptor"
    return set(re.findall(pattern, verdict.partition("left behind:")[2]))


needs_descriptors = pytest.mark.skipif(
    not os.path.isdir("/dev/fd"), reason="this system does not list a process's descriptors"
)


def test_a_leaked_thread_fails_its_test(verdicts):
    """A test that leaves a thread running fails, and the report names the thread."""
    assert kinds(verdicts["test_thread"]) == {"thread"}
    assert "'forgotten'" in verdicts["test_thread"]


@pytest.mark.parametrize("name", ["test_socket", "test_bare_socket"])
def test_a_leaked_zmq_socket_fails_its_test(verdicts, name):
    """A test that leaves a ZeroMQ socket open fails, however it made the socket."""
    assert kinds(verdicts[name]) - {"descriptor"} == {"zmq.Socket", "zmq.Context"}


def test_a_leaked_context_fails_its_test(verdicts):
    """A test that leaves a context open fails."""
    assert kinds(verdicts["test_context"]) - {"descriptor"} == {"context.Context"}


@needs_descriptors
@pytest.mark.parametrize("name", ["test_descriptor", "test_python_socket"])
def test_a_leaked_descriptor_fails_its_test(verdicts, name):
    """A test that leaves a file or an operating system's socket open fails."""
    assert kinds(verdicts[name]) == {"descriptor"}


@needs_descriptors
def test_a_descriptor_that_reuses_a_number_is_found(verdicts):
    """The guard finds a new descriptor even if it has the number of a closed one."""
    assert kinds(verdicts["test_replaced_descriptor"]) == {"descriptor"}


@pytest.mark.parametrize("name", ["test_clean", "test_fresh_context"])
def test_fixtures_close_what_was_made_in_them(verdicts, name):
    """A test may leave open what it made in the fixtures' contexts and in `fresh_context`."""
    assert verdicts[name] == ""


def test_a_leak_is_reported_once(verdicts):
    """What one test leaks does not fail the tests after it."""
    assert verdicts["test_after_all"] == ""
