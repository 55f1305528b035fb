"""The page's side of the protocol: `subscription.js`, with a kernel that the tests play."""

import pytest
from logs import BLOG, log
from pictures import GREEN, colors, running


def test_a_view_subscribes_once(blank):
    """A page that opens sends one subscription."""
    blank.start(log(BLOG))
    assert len(blank.sent("subscribe")) == 1


def test_what_was_drawn_is_acknowledged(blank):
    """The page acknowledges the last batch that it has drawn."""
    timings = log(BLOG)
    blank.start(timings)
    assert blank.sent("acknowledge")[-1]["sequence"] >= 1


def test_acknowledgments_are_few(blank):
    """A page sends at most four acknowledgments a second."""
    timings = log(BLOG)
    blank.start(timings)
    began = blank.page.evaluate("performance.now()")
    buffer = timings.add_sender("more")
    for i in range(30):
        buffer.start(b"%d" % i)
        buffer.end()
        blank.send(timings)
    took_s = (blank.page.evaluate("performance.now()") - began) / 1000
    assert len(blank.sent("acknowledge")) <= 2 + took_s * 4


def test_a_kernel_that_does_not_read_is_not_flooded(blank):
    """Until the kernel has read an acknowledgment, no other is sent."""
    timings = log(BLOG)
    blank.start(timings)
    first = len(blank.sent("acknowledge"))
    buffer = timings.add_sender("more")
    for i in range(5):
        buffer.start(b"%d" % i)
        buffer.end()
        blank.send(timings, acknowledged=0)
    assert len(blank.sent("acknowledge")) == first


def test_a_lost_batch_is_noticed(blank):
    """A gap in the sequence makes the page subscribe again."""
    timings = log(BLOG)
    blank.start(timings)
    blank.stream.sequence += 1
    timings.add_sender("more").start(b"x")
    blank.send(timings)
    blank.page.wait_for_function(
        "() => model.sent.filter((it) => it.kind === 'subscribe').length === 2"
    )


@pytest.mark.parametrize("content", [None, 7, "x", {}, {"kind": "other"}, {"kind": "batch"}])
def test_an_unknown_message_is_ignored(blank, content):
    """A message that is not part of the protocol changes nothing."""
    timings = log(BLOG)
    blank.start(timings)
    blank.page.evaluate("(content) => model.trigger('msg:custom', content, [])", content)
    blank.settle()
    assert "3 pushed" in blank.text("headline")


@pytest.mark.parametrize("shift", [0, 1, 5])
def test_a_misaligned_buffer_is_read(blank, shift):
    """Messages are drawn wherever their block is in a larger buffer."""
    blank.start()
    blank.send(log(BLOG), shift=shift)
    assert colors(blank)[GREEN] > 10_000


def test_a_missed_heartbeat_is_a_disconnection(blank):
    """A badge says within seconds that a promised batch is missing, until one comes."""
    timings = running()
    blank.start()
    blank.send(timings, heartbeat_within_s=0.1)
    blank.page.wait_for_function(
        "() => document.querySelector('.pp-badge').textContent.includes('disconnected')"
    )
    now = blank.page.evaluate("views.at(-1).playback.now")
    blank.settle()
    assert blank.page.evaluate("views.at(-1).playback.now") == now  # bars do not grow
    timings.add_sender("back").start(b"x")
    blank.send(timings)
    assert "disconnected" not in blank.text("badge")


def test_a_restarted_kernel_is_disconnected_at_once(blank):
    """The badge says so when the comm is closed."""
    blank.start(log(BLOG))
    blank.page.evaluate("model.trigger('comm_live_update')")
    blank.settle()
    assert "disconnected" in blank.text("badge")


def test_a_comm_that_cannot_send_is_a_disconnection(blank):
    """If sending fails, the view says so and goes on."""
    timings = log(BLOG)
    blank.start(timings)
    blank.page.evaluate("() => { model.send = () => { throw new Error('Cannot send'); }; }")
    timings.add_sender("more").start(b"x")
    blank.send(timings)
    blank.page.wait_for_function(
        "() => document.querySelector('.pp-badge').textContent.includes('disconnected')"
    )


def test_a_log_that_has_ended_says_so(blank):
    """After the context was closed, no heartbeat is missed."""
    blank.start()
    blank.send(log(BLOG), ended=True, heartbeat_within_s=None)
    assert blank.text("badge") == "recording ended"


def test_a_log_that_cannot_be_read_says_why(blank):
    """A badge shows the error, bars do not grow, and the next batch removes it."""
    timings = running()
    blank.start(timings)
    blank.deliver({"kind": "error", "text": "TypeError: <b>5</b>"})
    assert blank.text("badge") == "cannot update this view: TypeError: <b>5</b>"
    now = blank.page.evaluate("views.at(-1).playback.now")
    blank.settle()
    assert blank.page.evaluate("views.at(-1).playback.now") == now
    timings.add_sender("back").start(b"x")
    blank.send(timings)
    assert "cannot update" not in blank.text("badge")
