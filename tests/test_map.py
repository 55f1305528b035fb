"""The house stands as its map says: names, imports, and nothing left behind by a test."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from xml.etree import ElementTree

import pytest

import pushpull_kit

PACKAGE = Path(pushpull_kit.__file__).parent


def run(code, **kwargs):
    """Run Python in a process of its own that finds this package."""
    path = os.pathsep.join(filter(None, [str(PACKAGE.parent), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, *code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        **kwargs,
    )


# Names


def test_the_public_names():
    """`pushpull_kit` offers these names, and `__all__` says so."""
    assert pushpull_kit.__all__ == [
        "Context",
        "EndpointError",
        "Experiment",
        "Message",
        "Picture",
        "Predict",
        "PushPullError",
        "Summary",
        "Timeline",
        "Timings",
        "Worker",
        "WorkerStoppedError",
        "WorkerStuckError",
        "WrongThreadError",
        "draw",
        "fresh_context",
    ]


@pytest.mark.parametrize("name", pushpull_kit.__all__)
def test_a_public_name_has_a_docstring(name):
    """Each public name is there, and says what it is."""
    assert getattr(pushpull_kit, name).__doc__


def test_a_name_that_is_not_public_is_an_attribute_error():
    """Pictures are imported when they are asked for; any other name is missing as usual."""
    with pytest.raises(AttributeError, match="'pushpull_kit' has no attribute 'Timeline2'"):
        pushpull_kit.Timeline2  # noqa: B018


# Imports


@pytest.mark.parametrize("library", ["matplotlib", "pandas", "IPython", "ipykernel", "ipywidgets"])
def test_importing_the_package_is_light(loaded, library):
    """`import pushpull_kit` alone imports none of the large libraries."""
    assert library not in loaded


@pytest.fixture(scope="module")
def loaded():
    """The modules that a fresh interpreter has after `import pushpull_kit`."""
    done = run(["-c", "import sys, pushpull_kit; print(*sys.modules)"])
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


# Nothing left behind: the rule of conftest.py, kept and broken

RULE_TESTS = """
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
        # One that its context does not know: there is no Context.socket() in it.
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
    """What pytest says of each of `RULE_TESTS` under this folder's conftest.py: "" if it passed."""
    folder = tmp_path_factory.mktemp("rule")
    rule = Path(__file__).with_name("conftest.py").read_text(encoding="utf-8")
    hasty = re.sub(r"^GRACE_S = .*", "GRACE_S = 0.2", rule, flags=re.MULTILINE)
    (folder / "conftest.py").write_text(hasty, encoding="utf-8")
    (folder / "test_rule.py").write_text(textwrap.dedent(RULE_TESTS), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    done = run(["-m", "pytest", "-q", "--junitxml=verdicts.xml"], cwd=folder)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    cases = ElementTree.parse(folder / "verdicts.xml").iter("testcase")
    return {case.get("name"): "".join(case.itertext()).strip() for case in cases}


def said(verdict):
    """The kinds of things that a verdict says were left behind."""
    kinds = r"thread|zmq\.Socket|zmq\.Context|context\.Context|descriptor"
    return set(re.findall(kinds, verdict.partition("left behind:")[2]))


needs_descriptors = pytest.mark.skipif(
    not os.path.isdir("/dev/fd"), reason="descriptors cannot be listed here"
)


def test_a_thread_left_behind_fails_its_test(verdicts):
    """A test that leaves a thread running fails, and the thread is named."""
    assert said(verdicts["test_thread"]) == {"thread"}
    assert "'forgotten'" in verdicts["test_thread"]


@pytest.mark.parametrize("name", ["test_socket", "test_bare_socket"])
def test_a_zmq_socket_left_behind_fails_its_test(verdicts, name):
    """A test that leaves a ZeroMQ socket open fails, however the socket was made."""
    assert said(verdicts[name]) - {"descriptor"} == {"zmq.Socket", "zmq.Context"}


def test_a_context_left_behind_fails_its_test(verdicts):
    """A test that leaves a context open fails."""
    assert said(verdicts["test_context"]) - {"descriptor"} == {"context.Context"}


@needs_descriptors
@pytest.mark.parametrize("name", ["test_descriptor", "test_python_socket"])
def test_a_descriptor_left_behind_fails_its_test(verdicts, name):
    """A test that leaves a file or a socket of the system open fails."""
    assert said(verdicts[name]) == {"descriptor"}


@needs_descriptors
def test_a_descriptor_does_not_hide_behind_a_closed_one(verdicts):
    """A descriptor that has taken the number of one that was closed is noticed."""
    assert said(verdicts["test_replaced_descriptor"]) == {"descriptor"}


@pytest.mark.parametrize("name", ["test_clean", "test_fresh_context"])
def test_fixtures_close_what_was_made_in_them(verdicts, name):
    """Sockets and workers of the fixtures' contexts, and of `fresh_context`, may be left open."""
    assert verdicts[name] == ""


def test_one_tests_leak_is_not_the_nexts(verdicts):
    """What a test left behind is held against that test only."""
    assert verdicts["test_after_all"] == ""
