"""The static picture: how it looks, what it says, and that it shows itself once."""

import struct
import sys
from time import perf_counter_ns
from types import SimpleNamespace

import matplotlib as mpl
import pytest
from logs import BLOG, MS, START, log, many

from pushpull_kit.recording.log import Timings
from pushpull_kit.views import figure as pictures
from pushpull_kit.views import layout as layouts
from pushpull_kit.views.figure import draw
from pushpull_kit.views.layout import TimeAxis


def laid_out(timings, now_ms=0):
    """Return the lanes of a log of some seconds."""
    rows = timings.rows()
    axis = TimeAxis(START, 6_000 * MS)
    return layouts.lay_out(rows, timings.lanes, START + now_ms * MS, axis)


@pytest.fixture(scope="module", autouse=True)
def _fonts():
    """Have matplotlib open the fonts, which it keeps open, before descriptors are counted."""
    draw(Timings(), title="bold")._repr_png_()


def bars_of(picture, kind):
    """Return (begin, end) of a kind's bars in the units of the axis, by begin."""
    corners = [
        path.vertices[:, 0]
        for bars in picture.findobj(lambda artist: artist.get_gid() == kind)
        for path in bars.get_paths()
    ]
    return sorted((float(x.min()), float(x.max())) for x in corners)


def texts_of(picture, gid=None):
    """Return what is written on a picture."""
    texts = picture.findobj(lambda artist: hasattr(artist, "get_text"))
    return [text.get_text() for text in texts if gid is None or text.get_gid() == gid]


def test_bars_lie_where_the_instants_are():
    """A handling is drawn from its receipt to its end, on an axis that starts at the first send."""
    assert bars_of(draw(log(BLOG)), "handling") == [
        pytest.approx(bar) for bar in ((0.0005, 2), (2.0005, 4), (4.0005, 6))
    ]


def test_a_wait_is_drawn_from_the_start_of_its_send_to_its_receipt():
    """A wait lasts from the start of the send until the message is in the worker's hands."""
    waits = bars_of(draw(log(BLOG)), "waiting")
    assert waits[1:] == [pytest.approx(bar) for bar in ((0.0001, 2.0005), (0.0002, 4.0005))]


def test_a_crowd_says_how_many_wait():
    """Where waits are too many for bars, it is written how many there were at once."""
    assert "up to 1,981 waiting" in texts_of(draw(many(2_000)))


def test_widened_bars_are_owned_up_to():
    """A picture says that it draws bars wider than they are, and only if it does."""
    note = "bars too short to see are drawn wider; dense ones as one, as high as it was busy"
    assert note in texts_of(draw(log(BLOG)))
    assert note not in texts_of(draw(log([(0, 10, 20, 40)])))


def test_messages_are_numbered_from_zero_by_their_first_instant():
    """The numbers on the bars are those of a loop over range(3)."""
    numbers = texts_of(draw(log(BLOG)), "number")
    assert sorted(text for text in numbers if "handling" in text) == [
        "0: handling",
        "1: handling",
        "2: handling",
    ]


def test_numbers_count_what_the_log_has_let_go():
    """In a log that has forgotten two of three messages, the third is still number 2."""
    timings = Timings(limit=1)
    track = timings.add_sender()
    for number in range(3):
        track.payloads.append(b"%d" % number)
        track.begins.append(START + 20 * number * MS)
        track.ends.append(START + (20 * number + 10) * MS)
    assert "2: sending" in texts_of(draw(timings), "number")


def test_the_headline_is_the_summary():
    """The line on top is the summary's, broken only where it is too long."""
    timings = log([(i, i + 0.5, i + 1, -(i + 2)) for i in range(0, 300, 3)])
    (headline,) = texts_of(draw(timings), "headline")
    assert headline.replace("\n", " ") == str(timings.summary())


def test_every_lane_is_labeled_senders_first():
    """Each sender and each worker has its name at its lane, in that order."""
    timings = log(BLOG, "anna", "bert")
    timings.add_worker("cleo")
    timings.add_sender("dora")
    assert texts_of(draw(timings), "lane") == ["anna", "dora", "bert", "cleo"]


def test_very_many_lanes_are_not_all_drawn():
    """A thousand senders do not make a picture a hundred meters high; it says what it leaves."""
    timings = log(BLOG)
    for number in range(999):
        timings.add_sender(f"sender {number}")
    names = texts_of(draw(timings), "lane")
    assert len(names) == layouts.MAX_LANES + 2
    assert names[-2:] == [f"{1_000 - layouts.MAX_LANES} more senders", "worker"]


