"""Where the parts of a static picture lie: bars, slots, lanes and lines."""

import numpy as np
import pytest
from logs import BLOG, MS, START, log, many, received

from pushpull_kit.spec import MERGE_PX, MIN_BAR_PX
from pushpull_kit.views.bars import (
    BAR_IN,
    assign_slots,
    group_narrow,
    intervals_by_kind,
    min_max_per_pixel,
)
from pushpull_kit.views.layout import lay_out, printable
from pushpull_kit.views.time_axis import AXIS_PX, TimeAxis


def lanes_of(timings, now_ms=0):
    """Return the lanes of a log on an axis of six seconds."""
    axis = TimeAxis(START, 6_000 * MS)
    return lay_out(timings.rows(), timings.lanes, START + now_ms * MS, axis)


def test_waits_that_overlap_have_different_slots():
    """Waits that overlap by more than a few pixels are in different slots."""
    start, end = np.array([0, 10, 20, 31.0]), np.array([30, 40, 50, 60.0])
    assert assign_slots(start, end).tolist() == [0, 1, 2, 0]


def test_too_many_waits_are_not_stacked():
    """If waits need more slots than there are, none gets a slot."""
    start = np.arange(20.0)
    assert assign_slots(start, start + 100) is None


def test_every_bar_is_wide_enough_to_be_seen():
    """A send of a tenth of a millisecond is visible beside seconds."""
    (sends,) = lanes_of(log(BLOG[:1]))[0].bars
    assert (sends.end_px - sends.start_px).tolist() == [MIN_BAR_PX]
    assert sends.has_widened


def test_merging_loses_no_message():
    """The bars of 5,000 messages stand for 5,000 messages."""
    sends, handlings = (lane.bars[0] for lane in lanes_of(many(5_000)))
    assert sends.n_messages.sum() == handlings.n_messages.sum() == 5_000
    assert len(sends.n_messages) < AXIS_PX


def test_only_narrow_neighbors_are_merged():
    """A wide bar is not merged, however close its neighbors are."""
    start, end = np.array([0, 1, 2, 50.0, 51]), np.array([0.5, 1.5, 50, 50.9, 52])
    assert end[2] - start[2] > MERGE_PX
    first, second, wide, *later = group_narrow(start, end).tolist()
    assert first == second
    assert wide not in (first, *later)
    assert later == [later[0]] * 2 != [first] * 2


def test_messages_that_are_not_received_have_their_own_lane():
    """A message that no worker has received is not in a worker's lane."""
    timings = log([(0, 1, None, None), (2, 3, 4, 50)])
    assert [lane.name for lane in lanes_of(timings)] == ["sender", "not received", "worker"]


def test_a_send_that_has_not_returned_is_blocked_and_open():
    """A send that has not returned lasts until now and is marked as open."""
    blocked = intervals_by_kind(log([(0, None, None, None)]).rows(), START + 7)["blocked"]
    assert (blocked.start_ns.tolist(), blocked.end_ns.tolist()) == ([START], [START + 7])
    assert blocked.is_open.all()


def test_an_unfinished_handling_lasts_until_now():
    """A message in the handler is drawn up to the time of drawing and is marked as open."""
    (handling,) = lanes_of(log([(0, 1, 2, None)]), now_ms=3_000)[1].bars[:1]
    assert handling.end_px.tolist() == [AXIS_PX / 2]
    assert handling.is_open.all()


def test_a_refused_send_is_a_marker():
    """A refused send has a marker where it ended, and no wait."""
    sender, worker = lanes_of(log([(0, -3_000, None, None)]))
    assert sender.marks_px["refused"].tolist() == [round(AXIS_PX / 2)]
    assert [bars.kind for bars in sender.bars + worker.bars] == ["blocked"]  # it took 3 s


def test_a_step_line_keeps_its_peak_in_each_pixel():
    """The lowest and the highest value in each pixel of a dense step line are kept."""
    low, high = min_max_per_pixel(np.array([1.1, 1.2, 1.3, 5]), np.array([1, 9, 2, 0]))
    assert (low[:7].tolist(), high[:7].tolist()) == ([0, 0, 2, 2, 2, 0, 0], [0, 9, 2, 2, 2, 2, 0])


