"""The static picture: how it looks, what its texts say, and how Jupyter shows it."""

import struct
import sys
from time import perf_counter_ns
from types import SimpleNamespace

import matplotlib as mpl
import pytest
from IPython.core.formatters import DisplayFormatter, PNGFormatter
from logs import BLOG, MS, START, log, many, received

from pushpull_kit.recording.log import Timings
from pushpull_kit.spec import MAX_LANES, RECEIVED_LABEL
from pushpull_kit.views import panel
from pushpull_kit.views.figure import draw
from pushpull_kit.views.layout import lay_out
from pushpull_kit.views.time_axis import TimeAxis


@pytest.fixture(scope="module", autouse=True)
def _fonts():
    """Make matplotlib open its fonts before descriptors are counted; it keeps the files open."""
    png_of(draw(Timings(), title="bold"))


def png_of(picture):
    """Return (PNG, size) as IPython's formatter for PNG gets them."""
    return PNGFormatter()(picture)


def bars_of(picture, kind):
    """Return (start, end) of the bars of one kind, by start, in the unit of the time axis."""
    corners = [
        path.vertices[:, 0]
        for bars in picture.findobj(lambda artist: artist.get_gid() == kind)
        for path in bars.get_paths()
    ]
    return sorted((float(x.min()), float(x.max())) for x in corners)


def texts_of(picture, gid=None):
    """Return the texts of a picture."""
    texts = picture.findobj(lambda artist: hasattr(artist, "get_text"))
    return [text.get_text() for text in texts if gid is None or text.get_gid() == gid]


def test_bars_lie_where_the_instants_are():
    """A handling is drawn from its receipt to its end. The axis starts at the first send."""
    assert bars_of(draw(log(BLOG)), "handling") == [
        pytest.approx(bar) for bar in ((0.0005, 2), (2.0005, 4), (4.0005, 6))
    ]


def test_a_wait_is_drawn_from_the_start_of_its_send_to_its_receipt():
    """A wait is drawn from the start of the send until the worker receives the message."""
    waits = bars_of(draw(log(BLOG)), "waiting")
    assert waits[1:] == [pytest.approx(bar) for bar in ((0.0001, 2.0005), (0.0002, 4.0005))]


def test_many_waits_are_drawn_as_their_number():
    """If there are too many waits for bars, a text says how many there were at the same time."""
    assert "up to 1,981 waiting" in texts_of(draw(many(2_000)))


def test_a_note_says_that_bars_are_widened():
    """A picture has a note about widened bars only if it has widened some."""
    note = "short bars are widened; merged bars are as high as their share of busy time"
    assert note in texts_of(draw(log(BLOG)))
    assert note not in texts_of(draw(log([(0, 10, 20, 40)])))


def test_the_legend_explains_only_what_has_no_text():
    """Kinds that a text in the picture names are not in the legend."""
    named = draw(log([(0, 10, 20, 40)]))
    not_named = draw(log([(40 * i, 40 * i + 10, 40 * i + 20, 40 * i + 30) for i in range(50)]))
    assert named.legends == []
    (legend,) = not_named.legends
    assert [text.get_text() for text in legend.get_texts()] == ["sending", "handling", "waiting"]


def test_a_note_beside_the_sends_replaces_their_place_in_the_legend():
    """If the total of the sends is written beside them, the legend does not explain them."""
    (legend,) = draw(many(30)).legends
    assert "sending" not in [text.get_text() for text in legend.get_texts()]


def test_messages_are_numbered_from_zero_by_their_first_instant():
    """The message ids on the bars are 0, 1 and 2, as in a loop over range(3)."""
    numbers = texts_of(draw(log(BLOG)), "number")
    assert sorted(text for text in numbers if "handling" in text) == [
        "0: handling",
        "1: handling",
        "2: handling",
    ]


def test_message_ids_include_evicted_messages():
    """In a log that has evicted two of three messages, the third still has the id 2."""
    timings = Timings(limit=1)
    buffer = timings.add_sender()
    for number in range(3):
        buffer.start(b"%d" % number, at_ns=START + 20 * number * MS)
        buffer.end(at_ns=START + (20 * number + 10) * MS)
    assert "2: sending" in texts_of(draw(timings), "number")


def test_the_headline_is_the_summary():
    """The headline is the text of the summary, broken into lines only if it is too long."""
    timings = log([(i, i + 0.5, i + 1, -(i + 2)) for i in range(0, 300, 3)])
    (headline,) = texts_of(draw(timings), "headline")
    assert headline.replace("\n", " ") == str(timings.summary())


def test_every_lane_is_labeled_senders_first():
    """Each sender and each worker has its name at its lane, in that order."""
    timings = log(BLOG, "anna", "bert")
    timings.add_worker("cleo")
    timings.add_sender("dora")
    assert texts_of(draw(timings), "lane") == ["anna", "dora", "bert", "cleo"]


def test_the_number_of_lanes_is_bounded():
    """Of a thousand senders, the first 40 are drawn, and a text says how many are not."""
    timings = log(BLOG)
    for number in range(999):
        timings.add_sender(f"sender {number}")
    names = texts_of(draw(timings), "lane")
    assert len(names) == MAX_LANES + 2
    assert names[-2:] == [f"{1_000 - MAX_LANES} more senders", "worker"]


