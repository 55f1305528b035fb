"""What a live view is sent, and when: a feed asked at times that the tests choose."""

import numpy as np
import pytest
from jupyter_client.session import Session
from logs import BLOG, MS, log, many

from pushpull_kit import Timings
from pushpull_kit.views.timeline.protocol import (
    AHEAD,
    ALIVE_S,
    COLUMNS,
    FRAME_S,
    HEADLINE_S,
    HELD_BYTES,
    MOST,
    MOST_UNHEARD,
    QUIET_S,
    UNHEARD_S,
    Feed,
    encode,
)

ROW_BYTES = sum(np.dtype(kind).itemsize for _, kind in COLUMNS)


class Page:
    """A page that hears and answers as it is told, at times of its own."""

    def __init__(self, timings, hello=True):
        self.timings = timings
        self.feed = Feed(timings)
        self.now_s = 1000.0
        if hello:
            self.feed.hello()

    def batch(self, after_s=1.0, ack=True, **how):
        """Return the header of the next batch, if there is one after so long."""
        self.now_s += after_s
        told = self.feed.batch(self.now_s, **how)
        if told is None:
            return None
        header, self.block = told
        if ack:
            self.feed.ack(header["sequence"])
        return header

    def push(self, count=1):
        """Let a new sender send so many messages."""
        track = self.timings.add_sender("more")
        for number in range(count):
            track.begin(b"%d" % number)
            track.end()


def columns(block):
    """Take a block of bytes apart."""
    count, at, found = len(block) // ROW_BYTES, 0, {}
    for name, kind in COLUMNS:
        found[name] = np.frombuffer(block, kind, count, at)
        at += found[name].nbytes
    return found


# What a batch holds


def test_a_block_holds_the_log_exactly():
    """Instants, sizes, lanes and outcomes are those of the log."""
    timings = log([*BLOG, (5, None, None, None), (7, -8, None, None)])
    page = Page(timings)
    header = page.batch()
    found, rows = columns(page.block), timings.rows()
    assert header["count"] == len(rows) == 5
    origin_ns = page.feed._origin_ns
    for name in ("send_start_ns", "send_end_ns", "recv_ns", "done_ns"):
        told = np.where(np.isnan(found[name]), 0, found[name] + origin_ns)
        assert (told == rows[name]).all()
    for name in ("n_bytes", "sender", "worker", "outcome"):
        assert (found[name] == rows[name]).all()
    assert found["number"].tolist() == [0, 1, 2, 3, 4]


def test_a_block_is_bytes():
    """What is sent cannot change afterwards: a page gets the very memory it is given."""
    timings = log(BLOG)
    assert type(encode(timings.delta(timings.subscribe(), 10), 0)) is bytes


def test_a_name_that_no_message_can_hold_is_told_as_far_as_it_can_be():
    """Half a character in a lane's name comes as a question mark, and stops nothing."""
    timings = log(BLOG, sender="half \ud83d and whole \U0001f600")
    header = Page(timings).batch()
    session = Session(key=b"")
    session.serialize(session.msg("comm_msg", {"data": header}))
    assert header["lanes"][1] == ("sender", "half ? and whole \U0001f600")


def test_the_headline_is_the_summary():
    """The text above the picture is the kernel's own sum."""
    timings = log(BLOG)
    assert Page(timings).batch()["headline"] == str(timings.summary())


def test_only_what_is_new_is_sent():
    """A batch holds the messages that have changed since the last one, and no others."""
    page = Page(many(1000))
    assert page.batch()["count"] == 1000
    page.push(3)
    assert page.batch()["count"] == 3
    assert page.batch(0.01) is None


def test_a_message_that_goes_on_is_sent_again_when_it_is_done():
    """A message in the handler comes once while it is there, and once when it is handled."""
    timings = Timings()
    sender, worker = timings.add_sender(), timings.add_worker()
    page = Page(timings)
    sender.begin(b"x")
    sender.end()
    worker.begin(b"x")
    assert page.batch()["busy"] is True
    worker.end()
    header = page.batch()
    assert header["count"] == 1
    assert header["busy"] is False
    assert columns(page.block)["number"].tolist() == [0]


def test_a_large_log_comes_in_parts():
    """No batch holds more than so many messages; together they hold all."""
    page = Page(many(MOST + 1))
    assert [page.batch()["count"], page.batch()["count"]] == [MOST, 1]


def test_a_cleared_log_is_told():
    """After `clear()` the numbers begin anew, and the page can see it."""
    timings = log(BLOG)
    page = Page(timings)
    first = page.batch()["first"]
    timings.clear()
    page.push()
    header = page.batch()
    assert header["first"] > first
    assert (header["oldest"], header["next"], header["count"]) == (0, 1, 1)


def test_what_was_let_go_is_told():
    """A page learns which messages the log keeps."""
    timings = Timings(limit=100)
    page = Page(timings)
    page.push(250)
    header = page.batch()
    assert (header["oldest"], header["next"], header["limit"], header["count"]) == (
        150,
        250,
        100,
        100,
    )


