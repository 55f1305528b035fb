"""The ring keeps the newest rows, whole, in few bytes."""

import random
import tracemalloc

import numpy as np
import pytest

from pushpull_kit.recording.messages import ROW
from pushpull_kit.recording.ring_buffer import RingBuffer


def add(ring, *sizes):
    """Add a row for each of `sizes`, and return their numbers."""
    numbers = ring.add(len(sizes))
    ring.write(numbers, n_bytes=np.array(sizes))
    return numbers


def kept(ring):
    return ring.copy()["n_bytes"].tolist()


def test_rows_are_kept_oldest_first():
    """A copy has the rows in the order of their adding."""
    ring = RingBuffer(10)
    add(ring, 1, 2)
    add(ring, 3)
    assert kept(ring) == [1, 2, 3]


def test_the_oldest_go_first():
    """Beyond the limit each new row displaces the oldest."""
    ring = RingBuffer(3)
    for size in range(1, 6):
        add(ring, size)
    assert kept(ring) == [3, 4, 5]


def test_more_than_the_limit_at_once_leaves_the_newest():
    """Of more rows than there is room for, added at once, the last are kept."""
    ring = RingBuffer(3)
    add(ring, *range(8))
    assert kept(ring) == [5, 6, 7]


def test_a_new_row_is_all_zero():
    """A row that takes the place of another inherits nothing from it."""
    ring = RingBuffer(2)
    ring.write(ring.add(2), send_start_ns=7, recv_ns=7, worker=7, outcome=1)
    ring.add(1)
    assert ring.copy()[-1] == np.zeros((), ROW)


def test_a_number_is_never_used_twice():
    """Numbers go on from where they are, whatever is let go or cleared."""
    ring = RingBuffer(2)
    numbers = ring.add(3).tolist()
    ring.clear()
    numbers += ring.add(3).tolist()
    assert numbers == [0, 1, 2, 3, 4, 5]


def test_writing_reaches_the_row_of_that_number():
    """A row is found by its number after others were let go."""
    ring = RingBuffer(3)
    add(ring, 1, 2)
    third, fourth = add(ring, 3, 4)
    ring.write(np.array([fourth, third]), n_bytes=np.array([40, 30]))
    assert kept(ring) == [2, 30, 40]


def test_writing_to_a_row_that_was_let_go_does_nothing():
    """A number that is gone does not stand for the row that took its place."""
    ring = RingBuffer(2)
    gone, *_ = add(ring, 1, 2, 3)
    ring.write(np.array([gone]), n_bytes=99)
    assert kept(ring) == [2, 3]


def test_writing_to_a_row_that_was_cleared_does_nothing():
    """A number from before `clear` does not stand for a row since."""
    ring = RingBuffer(4)
    (gone,) = add(ring, 1)
    ring.clear()
    add(ring, 2)
    ring.write(np.array([gone]), n_bytes=99)
    assert kept(ring) == [2]


def test_one_value_serves_all_rows():
    """A column may be set to one value for all, beside arrays of one value each."""
    ring = RingBuffer(4)
    ring.write(ring.add(2), n_bytes=np.array([1, 2]), outcome=3)
    rows = ring.copy()
    assert (rows["n_bytes"].tolist(), rows["outcome"].tolist()) == ([1, 2], [3, 3])


def test_a_copy_is_a_copy():
    """Changing what `copy` returned dirty nothing in the ring."""
    ring = RingBuffer(4)
    add(ring, 1)
    ring.copy()["n_bytes"] = 99
    assert kept(ring) == [1]


def test_clear_lets_all_rows_go():
    """After `clear` nothing is kept, and what comes after is."""
    ring = RingBuffer(4)
    add(ring, 1, 2)
    ring.clear()
    assert kept(ring) == []
    add(ring, 3)
    assert kept(ring) == [3]


@pytest.mark.parametrize("limit", [1, 2, 7, 255, 256, 257, 400])
def test_a_ring_is_a_list_cut_at_its_end(limit):
    """Whatever is added, written and cleared, the ring holds what the end of a list would."""
    chance = random.Random(limit)
    ring, model, offset = RingBuffer(limit), [], 0
    for _ in range(300):
        if chance.random() < 0.02:
            ring.clear()
            offset += len(model)
            model.clear()
        sizes = [chance.randrange(1_000) for _ in range(chance.randrange(limit // 2 + 3))]
        add(ring, *sizes)
        model += sizes
        if model:
            at = chance.randrange(len(model))
            ring.write(np.array([offset + at]), n_bytes=-at)
            model[at] = -at
        assert kept(ring) == model[-limit:]
        assert ring.oldest_id == offset + max(0, len(model) - limit)


def test_a_kept_row_takes_at_most_64_bytes():
    """At its bound the ring needs no more than 64 bytes for each message that it keeps."""
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


def test_a_ring_that_is_little_used_takes_little():
    """The limit alone costs no memory: columns grow with what is in them."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        ring = RingBuffer(1_000_000)
        ring.add(10)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 100_000


# What has changed


def taken(ring, dirty, most=1_000_000):
    numbers, rows = ring.take(dirty, most)
    assert len(numbers) == len(rows)
    return sorted(numbers.tolist())


def test_what_is_written_is_noted_once():
    """Rows that were written are taken once, however often they were written."""
    ring = RingBuffer(100)
    numbers = ring.add(5)
    dirty = ring.subscribe()
    assert taken(ring, dirty) == [0, 1, 2, 3, 4]
    ring.write(numbers[1:3], n_bytes=np.array([7, 8]))
    ring.write(numbers[2:3], n_bytes=np.array([9]))
    assert taken(ring, dirty) == [1, 2]
    assert taken(ring, dirty) == []


@pytest.mark.parametrize("limit", [3, 7, 64, 1000])
def test_taken_rows_are_the_rows_of_their_numbers(limit):
    """Whatever was let go meanwhile, a number comes with its own row."""
    ring = RingBuffer(limit)
    dirty = ring.subscribe()
    for _ in range(9):
        numbers = ring.add(40)
        ring.write(numbers, n_bytes=numbers)
        found, rows = ring.take(dirty, 1000)
        assert (rows["n_bytes"] == found).all()
        assert set(found.tolist()) == set(range(max(ring.oldest_id, numbers[0]), ring.next_id))


def test_changes_are_taken_in_parts():
    """At most so many rows are taken at once; the rest stays."""
    ring = RingBuffer(100)
    dirty = ring.subscribe()
    ring.write(ring.add(10), n_bytes=1)
    assert [len(taken(ring, dirty, 4)) for _ in range(4)] == [4, 4, 2, 0]


def test_marking_counts_the_newest_as_changed():
    """So many of the newest are to be taken, whether they have changed or not."""
    ring = RingBuffer(100)
    dirty = ring.subscribe()
    ring.write(ring.add(150), n_bytes=1)
    ring.mark_newest(dirty, 3)
    assert taken(ring, dirty) == [147, 148, 149]
    ring.mark_newest(dirty, 1000)
    assert len(taken(ring, dirty)) == 100


def test_a_cleared_ring_has_no_changes():
    """What was cleared before it was taken is never taken."""
    ring = RingBuffer(100)
    dirty = ring.subscribe()
    ring.write(ring.add(10), n_bytes=1)
    ring.clear()
    assert taken(ring, dirty) == []
    ring.write(ring.add(2), n_bytes=1)
    assert taken(ring, dirty) == [10, 11]
