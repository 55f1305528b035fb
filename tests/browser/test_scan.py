"""Many messages at once: `scan.js`, with the stripes and counts that it makes."""

import numpy as np
import pytest
from logs import BLOG, MS, START, log, many, received
from views import SCENE, all_batches

from pushpull_kit import Timings
from pushpull_kit.recording.in_flight import in_flight_steps


def ask(modules, timings, code):
    return modules.module("layout", SCENE + code, all_batches(timings))


def test_short_bars_are_stripes_as_high_as_they_were_busy(modules):
    """A worker that is busy a quarter of the time does not look busy all of the time."""
    timings = log([(i, i + 0.001, i + 0.1, i + 0.35) for i in range(2000)])
    code = """const { stripes, bars } = lane(scene(), 'worker');
    return [bars.length, stripes.length, stripes.reduce((a, b) => a + b.share, 0) / 600]"""
    bars, stripes, share = ask(modules, timings, code)
    assert bars == 0
    assert stripes >= 590
    assert share == pytest.approx(0.25, abs=0.03)


def test_a_short_bar_alone_is_seen(modules):
    """One send of a microsecond in six seconds is a mark of full height."""
    stripes = ask(modules, log(BLOG), "return lane(scene(), 'sender').stripes")
    assert stripes
    assert {column["share"] for column in stripes} == {1}


def test_the_count_in_flight_is_that_of_python(modules):
    """While counts are exact, the line goes through the steps that `in_flight_steps` finds."""
    timings = many(500)
    instants, counts = in_flight_steps(timings.rows())
    found = ask(
        modules, timings, "const { low, high } = scene().flight; return [[...low], [...high]]"
    )
    low, high = map(np.array, found)
    first, last = START, instants[-1] + 1 * MS
    pixels = np.minimum(((instants - first) / (last - first) * 600).astype(int), 599)
    assert (counts <= high[pixels]).all()
    assert (counts >= low[pixels]).all()
    assert high.max() == counts.max()


def big(count, gap_ns=6000, wait_ns=1_500_000):
    """Make a log in which each message is sent after a gap, waits, and is handled."""
    timings = Timings(limit=count)
    sender, worker = timings.add_sender(), timings.add_worker()
    for i in range(count):
        start_ns = START + i * gap_ns
        sender.start(b"%d" % i, start_ns)
        sender.end(at_ns=start_ns + 2500)
        worker.start(b"%d" % i, start_ns + wait_ns)
        worker.end(at_ns=start_ns + wait_ns + 4000)
    return timings


@pytest.fixture(scope="module")
def crowded():
    return big(60_000)


@pytest.mark.parametrize("origin", ["null", "log.start"])
def test_many_messages_have_exact_sums(modules, crowded, origin):
    """Above 3,000 messages, counts and times are still those of the log."""
    code = f"""const found = scene(log.start, log.end, log.end, 700, {origin});
    return [found.nVisible, lane(found, 'sender').note, lane(found, 'worker').note,
      Math.max(...found.flight.high), found.flight.note]"""
    visible, sends, works, most, note = ask(modules, crowded, code)
    assert visible == 60_000
    assert sends == "60,000 sends, 150 ms"
    assert works == "60,000 handled, 240 ms"
    assert most == pytest.approx(250, abs=2)  # 1.5 ms of waiting, one every 6 µs
    assert "about" in note  # what is not exact says so


def test_sums_are_per_worker(modules):
    """Neighboring messages of two workers are summed for each."""
    timings = Timings()
    sender = timings.add_sender()
    workers = [timings.add_worker(), timings.add_worker()]
    for i in range(8000):
        sends = (sender, START + i * 6000, 100)
        handles = (workers[i % 2], START + i * 6000 + 5000, 1000 + i % 2 * 2000)
        for buffer, start_ns, took_ns in (sends, handles):
            buffer.start(b"%d" % i, start_ns)
            buffer.end(at_ns=start_ns + took_ns)
    code = "return scene().lanes.filter((one) => one.kind === 'worker').map((one) => one.note)"
    assert ask(modules, timings, code) == ["4,000 handled, 4.00 ms", "4,000 handled, 12.0 ms"]


def test_one_failure_among_many_is_visible(modules):
    """One failed message among very many has a stripe of its own kind."""
    sign = {7000: -1}
    timings = log(
        [
            (i * 0.01, i * 0.01 + 0.001, i * 0.01 + 0.002, sign.get(i, 1) * (i * 0.01 + 0.008))
            for i in range(20_000)
        ]
    )
    code = "return lane(scene(), 'worker').stripes.filter((one) => one.kind === 'failed').length"
    assert 1 <= ask(modules, timings, code) <= 2


def test_only_the_window_is_scanned(modules, crowded):
    """Messages outside of the window are not laid out."""
    code = """const found = scene(log.start + 100e6, log.start + 101e6);
    return found.nVisible"""
    assert 160 < ask(modules, crowded, code) < 450


def test_many_receipts_of_a_bare_pull_are_counted(modules):
    """Neighboring receipts are summed, with one mark a pixel at most, and no stripe of work."""
    timings = received([(i * 0.01, i * 0.01 + 0.001, i * 0.01 + 0.002) for i in range(20_000)])
    code = """const found = scene(); const one = lane(found, 'worker');
    return [found.isExact, one.note, one.marks.size, one.stripes.length]"""
    _, note, marks, stripes = ask(modules, timings, code)
    assert note == "20,000 received, not timed"
    assert 590 <= marks <= 601
    assert stripes == 0


def test_a_chunk_of_receipts_is_drawn_from_its_totals(modules):
    """Receipts cost no more than handled messages do: a chunk of them has totals."""
    timings = received([(i * 0.01, i * 0.01 + 0.001, i * 0.01 + 0.002) for i in range(1000)])
    code = """const [chunk] = log.chunksBetween(log.start, log.end);
    return [chunk.totals?.count, chunk.end < Infinity]"""
    assert ask(modules, timings, code) == [128, True]


def test_counts_at_the_end_of_a_window_in_the_past(modules, crowded):
    """After panning into the past, as many messages wait in the last pixel as in the one before."""
    code = """const found = scene(log.start + 100e6, log.start + 200e6);
    const crowd = lane(found, 'waiting').crowd;
    return [found.isExact, found.flight.low.at(-1), found.flight.low.at(-2), crowd.at(-1)]"""
    exact, last, before, waiting = ask(modules, crowded, code)
    assert not exact
    assert last == pytest.approx(before, abs=2)
    assert waiting == pytest.approx(250, abs=3)
