"""What pages are sent, and when: a `BatchStream` with times that the tests choose."""

import gc

import numpy as np
import pytest
from jupyter_client.session import Session
from logs import BLOG, MS, log, many

from pushpull_kit import Timings
from pushpull_kit.recording.ring_buffer import DirtyRows
from pushpull_kit.spec import BATCH_COLUMNS
from pushpull_kit.views.timeline.protocol import (
    FRAME_S,
    HEADLINE_S,
    HEARTBEAT_S,
    IDLE_S,
    MAX_BATCH_ROWS,
    MAX_EARLY_ROWS,
    MAX_UNACKNOWLEDGED,
    MAX_UNACKNOWLEDGED_BYTES,
    SLOW_FRAME_S,
    BatchStream,
    encode,
)

ROW_BYTES = sum(np.dtype(f"<{kind}").itemsize for _, kind in BATCH_COLUMNS)


class Page:
    """A page that subscribes and acknowledges when a test says so, with a clock of its own."""

    def __init__(self, timings, subscribe=True):
        self.timings = timings
        self.stream = BatchStream(timings)
        self.now_s = 1000.0
        if subscribe:
            self.stream.subscribe()

    def batch(self, after_s=1.0, acknowledge=True, **how):
        """Return the header of the batch that is sent after this time, or None."""
        self.now_s += after_s
        batch = self.stream.batch(self.now_s, **how)
        if batch is None:
            return None
        header, self.block = batch
        if acknowledge:
            self.stream.acknowledge(header["sequence"])
        return header

    def push(self, count=1):
        """Send this many messages from a new sender."""
        buffer = self.timings.add_sender("more")
        for number in range(count):
            buffer.start(b"%d" % number)
            buffer.end()


def columns(block):
    """Return the columns of a block of bytes, by name."""
    count, at, found = len(block) // ROW_BYTES, 0, {}
    for name, kind in BATCH_COLUMNS:
        found[name] = np.frombuffer(block, f"<{kind}", count, at)
        at += found[name].nbytes
    return found


# What a batch holds


def test_a_block_holds_the_log_exactly():
    """Instants, sizes, lanes and outcomes are those of the log."""
    timings = log([*BLOG, (5, -6, None, None), (7, None, None, None)])
    page = Page(timings)
    header = page.batch()
    found, rows = columns(page.block), timings.rows()
    assert header["count"] == len(rows) == 5
    origin_ns = page.stream.origin_ns
    for name in ("send_start_ns", "send_end_ns", "recv_ns", "done_ns"):
        told = np.where(np.isnan(found[name]), 0, found[name] + origin_ns)
        assert (told == rows[name]).all()
    for name in ("n_bytes", "sender", "worker", "outcome"):
        assert (found[name] == rows[name]).all()
    assert found["message_id"].tolist() == [0, 1, 2, 3, 4]


def test_a_block_is_bytes():
    """A block cannot change after it was returned: it is sent without a copy."""
    timings = log(BLOG)
    assert type(encode(timings.delta(timings.subscribe(), 10), 0)) is bytes


def test_a_lone_surrogate_in_a_name_is_replaced():
    """A lone surrogate in a lane's name is sent as a question mark."""
    timings = log(BLOG, sender="half \ud83d and whole \U0001f600")
    header = Page(timings).batch()
    session = Session(key=b"")
    session.serialize(session.msg("comm_msg", {"data": header}))
    assert header["lanes"][1] == ("sender", "half ? and whole \U0001f600")


def test_the_headline_is_the_summary():
    """The headline is the text of the log's summary."""
    timings = log(BLOG)
    assert Page(timings).batch()["headline"] == str(timings.summary())


def test_only_dirty_rows_are_sent():
    """A batch has the messages that have changed since the last one, and no others."""
    page = Page(many(1000))
    assert page.batch()["count"] == 1000
    page.push(3)
    assert page.batch()["count"] == 3
    assert page.batch(0.01) is None