# When


def test_thirty_batches_a_second_at_the_most():
    """After a batch the next one is due a thirtieth of a second later."""
    page = Page(log(BLOG))
    page.batch()
    assert page.feed.due_s(page.now_s) == pytest.approx(FRAME_S)
    assert page.feed.due_s(page.now_s + FRAME_S) == 0


def test_pages_that_do_not_answer_are_sent_less():
    """Some batches ahead of what was acknowledged, batches are fewer, and do not end."""
    page = Page(log(BLOG))
    for _ in range(AHEAD + 1):
        page.push()
        assert page.batch(ack=False)
    assert page.feed.due_s(page.now_s) == pytest.approx(UNHEARD_S)
    page.push()
    assert page.batch(ack=False)
    page.feed.ack(page.feed._sequence)
    assert page.feed.due_s(page.now_s) == pytest.approx(FRAME_S)


def test_what_is_unacknowledged_is_bounded():
    """Beyond so many bytes only the headline is sent; after an answer, all that was held."""
    page = Page(many(MOST))
    sizes = []
    while True:
        page.feed.timings.digest()
        page.feed._dirty.slots[: len(page.timings)] = True  # all of it has changed again
        page.batch(ack=False)
        sizes.append(len(page.block))
        if not sizes[-1]:
            break
    assert HELD_BYTES < sum(sizes) < HELD_BYTES + 2 * MOST * ROW_BYTES
    page.feed.ack(page.feed._sequence)
    assert page.batch()["count"] == MOST


def test_signs_of_life():
    """Where nothing happens a batch without messages comes every second, as was promised."""
    page = Page(log(BLOG))
    assert page.batch()["again_within_s"] == ALIVE_S
    assert page.batch(ALIVE_S / 2) is None
    header = page.batch(ALIVE_S)
    assert (header["count"], header["again_within_s"]) == (0, ALIVE_S)


def test_signs_of_life_end():
    """After ten quiet minutes nothing is promised and nothing sent, until something happens."""
    page = Page(log(BLOG))
    page.batch()
    page.batch(QUIET_S - 1.5)
    last = page.batch(1.0)
    assert last["again_within_s"] is None
    assert page.batch(QUIET_S) is None
    page.push()
    assert page.batch()["again_within_s"] == ALIVE_S


def test_durations_go_on_four_times_a_second():
    """While a handler works, the headline's seconds are sent though no message has changed."""
    timings = Timings()
    worker = timings.add_worker()
    page = Page(timings)
    worker.begin(b"x")
    page.batch()
    assert page.batch(HEADLINE_S / 2) is None
    assert page.batch(HEADLINE_S)["count"] == 0


# Pages that come, go, and say nothing


def test_before_any_page_has_answered_everything_is_sent_again():
    """A page that listens late has missed nothing."""
    page = Page(log(BLOG), hello=False)
    assert page.batch(ack=False)["count"] == 3
    page.push()
    header = page.batch(ack=False)
    assert (header["count"], header["anew"]) == (4, True)


def test_before_any_page_has_answered_only_the_newest_are_sent():
    """To nobody, at most so many messages are sent at once."""
    page = Page(many(MOST_UNHEARD + 100), hello=False)
    assert page.batch(ack=False)["count"] == MOST_UNHEARD
    assert columns(page.block)["number"].min() == 100


def test_hello_brings_everything():
    """A reloaded page is sent the whole log, however large, and whatever was on its way."""
    page = Page(many(MOST + 5))
    while page.feed.n_pending:
        page.batch(ack=False)
    page.feed.hello()
    assert [page.batch()["count"], page.batch()["count"]] == [MOST, 5]


@pytest.mark.parametrize("sequence", [-1, 0, 10**9])
def test_an_answer_to_what_was_never_sent_changes_nothing(sequence):
    """Only batches that were sent can be acknowledged."""
    page = Page(log(BLOG))
    page.batch(ack=False)
    page.feed.ack(sequence)
    assert page.feed._acked == 0


def test_the_end():
    """The last batch of a closed log says so, with all that was left to send."""
    page = Page(many(MOST + 5))
    assert page.batch(closed=True)["ended"] is False
    last = page.batch(closed=True)
    assert (last["count"], last["ended"], last["again_within_s"]) == (5, True, None)


def test_a_feed_that_is_forgotten_costs_the_log_nothing():
    """The log does not go on noting changes for a feed that is gone."""
    timings = log(BLOG)
    Feed(timings)
    assert len(timings._ring._subscribers) == 0


def test_instants_are_whole_nanoseconds_for_a_hundred_days():
    """What is sent as a float is exact."""
    days_ns = 100 * 86_400 * 10**9
    assert int(np.float64(days_ns + 1)) == days_ns + 1
    assert MS == 10**6
