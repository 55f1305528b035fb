"""A receipt is matched to the oldest unmatched send of its payload."""

import sys
import tracemalloc

import numpy as np
import pytest

from pushpull_kit.recording import matching
from pushpull_kit.recording.matching import MIN_BATCH, BlockedSends, UnmatchedSends
from pushpull_kit.recording.payloads import Payloads

LIMIT = 1_000
LATE = 100_000


def ints(*values):
    return np.array(values, np.int64)


def unmatched_sends(*sends, limit=LIMIT):
    """Return unmatched sends, given as (payload, row id)."""
    unmatched = UnmatchedSends(limit)
    add(unmatched, *sends)
    return unmatched


def add(unmatched, *sends):
    """Add sends, given as (payload, row id); a send starts at the instant of its row id."""
    rows = ints(*(row for _, row in sends))
    unmatched.add(payloads(*(value for value, _ in sends)), rows, rows)


def payloads(*values):
    return Payloads([value if isinstance(value, bytes) else b"%d" % value for value in values])


def match(unmatched, *values, instants=None):
    """Match receipts, later than all sends unless their instants are given; return their rows."""
    rows = np.full(len(values), -1)
    instants = range(LATE, LATE + len(values)) if instants is None else instants
    found = unmatched.match(payloads(*values), ints(*instants), rows)
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
    assert len(unmatched) == 1
    assert match(unmatched, 7) == [-1]


def test_only_receipts_without_a_row_are_matched():
    """A receipt that has a row keeps it, and is matched to no send."""
    unmatched = unmatched_sends((7, 0), (7, 1))
    rows = ints(50, -1)
    assert unmatched.match(payloads(7, 7), ints(LATE, LATE), rows).tolist() == [1]
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


def test_sends_are_moved_from_wherever_they_wait():
    """`move_to` moves sends whose order of arrival is known, and those of the index."""
    one, other = unmatched_sends((7, 0), (8, 1), (9, 2)), unmatched_sends((9, 5))
    assert match(one, 8) == [1]  # out of order, so that the index is used
    add(one, (7, 3))
    one.move_to(other)
    assert (len(one), len(other)) == (0, 4)
    assert match(other, 9, 9, 7, 7) == [2, 5, 0, 3]


# Order


@pytest.mark.parametrize("is_indexed", [False, True])
def test_a_send_that_started_earlier_may_be_added_later(is_indexed):
    """A send that is added late is matched in the order of its start."""
    unmatched = unmatched_sends((7, 10), (7, 20), (8, 30))
    if is_indexed:
        assert match(unmatched, 8) == [30]
    add(unmatched, (7, 15), (7, 16))
    add(unmatched, (7, 5))
    assert match(unmatched, 7, 7, 7, 7, 7, instants=[40, 41, 42, 43, 44]) == [5, 10, 15, 16, 20]


def test_equal_sends_are_sorted_when_one_is_added_later():
    """Sends of one payload are matched in the order of their start, although all are equal."""
    unmatched = unmatched_sends((7, 10), (7, 20))
    add(unmatched, (7, 15))
    assert match(unmatched, 7, 7, 7) == [10, 15, 20]


def test_receipts_in_order_may_end_inside_a_batch():
    """Receipts in the order of their sends are matched across batches, and inside of one."""
    unmatched = UnmatchedSends(10 * MIN_BATCH)
    for first in range(0, 5 * MIN_BATCH, MIN_BATCH):
        add(unmatched, *((row, row) for row in range(first, first + MIN_BATCH)))
    at, end = 0, 5 * MIN_BATCH
    for count in (1, MIN_BATCH, 7, 2 * MIN_BATCH, end):
        rows = list(range(at, min(at + count, end)))
        assert match(unmatched, *rows) == rows
        at += count
        assert len(unmatched) == max(0, end - at)


def test_the_order_may_be_lost_and_found_again():
    """After receipts out of order, those of later sends are matched too."""
    unmatched = unmatched_sends((1, 1), (2, 2), (3, 3))
    assert match(unmatched, 3) == [3]
    add(unmatched, (1, 4), (2, 5))
    assert match(unmatched, 2, 1, 1) == [2, 1, 4]
    assert match(unmatched, 2) == [5]
    add(unmatched, (4, 6), (5, 7))
    assert match(unmatched, 4, 5) == [6, 7]
    assert len(unmatched) == 0


# Cost


class Counted(bytes):
    """A payload that counts how often one is compared or hashed."""

    count = 0

    def __eq__(self, other):
        Counted.count += 1
        return super().__eq__(other)

    def __hash__(self):
        Counted.count += 1
        return super().__hash__()


