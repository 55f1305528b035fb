"""A receipt is matched to the oldest unmatched send of its payload."""

import tracemalloc

import numpy as np

from pushpull_kit.recording.matching import UnmatchedSends

LIMIT = 1_000
LATE = 10_000


def ints(*values):
    return np.array(values, np.int64)


def unmatched_sends(*sends, limit=LIMIT):
    """Return unmatched sends, given as (fingerprint, row id)."""
    unmatched = UnmatchedSends(limit)
    add(unmatched, *sends)
    return unmatched


def add(unmatched, *sends):
    """Add sends, given as (fingerprint, row id); a send starts at the instant of its row id."""
    fingerprints, rows = (
        (ints(*column) for column in zip(*sends, strict=True)) if sends else (ints(), ints())
    )
    unmatched.add(fingerprints, rows, rows)


def match(unmatched, *fingerprints, instants=None):
    """Match receipts, later than all sends unless their instants are given; return their rows."""
    rows = np.full(len(fingerprints), -1)
    instants = range(LATE, LATE + len(fingerprints)) if instants is None else instants
    found = unmatched.match(ints(*fingerprints), ints(*instants), rows)
    assert sorted(found) == np.flatnonzero(rows >= 0).tolist()
    return rows.tolist()


def test_first_in_first_out_among_equal_payloads():
    """Of several unmatched sends of one payload, the oldest is matched first."""
    assert match(unmatched_sends((7, 0), (7, 1), (7, 2)), 7, 7) == [0, 1]


def test_different_payloads_may_arrive_in_any_order():
    """Receipts in another order than their sends each get the send of their payload."""
    assert match(unmatched_sends((7, 0), (8, 1), (7, 2), (9, 3)), 9, 7, 8, 7) == [3, 0, 1, 2]


def test_a_receipt_without_a_send_gets_no_row():
    """A receipt without an unmatched send gets no row."""
    assert match(unmatched_sends((7, 0)), 8, 7, 7) == [-1, 0, -1]


def test_a_send_is_matched_once():
    """A send that was matched is not matched to a second receipt."""
    unmatched = unmatched_sends((7, 0), (8, 1))
    assert match(unmatched, 7) == [0]
    assert 0 not in unmatched
    assert 1 in unmatched
    assert match(unmatched, 7) == [-1]


def test_only_receipts_without_a_row_are_matched():
    """A receipt that has a row keeps it, and is matched to no send."""
    unmatched = unmatched_sends((7, 0), (7, 1))
    rows = ints(50, -1)
    assert unmatched.match(ints(7, 7), ints(LATE, LATE), rows).tolist() == [1]
    assert rows.tolist() == [50, 0]
    assert len(unmatched) == 1


def test_the_send_that_started_first_is_matched_first():
    """Sends are matched in the order of their start, not in the order in which they were added."""
    unmatched = unmatched_sends((7, 5))
    add(unmatched, (7, 3))
    assert match(unmatched, 7, 8, 7) == [3, -1, 5]


def test_a_receipt_is_not_matched_to_a_send_that_started_after_it():
    """A receipt that is older than every send of its payload is matched to none."""
    assert match(unmatched_sends((7, 5)), 7, instants=[4]) == [-1]


def test_an_early_receipt_leaves_later_sends_unmatched():
    """A send that started after one receipt is matched to a later receipt."""
    unmatched = unmatched_sends((7, 5), (7, 20), (8, 1))
    assert match(unmatched, 7, 7, 7, 7, instants=[4, 6, 7, 21]) == [-1, 5, -1, 20]
    assert match(unmatched, 8) == [1]


def test_moved_sends_are_matched_in_the_other_collection():
    """`move_to` moves all sends to another collection."""
    one, other = unmatched_sends((7, 0)), unmatched_sends()
    one.move_to(other)
    assert (len(one), match(other, 7)) == (0, [0])


def test_a_removed_send_is_not_matched():
    """After a send was removed, a receipt is matched to the next send of its payload."""
    unmatched = unmatched_sends((7, 0), (7, 1))
    assert unmatched.remove(0)
    assert match(unmatched, 7) == [1]


def test_removing_an_unknown_send_does_nothing():
    """Removing a send that is not in the collection returns False."""
    unmatched = unmatched_sends((7, 0))
    assert not unmatched.remove(99)
    assert len(unmatched) == 1


def test_beyond_the_limit_the_oldest_sends_are_dropped():
    """At most `limit` sends are kept: the newest."""
    unmatched = unmatched_sends((7, 0), (7, 1), limit=3)
    add(unmatched, (7, 2), (7, 3))
    assert len(unmatched) == 3
    assert match(unmatched, 7) == [1]


def test_matching_without_sends_or_receipts_finds_nothing():
    """Without sends or without receipts nothing is matched."""
    assert match(unmatched_sends()) == []
    assert match(unmatched_sends(), 7) == [-1]


def test_memory_is_bounded_without_receipts():
    """Sends that are added and never matched take no more memory than the limit allows."""
    unmatched = UnmatchedSends(100)
    tracemalloc.start()
    try:
        for start in range(0, 100_000, 100):
            ids = np.arange(start, start + 100)
            unmatched.add(ids, ids, ids)
        n_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert n_bytes < 100_000