def test_a_long_send_is_blocked_and_says_so():
    """A send of 300 ms is drawn as blocked, and not as sending."""
    picture = draw(log([(0, 300, 1, 500)]))
    assert bars_of(picture, "blocked") == [pytest.approx((0, 300))]
    assert bars_of(picture, "sending") == []
    assert "0: blocked" in texts_of(picture)


def test_now_is_read_from_the_clock_only_for_what_is_unfinished(monkeypatch):
    """A log in which all has ended looks the same however late it is drawn."""
    monkeypatch.setattr(pictures, "clock_ns", lambda: START + 100_000 * MS)
    assert draw(log(BLOG)).axes[0].get_xlim() == (0, 6)
    assert draw(log([(0, 1, 2, None)])).axes[0].get_xlim() == (0, 100)


def test_a_failure_is_crossed_and_named():
    """A handler that raised leaves a crossed bar with a word on it."""
    picture = draw(log([(0, 1, 2, -50)]))
    (bars,) = picture.findobj(lambda artist: artist.get_gid() == "failed")
    assert "x" in bars.get_hatch()
    assert "0: failed" in texts_of(picture)


def test_a_failure_among_thousands_is_seen():
    """One failed message of 3,000 has a bar of its own, above the others."""
    messages = [(i * 0.01, i * 0.01 + 0.005, i + 1, i + 2) for i in range(3_000)]
    messages[1_500] = (*messages[1_500][:3], -messages[1_500][3])
    picture = draw(log(messages))
    heights = {
        kind: bars.get_zorder()
        for kind in ("handling", "failed")
        for bars in picture.findobj(lambda artist, kind=kind: artist.get_gid() == kind)
    }
    assert heights["failed"] > heights["handling"]
    (failed,) = laid_out(log(messages))[1].bars[1:]
    assert (failed.kind, failed.count.tolist(), failed.first.tolist()) == ("failed", [1], [1_500])


def test_messages_from_untimed_senders_have_no_send():
    """A message whose sender has no stopwatch has a handling and nothing else."""
    picture = draw(log([(None, None, 1, 50)]))
    assert bars_of(picture, "sending") == bars_of(picture, "waiting") == []
    assert len(bars_of(picture, "handling")) == 1
    assert picture.axes[-1].get_xlabel() == "time since the first message, in ms"


def test_the_line_of_messages_in_flight_counts_them():
    """The step line goes up with each accepted send and down with each receipt."""
    (line,) = draw(log(BLOG)).findobj(lambda artist: artist.get_gid() == "in flight")
    assert line.get_ydata().tolist() == [0, 1, 2, 3, 2, 1, 0, 0]


def test_the_high_water_mark_is_drawn_where_asked():
    """A high-water mark is a line with its number written on it."""
    assert "high-water mark 1,000" in texts_of(draw(log(BLOG), high_water_mark=1_000))


@pytest.mark.parametrize(("span_ms", "unit"), [(0.5, "µs"), (500, "ms"), (5_000, "s")])
def test_the_unit_of_time_follows_the_span(span_ms, unit):
    """The axis is in microseconds, milliseconds or seconds, and says which."""
    picture = draw(log([(0, 0.01, 0.02, span_ms)]))
    assert picture.axes[-1].get_xlabel() == f"time since the first send, in {unit}"


def test_log_time_is_honest_about_itself():
    """A logarithmic axis starts at a true zero, says that it is one, and has units on its ticks."""
    picture = draw(log(BLOG), log_time=True)
    axis = picture.axes[-1]
    assert axis.get_xlabel() == "time since the first send, log scale"
    ticks = [label.get_text() for label in axis.get_xticklabels()]
    assert ticks[:4] == ["0", "1 µs", "10 µs", "100 µs"]
    assert ticks[-1] == "1 s"


def test_two_logs_share_the_scale_and_start_at_their_own_zero():
    """Two panels have one scale of time, and each log's first instant is at its left."""
    short = log([(50_000, 50_000.1, 50_500, 51_000)])
    picture = draw({"short": short, "long": log(BLOG)})
    assert {axes.get_xlim() for axes in picture.axes} == {(0, 6)}
    assert len({axes.get_position().x0 for axes in picture.axes}) == 1
    assert bars_of(picture, "handling")[:2] == [
        pytest.approx((0.0005, 2)),
        pytest.approx((0.5, 1)),
    ]


