"""The live view as a person meets it: seen, pressed, typed at, in a real browser."""

import base64
import io
import json
import re
from time import perf_counter_ns as clock_ns

import pytest
from logs import BLOG, MS, log, many
from PIL import Image
from views import START, BlankPage

from pushpull_kit import Timings
from pushpull_kit.views.timeline.protocol import Feed

INK, BLUE, GREEN, ORANGE = (34, 34, 34), (0, 114, 178), (0, 158, 115), (230, 159, 0)

EVIL = '<img src=x onerror="window.evil=1"><script>window.evil=1</script>'


def running():
    """Make a log in which a message is in the handler right now, and one waits."""
    return log([(0, 0.1, 0.5, None), (0.1, 0.2, None, None)], start_ns=clock_ns() - 300 * MS)


def colors(page):
    """Which colors the picture has, and how many pixels of each."""
    image = Image.open(io.BytesIO(page.download("PNG"))).convert("RGB")
    return {color: count for count, color in image.getcolors(1_000_000)}


def focus(page, *keys):
    page.page.locator(".pp-canvas").focus()
    for key in keys:
        page.page.keyboard.press(key)
    page.settle()


def window(page):
    """The ticks' labels: what window of time is shown."""
    return page.page.evaluate("views.at(-1).window")


# What is seen


def test_the_headline_is_the_kernels(blank):
    """The sum that the kernel counts stands above the picture."""
    timings = log(BLOG)
    blank.start(timings)
    assert blank.text("headline") == str(timings.summary())
    assert "3 pushed = 3 handled + 0 failed + 0 in the handler + 0 in flight" in blank.text(
        "headline"
    )


def test_the_picture_has_the_colors_of_its_kinds(blank):
    """Sending, waiting and handling are drawn."""
    blank.start(log(BLOG))
    found = colors(blank)
    assert found[GREEN] > 10_000
    assert found[ORANGE] > 1_000
    assert found[BLUE] > 20


def test_nothing_yet(blank):
    """A log without messages says so."""
    blank.start(Timings())
    assert "0 pushed = 0 handled" in blank.text("headline")
    assert set(colors(blank)).isdisjoint({GREEN, BLUE})


def test_before_the_kernel_has_said_anything(blank):
    """A view without any batch says what it waits for."""
    blank.start()
    blank.settle()
    assert blank.text("headline") == "waiting for the kernel …"


def test_the_high_water_mark(blank):
    """The mark is drawn where one is given."""
    blank.start(many(100), high_water_mark=50)
    with_mark = colors(blank).get((213, 94, 0), 0)
    assert with_mark > 200


def test_html_is_shown_as_text(blank):
    """A name that holds HTML and a script is text, in the picture, the figures and the table."""
    blank.start(log(BLOG, sender=EVIL, worker=EVIL))
    focus(blank, "ArrowRight")
    assert EVIL in blank.text("info")
    blank.page.get_by_text("Table of messages").click()
    blank.settle()
    assert EVIL in blank.text("table")
    assert blank.page.evaluate("window.evil") is None
    assert blank.page.locator("#view img, #view script").count() == 0


def test_a_message_in_the_handler_grows(blank):
    """Time goes on in the picture without a word from the kernel."""
    blank.start(running())
    before = blank.page.evaluate("views.at(-1).scene.now")
    blank.page.wait_for_function("(then) => views.at(-1).scene.now > then + 2e8", arg=before)
    ends = blank.page.evaluate(
        """() => { const { axis, lanes, now } = views.at(-1).scene;
          return [axis.px(now), ...lanes.flatMap((it) => it.bars).filter((it) => it.open)
            .map((it) => it.x1)]; }"""
    )
    assert len(ends) == 3
    assert max(ends) - min(ends) < 1


def test_time_stands_still_when_nothing_happens(blank):
    """When all is done the picture rests."""
    blank.start(log(BLOG))
    assert blank.page.evaluate("views.at(-1).frame") == 0


# Which message is lit up


def test_the_arrow_keys_go_from_message_to_message(blank):
    """Each message's four figures are told, forward and backward, and Escape ends it."""
    blank.start(log(BLOG))
    focus(blank, "ArrowRight", "ArrowRight")
    assert "message 1 of sender, 1 byte" in blank.text("info")
    assert "send() took 100 µs · waited 2.00 s · handling took 2.00 s" in blank.text("info")
    focus(blank, "ArrowLeft")
    assert "message 0" in blank.text("info")
    focus(blank, "End")
    assert "message 2" in blank.text("info")
    focus(blank, "Home", "ArrowLeft", "ArrowLeft")
    assert "message 0" in blank.text("info")
    focus(blank, "Escape")
    assert "Point at a bar" in blank.text("info")


