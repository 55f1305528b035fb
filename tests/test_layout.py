"""What lies where in a picture: bars, slots, lanes and lines."""

import numpy as np
import pytest
from logs import BLOG, MS, START, log, many

from pushpull_kit.views import layout
from pushpull_kit.views.layout import AXIS_PX, MERGE_PX, MIN_PX, TimeAxis


def laid_out(timings, now_ms=0):
    """Return the lanes of a log of some seconds."""
    rows = timings.rows()
    axis = TimeAxis(START, 6_000 * MS)
    return layout.lay_out(rows, timings.lanes, START + now_ms * MS, axis)


def test_waits_that_overlap_lie_above_each_other():
    """Waits that overlap by more than a few pixels are in different slots."""
    begin, end = np.array([0, 10, 20, 31.0]), np.array([30, 40, 50, 60.0])
    assert layout.stack(begin, end).tolist() == [0, 1, 2, 0]


def test_too_many_waits_are_not_stacked():
    """More waits above each other than there are slots are left to be drawn as a number."""
    begin = np.arange(20.0)
    assert layout.stack(begin, begin + 100) is None


def test_a_bar_is_never_too_narrow_to_be_seen():
    """A send of a tenth of a millisecond is visible beside seconds."""
    (sends,) = laid_out(log(BLOG[:1]))[0].bars
    assert (sends.end - sends.begin).tolist() == [MIN_PX]
    assert sends.widened


def test_merging_loses_no_message():
    """The bars of 5,000 messages stand for 5,000 messages."""
    sends, handlings = (lane.bars[0] for lane in laid_out(many(5_000)))
    assert sends.count.sum() == handlings.count.sum() == 5_000
    assert len(sends.count) < AXIS_PX


def test_only_narrow_neighbors_are_merged():
    """A wide bar stays by itself, however close its neighbors are."""
    begin, end = np.array([0, 1, 2, 50.0, 51]), np.array([0.5, 1.5, 50, 50.9, 52])
    assert end[2] - begin[2] > MERGE_PX
    first, second, wide, *later = layout.merge(begin, end).tolist()
    assert first == second
    assert wide not in (first, *later)
    assert later == [later[0]] * 2 != [first] * 2


def test_what_no_worker_has_taken_has_a_lane_of_its_own():
    """A message that was not received waits in no worker's lane."""
    timings = log([(0, 1, None, None), (2, 3, 4, 50)])
    assert [lane.name for lane in laid_out(timings)] == ["sender", "not received", "worker"]


def test_a_send_that_has_not_returned_is_blocked_and_open():
    """A send that was called and has not returned lasts until now, and goes on."""
    blocked = layout.spans(log([(0, None, None, None)]).rows(), START + 7)["blocked"]
    assert (blocked.begin_ns.tolist(), blocked.end_ns.tolist()) == ([START], [START + 7])
    assert blocked.open.all()


def test_an_unfinished_handling_lasts_until_now():
    """A message in the handler is drawn up to the instant of drawing, with an open end."""
    (handling,) = laid_out(log([(0, 1, 2, None)]), now_ms=3_000)[1].bars[:1]
    assert handling.end.tolist() == [AXIS_PX / 2]
    assert handling.open.all()


def test_a_refused_send_is_a_mark():
    """A refused send has a mark where it was given up, and neither bar nor wait."""
    sender, worker = laid_out(log([(0, -3_000, None, None)]))
    assert sender.marks["refused"].tolist() == [round(AXIS_PX / 2)]
    assert [bars.kind for bars in sender.bars + worker.bars] == ["blocked"]  # it took 3 s


def test_no_peak_is_lost_between_pixels():
    """Of a dense step line, the lowest and the highest value in each pixel are kept."""
    low, high = layout.by_pixel(np.array([1.1, 1.2, 1.3, 5]), np.array([1, 9, 2, 0]))
    assert (low[:7].tolist(), high[:7].tolist()) == ([0, 0, 2, 2, 2, 0, 0], [0, 9, 2, 2, 2, 2, 0])


def test_log_time_gives_each_decade_its_room():
    """On a logarithmic axis ten microseconds and a second are as far apart as they should be."""
    axis = TimeAxis(START, 10 * 1_000 * MS, log=True)
    places = axis.to_px(START + np.array([0, 1e5, 1e6, 1e7, 1e8]))
    assert places[0] == 0
    assert np.allclose(np.diff(places)[1:], np.diff(places)[1], rtol=0.02)


def test_a_logarithmic_axis_goes_there_and_back():
    """The instant at a pixel is the instant that was put there."""
    axis = TimeAxis(START, 6_000 * MS, log=True)
    instants = START + np.array([0, 700, 5 * MS, 6_000 * MS])
    assert axis.from_px(axis.to_px(instants)) * 1_000 == pytest.approx(instants - START)


def test_a_long_name_is_cut():
    """A name is at most 24 characters wide, and wide characters count twice."""
    assert layout.plain("x" * 24) == "x" * 24
    assert layout.plain("x" * 25) == "x" * 23 + "…"
    assert layout.plain("労" * 25) == "労" * 11 + "…"


def test_many_short_ones_are_drawn_as_low_as_they_were_rare():
    """Ten sends of 5 ms in 500 ms, too dense to be told apart, fill a tenth of a bar's height."""
    timings = log([(50 * i, 50 * i + 5, None, None) for i in range(10)])
    rows, axis = timings.rows(), TimeAxis(START, 20_000 * MS)
    (bars,) = layout.lay_out(rows, timings.lanes, START, axis)[0].bars
    assert bars.count.tolist() == [10]
    heights = (bars.bottom - bars.top).tolist()
    assert heights == [pytest.approx(0.12 * layout.BAR_IN)]


def test_a_short_bar_at_the_end_of_the_axis_is_seen():
    """What happens at the last instant is drawn before the end of the axis, not after it."""
    lanes = laid_out(log([(0, 1, 2, 3), (5, 6, 5_999.9999, 6_000)]))
    (worker,) = [lane for lane in lanes if lane.kind == "worker"]
    assert max(bars.end.max() for bars in worker.bars) <= AXIS_PX