def test_each_panel_has_its_label_and_its_headline():
    """Two panels are labeled by the dict's keys and headed by their own summaries."""
    logs = {"PUSH": log(BLOG), "HTTP": log(BLOG[:1])}
    picture = draw(logs, title="The same jobs")
    assert texts_of(picture, "headline") == [str(timings.summary()) for timings in logs.values()]
    assert {"PUSH", "HTTP", "The same jobs"} <= set(texts_of(picture))
    assert repr(picture) == "<Picture: 2 panels>"


def test_a_context_is_as_good_as_its_timings():
    """Anything that has timings can be drawn."""

    class Context:
        timings = log(BLOG)

    assert len(bars_of(draw(Context()), "handling")) == 3


def test_no_messages_is_a_picture_too():
    """An empty log gives a picture that says so, and no axis of a time that never was."""
    picture = draw(Timings())
    assert "no messages yet" in texts_of(picture)
    assert not any(axes.axison for axes in picture.axes)
    assert picture._repr_png_()


@pytest.mark.parametrize(
    "name", ["$x_{$", "$x$", "<b>&amp;", "\\frac{", "работник", "労働者", "👷", "", "\0\ud800\n"]
)
def test_a_name_is_shown_as_it_is(name):
    """No name is taken for a formula, for markup, or for a reason to fail or to warn."""
    timings = log(BLOG, worker=name)
    picture = draw({name: timings}, title=name)
    picture._repr_png_()
    if name.isprintable() and name:
        assert name in texts_of(picture, "lane")


def test_it_is_a_png_twice_as_fine_as_it_is_shown():
    """Jupyter gets a PNG of two pixels for each that it shows, and is told the size to show."""
    picture = draw(log(BLOG))
    png, size = picture._repr_png_()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert size["width"] == 900
    assert struct.unpack(">I", png[16:20]) == (1_800,)


def test_jupyter_shows_the_same_with_and_without_pyplot():
    """What Jupyter asks for first has the same image, so that no other formatter has a say."""
    picture = draw(log(BLOG))
    data, metadata = picture._repr_mimebundle_()
    assert (data["image/png"], metadata["image/png"]) == picture._repr_png_()
    assert data["text/plain"] == repr(picture)


def test_its_text_has_no_live_value():
    """Pictures of different logs read alike, so that a strict nbval run can compare them."""
    assert repr(draw(log(BLOG))) == repr(draw(many(10))) == "<Picture: 1 panel>"


def test_pyplot_does_not_know_it():
    """Drawing neither needs pyplot nor leaves a figure there, nor changes anyone's defaults."""
    before = dict(mpl.rcParams)
    draw(log(BLOG))._repr_png_()
    assert dict(mpl.rcParams) == before
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


def test_it_can_be_saved_as_any_figure(tmp_path):
    """A picture is a matplotlib figure: it saves as a vector graphic too."""
    draw(log(BLOG)).savefig(tmp_path / "blog.svg")
    assert (tmp_path / "blog.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    "nonsense", [None, 3, SimpleNamespace(timings=3), [Timings()], {"PUSH": 3}]
)
def test_what_has_no_timings_is_refused(nonsense):
    """Anything else is a TypeError that says what to pass."""
    with pytest.raises(TypeError, match=r"expected Timings.*got .*; pass the context"):
        draw(nonsense)


def test_an_empty_dict_is_refused():
    """No log at all is a ValueError that says what to put in."""
    with pytest.raises(ValueError, match="at least one log"):
        draw({})


def test_what_is_drawn_does_not_grow_with_the_log():
    """Thirty times the messages do not make more artists than a slide can hold."""
    assert len(draw(many(3_000)).findobj()) < 300
    assert len(draw(many(90_000)).findobj()) < 300


def test_a_real_clock_draws_too():
    """With the instants of a running log, what is unfinished ends no later than the axis."""
    timings = Timings()
    track = timings.add_sender()
    track.payloads.append(b"0")
    track.begins.append(perf_counter_ns())
    picture = draw(timings)
    ((_, end),) = bars_of(picture, "blocked")
    assert end == pytest.approx(picture.axes[0].get_xlim()[1])


def test_a_lane_that_was_closed_and_left_nothing_is_not_drawn():
    """Of a socket that is gone, and of whose messages none is kept, nothing is to be seen."""
    timings = log(BLOG)
    timings.add_sender("gone").closed = True
    timings.add_sender("idle")
    timings.digest()
    labels = [text.get_text() for axes in draw(timings).axes for text in axes.texts]
    assert "idle" in labels
    assert "gone" not in labels