def test_pointing_at_a_bar_tells_of_its_message(blank):
    """The pointer lights up what is under it, and a press keeps it."""
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


def test_lighting_up_dims_the_others(blank):
    """With one message lit up, less of the picture has the full colors."""
    blank.start(log(BLOG))
    before = colors(blank)[GREEN]
    focus(blank, "ArrowRight")
    assert 0 < colors(blank)[GREEN] < before / 2


def test_a_message_outside_of_the_window_is_brought_into_it(blank):
    """Going to the last message moves the window there."""
    blank.start(log(BLOG))
    focus(blank, "Home", "+", "+", "+", "+", "+", "End")
    shown = window(blank)
    assert shown["end"] - shown["begin"] < 250 * MS


# Which window of time


def test_zoom_pan_and_fit(blank):
    """Zooming in halves the window, panning moves it, Fit shows everything again."""
    blank.start(log(BLOG))
    whole = window(blank)
    blank.press("Zoom in")
    half = window(blank)
    assert half["end"] - half["begin"] == pytest.approx((whole["end"] - whole["begin"]) / 2)
    blank.press("Later")
    later = window(blank)
    assert later["begin"] > half["begin"]
    assert later["end"] - later["begin"] == pytest.approx(half["end"] - half["begin"])
    blank.press("Earlier")
    assert window(blank)["begin"] == pytest.approx(half["begin"])
    blank.press("Zoom out")
    assert window(blank) == pytest.approx(whole)
    blank.press("Zoom in")
    blank.press("Fit everything")
    assert window(blank) == pytest.approx(whole)


def test_views_on_one_scale(blank):
    """A view that is to show ten seconds shows them, however short its messages were."""
    blank.start(log(BLOG), least_span_s=10)
    shown = window(blank)
    assert shown["end"] - shown["begin"] == pytest.approx(10.1e9)


def test_the_same_by_keys(blank):
    """Plus, minus, Shift with an arrow, and f do what the buttons do."""
    blank.start(log(BLOG))
    whole = window(blank)
    focus(blank, "+", "Shift+ArrowRight")
    assert window(blank)["begin"] > whole["begin"]
    focus(blank, "-", "f")
    assert window(blank) == pytest.approx(whole)


def test_dragging_pans(blank):
    """What is dragged stays under the pointer."""
    blank.start(log(BLOG))
    blank.press("Zoom in")
    before = window(blank)
    box = blank.page.locator(".pp-canvas").bounding_box()
    blank.page.mouse.move(box["x"] + 500, box["y"] + 30)
    blank.page.mouse.down()
    blank.page.mouse.move(box["x"] + 400, box["y"] + 30, steps=5)
    blank.page.mouse.up()
    blank.settle()
    moved = window(blank)["begin"] - before["begin"]
    width = blank.page.evaluate("views.at(-1).scene.axis.width")
    assert moved == pytest.approx(100 / width * (before["end"] - before["begin"]), rel=0.1)


def test_the_wheel_zooms_only_with_a_key(blank):
    """A plain wheel scrolls the page; with Ctrl it zooms around the pointer."""
    blank.start(log(BLOG))
    whole = window(blank)
    blank.page.locator(".pp-canvas").hover()
    blank.page.mouse.wheel(0, -300)
    blank.settle()
    assert window(blank) == pytest.approx(whole)
    blank.page.keyboard.down("Control")
    blank.page.mouse.wheel(0, -300)
    blank.page.keyboard.up("Control")
    blank.settle()
    assert window(blank)["end"] - window(blank)["begin"] < whole["end"] - whole["begin"]


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
    """After a zoom the window stands still; Follow moves it on with what comes."""
    timings = log(BLOG)
    blank.start(timings)
    blank.press("Zoom in")
    shown = window(blank)
    sender, worker = timings.add_sender("late"), timings.add_worker("late worker")
    for track in (sender, worker):
        track.payloads.append(b"late")
        track.begins.append(timings.rows()["done_ns"].max() + 60_000 * MS)
        track.ends.append(track.begins[-1] + MS)
    blank.tell(timings)
    assert window(blank) == pytest.approx(shown)
    blank.press("Follow")
    assert window(blank)["end"] > shown["end"] + 50_000 * MS
    assert window(blank)["end"] - window(blank)["begin"] == pytest.approx(
        shown["end"] - shown["begin"]
    )


