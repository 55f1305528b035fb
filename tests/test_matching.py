"""A receipt belongs to the oldest open send of its payload."""

import random

import numpy as np
import pytest

from pushpull_kit.recording.matching import OpenSends

LIMIT = 1_000
LATE = 10_000


def ints(*values):
    return np.array(values, np.int64)


def opened(*sends, limit=LIMIT):
    """Open sends, given as (key, row)."""
    sends_open = OpenSends(limit)
    add(sends_open, *sends)
    return sends_open


def add(sends_open, *sends):
    """Add sends, given as (key, row); a send's instant is its row's number."""
    keys, rows = (
        (ints(*column) for column in zip(*sends, strict=True)) if sends else (ints(), ints())
    )
    sends_open.add(keys, rows, rows)


def match(sends_open, *keys, instants=None):
    """Match receipts, later than all sends unless their instants are given; return their rows."""
    rows = np.full(len(keys), -1)
    instants = range(LATE, LATE + len(keys)) if instants is None else instants
    found = sends_open.match(ints(*keys), ints(*instants), rows)
    assert sorted(found) == np.flatnonzero(rows >= 0).tolist()
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
    assert sends_open.match(ints(7, 7), ints(LATE, LATE), rows).tolist() == [1]
    assert rows.tolist() == [50, 0]
    assert len(sends_open) == 1


def test_the_older_send_is_first_whenever_it_was_added():
    """What counts is when a send began, not when it was learned of."""
    sends_open = opened((7, 5))
    add(sends_open, (7, 3))
    assert match(sends_open, 7, 8, 7) == [3, -1, 5]


def test_a_receipt_takes_no_send_that_began_after_it():
    """A receipt that is older than every open send of its payload belongs to none of them."""
    assert match(opened((7, 5)), 7, instants=[4]) == [-1]


def test_a_receipt_that_found_no_send_leaves_the_next_one_its_own():
    """What an early receipt could not take is there for a later one, and each is taken once."""
    sends_open = opened((7, 5), (7, 20), (8, 1))
    assert match(sends_open, 7, 7, 7, 7, instants=[4, 6, 7, 21]) == [-1, 5, -1, 20]
    assert match(sends_open, 8) == [1]


def test_moved_sends_are_open_elsewhere():
    """All sends may be given to another collection."""
    one, other = opened((7, 0)), opened()
    one.move_to(other)
    assert (len(one), match(other, 7)) == (0, [0])


def test_a_discarded_send_is_matched_no_more():
    """A send that was taken out leaves its receipts to the next of its payload."""
    sends_open = opened((7, 0), (7, 1))
    assert sends_open.discard(0)
    assert match(sends_open, 7) == [1]


def test_discarding_what_is_not_there_does_nothing():
    """A send that is not open may be discarded."""
    sends_open = opened((7, 0))
    assert not sends_open.discard(99)
    assert len(sends_open) == 1


def test_at_the_limit_the_oldest_open_sends_go_first():
    """No more than `limit` sends are remembered, the newest."""
    sends_open = opened((7, 0), (7, 1), limit=3)
    add(sends_open, (7, 2), (7, 3))
    assert len(sends_open) == 3
    assert match(sends_open, 7) == [1]


def test_nothing_matches_nothing():
    """No sends and no receipts are no trouble."""
    assert match(opened()) == []
    assert match(opened(), 7) == [-1]


@pytest.mark.parametrize("seed", range(40))
def test_matching_is_what_a_queue_for_each_payload_would_do(seed):
    """Over random sends and receipts the pairs are those of one first-in-first-out queue a key."""
    chance = random.Random(seed)
    sends_open, model, now = OpenSends(LIMIT), [], 0
    for _ in range(60):
        learned, keys, instants, expected = [], [], [], []
        for _ in range(chance.randrange(12)):  # what happens before anyone asks
            key, now = chance.randrange(-2, 3), now + 1
            if chance.random() < 0.5:
                learned.append((key, now))
                model.append((key, now))
            else:
                keys.append(key)
                instants.append(now)
                send = next((send for send in model if send[0] == key), (key, -1))
                expected.append(send[1])
                if send in model:
                    model.remove(send)
        chance.shuffle(learned)
        add(sends_open, *learned)
        assert match(sends_open, *keys, instants=instants) == expected
        assert len(sends_open) == len(model)
