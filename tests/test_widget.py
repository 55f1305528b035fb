"""The widget in the kernel: its thread, its end, and messages from a page."""

import gc
import json
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest
import zmq
from logs import BLOG, log
from test_in_jupyter import Kernel

import pushpull_kit.views.timeline.widget
from pushpull_kit import Timeline, Timings, Worker
from pushpull_kit.views.timeline import widget
from pushpull_kit.views.timeline.widget import PARTS, one_module

FOLDER = Path(pushpull_kit.__file__).parent / "views" / "timeline" / "js"
TIMEOUT_S = 20


def wait_until(condition):
    deadline_s = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "timeline"]


@pytest.fixture
def timeline(context):
    view = Timeline(context)
    yield view
    view.close()


# What it is given


@pytest.mark.parametrize("source", [None, 7, "context", object(), [Timings()]])
def test_something_without_timings_is_refused(source):
    """The error says what was expected, what was given, and what to do."""
    with pytest.raises(TypeError, match=r"expected Timings.*got .*; pass the context"):
        Timeline(source)
    gc.collect()


def test_a_log_without_a_context():
    """`Timings` without a context can be shown as well."""
    view = Timeline(log(BLOG))
    assert len(view.stream.timings) == 3
    view.close()


def test_its_repr_has_no_live_value(context, timeline):
    """The text that strict nbval compares is the same before and after messages."""
    before = repr(timeline)
    with Worker(lambda text: None, bind="inproc://jobs", context=context) as worker:
        push = context.socket(zmq.PUSH)
        push.connect("inproc://jobs")
        push.send_string("x")
        worker.wait(1)
        push.close()
    assert repr(timeline) == before
    assert timeline._repr_mimebundle_()[0]["text/plain"] == before


def test_its_picture_is_the_static_figure(timeline):
    """`picture()` draws the same messages, with the same mark."""
    marked = Timeline(log(BLOG), high_water_mark=2)
    texts = [text.get_text() for axes in marked.picture().axes for text in axes.texts]
    marked.close()
    assert "high-water mark 2" in texts


# Its thread


def test_a_view_has_one_thread(timeline):
    """One thread sends."""
    assert len(threads()) == 1


def test_close_ends_the_thread(timeline):
    """After `close()` no thread is left; again, it does nothing."""
    timeline.close()
    assert threads() == []
    timeline.close()


def test_the_end_of_the_context_ends_the_thread(context, timeline):
    """When the context is closed, the rest is sent, and the thread ends by itself."""
    context.retire(3)
    wait_until(lambda: not threads())


def test_a_page_can_subscribe_after_the_context_was_closed(context, timeline):
    """A page that subscribes after the end gets a snapshot."""
    context.retire(3)
    wait_until(lambda: not threads())
    before = timeline.stream.sequence
    timeline.receive({"kind": "subscribe"})
    wait_until(lambda: timeline.stream.sequence > before and not threads())


def test_a_closed_view_does_not_start_again(timeline):
    """A message to a closed view starts no thread."""
    timeline.close()
    timeline.receive({"kind": "subscribe"})
    assert threads() == []


# A log that cannot be read


class Broken(Timings):
    """A log that raises when it is read, until it is mended."""

    error = RuntimeError("no memory")

    def delta(self, *args, **options):
        if self.error:
            raise self.error
        return super().delta(*args, **options)


@pytest.fixture
def broken(monkeypatch):
    """A view of a log that cannot be read, with what it has sent, and without long pauses."""
    monkeypatch.setattr(widget, "RETRY_S", 0.01)
    sent = []
    monkeypatch.setattr(Timeline, "send", lambda self, content, buffers=None: sent.append(content))
    view = Timeline(Broken())
    view.sent = sent
    yield view
    view.close()


def test_an_error_is_sent_to_the_page(broken):
    """The page gets the type and the text of the error."""
    wait_until(lambda: broken.sent)
    assert broken.sent[0] == {"kind": "error", "text": "RuntimeError: no memory"}


def test_the_thread_survives_an_error(broken):
    """When the log can be read again, the page gets a snapshot."""
    broken.receive({"kind": "subscribe"})
    n_sent = len(broken.sent)
    wait_until(lambda: len(broken.sent) > n_sent + 1)
    broken.stream.timings.error = None
    wait_until(lambda: broken.sent[-1]["kind"] == "batch")
    first = next(content for content in broken.sent if content["kind"] == "batch")
    assert first["snapshot"]
    assert len(threads()) == 1


def test_an_error_of_a_closed_context_ends_the_thread(broken):
    """The log of a context that is closed is not read again and again."""
    wait_until(lambda: broken.sent)
    broken.stream.timings.closed = True
    wait_until(lambda: not threads())


@pytest.mark.parametrize("name", [5, b"push", ("a", 1)])
def test_any_name_of_a_lane_is_shown(name):
    """A name that is not a string is shown as its text, and ends no thread."""
    timings = log(BLOG)
    timings.add_sender(name)
    view = Timeline(timings)
    wait_until(lambda: view.stream.sequence)
    assert len(threads()) == 1
    view.close()


# Messages from a page