def counted(numbers):
    return Payloads([Counted(b"%d" % number) for number in numbers])


@pytest.mark.parametrize("is_in_order", [True, False])
def test_matching_does_not_scan_what_is_in_flight(is_in_order):
    """Ten receipts look at ten payloads, with 1,000 sends in flight and with 50,000."""
    costs = []
    for n_in_flight in (1_000, 50_000):
        unmatched, rows = UnmatchedSends(100_000), np.arange(n_in_flight)
        unmatched.add(counted(range(n_in_flight)), rows, rows)
        numbers = list(range(10)) if is_in_order else list(range(500, 520, 2))
        if not is_in_order:
            assert match(unmatched, 999) == [999]  # which puts all sends into the index, once
        found = np.full(10, -1)
        receipts = counted(numbers)
        instants = np.full(10, 10**6)
        Counted.count = 0
        unmatched.match(receipts, instants, found)
        costs.append(Counted.count)
        assert found.tolist() == numbers
        assert len(unmatched) == n_in_flight - 10 - (not is_in_order)
    assert costs == [10, 10]


# Bounds


def test_at_least_the_limit_is_kept():
    """The newest `limit` sends stay; older ones are dropped before there are many more."""
    limit = 2 * MIN_BATCH
    unmatched = UnmatchedSends(limit)
    for first in range(0, 10 * limit, 100):
        add(unmatched, *((row, row) for row in range(first, first + 100)))
        assert len(unmatched) <= limit + MIN_BATCH + 100
    newest = list(range(9 * limit, 10 * limit))
    assert match(unmatched, 0, *newest, instants=[10**6] * (limit + 1)) == [-1, *newest]


def test_the_index_is_bounded():
    """If receipts come out of order, too, the number of sends that are kept is bounded."""
    unmatched = UnmatchedSends(100)
    for row in range(0, 5_000, 10):
        add(unmatched, *((number, number) for number in range(row, row + 10)))
        assert match(unmatched, row + 5) == [row + 5]
        assert len(unmatched) <= 210
    assert match(unmatched, 0, 4_999, 4_901) == [-1, 4_999, 4_901]


def test_a_send_may_wait_while_many_others_are_matched():
    """What is dropped depends on how many sends are unmatched, not on how many there were."""
    unmatched = unmatched_sends((b"waits", 0), limit=10)
    for row in range(1, 1_000, 2):
        add(unmatched, (row, row), (row + 1, row + 1))
        assert match(unmatched, row + 1, row) == [row + 1, row]
    assert match(unmatched, b"waits") == [0]


def test_many_sends_keep_fingerprints_only(monkeypatch):
    """Beyond `MAX_WITH_PAYLOADS` sends, payloads are replaced by their fingerprints."""
    monkeypatch.setattr(matching, "MAX_WITH_PAYLOADS", 3)
    data = b"a payload"
    before = sys.getrefcount(data)
    unmatched = unmatched_sends((data, 1), (1, 2), (2, 3), (3, 4))
    add(unmatched, (4, 5))
    assert sys.getrefcount(data) == before
    assert match(unmatched, data, 1, 2, 3, 4) == [1, 2, 3, 4, 5]


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
            unmatched.add(payloads(*ids), ids, ids)
        n_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert n_bytes < 100_000


# Sends that have not returned


def blocked_sends(*sends):
    """Return blocked sends, given as (payload, row id)."""
    blocked = BlockedSends()
    add(blocked, *sends)
    return blocked


def test_a_blocked_send_is_matched_once():
    """A receipt is matched to the blocked send of its payload that started first, once."""
    blocked = blocked_sends((7, 5), (8, 2), (7, 3))
    assert match(blocked, 7, 9, 7, 7) == [3, -1, 5, -1]
    assert 2 in blocked
    assert 3 not in blocked


def test_a_receipt_is_not_matched_to_a_later_blocked_send():
    """A receipt that is older than every blocked send of its payload is matched to none."""
    assert match(blocked_sends((7, 5)), 7, 7, instants=[4, 5]) == [-1, 5]


def test_a_blocked_send_that_is_removed_is_not_matched():
    """`remove` says whether the send was still unmatched."""
    blocked = blocked_sends((7, 0), (7, 1))
    assert blocked.remove(0)
    assert not blocked.remove(0)
    assert match(blocked, 7, 7) == [1, -1]
    assert not blocked.remove(1)
