"""What lies where in the live view: `geometry.js`, asked without any canvas."""

from itertools import pairwise

import numpy as np
import pytest
from logs import BLOG, MS, START, log, many
from test_page_log import batches

from pushpull_kit import Timings
from pushpull_kit.recording.in_flight import in_flight_steps

SCENE = """const { Log } = await import('/log.js');
const { Axis } = await import('/axis.js');
const log = new Log();
for (const [batch, text] of argument) {
  log.add(batch, Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
}
const scene = (begin = log.beginning, end = log.end, now = log.end, width = 600, origin = null) =>
  it.layOut(log, new Axis(begin, end, width, origin), now);
const lane = (from, kind) => from.lanes.find((one) => one.kind === kind);
const plain = (bars) => bars.map(({ kind, number, x0, x1, open, text }) =>
  ({ kind, number, x0, x1, open, text }));
"""


def ask(modules, timings, code):
    return modules.module("geometry", SCENE + code, batches(timings))


def test_a_lane_per_sender_and_per_worker_with_the_waits_between(modules):
    """Senders stand above those that wait, workers below."""
    timings = log(BLOG)
    timings.add_sender("other")
    timings.add_worker("helper")
    kinds = ask(modules, timings, "return scene().lanes.map((one) => [one.kind, one.name])")
    assert kinds == [
        ["sender", "sender"],
        ["sender", "other"],
        ["waiting", "waiting"],
        ["worker", "worker"],
        ["worker", "helper"],
    ]


def test_a_lane_that_was_closed_and_left_nothing_is_not_drawn(modules):
    """Of a socket that is gone, and of whose messages none is kept, nothing is to be seen."""
    timings = log(BLOG)
    timings.add_sender("gone").closed = True
    timings.add_sender("idle")
    names = ask(modules, timings, "return scene().lanes.map((one) => one.name)")
    assert names == ["sender", "idle", "waiting", "worker"]


def test_a_handling_is_a_bar_from_receipt_to_done(modules):
    """The three jobs of two seconds stand side by side, each with its number."""
    bars = ask(modules, log(BLOG), "return plain(lane(scene(), 'worker').bars)")
    assert [bar["text"] for bar in bars] == ["0: handling", "1: handling", "2: handling"]
    assert [round(bar["x1"]) for bar in bars] == [200, 400, 600]
    assert not any(bar["open"] for bar in bars)


def test_a_wait_is_a_bar_from_the_call_of_send_to_the_receipt(modules):
    """Messages 1 and 2 wait for two and four seconds, above each other."""
    bars = ask(modules, log(BLOG), "return lane(scene(), 'waiting').bars")
    assert [(bar["number"], round(bar["x1"])) for bar in bars] == [(0, 2), (1, 200), (2, 400)]
    assert bars[1]["y1"] <= bars[2]["y0"] or bars[2]["y1"] <= bars[1]["y0"]


@pytest.mark.parametrize(
    ("message", "kind", "which"),
    [
        ((0, 2000, 2100, 3000), "sender", "blocked"),
        ((0, 20, 2100, 3000), "sender", "sending"),
        ((0, 1, 1000, -3000), "worker", "failed"),
        ((0, 1, 1000, 3000), "worker", "handling"),
    ],
)
def test_kinds(modules, message, kind, which):
    """A send of more than 50 ms was blocked; a handler that raised has failed."""
    width = 20_000
    code = f"return lane(scene(log.beginning, log.end, log.end, {width}), '{kind}').bars[0].kind"
    assert ask(modules, log([message]), code) == which


def test_what_goes_on_is_drawn_until_now(modules):
    """An unfinished handling, wait and send are open bars that end at the present."""
    timings = log([(0, 1, 2, None), (3, 4, None, None), (5, None, None, None)])
    code = """const now = log.beginning + 1e9;
    const found = scene(log.beginning, now, now);
    return found.lanes.flatMap((one) => plain(one.bars)).filter((bar) => bar.open)"""
    bars = ask(modules, timings, code)
    assert {bar["kind"] for bar in bars} == {"handling", "waiting", "blocked"}
    assert all(abs(bar["x1"] - 600) < 1 for bar in bars)


