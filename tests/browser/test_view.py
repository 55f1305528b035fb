"""What a person sees: `view.js` and what it draws, in a real browser."""

import pytest
from logs import BLOG, log, many, received
from pictures import BLUE, GREEN, ORANGE, RED, colors, running
from views import BlankPage

from pushpull_kit import Timings

EVIL = '<img src=x onerror="window.evil=1"><script>window.evil=1</script>'


def test_the_headline_is_the_kernels(blank):
    """The text above the picture is the summary of the kernel."""
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


def test_a_log_without_messages(blank):
    """A log without messages has a sum of zeros and no bars."""
    blank.start(Timings())
    assert "0 pushed = 0 handled" in blank.text("headline")
    assert set(colors(blank)).isdisjoint({GREEN, BLUE})


def test_before_the_first_batch(blank):
    """A view without a batch says that it waits for the kernel."""
    blank.start()
    blank.settle()
    assert blank.text("headline") == "waiting for the kernel …"


def test_the_high_water_mark(blank):
    """The mark is drawn if there is one."""
    blank.start(many(100), high_water_mark=50)
    with_mark = colors(blank).get(RED, 0)
    assert with_mark > 200


def test_html_is_shown_as_text(blank):
    """A name that holds HTML and a script is text, in the picture, the figures and the table."""
    blank.start(log(BLOG, sender=EVIL, worker=EVIL))
    blank.keys("ArrowRight")
    assert EVIL in blank.text("info")
    blank.page.get_by_text("Table of messages").click()
    blank.settle()
    assert EVIL in blank.text("table")
    assert blank.page.evaluate("window.evil") is None
    assert blank.page.locator("#view img, #view script").count() == 0


def test_an_unfinished_message_grows(blank):
    """Open bars grow without any batch."""
    blank.start(running())
    before = blank.page.evaluate("views.at(-1).scene.now")
    blank.page.wait_for_function("(then) => views.at(-1).scene.now > then + 2e8", arg=before)
    ends = blank.page.evaluate(
        """() => { const { axis, lanes, now } = views.at(-1).scene;
          return [axis.px(now), ...lanes.flatMap((it) => it.bars).filter((it) => it.isOpen)
            .map((it) => it.x1)]; }"""
    )
    assert len(ends) == 3
    assert max(ends) - min(ends) < 1


def test_nothing_is_drawn_when_nothing_changes(blank):
    """When all messages are handled, no frame is requested."""
    blank.start(log(BLOG))
    assert blank.page.evaluate("views.at(-1).frame") == 0


def test_fifty_workers(browser):
    """Fifty workers fit in a picture: 40 have lanes, the others are counted."""
    page = BlankPage(browser, height=1400)
    timings = log(BLOG)
    for number in range(49):
        buffer = timings.add_worker(f"worker {number}")
        buffer.start(b"u%d" % number)
        buffer.end()
    page.start(timings)
    assert "49 from untimed senders" in page.text("headline")
    assert page.page.locator(".pp-canvas").bounding_box()["height"] < 1100
    page.close()


# Themes


@pytest.mark.parametrize(("scheme", "paper"), [("light", (255, 255, 255)), ("dark", (17, 17, 17))])
def test_light_and_dark(browser, scheme, paper):
    """The background of the picture is that of the theme."""
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
    """At any width the page does not scroll sideways."""
    page = BlankPage(browser, width=width)
    page.start(log(BLOG))
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_the_layout_of_the_page_is_stable(blank):
    """What is below the picture does not move when messages come or are highlighted."""
    blank.start(Timings())
    place = "document.querySelector('.pp-legend').getBoundingClientRect().top - " + (
        "document.querySelector('.pp-canvas').getBoundingClientRect().bottom"
    )
    top = "document.querySelector('.pp-canvas').getBoundingClientRect().top"
    before = blank.page.evaluate(f"[{top}, {place}]")
    blank.send(log(BLOG))
    blank.keys("ArrowRight", " ")
    assert blank.page.evaluate(f"[{top}, {place}]") == before


# Several views, and their end


def test_the_joined_module_works(blank):
    """Joined into one module, the scripts work as they do separately."""
    blank.page.evaluate(
        """async () => {
          const definition = (await import('/joined.js')).default();
          window.model = new Model({});
          window.stop = definition.initialize({ model });
          const { signal } = new AbortController();
          definition.render({ model, el: document.getElementById('view'), signal });
        }"""
    )
    blank.send(log(BLOG))
    assert "3 pushed" in blank.text("headline")
    assert colors(blank)[GREEN] > 10_000


def test_two_views_of_one_timeline(blank):
    """Both show the same log, each with its own window, and share one subscription."""
    blank.start(log(BLOG))
    blank.page.evaluate(
        "() => { const el = document.createElement('div'); el.id = 'second';"
        " document.body.append(el); show('second'); }"
    )
    blank.settle()
    headlines = blank.page.locator(".pp-headline").all_inner_texts()
    assert len(headlines) == 2
    assert headlines[0] == headlines[1]
    assert len(blank.sent("subscribe")) == 1
    blank.page.locator("#second").get_by_role("button", name="Zoom in").click()
    blank.settle()
    first, second = blank.page.evaluate("views.map((it) => it.timeWindow)")
    assert first["end"] - first["start"] > 1.9 * (second["end"] - second["start"])


def test_a_removed_view_does_not_listen(blank):
    """Removing a view ends its listeners; closing the model ends the subscription."""
    timings = log(BLOG)
    blank.start(timings)
    blank.page.evaluate("() => views.forEach((it) => it.abort())")
    timings.add_sender("more").start(b"x")
    blank.send(timings)
    assert "blocked in send" not in blank.text("headline")
    blank.page.evaluate("() => stop()")
    assert blank.page.evaluate("model.handlers.length") == 0


def test_a_chosen_receipt_of_a_bare_pull_is_drawn(blank):
    """A highlighted message of a bare PULL has no bar of work, up to the present or elsewhere."""
    blank.start(received([(0, 1, 2000), (0, 1, 4000)]))
    blank.keys("ArrowRight")
    found = colors(blank)
    assert found[ORANGE] > 1_000
    assert GREEN not in found
