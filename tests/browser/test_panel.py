"""Texts, buttons, table and files: `panel.js`, also for those who cannot see the picture."""

import io
import json

from logs import BLOG, log, many
from pictures import running
from PIL import Image


def test_saving(blank):
    """The picture, the table and the trace are files that other programs can open."""
    blank.start(log(BLOG))
    assert Image.open(io.BytesIO(blank.download("PNG"))).width >= 800
    assert blank.download("CSV").decode().splitlines()[0].startswith("number,sender,send_start_ns")
    events = json.loads(blank.download("Trace"))["traceEvents"]
    assert sum(event["name"] == "handle" for event in events) == 3


def test_every_control_has_a_name(blank):
    """Buttons, the choice of a slowdown and the picture have names, and say what is on."""
    blank.start(log(BLOG))
    tree = blank.page.locator("#view").aria_snapshot()
    for name in (
        "Follow the newest messages", "Pause the picture", "Zoom out", "Zoom in", "Earlier",
        "Later", "Fit everything", "Log time", "Replay the window", "Step to the next event",
        "PNG", "CSV", "Trace",
    ):  # fmt: skip
        assert f'button "{name}' in tree
    assert 'combobox "Slow motion' in tree
    assert 'img "Timeline: your cell waited' in tree
    assert 'region "timeline of messages"' in tree
    unnamed = blank.page.evaluate(
        "() => [...document.querySelectorAll('button, select')]"
        ".filter((it) => !it.getAttribute('aria-label')).length"
    )
    assert unnamed == 0


def test_everything_can_be_reached_by_keyboard(blank):
    """Tab goes through all controls, the picture and the table, and shows where it is."""
    blank.start(log(BLOG))
    reached = set()
    for _ in range(25):
        blank.page.keyboard.press("Tab")
        reached.add(
            blank.page.evaluate(
                "document.activeElement.getAttribute('aria-label')"
                " ?? document.activeElement.tagName"
            )
        )
        outline = blank.page.evaluate(
            "document.activeElement.matches('#view *') ?"
            " getComputedStyle(document.activeElement).outlineStyle : 'solid'"
        )
        assert outline != "none"
    assert len(reached) >= 16
    assert "SUMMARY" in reached


def test_the_table_holds_the_messages_in_the_window(blank):
    """The table has a line for each message in view, and says of how many."""
    blank.start(many(500))
    blank.page.get_by_text("Table of messages").click()
    blank.settle()
    assert "200 of 500 messages in the window" in blank.text("table")
    assert blank.page.locator(".pp-table tbody tr").count() == 200
    assert blank.page.locator(".pp-table tbody tr").nth(3).inner_text().split("\t")[0] == "3"


def test_the_live_region_changes_at_most_once_a_second(blank):
    """A polite live region has the sum, but not every change of it."""
    blank.start(running())
    blank.page.evaluate(
        """() => { window.said = 0; new MutationObserver(() => { window.said += 1; })
          .observe(document.querySelector('.pp-live'), { childList: true }); }"""
    )
    timings = blank.stream.timings
    buffer = timings.add_sender("more")
    for i in range(15):
        buffer.start(b"%d" % i)
        buffer.end()
        blank.send(timings)
    assert blank.page.evaluate("window.said") <= 3
    assert blank.page.locator(".pp-live").get_attribute("aria-live") == "polite"