def test_decades_are_equally_wide_on_a_logarithmic_axis():
    """On a logarithmic axis each power of ten has the same distance from the next."""
    axis = TimeAxis(START, 10 * 1_000 * MS, log=True)
    places = axis.to_px(START + np.array([0, 1e5, 1e6, 1e7, 1e8]))
    assert places[0] == 0
    assert np.allclose(np.diff(places)[1:], np.diff(places)[1], rtol=0.02)


def test_from_px_is_the_inverse_of_to_px():
    """On a logarithmic axis, an instant is the same after the way to pixels and back."""
    axis = TimeAxis(START, 6_000 * MS, log=True)
    instants = START + np.array([0, 700, 5 * MS, 6_000 * MS])
    assert axis.from_px(axis.to_px(instants)) * 1_000 == pytest.approx(instants - START)


def test_a_long_name_is_cut():
    """A name is at most 24 characters wide, and wide characters count twice."""
    assert printable("x" * 24) == "x" * 24
    assert printable("x" * 25) == "x" * 23 + "…"
    assert printable("労" * 25) == "労" * 11 + "…"


def test_a_merged_bar_is_as_high_as_its_share_of_busy_time():
    """Ten sends of 5 ms in 500 ms are merged into one low bar."""
    timings = log([(50 * i, 50 * i + 5, None, None) for i in range(10)])
    rows, axis = timings.rows(), TimeAxis(START, 20_000 * MS)
    (bars,) = lay_out(rows, timings.lanes, START, axis)[0].bars
    assert bars.n_messages.tolist() == [10]
    heights = (bars.bottom_in - bars.top_in).tolist()
    assert heights == [pytest.approx(0.12 * BAR_IN)]


def test_a_short_bar_at_the_end_of_the_axis_is_visible():
    """A bar at the last instant ends at the end of the axis, not after it."""
    lanes = lanes_of(log([(0, 1, 2, 3), (5, 6, 5_999.9999, 6_000)]))
    (worker,) = [lane for lane in lanes if lane.kind == "worker"]
    assert max(bars.end_px.max() for bars in worker.bars) <= AXIS_PX


def test_a_receipt_of_a_bare_pull_is_a_mark():
    """A message of which only the receipt was seen has a mark there, and no bar of work."""
    worker = lanes_of(received([(0, 1, 3_000)]), now_ms=5_000)[-1]
    assert worker.marks_px["received"].tolist() == [AXIS_PX / 2]
    assert [bars.kind for bars in worker.bars] == ["waiting"]


def test_a_wait_for_a_bare_pull_ends_at_the_receipt():
    """The wait of such a message ends when it is received, not at the time of drawing."""
    (waits,) = lanes_of(received([(0, 1, 3_000)]), now_ms=5_000)[-1].bars
    assert waits.end_px.tolist() == [AXIS_PX / 2]
    assert not waits.is_open.any()


def test_receipts_are_at_most_one_mark_per_pixel():
    """However many messages a bare PULL receives, its marks are bounded by the axis."""
    timings = received([(i * 0.1, i * 0.1 + 0.01, i * 0.1 + 0.02) for i in range(50_000)])
    assert len(lanes_of(timings)[-1].marks_px["received"]) <= AXIS_PX + 1


def test_the_note_of_a_bare_pull_has_no_service_time():
    """A worker's note counts such messages, and has no duration for them."""
    assert lanes_of(received([(0, 1, 2), (3, 4, 5)]))[-1].notes == ["2 received, not timed"]


def test_the_note_of_a_pull_that_times_some_of_its_work():
    """Messages whose work was timed are counted apart, with their service time."""
    timings = received([(0, 1, 2)])
    buffer = timings.add_worker("worker")
    buffer.start(b"other", START + 5 * MS)
    buffer.end(at_ns=START + 7 * MS)
    (note, other) = lanes_of(timings)[-1].notes
    assert (note, other) == ("1 handled, 2.00 ms", "1 received, not timed")
