"""Whether the picture is on the screen, and how it gets there: `sight.js`."""

import base64

import pytest
from logs import BLOG, log
from views import START

from pushpull_kit import Timings
from pushpull_kit.views.timeline.protocol import BatchStream


@pytest.mark.parametrize("wanted", [True, False])
def test_a_view_comes_into_view_if_wanted(blank, wanted):
    """With the first message the page scrolls to the picture, once, if it is wanted."""
    blank.start(Timings(), come_into_view=wanted)
    blank.page.evaluate("document.getElementById('view').style.marginTop = '5000px'")
    blank.page.wait_for_function("() => !views.at(-1).sight.isVisible")
    timings = log(BLOG)
    blank.send(timings)
    if wanted:
        blank.page.wait_for_function("() => views.at(-1).sight.share > 0.9")
    assert (blank.page.evaluate("window.scrollY") > 3000) is wanted
    blank.page.wait_for_function(
        "() => (({ scrolledAt }) => scrolledAt === null || performance.now() - scrolledAt > 3000)"
        "(views.at(-1).sight)"
    )
    blank.page.evaluate("window.scrollTo(0, 0)")
    timings.add_sender("more").start(b"x")
    blank.send(timings)
    assert blank.page.evaluate("window.scrollY") == 0


def test_a_first_message_that_comes_early(blank):
    """A message may come before the page knows whether the picture is on the screen."""
    blank.page.evaluate("document.getElementById('view').style.marginTop = '5000px'")
    header, block = BatchStream(log(BLOG)).batch(1.0)
    start_and_deliver = (
        f"async ([state, ...told]) => {{ await ({START})(state); model.deliver(...told); }}"
    )
    told = [{"kind": "batch", **header}, base64.b64encode(block).decode(), 0]
    blank.page.evaluate(start_and_deliver, [{"come_into_view": True}, *told])
    blank.page.wait_for_function("() => views.at(-1).sight.share > 0.9")


def test_a_picture_that_is_scrolled_away_is_not_drawn(blank):
    """A picture that is not on the screen is not drawn, but its batches are acknowledged."""
    timings = log(BLOG)
    blank.start(timings)
    blank.page.evaluate("document.getElementById('view').style.marginTop = '5000px'")
    blank.page.wait_for_function("() => !views.at(-1).sight.isVisible")
    drawn = blank.page.evaluate("views.at(-1).drawn.at")
    timings.add_sender("more").start(b"x")
    blank.send(timings)
    assert blank.page.evaluate("views.at(-1).drawn.at") == drawn
    told = blank.stream.sequence
    blank.page.wait_for_function("performance.now() - subscription.acknowledged.sentAt > 300")
    timings.add_sender("another").start(b"y")
    blank.send(timings)
    assert blank.sent("acknowledge")[-1]["sequence"] > told
    blank.page.evaluate("window.scrollTo(0, 5000)")
    blank.page.wait_for_function("(then) => views.at(-1).drawn.at > then", arg=drawn)
    assert "blocked in send" in blank.text("headline")