def test_what_comes_later_is_not_there_yet(modules):
    """In a replay at one second only the first message is being handled."""
    code = """const found = scene(log.beginning, log.end, log.beginning + 1e9);
    return [lane(found, 'worker').bars.length, lane(found, 'worker').bars[0].open,
      lane(found, 'waiting').bars.filter((bar) => bar.open).length,
      found.flight.high[599], found.flight.high[50]]"""
    assert ask(modules, log(BLOG), code) == [1, True, 2, -1, 2]


def test_a_refused_send_is_a_mark_and_waits_for_nothing(modules):
    """A send that was given up has a mark where it ended, and no bar among those that wait."""
    code = """const found = scene();
    return [[...lane(found, 'sender').marks.values()], lane(found, 'waiting').bars.length]"""
    timings = log([(0, -1, None, None), (2, 3, 4, 2000)])
    assert ask(modules, timings, code) == [["refused"], 1]


def test_short_bars_are_columns_as_high_as_they_were_busy(modules):
    """A worker that is busy a quarter of the time does not look busy all of the time."""
    timings = log([(i, i + 0.001, i + 0.1, i + 0.35) for i in range(2000)])
    code = """const { columns, bars } = lane(scene(), 'worker');
    return [bars.length, columns.length, columns.reduce((a, b) => a + b.share, 0) / 600]"""
    bars, columns, share = ask(modules, timings, code)
    assert bars == 0
    assert columns >= 590
    assert share == pytest.approx(0.25, abs=0.03)


def test_a_short_bar_alone_is_seen(modules):
    """One send of a microsecond in six seconds is a mark of full height."""
    columns = ask(modules, log(BLOG), "return lane(scene(), 'sender').columns")
    assert columns
    assert {column["share"] for column in columns} == {1}


def test_many_waits_are_a_crowd(modules):
    """More waits than can be told apart are drawn as their number over time."""
    code = """const one = lane(scene(), 'waiting');
    return [one.bars.length, one.note, Math.max(...one.crowd)]"""
    bars, note, most = ask(modules, many(2000), code)
    assert bars == 0
    assert 1900 < most <= 2000
    assert note == f"up to {most:,} at once"


def test_the_line_of_those_in_flight_is_pythons(modules):
    """Where counts are exact, the line goes through the steps that `in_flight_steps` finds."""
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
    begins = START + np.arange(count) * gap_ns
    for track, begin, end in (
        (sender, begins, begins + 2500),
        (worker, begins + wait_ns, begins + wait_ns + 4000),
    ):
        track.payloads.extend(b"%d" % i for i in range(count))
        track.begins.extend(begin.tolist())
        track.ends.extend(end.tolist())
    return timings


@pytest.fixture(scope="module")
def crowded():
    return big(60_000)


@pytest.mark.parametrize("origin", ["null", "log.beginning"])
def test_sums_say_what_single_messages_say(modules, crowded, origin):
    """Above 3,000 messages the counts are those of the messages, and times those of the log."""
    code = f"""const found = scene(log.beginning, log.end, log.end, 700, {origin});
    return [found.visible, lane(found, 'sender').note, lane(found, 'worker').note,
      Math.max(...found.flight.high), found.flight.note]"""
    visible, sends, works, most, note = ask(modules, crowded, code)
    assert visible == 60_000
    assert sends == "60,000 sends, 150 ms"
    assert works == "60,000 handled, 240 ms"
    assert most == pytest.approx(250, abs=2)  # 1.5 ms of waiting, one every 6 µs
    assert "about" in note  # what is not exact says so


