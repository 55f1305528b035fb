"""Where everything is in the picture: `layout.js`, called without any canvas."""

from itertools import pairwise

import pytest
from logs import BLOG, log, many, received
from views import SCENE, all_batches

from pushpull_kit.spec import MAX_LANES


def ask(modules, timings, code):
    return modules.module("layout", SCENE + code, all_batches(timings))


def test_a_lane_per_sender_and_per_worker_with_the_waits_between(modules):
    """Senders are above the waits, workers are below."""
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


def test_a_closed_lane_without_messages_is_not_drawn(modules):
    """A socket that is closed, and of which no message is kept, has no lane."""
    timings = log(BLOG)
    timings.add_sender("gone").close()
    timings.add_sender("idle")
    names = ask(modules, timings, "return scene().lanes.map((one) => one.name)")
    assert names == ["sender", "idle", "waiting", "worker"]


def test_a_handling_is_a_bar_from_receipt_to_done(modules):
    """The three jobs of two seconds are side by side, each with its id."""
    bars = ask(modules, log(BLOG), "return plain(lane(scene(), 'worker').bars)")
    assert [bar["text"] for bar in bars] == ["0: handling", "1: handling", "2: handling"]
    assert [round(bar["x1"]) for bar in bars] == [200, 400, 600]
    assert not any(bar["isOpen"] for bar in bars)


def test_a_wait_is_a_bar_from_the_call_of_send_to_the_receipt(modules):
    """Messages 1 and 2 wait for two and four seconds, above each other."""
    bars = ask(modules, log(BLOG), "return lane(scene(), 'waiting').bars")
    assert [(bar["id"], round(bar["x1"])) for bar in bars] == [(0, 2), (1, 200), (2, 400)]
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
    code = f"return lane(scene(log.start, log.end, log.end, {width}), '{kind}').bars[0].kind"
    assert ask(modules, log([message]), code) == which


def test_what_is_unfinished_is_drawn_until_now(modules):
    """An unfinished handling, wait and send are open bars that end at the present."""
    timings = log([(0, 1, 2, None), (3, 4, None, None), (5, None, None, None)])
    code = """const now = log.start + 1e9;
    const found = scene(log.start, now, now);
    return found.lanes.flatMap((one) => plain(one.bars)).filter((bar) => bar.isOpen)"""
    bars = ask(modules, timings, code)
    assert {bar["kind"] for bar in bars} == {"handling", "waiting", "blocked"}
    assert all(abs(bar["x1"] - 600) < 1 for bar in bars)


def test_later_events_are_not_drawn(modules):
    """In a replay at one second, only the first message is in the handler."""
    code = """const found = scene(log.start, log.end, log.start + 1e9);
    return [lane(found, 'worker').bars.length, lane(found, 'worker').bars[0].isOpen,
      lane(found, 'waiting').bars.filter((bar) => bar.isOpen).length,
      found.flight.high[599], found.flight.high[50]]"""
    assert ask(modules, log(BLOG), code) == [1, True, 2, -1, 2]


def test_a_refused_send_is_a_mark(modules):
    """A send that was given up has a mark where it ended, and no bar among the waits."""
    code = """const found = scene();
    return [[...lane(found, 'sender').marks.values()], lane(found, 'waiting').bars.length]"""
    timings = log([(0, -1, None, None), (2, 3, 4, 2000)])
    assert ask(modules, timings, code) == [["refused"], 1]


def test_many_waits_are_a_crowd(modules):
    """More waits than can be told apart are drawn as their number over time."""
    code = """const one = lane(scene(), 'waiting');
    return [one.bars.length, one.note, Math.max(...one.crowd)]"""
    bars, note, most = ask(modules, many(2000), code)
    assert bars == 0
    assert 1900 < most <= 2000
    assert note == f"up to {most:,} at once"