# Which time is shown


def test_a_paused_picture_stands_while_recording_goes_on(blank):
    """Pause keeps the picture and its sum; what came meanwhile is there afterwards."""
    timings = running()
    blank.start(timings)
    focus(blank, " ")
    assert "paused" in blank.text("badge")
    before = blank.text("headline")
    assert "2 pushed = 0 handled + 0 failed + 1 in the handler + 1 in flight" in before
    timings.add_sender("another").begin(b"x")
    blank.tell(timings)
    assert blank.text("headline") == before
    focus(blank, " ")
    assert blank.text("badge") == ""
    assert "blocked in send" in blank.text("headline")


def test_a_replay_says_how_much_it_is_slowed(blank):
    """The replay of a few hundred microseconds says by how much, from beginning to end."""
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
    """Each step is one instant of one message, and the sum comes out at each."""
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
    """Where motion is to be reduced, a replay waits for steps, and bars grow once a second."""
    page = BlankPage(browser, motion="reduce")
    page.start(log(BLOG))
    page.press("Replay")
    at = page.page.evaluate("views.at(-1).replay.at")
    page.settle()
    page.settle()
    assert page.page.evaluate("views.at(-1).replay.at") == at
    page.press("Step to the next event")
    assert page.page.evaluate("views.at(-1).replay.at") > at
    page.close()


# Taking it elsewhere


def test_saving(blank):
    """The picture, the table and the trace are files that others can open."""
    blank.start(log(BLOG))
    assert Image.open(io.BytesIO(blank.download("PNG"))).width >= 800
    assert blank.download("CSV").decode().splitlines()[0].startswith("number,sender,send_start_ns")
    events = json.loads(blank.download("Trace"))["traceEvents"]
    assert sum(event["name"] == "handle" for event in events) == 3


# For those who cannot see it


def test_every_control_has_a_name(blank):
    """Buttons, the choice of a speed and the picture have names, and say what is switched on."""
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


def test_what_happens_is_told_at_most_once_a_second(blank):
    """A polite region says the sum, and not at every change."""
    blank.start(running())
    blank.page.evaluate(
        """() => { window.said = 0; new MutationObserver(() => { window.said += 1; })
          .observe(document.querySelector('.pp-live'), { childList: true }); }"""
    )
    timings = blank.feed.timings
    track = timings.add_sender("more")
    for i in range(15):
        track.begin(b"%d" % i)
        track.end()
        blank.tell(timings)
    assert blank.page.evaluate("window.said") <= 3
    assert blank.page.locator(".pp-live").get_attribute("aria-live") == "polite"


# Themes


@pytest.mark.parametrize(("scheme", "paper"), [("light", (255, 255, 255)), ("dark", (17, 17, 17))])
def test_light_and_dark(browser, scheme, paper):
    """The picture's paper is that of the theme."""
    page = BlankPage(browser, scheme=scheme)
    page.start(log(BLOG))
    found = colors(page)
    assert max(found, key=found.get) == paper
    page.close()


def test_a_change_of_theme_is_followed(blank):
    """JupyterLab's colors are taken, and taken anew when its theme changes."""
    blank.start(log(BLOG))
    blank.page.evaluate(
        "() => { document.body.style.setProperty('--jp-layout-color0', 'rgb(10, 20, 30)');"
        " document.body.dataset.jpThemeLight = 'false'; }"
    )
    blank.settle()
    assert colors(blank)[(10, 20, 30)] > 100_000


@pytest.mark.parametrize("width", [420, 700, 1280])
def test_nothing_is_wider_than_the_page(browser, width):
    """At any width nothing has to be scrolled sideways."""
    page = BlankPage(browser, width=width)
    page.start(log(BLOG))
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_nothing_jumps(blank):
    """What stands below the picture keeps its place while messages come, go and are lit up."""
    blank.start(Timings())
    place = "document.querySelector('.pp-legend').getBoundingClientRect().top - " + (
        "document.querySelector('.pp-canvas').getBoundingClientRect().bottom"
    )
    top = "document.querySelector('.pp-canvas').getBoundingClientRect().top"
    before = blank.page.evaluate(f"[{top}, {place}]")
    blank.tell(log(BLOG))
    focus(blank, "ArrowRight", " ")
    assert blank.page.evaluate(f"[{top}, {place}]") == before


# The kernel