def test_a_long_send_is_drawn_as_blocked():
    """A send of 300 ms is drawn and labeled as blocked, not as sending."""
    picture = draw(log([(0, 300, 1, 500)]))
    assert bars_of(picture, "blocked") == [pytest.approx((0, 300))]
    assert bars_of(picture, "sending") == []
    assert "0: blocked" in texts_of(picture)


def test_the_clock_is_read_only_if_something_is_unfinished(monkeypatch):
    """If all messages have ended, the picture is the same at any later time."""
    monkeypatch.setattr(panel, "clock_ns", lambda: START + 100_000 * MS)
    assert draw(log(BLOG)).axes[0].get_xlim() == (0, 6)
    assert draw(log([(0, 1, 2, None)])).axes[0].get_xlim() == (0, 100)


def test_a_failure_is_crossed_and_named():
    """If a handler raised, its bar is hatched with crosses and labeled as failed."""
    picture = draw(log([(0, 1, 2, -50)]))
    (bars,) = picture.findobj(lambda artist: artist.get_gid() == "failed")
    assert "x" in bars.get_hatch()
    assert "0: failed" in texts_of(picture)


def test_a_failure_among_thousands_is_visible():
    """One failed message of 3,000 has its own bar, drawn above the others."""
    messages = [(i * 0.01, i * 0.01 + 0.005, i + 1, i + 2) for i in range(3_000)]
    messages[1_500] = (*messages[1_500][:3], -messages[1_500][3])
    timings = log(messages)
    picture = draw(timings)
    z_orders = {
        kind: bars.get_zorder()
        for kind in ("handling", "failed")
        for bars in picture.findobj(lambda artist, kind=kind: artist.get_gid() == kind)
    }
    assert z_orders["failed"] > z_orders["handling"]
    lanes = lay_out(timings.rows(), timings.lanes, START, TimeAxis(START, 6_000 * MS))
    (failed,) = lanes[1].bars[1:]
    assert failed.kind == "failed"
    assert (failed.n_messages.tolist(), failed.first_row.tolist()) == ([1], [1_500])


def test_messages_from_untimed_senders_have_no_send():
    """A message whose sender is not timed has a handling and nothing else."""
    picture = draw(log([(None, None, 1, 50)]))
    assert bars_of(picture, "sending") == bars_of(picture, "waiting") == []
    assert len(bars_of(picture, "handling")) == 1
    assert picture.axes[-1].get_xlabel() == "time since the first message, in ms"


def test_the_line_of_messages_in_flight_counts_them():
    """The step line rises with each accepted send and falls with each receipt."""
    (line,) = draw(log(BLOG)).findobj(lambda artist: artist.get_gid() == "in flight")
    assert line.get_ydata().tolist() == [0, 1, 2, 3, 2, 1, 0, 0]


def test_the_high_water_mark_is_drawn_where_asked():
    """A high-water mark is a line labeled with its value."""
    assert "high-water mark 1,000" in texts_of(draw(log(BLOG), high_water_mark=1_000))


@pytest.mark.parametrize(("span_ms", "unit"), [(0.5, "µs"), (500, "ms"), (5_000, "s")])
def test_the_unit_of_time_follows_the_span(span_ms, unit):
    """The axis is labeled in microseconds, milliseconds or seconds."""
    picture = draw(log([(0, 0.01, 0.02, span_ms)]))
    assert picture.axes[-1].get_xlabel() == f"time since the first send, in {unit}"


def test_a_logarithmic_axis_is_labeled():
    """A logarithmic axis starts at zero, is labeled as such, and has units on its ticks."""
    picture = draw(log(BLOG), log_time=True)
    axis = picture.axes[-1]
    assert axis.get_xlabel() == "time since the first send, log scale"
    ticks = [label.get_text() for label in axis.get_xticklabels()]
    assert ticks[:4] == ["0", "1 µs", "10 µs", "100 µs"]
    assert ticks[-1] == "1 s"


def test_two_logs_share_the_scale_and_start_at_their_own_zero():
    """Two panels have the same time scale, and each starts at the first instant of its log."""
    short = log([(50_000, 50_000.1, 50_500, 51_000)])
    picture = draw({"short": short, "long": log(BLOG)})
    assert {axes.get_xlim() for axes in picture.axes} == {(0, 6)}
    assert len({axes.get_position().x0 for axes in picture.axes}) == 1
    assert bars_of(picture, "handling")[:2] == [
        pytest.approx((0.0005, 2)),
        pytest.approx((0.5, 1)),
    ]


def test_each_panel_has_its_label_and_its_headline():
    """Two panels are labeled with the keys of the dict, and each shows its own summary."""
    logs = {"PUSH": log(BLOG), "HTTP": log(BLOG[:1])}
    picture = draw(logs, title="The same jobs")
    assert texts_of(picture, "headline") == [str(timings.summary()) for timings in logs.values()]
    assert {"PUSH", "HTTP", "The same jobs"} <= set(texts_of(picture))
    assert repr(picture) == "<Picture: 2 panels>"