def test_sums_of_several_workers_are_told_apart(modules):
    """Messages beside each other that went to two workers are summed for each."""
    timings = Timings()
    sender = timings.add_sender()
    workers = [timings.add_worker(), timings.add_worker()]
    for i in range(8000):
        for track, begin, took in ((sender, 0, 100), (workers[i % 2], 5000, 1000 + i % 2 * 2000)):
            track.payloads.append(b"%d" % i)
            track.begins.append(START + i * 6000 + begin)
            track.ends.append(START + i * 6000 + begin + took)
    code = "return scene().lanes.filter((one) => one.kind === 'worker').map((one) => one.note)"
    assert ask(modules, timings, code) == ["4,000 handled, 4.00 ms", "4,000 handled, 12.0 ms"]


def test_a_failure_is_seen_among_a_hundred_thousand(modules):
    """One failed message among very many has a column of its own kind."""
    sign = {7000: -1}
    timings = log(
        [
            (i * 0.01, i * 0.01 + 0.001, i * 0.01 + 0.002, sign.get(i, 1) * (i * 0.01 + 0.008))
            for i in range(20_000)
        ]
    )
    code = "return lane(scene(), 'worker').columns.filter((one) => one.kind === 'failed').length"
    assert 1 <= ask(modules, timings, code) <= 2


def test_only_the_window_is_looked_at(modules, crowded):
    """Messages outside of the window are not laid out."""
    code = """const found = scene(log.beginning + 100e6, log.beginning + 101e6);
    return found.visible"""
    assert 160 < ask(modules, crowded, code) < 450


@pytest.mark.parametrize("count", [0, 1, 50, 100])
def test_lanes_are_bounded(modules, count):
    """However many workers there are, sixty are drawn, the rest named, and the picture fits."""
    timings = log(BLOG)
    for number in range(count):
        timings.add_worker(f"w{number}")
    code = """const found = scene();
    return [found.lanes.filter((one) => one.kind === 'worker').length, found.height,
      lane(found, 'more')?.name ?? '']"""
    lanes, height, more = ask(modules, timings, code)
    assert lanes == min(count + 1, 60)
    assert height < 1200
    assert more == ("41 more workers, not drawn" if count == 100 else "")


def test_no_two_lanes_overlap(modules):
    """Each lane begins where the one above ends."""
    timings = log(BLOG)
    for number in range(30):
        timings.add_worker(f"w{number}")
    lanes = ask(modules, timings, "return scene().lanes")
    assert all(a["bottom"] == b["top"] for a, b in pairwise(lanes))


def test_texts_fit_their_bars(modules):
    """A bar has its number and kind where they fit, then the number, then nothing."""
    timings = log([(0, 1, 2, 2000), (1, 2, 2000, 2250), (2, 3, 2250, 2290)])
    texts = ask(modules, timings, "return lane(scene(), 'worker').bars.map((bar) => bar.text)")
    assert texts == ["0: handling", "1", ""]


def test_what_is_under_the_pointer(modules):
    """A bar is found by its place, and a message in a column by the nearest in time."""
    code = """const found = scene();
    const middle = (one) => (one.top + one.bottom) / 2;
    const [sender, worker] = [lane(found, 'sender'), lane(found, 'worker')];
    const pick = (x, y) => it.pick(log, found, x, y);
    return [pick(300, middle(worker)), pick(1, middle(sender)) !== null,
      pick(300, middle(sender)), pick(300, 9999)]"""
    assert ask(modules, log(BLOG), code) == [1, True, None, None]


def test_the_next_instant(modules):
    """Stepping visits each call, return, receipt and end once, and then there is none."""
    code = """let now = -Infinity; let count = 0;
    for (;;) {
      const next = it.nextInstant(log, now);
      if (next === null) return count;
      now = next;
      count += 1;
    }"""
    # 0.1, 0.2, 0.3 are both an end and a beginning, or are not; 2000 and 4000 are an end only.
    assert ask(modules, log(BLOG), code) == len(
        {instant for message in BLOG for instant in message}
    )