def test_the_parts_are_one_module(blank):
    """Joined into one, as a kernel sends them, the parts work as they do beside each other."""
    blank.page.evaluate(
        """async () => {
          const definition = (await import('/view.js')).default();
          window.model = new Model({});
          window.stop = definition.initialize({ model });
          const { signal } = new AbortController();
          definition.render({ model, el: document.getElementById('view'), signal });
        }"""
    )
    blank.tell(log(BLOG))
    assert "3 pushed" in blank.text("headline")
    assert colors(blank)[GREEN] > 10_000


def test_a_view_says_hello_once(blank):
    """A page that opens asks for everything, one time."""
    blank.start(log(BLOG))
    assert len(blank.sent("hello")) == 1


def test_what_was_drawn_is_acknowledged(blank):
    """The kernel is told the last batch that was drawn, a few times a second."""
    timings = log(BLOG)
    blank.start(timings)
    assert blank.sent("ack")[-1]["sequence"] >= 1


def test_acknowledgments_are_few(blank):
    """However many batches come, a page answers at most four times a second."""
    timings = log(BLOG)
    blank.start(timings)
    began = blank.page.evaluate("performance.now()")
    track = timings.add_sender("more")
    for i in range(30):
        track.begin(b"%d" % i)
        track.end()
        blank.tell(timings)
    took_s = (blank.page.evaluate("performance.now()") - began) / 1000
    assert len(blank.sent("ack")) <= 2 + took_s * 4


def test_a_kernel_that_does_not_read_is_not_flooded(blank):
    """As long as the kernel has not read an acknowledgment, no other is sent."""
    timings = log(BLOG)
    blank.start(timings)
    first = len(blank.sent("ack"))
    track = timings.add_sender("more")
    for i in range(20):
        track.begin(b"%d" % i)
        track.end()
        blank.tell(timings, acked=0)
    assert len(blank.sent("ack")) == first


def test_a_gap_is_noticed(blank):
    """A batch that was lost makes the page ask for everything again."""
    timings = log(BLOG)
    blank.start(timings)
    blank.feed._sequence += 1
    timings.add_sender("more").begin(b"x")
    blank.tell(timings)
    blank.page.wait_for_function(
        "() => model.sent.filter((it) => it.kind === 'hello').length === 2"
    )


@pytest.mark.parametrize("content", [None, 7, "x", {}, {"kind": "other"}, {"kind": "batch"}])
def test_nonsense_is_survived(blank, content):
    """A message that makes no sense leaves the view as it was."""
    timings = log(BLOG)
    blank.start(timings)
    blank.page.evaluate("(content) => model.trigger('msg:custom', content, [])", content)
    blank.settle()
    assert "3 pushed" in blank.text("headline")


@pytest.mark.parametrize("shift", [0, 1, 5])
def test_a_misaligned_buffer_is_read(blank, shift):
    """Wherever a batch lies in a larger buffer, its messages are drawn."""
    blank.start()
    blank.tell(log(BLOG), shift=shift)
    assert colors(blank)[GREEN] > 10_000


def test_a_kernel_that_falls_silent_is_disconnected(blank):
    """A promised batch that does not come is a badge within seconds, until one comes."""
    timings = running()
    blank.start()
    blank.tell(timings, again_within_s=0.1)
    blank.page.wait_for_function(
        "() => document.querySelector('.pp-badge').textContent.includes('disconnected')"
    )
    now = blank.page.evaluate("views.at(-1).now")
    blank.settle()
    assert blank.page.evaluate("views.at(-1).now") == now  # nothing grows that nobody saw
    timings.add_sender("back").begin(b"x")
    blank.tell(timings)
    assert "disconnected" not in blank.text("badge")


def test_a_restarted_kernel_is_disconnected_at_once(blank):
    """When the line to the kernel is cut, the badge says so."""
    blank.start(log(BLOG))
    blank.page.evaluate("model.trigger('comm_live_update')")
    blank.settle()
    assert "disconnected" in blank.text("badge")


def test_a_line_that_cannot_be_spoken_into_is_disconnected(blank):
    """Where sending fails, the view says so instead of breaking."""
    timings = log(BLOG)
    blank.start(timings)
    blank.page.evaluate("() => { model.send = () => { throw new Error('Cannot send'); }; }")
    timings.add_sender("more").begin(b"x")
    blank.tell(timings)
    blank.page.wait_for_function(
        "() => document.querySelector('.pp-badge').textContent.includes('disconnected')"
    )


def test_a_log_that_has_ended_says_so(blank):
    """After the context was closed nothing is missed."""
    blank.start()
    blank.tell(log(BLOG), ended=True, again_within_s=None)
    assert blank.text("badge") == "recording ended"


