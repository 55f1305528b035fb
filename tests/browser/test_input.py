"""Keys and the pointer on the picture: `input.js`, and what `view.js` does for them."""

import pytest
from logs import BLOG, MS, log
from pictures import GREEN, colors


def test_the_arrow_keys_go_from_message_to_message(blank):
    """Arrow keys show the figures of the next and the previous message; Escape ends it."""
    blank.start(log(BLOG))
    blank.keys("ArrowRight", "ArrowRight")
    assert "message 1 of sender, 1 byte" in blank.text("info")
    assert "send() took 100 µs · waited 2.00 s · handling took 2.00 s" in blank.text("info")
    blank.keys("ArrowLeft")
    assert "message 0" in blank.text("info")
    blank.keys("End")
    assert "message 2" in blank.text("info")
    blank.keys("Home", "ArrowLeft", "ArrowLeft")
    assert "message 0" in blank.text("info")
    blank.keys("Escape")
    assert "Point at a bar" in blank.text("info")


def test_pointing_at_a_bar_shows_its_message(blank):
    """The message under the pointer is highlighted; a click keeps it highlighted."""
    blank.start(log(BLOG))
    box = blank.page.locator(".pp-canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + 4 + 36 + 54 + 18
    blank.page.mouse.move(x, y)
    blank.settle()
    assert "message 1" in blank.text("info")
    blank.page.mouse.click(x, y)
    blank.page.mouse.move(x, box["y"] - 30)
    blank.settle()
    assert "message 1" in blank.text("info")


def test_highlighting_dims_the_others(blank):
    """While one message is highlighted, less of the picture has the full colors."""
    blank.start(log(BLOG))
    before = colors(blank)[GREEN]
    blank.keys("ArrowRight")
    assert 0 < colors(blank)[GREEN] < before / 2


def test_a_message_outside_of_the_window_is_brought_into_it(blank):
    """Going to the last message moves the window there."""
    blank.start(log(BLOG))
    blank.keys("Home", "+", "+", "+", "+", "+", "End")
    shown = blank.window()
    assert shown["end"] - shown["start"] < 250 * MS


def test_keys_move_the_window(blank):
    """Plus, minus, Shift with an arrow, and f do what the buttons do."""
    blank.start(log(BLOG))
    whole = blank.window()
    blank.keys("+", "Shift+ArrowRight")
    assert blank.window()["start"] > whole["start"]
    blank.keys("-", "f")
    assert blank.window() == pytest.approx(whole)


def test_dragging_pans(blank):
    """The instant under the pointer moves with it."""
    blank.start(log(BLOG))
    blank.press("Zoom in")
    before = blank.window()
    box = blank.page.locator(".pp-canvas").bounding_box()
    blank.page.mouse.move(box["x"] + 500, box["y"] + 30)
    blank.page.mouse.down()
    blank.page.mouse.move(box["x"] + 400, box["y"] + 30, steps=5)
    blank.page.mouse.up()
    blank.settle()
    moved = blank.window()["start"] - before["start"]
    width = blank.page.evaluate("views.at(-1).scene.axis.width")
    assert moved == pytest.approx(100 / width * (before["end"] - before["start"]), rel=0.1)


def test_the_wheel_zooms_only_with_a_key(blank):
    """A plain wheel scrolls the page; with Ctrl it zooms around the pointer."""
    blank.start(log(BLOG))
    whole = blank.window()
    blank.page.locator(".pp-canvas").hover()
    blank.page.mouse.wheel(0, -300)
    blank.settle()
    assert blank.window() == pytest.approx(whole)
    blank.page.keyboard.down("Control")
    blank.page.mouse.wheel(0, -300)
    blank.page.keyboard.up("Control")
    blank.settle()
    assert blank.window()["end"] - blank.window()["start"] < whole["end"] - whole["start"]
