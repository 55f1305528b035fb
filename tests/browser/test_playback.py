"""Which instant is shown: `playback.js`, by the buttons of a view."""

import re

from logs import BLOG, MS, log
from pictures import running
from views import BlankPage

from pushpull_kit import Timings


def test_a_paused_picture_does_not_change(blank):
    """Pause keeps the picture and its sum; later messages are there afterwards."""
    timings = running()
    blank.start(timings)
    blank.keys(" ")
    assert "paused" in blank.text("badge")
    before = blank.text("headline")
    assert "2 pushed = 0 handled + 0 failed + 1 in the handler + 1 in flight" in before
    timings.add_sender("another").start(b"x")
    blank.send(timings)
    assert blank.text("headline") == before
    blank.keys(" ")
    assert blank.text("badge") == ""
    assert "blocked in send" in blank.text("headline")


def test_a_replay_says_how_much_it_is_slowed(blank):
    """The replay of a few hundred microseconds says its slowdown, from start to end."""
    blank.start(log([(0, 0.01, 0.02, 0.5)]))
    blank.press("Replay")
    assert "slowed 20,000×" in blank.text("badge")
    assert "1 handled" not in blank.text("headline")
    blank.page.get_by_role("combobox").select_option("100")
    blank.page.wait_for_function(
        "() => document.querySelector('.pp-headline').textContent.includes('1 handled')"
    )
    assert "slowed 100×" in blank.text("badge")
    blank.press("Replay")
    assert blank.text("badge") == ""


def test_stepping_goes_from_event_to_event(blank):
    """Each step is one instant of one message, and the sum is right at each."""
    blank.start(log(BLOG))
    seen = []
    for _ in range(12):
        blank.press("Step to the next event")
        seen.append(blank.text("headline").split(" · ")[1])
        numbers = [int(number) for number in re.findall(r"\d+", seen[-1])]
        assert numbers[0] == sum(numbers[1:])
    assert len(set(seen)) > 5
    assert "slowed" in blank.text("badge")


def test_reduced_motion_steps_instead_of_moving(browser):
    """With reduced motion, a replay waits for steps."""
    page = BlankPage(browser, motion="reduce")
    page.start(log(BLOG))
    page.press("Replay")
    at = page.page.evaluate("views.at(-1).playback.replay.now")
    page.settle()
    page.settle()
    assert page.page.evaluate("views.at(-1).playback.replay.now") == at
    page.press("Step to the next event")
    assert page.page.evaluate("views.at(-1).playback.replay.now") > at
    page.close()


def test_a_replay_has_the_messages_since_the_last_picture(browser):
    """With reduced motion, a replay may start before new messages are drawn."""
    page = BlankPage(browser, motion="reduce")
    page.start(Timings())
    page.send(log(BLOG))
    page.page.evaluate("views.at(-1).toggleReplay()")
    replay = page.page.evaluate("views.at(-1).playback.replay")
    assert replay["end"] - replay["now"] == 6000 * MS
    page.close()