def test_an_object_with_timings_can_be_drawn():
    """`draw` accepts any object that has an attribute `timings`."""

    class Context:
        timings = log(BLOG)

    assert len(bars_of(draw(Context()), "handling")) == 3


def test_an_empty_log_can_be_drawn():
    """The picture of an empty log says "no messages yet" and shows no time axis."""
    picture = draw(Timings())
    assert "no messages yet" in texts_of(picture)
    assert not any(axes.axison for axes in picture.axes)
    assert png_of(picture)


@pytest.mark.parametrize(
    "name", ["$x_{$", "$x$", "<b>&amp;", "\\frac{", "работник", "労働者", "👷", "", "\0\ud800\n"]
)
def test_a_name_is_shown_as_it_is(name):
    """A name is not read as a formula or as markup, and no name causes an error or a warning."""
    timings = log(BLOG, worker=name)
    picture = draw({name: timings}, title=name)
    png_of(picture)
    if name.isprintable() and name:
        assert name in texts_of(picture, "lane")


def test_its_png_has_twice_the_resolution_of_the_page():
    """Jupyter gets a PNG of 1,800 pixels and shows it 900 pixels wide."""
    png, size = png_of(draw(log(BLOG)))
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert size["width"] == 900
    assert struct.unpack(">I", png[16:20]) == (1_800,)


def test_jupyter_shows_the_same_with_and_without_pyplot():
    """The MIME bundle, which Jupyter prefers to pyplot's formatter, has the same image."""
    picture = draw(log(BLOG))
    data, metadata = DisplayFormatter().format(picture)
    assert (data["image/png"], metadata["image/png"]) == png_of(picture)
    assert data["text/plain"] == repr(picture)


def test_its_text_has_no_measured_value():
    """Pictures of different logs have the same text, so that a strict nbval run can compare it."""
    assert repr(draw(log(BLOG))) == repr(draw(many(10))) == "<Picture: 1 panel>"


def test_it_works_without_pyplot():
    """Drawing creates no figure in pyplot and does not change matplotlib's defaults."""
    before = dict(mpl.rcParams)
    png_of(draw(log(BLOG)))
    assert dict(mpl.rcParams) == before
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


def test_it_can_be_saved_as_any_figure(tmp_path):
    """A picture is a matplotlib figure and can be saved as a vector graphic too."""
    draw(log(BLOG)).savefig(tmp_path / "blog.svg")
    assert (tmp_path / "blog.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    "nonsense", [None, 3, SimpleNamespace(timings=3), [Timings()], {"PUSH": 3}]
)
def test_an_object_without_timings_is_refused(nonsense):
    """An object without timings is a TypeError that says what to pass."""
    with pytest.raises(TypeError, match=r"expected Timings.*got .*; pass the context"):
        draw(nonsense)


def test_an_empty_dict_is_refused():
    """An empty dict is a ValueError that says what to put in."""
    with pytest.raises(ValueError, match="at least one log"):
        draw({})


def test_the_number_of_artists_is_bounded():
    """A picture has less than 300 artists, however many messages the log has."""
    assert len(draw(many(3_000)).findobj()) < 300
    assert len(draw(many(90_000)).findobj()) < 300


def test_an_unfinished_send_ends_with_the_axis():
    """In a log with times of the real clock, an unfinished send lasts to the end of the axis."""
    timings = Timings()
    timings.add_sender().start(b"0", at_ns=perf_counter_ns())
    picture = draw(timings)
    ((_, end),) = bars_of(picture, "blocked")
    assert end == pytest.approx(picture.axes[0].get_xlim()[1])


def test_a_closed_lane_without_messages_is_not_drawn():
    """A closed socket has no lane if the log keeps none of its messages."""
    timings = log(BLOG)
    timings.add_sender("gone").close()
    timings.add_sender("idle")
    timings.ingest()
    labels = [text.get_text() for axes in draw(timings).axes for text in axes.texts]
    assert "idle" in labels
    assert "gone" not in labels


def test_receipts_of_a_bare_pull_are_ticks():
    """Each receipt is a tick in the worker's lane, and there is no bar of work."""
    picture = draw(received([(0, 10, 20), (0, 10, 40)]))
    (ticks,) = picture.findobj(lambda artist: artist.get_gid() == "received")
    assert ticks.get_xdata().tolist() == pytest.approx([20, 40])
    assert bars_of(picture, "handling") == []


def test_the_legend_explains_the_ticks_of_receipts():
    """The legend has an entry for receipts if there are any."""
    (legend,) = draw(received([(0, 10, 20)])).legends
    assert RECEIVED_LABEL in [text.get_text() for text in legend.get_texts()]


def test_a_receipt_of_a_bare_pull_is_not_unfinished(monkeypatch):
    """The time axis ends at the last known instant; the clock is not read."""
    monkeypatch.setattr(panel, "clock_ns", lambda: START + 100_000 * MS)
    assert draw(received([(0, 10, 20)])).axes[0].get_xlim() == (0, 20)