def test_a_message_is_sent_again_when_it_changes():
    """A message is sent once while it is in the handler, and once when it is handled."""
    timings = Timings()
    sender, worker = timings.add_sender(), timings.add_worker()
    page = Page(timings)
    sender.start(b"x")
    sender.end()
    worker.start(b"x")
    assert page.batch()["busy"] is True
    worker.end()
    header = page.batch()
    assert header["count"] == 1
    assert header["busy"] is False
    assert columns(page.block)["message_id"].tolist() == [0]


def test_a_batch_is_bounded():
    """No batch has more than `MAX_BATCH_ROWS` messages; together they have all."""
    page = Page(many(MAX_BATCH_ROWS + 1))
    assert [page.batch()["count"], page.batch()["count"]] == [MAX_BATCH_ROWS, 1]


def test_a_clear_changes_the_first_row_id():
    """After `clear()` message ids start at 0 again, and `first_row_id` is another."""
    timings = log(BLOG)
    page = Page(timings)
    first = page.batch()["first_row_id"]
    timings.clear()
    page.push()
    header = page.batch()
    assert header["first_row_id"] > first
    assert (header["oldest_id"], header["next_id"], header["count"]) == (0, 1, 1)


def test_the_header_says_what_was_evicted():
    """The header has the ids of the messages that the log keeps."""
    timings = Timings(limit=100)
    page = Page(timings)
    page.push(250)
    header = page.batch()
    assert (header["oldest_id"], header["next_id"], header["limit"], header["count"]) == (
        150,
        250,
        100,
        100,
    )


# When


def test_at_most_thirty_batches_a_second():
    """After a batch the next one is due a thirtieth of a second later."""
    page = Page(log(BLOG))
    page.batch()
    assert page.stream.due_s(page.now_s) == pytest.approx(FRAME_S)
    assert page.stream.due_s(page.now_s + FRAME_S) == 0


def test_batches_are_slower_without_acknowledgments():
    """With `MAX_UNACKNOWLEDGED` batches unacknowledged, batches are slower, but do not stop."""
    page = Page(log(BLOG))
    for _ in range(MAX_UNACKNOWLEDGED + 1):
        page.push()
        assert page.batch(acknowledge=False)
    assert page.stream.due_s(page.now_s) == pytest.approx(SLOW_FRAME_S)
    page.push()
    assert page.batch(acknowledge=False)
    page.stream.acknowledge(page.stream.sequence)
    assert page.stream.due_s(page.now_s) == pytest.approx(FRAME_S)


def test_unacknowledged_bytes_are_bounded():
    """Beyond the bound only the headline is sent; after an acknowledgment, all the rest."""
    page = Page(Timings())
    sizes = []
    while True:
        page.push(MAX_BATCH_ROWS)
        page.batch(acknowledge=False)
        sizes.append(len(page.block))
        if not sizes[-1]:
            break
    assert (
        MAX_UNACKNOWLEDGED_BYTES
        < sum(sizes)
        < MAX_UNACKNOWLEDGED_BYTES + 2 * MAX_BATCH_ROWS * ROW_BYTES
    )
    page.stream.acknowledge(page.stream.sequence)
    assert page.batch()["count"] == MAX_BATCH_ROWS


def test_heartbeats():
    """Without changes, a batch without messages is sent every second, as the header promises."""
    page = Page(log(BLOG))
    assert page.batch()["heartbeat_within_s"] == HEARTBEAT_S
    assert page.batch(HEARTBEAT_S / 2) is None
    header = page.batch(HEARTBEAT_S)
    assert (header["count"], header["heartbeat_within_s"]) == (0, HEARTBEAT_S)


def test_heartbeats_end():
    """After ten minutes without changes, none is promised or sent until something changes."""
    page = Page(log(BLOG))
    page.batch()
    page.batch(IDLE_S - 1.5)
    last = page.batch(1.0)
    assert last["heartbeat_within_s"] is None
    assert page.batch(IDLE_S) is None
    page.push()
    assert page.batch()["heartbeat_within_s"] == HEARTBEAT_S


def test_a_new_headline_is_sent_four_times_a_second():
    """While a handler works, growing durations are sent though no message has changed."""
    timings = Timings()
    worker = timings.add_worker()
    page = Page(timings)
    worker.start(b"x")
    page.batch()
    assert page.batch(HEADLINE_S / 2) is None
    assert page.batch(HEADLINE_S)["count"] == 0