@pytest.mark.parametrize("wanted", [True, False])
def test_a_view_comes_into_sight_where_that_is_wanted(blank, wanted):
    """With the first message the page scrolls to the picture, once, if it was told to."""
    blank.start(Timings(), come_into_view=wanted)
    blank.page.evaluate("document.getElementById('view').style.marginTop = '5000px'")
    blank.page.wait_for_function("() => !views.at(-1).visible")
    timings = log(BLOG)
    blank.tell(timings)
    if wanted:
        blank.page.wait_for_function("() => views.at(-1).share > 0.9")
    assert (blank.page.evaluate("window.scrollY") > 3000) is wanted
    blank.page.wait_for_function(
        "() => views.at(-1).came === null || performance.now() - views.at(-1).came > 3000"
    )
    blank.page.evaluate("window.scrollTo(0, 0)")
    timings.add_sender("more").begin(b"x")
    blank.tell(timings)
    assert blank.page.evaluate("window.scrollY") == 0


def test_a_view_that_does_not_know_yet_where_it_is_comes_into_sight(blank):
    """A message that comes before the page has found out what is on the screen is not too soon."""
    blank.page.evaluate("document.getElementById('view').style.marginTop = '5000px'")
    header, block = Feed(log(BLOG)).batch(1.0)
    start_and_hear = (
        f"async ([state, ...told]) => {{ await ({START})(state); model.hear(...told); }}"
    )
    told = [{"kind": "batch", **header}, base64.b64encode(block).decode(), 0]
    blank.page.evaluate(start_and_hear, [{"come_into_view": True}, *told])
    blank.page.wait_for_function("() => views.at(-1).share > 0.9")


def test_two_views_of_one_timeline(blank):
    """Both show the same, each with a window of its own, and batches are acknowledged once."""
    blank.start(log(BLOG))
    blank.page.evaluate(
        "() => { const el = document.createElement('div'); el.id = 'second';"
        " document.body.append(el); show('second'); }"
    )
    blank.settle()
    headlines = blank.page.locator(".pp-headline").all_inner_texts()
    assert len(headlines) == 2
    assert headlines[0] == headlines[1]
    assert len(blank.sent("hello")) == 1
    blank.page.locator("#second").get_by_role("button", name="Zoom in").click()
    blank.settle()
    first, second = blank.page.evaluate("views.map((it) => it.window)")
    assert first["end"] - first["begin"] > 1.9 * (second["end"] - second["begin"])


def test_a_view_that_is_removed_listens_no_more(blank):
    """Closing a view ends its listeners, and the model's end those of the source."""
    timings = log(BLOG)
    blank.start(timings)
    blank.page.evaluate("() => views.forEach((it) => it.abort())")
    timings.add_sender("more").begin(b"x")
    blank.tell(timings)
    assert "blocked in send" not in blank.text("headline")
    blank.page.evaluate("() => stop()")
    assert blank.page.evaluate("model.handlers.length") == 0


def test_fifty_workers(browser):
    """Fifty lanes are drawn, each with its name, in a picture that one can scroll through."""
    page = BlankPage(browser, height=1400)
    timings = log(BLOG)
    for number in range(49):
        track = timings.add_worker(f"worker {number}")
        track.begin(b"u%d" % number)
        track.end()
    page.start(timings)
    assert "49 from untimed senders" in page.text("headline")
    assert page.page.locator(".pp-canvas").bounding_box()["height"] < 1100
    page.close()


def test_a_picture_that_is_scrolled_away_is_not_drawn(blank):
    """A picture that is scrolled away is not drawn, and its batches are acknowledged unseen."""
    timings = log(BLOG)
    blank.start(timings)
    blank.page.evaluate("document.getElementById('view').style.marginTop = '5000px'")
    blank.page.wait_for_function("() => !views.at(-1).visible")
    drawn = blank.page.evaluate("views.at(-1).drawn.at")
    timings.add_sender("more").begin(b"x")
    blank.tell(timings)
    assert blank.page.evaluate("views.at(-1).drawn.at") == drawn
    told = blank.feed._sequence
    blank.page.wait_for_function("performance.now() - source.ack.sent > 300")
    timings.add_sender("another").begin(b"y")
    blank.tell(timings)
    assert blank.sent("ack")[-1]["sequence"] > told
    blank.page.evaluate("window.scrollTo(0, 5000)")
    blank.page.wait_for_function("(then) => views.at(-1).drawn.at > then", arg=drawn)
    assert "blocked in send" in blank.text("headline")
