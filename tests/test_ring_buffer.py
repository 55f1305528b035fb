"""A ring buffer keeps the newest rows, and reports which of them were written."""

import random
import tracemalloc

import numpy as np
import pytest

from pushpull_kit.recording.messages import ROW
from pushpull_kit.recording.ring_buffer import RingBuffer


def add(ring, *sizes):
    """Add a row for each of `sizes`, and return their ids."""
    ids = ring.add(len(sizes))
    ring.write(ids, n_bytes=np.array(sizes))
    return ids


def kept(ring):
    return ring.copy()["n_bytes"].tolist()


def test_rows_are_kept_oldest_first():
    """A copy has the rows in the order in which they were added."""
    ring = RingBuffer(10)
    add(ring, 1, 2)
    add(ring, 3)
    assert kept(ring) == [1, 2, 3]


def test_the_oldest_row_is_evicted_first():
    """Beyond the limit each new row evicts the oldest."""
    ring = RingBuffer(3)
    for size in range(1, 6):
        add(ring, size)
    assert kept(ring) == [3, 4, 5]


def test_adding_more_than_the_limit_keeps_the_newest():
    """When more rows than the limit are added at once, the last ones are kept."""
    ring = RingBuffer(3)
    add(ring, *range(8))
    assert kept(ring) == [5, 6, 7]


def test_a_new_row_is_all_zero():
    """A row in the slot of an evicted row has none of its values."""
    ring = RingBuffer(2)
    ring.write(ring.add(2), send_start_ns=7, recv_ns=7, worker=7, outcome=1)
    ring.add(1)
    assert ring.copy()[-1] == np.zeros((), ROW)


def test_an_id_is_never_used_twice():
    """Ids continue after rows were evicted or cleared."""
    ring = RingBuffer(2)
    ids = ring.add(3).tolist()
    ring.clear()
    ids += ring.add(3).tolist()
    assert ids == [0, 1, 2, 3, 4, 5]


def test_a_row_is_written_by_its_id():
    """A row is found by its id after others were evicted."""
    ring = RingBuffer(3)
    add(ring, 1, 2)
    third, fourth = add(ring, 3, 4)
    ring.write(np.array([fourth, third]), n_bytes=np.array([40, 30]))
    assert kept(ring) == [2, 30, 40]


def test_writing_to_an_evicted_row_does_nothing():
    """The id of an evicted row does not refer to the row in its slot."""
    ring = RingBuffer(2)
    evicted, *_ = add(ring, 1, 2, 3)
    ring.write(np.array([evicted]), n_bytes=99)
    assert kept(ring) == [2, 3]


def test_writing_to_a_cleared_row_does_nothing():
    """The id of a cleared row does not refer to a row that was added afterwards."""
    ring = RingBuffer(4)
    (cleared,) = add(ring, 1)
    ring.clear()
    add(ring, 2)
    ring.write(np.array([cleared]), n_bytes=99)
    assert kept(ring) == [2]


def test_one_value_may_be_written_to_all_rows():
    """A column may be set to one value for all rows, another to one value for each."""
    ring = RingBuffer(4)
    ring.write(ring.add(2), n_bytes=np.array([1, 2]), outcome=3)
    rows = ring.copy()
    assert (rows["n_bytes"].tolist(), rows["outcome"].tolist()) == ([1, 2], [3, 3])


def test_a_copy_is_a_copy():
    """Changing what `copy` returned changes nothing in the ring buffer."""
    ring = RingBuffer(4)
    add(ring, 1)
    ring.copy()["n_bytes"] = 99
    assert kept(ring) == [1]


def test_clear_evicts_all_rows():
    """After `clear` no row is kept, and rows can be added again."""
    ring = RingBuffer(4)
    add(ring, 1, 2)
    ring.clear()
    assert kept(ring) == []
    add(ring, 3)
    assert kept(ring) == [3]


