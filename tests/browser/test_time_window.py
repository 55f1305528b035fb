"""Which window of time is shown: `time_window.js`, by the buttons of a view."""

import pytest
from logs import BLOG, MS, log
from pictures import BLUE, colors


def test_zoom_pan_and_fit(blank):
    """Zooming in halves the window, panning moves it, Fit shows everything again."""
    blank.start(log(BLOG))
    whole = blank.window()
    blank.press("Zoom in")
    half = blank.window()
    assert half["end"] - half["start"] == pytest.approx((whole["end"] - whole["start"]) / 2)
    blank.press("Later")
    later = blank.window()
    assert later["start"] > half["start"]
    assert later["end"] - later["start"] == pytest.approx(half["end"] - half["start"])
    blank.press("Earlier")
    assert blank.window()["start"] == pytest.approx(half["start"])
    blank.press("Zoom out")
    assert blank.window() == pytest.approx(whole)
    blank.press("Zoom in")
    blank.press("Fit everything")
    assert blank.window() == pytest.approx(whole)


def test_views_on_one_scale(blank):
    """A view that is to show ten seconds shows them, however short its messages were."""
    blank.start(log(BLOG), min_span_s=10)
    shown = blank.window()
    assert shown["end"] - shown["start"] == pytest.approx(10.1e9)


def test_log_time_is_a_switch(blank):
    """Logarithmic time shows microseconds, and the switch says that it is on."""
    blank.start(log(BLOG))
    button = blank.page.get_by_role("button", name="Log time")
    assert button.get_attribute("aria-pressed") == "false"
    before = colors(blank).get(BLUE, 0)
    blank.press("Log time")
    assert button.get_attribute("aria-pressed") == "true"
    assert colors(blank)[BLUE] > 10 * before  # 100 µs of sending are a wide bar now
    blank.press("Log time")
    assert colors(blank).get(BLUE, 0) == before


def test_following_keeps_the_newest_in_the_window(blank):
    """After a zoom the window does not move; Follow moves it with new messages."""
    timings = log(BLOG)
    blank.start(timings)
    blank.press("Zoom in")
    shown = blank.window()
    sender, worker = timings.add_sender("late"), timings.add_worker("late worker")
    late_ns = int(timings.rows()["done_ns"].max()) + 60_000 * MS
    for buffer in (sender, worker):
        buffer.start(b"late", late_ns)
        buffer.end(at_ns=late_ns + MS)
    blank.send(timings)
    assert blank.window() == pytest.approx(shown)
    blank.press("Follow")
    assert blank.window()["end"] > shown["end"] + 50_000 * MS
    assert blank.window()["end"] - blank.window()["start"] == pytest.approx(
        shown["end"] - shown["start"]
    )
