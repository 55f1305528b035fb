"""The proof: a person before JupyterLab, and what the kernel says of what they see."""

import re
import time
import urllib.request
from urllib.error import HTTPError

import pytest
from labs import PATIENCE_S, wait_for

SETUP = """
import time, threading, zmq
from pushpull_kit import Context, Experiment, Predict, Timeline, Worker, fresh_context
context = fresh_context()
"""

KERNEL = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
HEADLINE = "() => document.querySelector('.pp-headline')?.textContent ?? ''"
BADGE = "() => document.querySelector('.pp-badge')?.textContent ?? ''"


def button(lab, word):
    """The last button of ipywidgets' with that word on it."""
    return lab.page.locator("button.jupyter-button", has_text=re.compile(f"^{word}$")).last


def test_a_view_is_displayed_when_its_cell_has_ended(open_lab):
    """The picture and its sum are there soon after the cell, before any message."""
    lab = open_lab("shown.ipynb", SETUP, "Timeline(context)")
    lab.run_all()
    wait_for(lab, "0 pushed = 0 handled")
    assert lab.page.locator(".pp-canvas").bounding_box()["height"] > 100


def test_a_view_is_updated_while_its_cell_runs(open_lab):
    """While a cell runs, the picture is updated."""
    cell = """view = Timeline(context)
display(view)
buffer = context.timings.add_sender()
for i in range(2000):
    buffer.start(b"%d" % i); buffer.end()
    time.sleep(0.05)
"""
    lab = open_lab("busy.ipynb", SETUP, cell)
    lab.command("notebook:run-all-cells")
    count = "Number((({HEADLINE})().match(/([\\d,]+) pushed/) ?? [0, '0'])[1].replace(',', ''))"
    count = count.replace("{HEADLINE}", HEADLINE)
    lab.page.wait_for_function(f"{count} > 3")
    lab.page.wait_for_function(f"{count} > 20")
    lab.page.evaluate(f"() => {KERNEL}.interrupt()")
    deadline_s = time.monotonic() + PATIENCE_S
    while lab.ask("print('free again')") != "free again\n":  # what came too early is aborted
        assert time.monotonic() < deadline_s


def test_stop_ends_a_run_that_is_blocked_in_send(open_lab):
    """Stop is pressed while `send` waits for a peer that never comes; Run works again."""
    cell = """def alone(context, count=3):
    sender = context.socket(zmq.PUSH)
    sender.bind("inproc://nobody")
    for i in range(count):
        sender.send(b"x")
experiment = Experiment(alone)
experiment"""
    lab = open_lab("stop.ipynb", SETUP, cell)
    lab.run_all()
    run = button(lab, "Run")
    stop = button(lab, "Stop")
    for number in (1, 2):
        run.click()
        wait_for(lab, "1 blocked in send")
        stop.click()
        lab.page.get_by_text(f"run {number} stopped").wait_for()
    assert lab.ask("print([run.outcome for run in experiment.runs])") == "['stopped', 'stopped']\n"
    assert lab.ask("print(sum(t.name.startswith('run ') for t in threading.enumerate()))") == "0\n"


def test_a_guess_is_committed_and_revealed(open_lab):
    """A choice is committed; the measured value is shown beside it."""
    ask = "guess = Predict('How many?', ['one', '<b>two</b>'])\nguess"
    lab = open_lab("predict.ipynb", SETUP, ask)
    lab.run_all()
    lab.page.get_by_text("<b>two</b>", exact=True).click()
    button(lab, "Commit").click()
    lab.page.get_by_text("You said “<b>two</b>”.").first.wait_for()
    assert lab.ask("print(guess.guess)") == "<b>two</b>\n"
    lab.ask("guess.reveal('one', 'There was one.')")
    lab.page.get_by_text("Measured: one.").first.wait_for()