def subscriptions():
    """Return the number of subscriptions in this process."""
    gc.collect()
    return sum(isinstance(it, DirtyRows) for it in gc.get_objects())


# Pages that subscribe, reload, or send nothing


def test_before_a_page_subscribes_each_batch_is_a_snapshot():
    """A page that subscribes late has missed nothing."""
    page = Page(log(BLOG), subscribe=False)
    assert page.batch(acknowledge=False)["count"] == 3
    page.push()
    header = page.batch(acknowledge=False)
    assert (header["count"], header["snapshot"]) == (4, True)


def test_before_a_page_subscribes_snapshots_are_small():
    """Before a page subscribes, a snapshot has at most `MAX_EARLY_ROWS` messages."""
    page = Page(many(MAX_EARLY_ROWS + 100), subscribe=False)
    assert page.batch(acknowledge=False)["count"] == MAX_EARLY_ROWS
    assert columns(page.block)["message_id"].min() == 100


def test_a_subscription_gets_a_snapshot():
    """A reloaded page gets the whole log, however large it is."""
    page = Page(many(MAX_BATCH_ROWS + 5))
    while page.stream.n_pending:
        page.batch(acknowledge=False)
    page.stream.subscribe()
    assert [page.batch()["count"], page.batch()["count"]] == [MAX_BATCH_ROWS, 5]


@pytest.mark.parametrize("sequence", [-1, 0, 10**9])
def test_a_batch_that_was_not_sent_cannot_be_acknowledged(sequence):
    """An acknowledgment of another sequence number is ignored."""
    page = Page(log(BLOG))
    page.batch(acknowledge=False)
    page.stream.acknowledge(sequence)
    assert page.stream.acknowledged == 0


def test_the_end():
    """The last batch of a closed log says so, and has the rest of the messages."""
    page = Page(many(MAX_BATCH_ROWS + 5))
    assert page.batch(closed=True)["ended"] is False
    last = page.batch(closed=True)
    assert (last["count"], last["ended"], last["heartbeat_within_s"]) == (5, True, None)


def test_a_stream_that_is_dropped_ends_its_subscription():
    """The log keeps no dirty rows for a stream that is gone."""
    before, timings = subscriptions(), log(BLOG)
    stream = BatchStream(timings)
    assert subscriptions() == before + 1
    del stream
    assert subscriptions() == before


def test_instants_are_whole_nanoseconds_for_a_hundred_days():
    """What is sent as a float is exact."""
    days_ns = 100 * 86_400 * 10**9
    assert int(np.float64(days_ns + 1)) == days_ns + 1
    assert MS == 10**6


# Lanes


def test_lanes_are_sent_only_if_they_have_changed():
    """A batch has no lanes while they are the same; thousands of names would be a cost."""
    page = Page(log(BLOG))
    assert "lanes" in page.batch()
    assert not page.batch().keys() & {"lanes", "open_lanes"}
    page.timings.add_sender("another")
    page.push()
    assert ("sender", "another") in page.batch()["lanes"]


def test_a_closed_lane_is_sent():
    """If a socket is closed, the lanes are sent, though no lane was added."""
    page = Page(log(BLOG))
    buffer = page.timings.add_sender("short")
    assert page.batch()["open_lanes"] == [1, 2, 3]
    buffer.close()
    assert page.batch()["open_lanes"] == [1, 2]


def test_a_snapshot_has_lanes():
    """A page that subscribes again gets the lanes, though they have not changed."""
    page = Page(log(BLOG))
    page.batch()
    page.stream.subscribe()
    assert len(page.batch()["lanes"]) == 3


class Renumbered(Timings):
    """A log whose lanes are replaced when it is cleared."""

    lanes = (("", ""), ("sender", "old"))

    def clear(self):
        super().clear()
        self.lanes = (("", ""), ("sender", "new"))


def test_replaced_lanes_are_sent():
    """After a `clear()` that renumbers lanes, the page gets the new ones."""
    page = Page(Renumbered())
    page.push()
    page.batch()
    page.timings.clear()
    page.push()
    assert page.batch()["lanes"][1] == ("sender", "new")
