"""A receipt belongs to the oldest open send of its payload."""

import random

import numpy as np
import pytest

from pushpull_kit.pairing import OpenSends

LIMIT = 1_000


def ints(*values):
    return np.array(values, np.int64)


def opened(*sends, limit=LIMIT):
    """Open sends, given as (key, row)."""
    sends_open = OpenSends(limit)
    sends_open.add(ints(*(key for key, _ in sends)), ints(*(row for _, row in sends)))
    return sends_open


def match(sends_open, *keys):
    rows = np.full(len(keys), -1)
    count = sends_open.match(ints(*keys), rows)
    assert count == (rows >= 0).sum()
    return rows.tolist()


def test_first_in_first_out_among_equal_payloads():
    """Of several open sends of one payload the oldest is taken first."""
    assert match(opened((7, 0), (7, 1), (7, 2)), 7, 7) == [0, 1]


def test_payloads_do_not_mind_each_others_order():
    """Receipts in another order than their sends find each its own payload."""
    assert match(opened((7, 0), (8, 1), (7, 2), (9, 3)), 9, 7, 8, 7) == [3, 0, 1, 2]


def test_a_receipt_without_a_send_is_left_alone():
    """A receipt of which no send is open gets no row."""
    assert match(opened((7, 0)), 8, 7, 7) == [-1, 0, -1]


def test_a_matched_send_is_open_no_longer():
    """A send is matched once."""
    sends_open = opened((7, 0), (8, 1))
    assert match(sends_open, 7) == [0]
    assert 0 not in sends_open
    assert 1 in sends_open
    assert match(sends_open, 7) == [-1]


def test_only_receipts_without_a_row_are_matched():
    """A receipt that has its row already keeps it, and takes no send."""
    sends_open = opened((7, 0), (7, 1))
    rows = ints(50, -1)
    assert sends_open.match(ints(7, 7), rows) == 1
    assert rows.tolist() == [50, 0]
    assert len(sends_open) == 1


def test_sends_added_later_are_younger():
    """What is added comes after all that are there."""
    sends_open = opened((7, 5))
    sends_open.add(ints(7), ints(3))
    assert match(sends_open, 7, 7) == [5, 3]


def test_a_discarded_send_is_matched_no_more():
    """A send that was taken out leaves its receipts to the next of its payload."""
    sends_open = opened((7, 0), (7, 1))
    sends_open.discard(0)
    assert match(sends_open, 7) == [1]


def test_discarding_what_is_not_there_does_nothing():
    """A send that is not open may be discarded."""
    sends_open = opened((7, 0))
    sends_open.discard(99)
    assert len(sends_open) == 1


def test_at_the_limit_the_oldest_open_sends_go_first():
    """No more than `limit` sends are remembered, the newest."""
    sends_open = opened((7, 0), (7, 1), limit=3)
    sends_open.add(ints(7, 7), ints(2, 3))
    assert len(sends_open) == 3
    assert match(sends_open, 7) == [1]


def test_nothing_matches_nothing():
    """No sends and no receipts are no trouble."""
    assert match(opened()) == []
    assert match(opened(), 7) == [-1]


@pytest.mark.parametrize("seed", range(20))
def test_matching_is_what_a_queue_for_each_payload_would_do(seed):
    """Over random sends and receipts the pairs are those of one first-in-first-out queue a key."""
    chance = random.Random(seed)
    sends_open, model, row = OpenSends(LIMIT), [], 0
    for _ in range(60):
        keys = [chance.randrange(-3, 4) for _ in range(chance.randrange(6))]
        if chance.random() < 0.5:
            rows = list(range(row, row := row + len(keys)))
            sends_open.add(ints(*keys), ints(*rows))
            model += zip(keys, rows, strict=True)
        else:
            expected = []
            for key in keys:
                send = next((send for send in model if send[0] == key), (key, -1))
                expected.append(send[1])
                if send in model:
                    model.remove(send)
            assert match(sends_open, *keys) == expected
        assert len(sends_open) == len(model)