def test_reload_and_restart(open_lab):
    """After a reload the view asks for a snapshot; after a restart it says it is disconnected."""
    cells = (
        "view = Timeline(context)\nview",
        "buffer = context.timings.add_sender('<i>me</i>')\n"
        "for i in range(7000):\n    buffer.start(b'%d' % i); buffer.end()",
    )
    lab = open_lab("reload.ipynb", SETUP, *cells)
    lab.run_all()
    wait_for(lab, "7,000 pushed")
    lab.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    lab.open("reload.ipynb")
    wait_for(lab, "7,000 pushed")
    lab.page.wait_for_function(f"({BADGE})() === ''")  # all of it has come
    lab.page.evaluate(f"() => {KERNEL}.restart()")
    wait_for(lab, "disconnected", "badge")
    assert "7,000 pushed" in lab.page.evaluate(HEADLINE)


def test_a_killed_kernel_is_noticed(open_lab):
    """A badge says within seconds that a kernel was killed."""
    lab = open_lab("killed.ipynb", SETUP, "view = Timeline(context)\nview")
    lab.run_all()
    wait_for(lab, "0 pushed")
    killed = time.monotonic()
    suicide = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    lab.page.evaluate(f"(code) => {{ {KERNEL}.requestExecute({{ code }}); }}", suicide)
    wait_for(lab, "disconnected", "badge")
    assert time.monotonic() - killed < 30


def test_the_cell_is_run_again(open_lab):
    """Running the cell of a view thirty times leaves one view and one thread."""
    lab = open_lab("again.ipynb", SETUP, "view = Timeline(context)\nview")
    lab.run_all()
    for _ in range(30):
        lab.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell')")
    wait_for(lab, "0 pushed")
    count = "print(sum(t.name == 'timeline' for t in threading.enumerate()))"
    assert lab.ask(count) == "1\n"
    assert lab.page.locator(".pp-timeline").count() == 1


def test_a_notebook_without_a_kernel(open_lab, server):
    """Reopened without a kernel, the static picture and the texts are there."""
    lab = open_lab("01_push_without_waiting.ipynb")
    lab.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    phrases = ["Timeline: a live view of the messages", "3 pushed = 3 handled"]
    deadline_s = time.monotonic() + PATIENCE_S
    text = ""
    # JupyterLab renders a cell some time after it has come into sight.
    while not all(phrase in text for phrase in phrases) and time.monotonic() < deadline_s:
        for cell in lab.page.locator(".jp-Cell").all():
            cell.scroll_into_view_if_needed()
            text += cell.inner_text()
    lab.page.locator(".jp-OutputArea img").first.wait_for()
    assert [phrase for phrase in phrases if phrase not in text] == []
    assert "model not found" not in text.lower()


@pytest.mark.parametrize("theme", ["JupyterLab Dark"])
def test_the_themes_of_jupyterlab(open_lab, theme):
    """The picture takes the colors of JupyterLab's theme, and follows a change of it."""
    lab = open_lab("theme.ipynb", SETUP, "Timeline(context)")
    lab.run_all()
    wait_for(lab, "0 pushed")
    paper = "getComputedStyle(document.querySelector('.pp-timeline')).backgroundColor"
    light = lab.page.evaluate(paper)
    lab.page.evaluate(
        "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
    )
    lab.page.wait_for_function(f"(light) => {paper} !== light", arg=light)
    pixel = """() => { const { data } = document.querySelector('.pp-canvas').getContext('2d')
      .getImageData(2, 2, 1, 1); return `rgb(${data[0]}, ${data[1]}, ${data[2]})`; }"""
    lab.page.wait_for_function(f"() => ({pixel})() === {paper}")


def test_the_server_refuses_who_has_no_token(server):
    """Another user of the machine cannot run code as the user of the tests."""
    with pytest.raises(HTTPError, match="403") as caught:
        urllib.request.urlopen(f"{server.url}/api/kernels", data=b"{}")
    caught.value.close()
