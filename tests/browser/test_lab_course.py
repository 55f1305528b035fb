"""The notebooks of the course in a real JupyterLab, from Run All to the first exercise."""

import json
import re
from inspect import getsource

import pytest
from labs import wait_for

from pushpull_kit.exercises import (
    bind_or_connect,
    meet_backpressure,
    push_without_waiting,
    share_work_among_workers,
)

#: Keep all headlines that are shown.
WATCH = """() => {
  window.seen = [];
  new MutationObserver(() => {
    const text = document.querySelector('.pp-headline')?.textContent ?? '';
    if (text.includes(' pushed') && text !== window.seen.at(-1)) window.seen.push(text);
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


def button(lab, word):
    """The last button of ipywidgets' with that word on it."""
    return lab.page.locator("button.jupyter-button", has_text=re.compile(f"^{word}$")).last


def test_run_all_of_the_first_notebook(open_lab):
    """After Run All, the live view is visible and ends with the sum of the kernel."""
    lab = open_lab("01_push_without_waiting.ipynb")
    lab.page.evaluate(WATCH)
    lab.command("notebook:run-all-cells")
    view = lab.page.locator(".pp-timeline").first
    view.wait_for()
    wait_for(lab, "3 pushed")
    lab.page.wait_for_timeout(1000)  # for the scrolling, which takes no word back
    assert 0 <= view.bounding_box()["y"] < 1000  # it has come into sight
    wait_for(lab, "3 pushed = 3 handled + 0 failed + 0 in the handler + 0 in flight")
    seen = lab.page.evaluate("window.seen")
    for numbers in (re.findall(r"\d+", text.split(" · ")[2]) for text in seen):
        assert int(numbers[0]) == sum(map(int, numbers[1:]))
    assert any("1 in the handler" in text for text in seen)
    lab.wait_until_done()
    assert lab.errors() == []
    assert "6 pushed = 5 handled + 1 failed" in lab.ask("print(context.timings.summary())")

    # The view that was scrolled away is drawn when it is seen again, and says the same.
    view.scroll_into_view_if_needed()
    wait_for(lab, "6 pushed = 5 handled + 1 failed + 0 in the handler + 0 in flight")

    # Press Run in the experiment, change a slider, run again: the two runs are compared.
    run = button(lab, "Run")
    run.scroll_into_view_if_needed()
    done = int(lab.ask("print(max((run.number for run in experiment.runs), default=0))"))
    run.click()
    lab.page.wait_for_function(
        "(text) => document.body.textContent.includes(text)", arg=f"run {done + 1} finished"
    )
    lab.page.locator(".widget-slider .noUi-handle").last.focus()
    for _ in range(3):
        lab.page.keyboard.press("ArrowLeft")
    run.click()
    lab.page.wait_for_function(
        "(text) => document.body.textContent.includes(text)", arg=f"run {done + 2} finished"
    )
    lab.page.get_by_text(f"run {done + 1} → run {done + 2}:").wait_for()
    ask = "import json; print(json.dumps([run.values for run in experiment.runs][-2:]))"
    first, second = json.loads(lab.ask(ask))
    assert first["work_s"] > second["work_s"]

    type_over(lab, *SOLUTIONS["01_push_without_waiting"])
    lab.page.locator(".jp-OutputArea strong", has_text=re.compile("^Correct")).wait_for()


#: Of each notebook: a piece of its first stub, and what a learner might type over it.
SOLUTIONS = {
    "01_push_without_waiting": ("def push_all(", getsource(push_without_waiting.push_all)),
    "02_bind_or_connect": ("answer = {", f"answer = {bind_or_connect.SOCKETS}"),
    "03_meet_backpressure": ("def push_what_fits(", getsource(meet_backpressure.push_what_fits)),
    "04_find_where_messages_wait": (
        "fits = None",
        "fits, opens_after, one_side = 50, 25, 'no limit'",
    ),
    "05_share_work_among_workers": (
        "def connect_all(",
        getsource(share_work_among_workers.connect_all),
    ),
    "06_start_together": ("shares = {", "shares = {'anna': 50, 'ben': 20, 'chris': 10}"),
}


def type_over(lab, piece, code):
    """Type code over the cell that holds a piece of text, and run it and the next code cell."""
    place = lab.page.evaluate(
        """(piece) => {
          const { content } = window.jupyterapp.shell.currentWidget;
          const cells = content.widgets.map((it) => it.model);
          const place = cells.findIndex((it) => it.type === 'code' &&
            it.sharedModel.getSource().includes(piece));
          content.activeCellIndex = place;
          content.mode = 'edit';
          return place;
        }""",
        piece,
    )
    editor = lab.page.locator(".jp-Notebook .jp-Cell").nth(place).locator(".cm-content")
    editor.scroll_into_view_if_needed()
    editor.click()
    lab.page.keyboard.press("Control+a")
    lab.page.keyboard.insert_text(code)
    for _ in range(3):  # between the stub and its check there may be some words
        lab.page.keyboard.press("Shift+Enter")


@pytest.mark.parametrize("name", list(SOLUTIONS)[1:])  # the first is above
def test_a_notebook_from_run_all_to_its_first_exercise(open_lab, name):
    """All cells run without an error, widgets are drawn, and an answer that is typed is correct."""
    lab = open_lab(f"{name}.ipynb")
    lab.run_all()
    assert lab.errors() == []
    for widget in (".pp-canvas", ".widget-radio-box", "button.mod-primary"):
        lab.page.locator(widget).first.scroll_into_view_if_needed()
        lab.page.locator(widget).first.wait_for()
    type_over(lab, *SOLUTIONS[name])
    lab.page.locator(".jp-OutputArea strong", has_text=re.compile("^Correct")).wait_for()
    assert lab.errors() == []