@pytest.mark.parametrize("count", [0, 1, 50, 100])
def test_lanes_are_bounded(modules, count):
    """However many workers there are, 40 are drawn, the rest are counted, and the picture fits."""
    timings = log(BLOG)
    for number in range(count):
        timings.add_worker(f"w{number}")
    code = """const found = scene();
    return [found.lanes.filter((one) => one.kind === 'worker').length, found.height,
      lane(found, 'more')?.name ?? '']"""
    lanes, height, more = ask(modules, timings, code)
    assert lanes == min(count + 1, MAX_LANES)
    assert height < 1200
    n_more = max(0, count + 1 - MAX_LANES)
    assert more == (f"{n_more} more workers, not drawn" if n_more else "")


def test_no_two_lanes_overlap(modules):
    """Each lane starts where the one above ends."""
    timings = log(BLOG)
    for number in range(30):
        timings.add_worker(f"w{number}")
    lanes = ask(modules, timings, "return scene().lanes")
    assert all(a["bottom"] == b["top"] for a, b in pairwise(lanes))


def test_texts_fit_their_bars(modules):
    """A bar has its id and kind if they fit, otherwise its id, otherwise nothing."""
    timings = log([(0, 1, 2, 2000), (1, 2, 2000, 2250), (2, 3, 2250, 2290)])
    texts = ask(modules, timings, "return lane(scene(), 'worker').bars.map((bar) => bar.text)")
    assert texts == ["0: handling", "1", ""]


# A bare PULL: of its messages only the receipt is known.

LATER = "const found = scene(log.start, log.start + 8e9, log.start + 8e9, 800);"


def test_a_receipt_of_a_bare_pull_is_a_mark(modules):
    """There is a mark at the receipt, no bar of work, and nothing that grows with the present."""
    code = f"""{LATER} const one = lane(found, 'worker');
    return [[...one.marks], one.bars.length, one.stripes.length]"""
    marks, bars, stripes = ask(modules, received([(0, 1, 2000), (0, 1, 4000)]), code)
    assert marks == [[200, "received"], [400, "received"]]
    assert (bars, stripes) == (0, 0)


def test_a_wait_for_a_bare_pull_ends_at_the_receipt(modules):
    """The waiting bar ends at the receipt, and so does the message's time in flight."""
    code = f"""{LATER} const [bar] = plain(lane(found, 'waiting').bars);
    return [bar.x1, bar.isOpen, found.flight.high[300]]"""
    assert ask(modules, received([(0, 1, 2000)]), code) == [200, False, 0]


def test_before_its_receipt_such_a_message_waits(modules):
    """In a replay, a message has no mark before it is received."""
    code = """const found = scene(log.start, log.end, log.start + 1e9);
    return [lane(found, 'worker').marks.size, lane(found, 'waiting').bars[0].isOpen]"""
    assert ask(modules, received([(0, 1, 2000)]), code) == [0, True]


def test_the_note_of_a_bare_pull_has_no_service_time(modules):
    """A worker's note counts such messages, and has no duration for them."""
    timings = received([(0, 1, 2), (3, 4, 5)])
    assert ask(modules, timings, "return lane(scene(), 'worker').note") == "2 received, not timed"


def test_the_note_of_a_pull_that_times_some_of_its_work(modules):
    """Messages whose work was timed are counted apart, with their service time."""
    timings = received([(0, 1, 2)])
    buffer = timings.add_worker("worker")
    buffer.start(b"other", 1_005_000_000)
    buffer.end(at_ns=1_007_000_000)
    note = ask(modules, timings, "return lane(scene(), 'worker').note")
    assert note == "1 handled, 2.00 ms, 1 received, not timed"


def test_a_receipt_before_the_window_is_not_drawn(modules):
    """A message that was received before the window is not in the picture."""
    code = """const found = scene(log.start + 5e9, log.start + 6e9, log.start + 6e9);
    return [found.nVisible, lane(found, 'worker').marks.size, lane(found, 'worker').note]"""
    assert ask(modules, received([(0, 1, 2000)]), code) == [0, 0, ""]