@pytest.mark.parametrize(
    "content",
    [None, 7, "subscribe", [], {}, {"kind": 3}, {"kind": ["subscribe"]}, {"kind": "acknowledge"},
     {"kind": "acknowledge", "sequence": "1"}, {"kind": "acknowledge", "sequence": 1e99},
     {"kind": "acknowledge", "sequence": True}],
)  # fmt: skip
def test_an_unknown_message_from_a_page_is_ignored(timeline, content):
    """A message that is not part of the protocol raises nothing and stops nothing."""
    timeline.receive(content)
    assert len(threads()) == 1


def test_an_acknowledgment_is_processed(timeline):
    """An acknowledgment from a page reaches the stream."""
    wait_until(lambda: timeline.stream.sequence >= 1)
    timeline.receive({"kind": "acknowledge", "sequence": 1})
    assert timeline.stream.acknowledged == 1


# What it sends to the page, in a real kernel


@pytest.fixture(scope="module")
def kernel():
    kernel = Kernel()
    kernel.run(
        "import pushpull_kit.views.timeline.widget, threading, zmq\nfrom pushpull_kit import *"
    )
    yield kernel
    kernel.close()


COUNT = "print(sum(t.name == 'timeline' for t in threading.enumerate()))"


def rerun(kernel, code, times):
    """Run a cell so often, as JupyterLab does: each run names the same cell."""
    for _ in range(times):
        message = kernel.client.session.msg(
            "execute_request",
            {"code": code, "silent": False, "store_history": True, "user_expressions": {},
             "allow_stdin": False, "stop_on_error": True},
            metadata={"cellId": "the-cell"},
        )  # fmt: skip
        kernel.client.shell_channel.send(message)
        assert kernel.finish(message["header"]["msg_id"]) is None


def test_a_hundred_runs_of_the_cell_leave_one_thread(kernel):
    """Running the cell of a view again ends the thread of the run before."""
    kernel.run("context = fresh_context()")
    rerun(kernel, "view = Timeline(context)\nview", 100)
    assert kernel.run(COUNT)[1] == "1\n"
    rerun(kernel, "first, second = Timeline(context), Timeline(context)", 1)
    assert kernel.run(COUNT)[1] == "2\n"  # one cell may show two
    kernel.run("fresh_context(); import time; time.sleep(0.3)")
    assert kernel.run(COUNT)[1] == "0\n"


def test_what_is_on_the_wire(kernel):
    """The kernel opens a comm, and sends batches with one block of bytes each."""
    cell = kernel.start(
        "context = fresh_context(); view = Timeline(context)\n"
        "buffer = context.timings.add_sender(); buffer.start(b'x'); buffer.end()\n"
        "import time; deadline = time.monotonic() + 20\n"
        "while view.stream.sequence < 3 and time.monotonic() < deadline: time.sleep(0.01)\n"
        "view.close()"
    )
    batches = []
    while True:
        message = kernel.client.get_iopub_msg(timeout=TIMEOUT_S)
        content = message["content"]
        if message["msg_type"] == "comm_msg" and content["data"].get("method") == "custom":
            batches.append((content["data"]["content"], message["buffers"]))
        if message["parent_header"].get("msg_id") == cell and (
            content.get("execution_state") == "idle"
        ):
            break
    assert batches
    header, buffers = batches[-1]
    assert header["kind"] == "batch"
    assert "1 pushed = 0 handled" in header["headline"]
    assert len(buffers) == 1


# What is sent to the page once: its program


def test_the_parts_make_one_module():
    """Joined, the parts import nothing and export one thing."""
    text = one_module()
    assert "import {" not in text
    assert text.count("\nexport ") == 1
    assert "\nexport default " in text


def test_the_program_is_small():
    """It is sent whenever a view is shown, so it has less than a hundred thousand characters."""
    assert len(one_module()) < 100_000


def test_every_part_is_in_the_module():
    """All scripts are in the module, each after those that it imports."""
    assert {path.name for path in FOLDER.glob("*.js")} == set(PARTS)
    for number, part in enumerate(PARTS):
        text = (FOLDER / part).read_text("utf-8")
        for other in PARTS[number:]:
            assert f'from "./{other}"' not in text


def test_the_program_requests_nothing():
    """No script has the address of a host, or a call that requests something."""
    for path in FOLDER.parent.rglob("*"):
        if path.suffix in (".js", ".css"):
            text = path.read_text("utf-8")
            assert not any(word in text for word in ("http:", "https:", "fetch(", "@import"))


def test_the_types_of_the_scripts_are_checked():
    """The lint checks all scripts, strictly."""
    config = json.loads((FOLDER.parents[3] / "tsconfig.json").read_text("utf-8"))
    assert config["compilerOptions"]["strict"] is True
    assert config["compilerOptions"]["checkJs"] is True
    assert config["include"] == ["pushpull_kit/views/timeline/js/*.js"]


@pytest.mark.skipif(not shutil.which("node"), reason="only where there is a Node.js anyway")
def test_names_are_unique_over_all_scripts(tmp_path):
    """In the joined module no script redefines a name of another."""
    path = tmp_path / "view.mjs"
    path.write_text(one_module(), "utf-8")
    done = subprocess.run(["node", "--check", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
