"""Texts, buttons, table and files: `panel.js`, also for those who cannot see the picture."""

import io
import json

from logs import BLOG, log, many, received
from pictures import running
from PIL import Image

from pushpull_kit.spec import RECEIVED_LABEL


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


def test_the_service_time_of_a_bare_pull_is_not_timed(blank):
    """The figures of a message and the table say so, rather than show a number."""
    blank.start(received([(0, 1, 2000), (0, 1, 4000)]))
    blank.keys("ArrowRight")
    assert "service time: not timed" in blank.text("info")
    assert "waited 2.00 s" in blank.text("info")
    blank.page.get_by_text("Table of messages").click()
    blank.settle()
    cells = blank.page.locator(".pp-table tbody tr").first.inner_text().split("\t")
    assert "not timed" in cells


def test_the_table_leaves_out_receipts_before_the_window(blank):
    """A message that was received before the window has no line in the table."""
    blank.start(received([(0, 1, 2), (5000, 5001, 5002)]))
    blank.page.get_by_text("Table of messages").click()
    blank.keys("End", *["+"] * 6)
    blank.page.wait_for_function(
        "() => document.querySelector('.pp-table').innerText.includes('1 of 1 messages')"
    )


def test_the_legend_explains_receipts_if_there_are_any(blank):
    """The legend has an entry for receipts only while the log has one whose work is not timed."""
    blank.start(log(BLOG))
    entry = blank.page.get_by_text(RECEIVED_LABEL)
    assert not entry.is_visible()
    blank.send(received([(0, 1, 2)]))
    assert entry.is_visible()
    blank.send(log([(0, 1, 2, 3)]))  # the work on this message was timed after all
    assert not entry.is_visible()