@pytest.mark.parametrize("limit", [1, 2, 7, 255, 256, 257, 400])
def test_a_ring_buffer_holds_the_end_of_a_list(limit):
    """After any adding, writing and clearing, the ring buffer equals the end of a plain list."""
    rng = random.Random(limit)
    ring, model, offset = RingBuffer(limit), [], 0
    for _ in range(300):
        if rng.random() < 0.02:
            ring.clear()
            offset += len(model)
            model.clear()
        sizes = [rng.randrange(1_000) for _ in range(rng.randrange(limit // 2 + 3))]
        add(ring, *sizes)
        model += sizes
        if model:
            at = rng.randrange(len(model))
            ring.write(np.array([offset + at]), n_bytes=-at)
            model[at] = -at
        assert kept(ring) == model[-limit:]
        assert ring.oldest_id == offset + max(0, len(model) - limit)


def test_a_kept_row_takes_at_most_64_bytes():
    """A full ring buffer needs at most 64 bytes of memory for each row."""
    limit = 100_000
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        ring = RingBuffer(limit)
        for _ in range(30):
            ring.add(limit // 20)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(ring.copy()) == limit
    assert (after - before) / limit <= 64


def test_memory_grows_with_the_rows():
    """A ring buffer with a high limit and few rows takes little memory."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        ring = RingBuffer(1_000_000)
        ring.add(10)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 100_000


# Dirty rows


def take_ids(ring, dirty, max_rows=1_000_000):
    ids, rows = ring.take(dirty, max_rows)
    assert len(ids) == len(rows)
    return sorted(ids.tolist())


def test_a_written_row_is_taken_once():
    """A row that was written several times is taken once."""
    ring = RingBuffer(100)
    ids = ring.add(5)
    dirty = ring.subscribe()
    assert take_ids(ring, dirty) == [0, 1, 2, 3, 4]
    ring.write(ids[1:3], n_bytes=np.array([7, 8]))
    ring.write(ids[2:3], n_bytes=np.array([9]))
    assert take_ids(ring, dirty) == [1, 2]
    assert take_ids(ring, dirty) == []


@pytest.mark.parametrize("limit", [3, 7, 64, 1000])
def test_rows_are_taken_with_their_ids(limit):
    """Each id comes with its own row, after others were evicted."""
    ring = RingBuffer(limit)
    dirty = ring.subscribe()
    for _ in range(9):
        ids = ring.add(40)
        ring.write(ids, n_bytes=ids)
        found, rows = ring.take(dirty, 1000)
        assert (rows["n_bytes"] == found).all()
        assert set(found.tolist()) == set(range(max(ring.oldest_id, ids[0]), ring.next_id))


def test_dirty_rows_are_taken_in_parts():
    """At most `max_rows` rows are taken at once; the rest is taken later."""
    ring = RingBuffer(100)
    dirty = ring.subscribe()
    ring.write(ring.add(10), n_bytes=1)
    assert [len(take_ids(ring, dirty, 4)) for _ in range(4)] == [4, 4, 2, 0]


def test_mark_newest_makes_the_newest_rows_dirty():
    """`mark_newest` makes the newest rows dirty, written or not."""
    ring = RingBuffer(100)
    dirty = ring.subscribe()
    ring.write(ring.add(150), n_bytes=1)
    ring.mark_newest(dirty, 3)
    assert take_ids(ring, dirty) == [147, 148, 149]
    ring.mark_newest(dirty, 1000)
    assert len(take_ids(ring, dirty)) == 100


def test_a_cleared_ring_buffer_has_no_dirty_rows():
    """Rows that are cleared before they are taken are never taken."""
    ring = RingBuffer(100)
    dirty = ring.subscribe()
    ring.write(ring.add(10), n_bytes=1)
    ring.clear()
    assert take_ids(ring, dirty) == []
    ring.write(ring.add(2), n_bytes=1)
    assert take_ids(ring, dirty) == [10, 11]
