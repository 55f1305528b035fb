"""Payloads are compared as they stand, or by their fingerprints, with the same result."""

import numpy as np
import pytest

from pushpull_kit.recording.fingerprint import Fingerprint, fingerprint
from pushpull_kit.recording.payloads import Payloads, joined

ITEMS = [b"a", b"", fingerprint([b"x" * 1_000]), b"bcd"]


def compact(items):
    payloads = Payloads(items)
    payloads.compact()
    return payloads


@pytest.mark.parametrize("left", [Payloads, compact])
@pytest.mark.parametrize("right", [Payloads, compact])
def test_equal_payloads_are_equal_in_either_form(left, right):
    """Equal payloads are equal, whether as they stand or as fingerprints; others are not."""
    assert left(ITEMS) == right(list(ITEMS))
    assert left(ITEMS) != right([*ITEMS[:-1], b"bce"])
    assert left(ITEMS) != right(ITEMS[:-1])


def test_a_payload_equals_its_fingerprint():
    """A short payload equals the fingerprint that stands for it, such as an interrupted one."""
    assert Payloads([b"abc"]) == Payloads([Fingerprint(hash(b"abc"), 3, interrupted=True)])


def test_nothing_else_is_equal():
    """Payloads do not equal a list of them."""
    assert Payloads([b"a"]) != [b"a"]


class Unhashable(bytes):
    """A payload that must not be hashed."""

    def __hash__(self):
        raise AssertionError("hashed")


def test_comparing_does_not_hash():
    """Payloads that are kept as they stand are compared without hashing them."""
    assert Payloads([Unhashable(b"a")]) == Payloads([Unhashable(b"a")])


@pytest.mark.parametrize("form", [Payloads, compact])
@pytest.mark.parametrize("index", [slice(1, 3), np.array([3, 0])])
def test_some_payloads_are_those_of_the_index(form, index):
    """A slice, or an array of indices, gives some of the payloads, in the same form."""
    expected = np.array(ITEMS, object)[index].tolist()
    some = form(ITEMS)[index]
    assert len(some) == 2
    assert some == Payloads(expected)
    assert some.is_compact == (form is compact)


def test_fingerprints_that_are_known_are_not_computed_again():
    """Some of the payloads have the fingerprints that all of them had before."""
    payloads = Payloads([b"a", b"b"])
    known = payloads.fingerprints()
    assert payloads[:1].fingerprints().base is known


def test_fingerprints_are_hashes():
    """The fingerprint of a payload is its hash."""
    assert Payloads(ITEMS).fingerprints().tolist() == list(map(hash, ITEMS))


def test_sizes_are_in_bytes():
    """The size of a payload is that of the message, also if a fingerprint stands for it."""
    assert Payloads(ITEMS).sizes().tolist() == [1, 0, 1_000, 3]


def test_a_compact_sequence_keeps_no_payload():
    """After `compact` only the fingerprints are kept."""
    payloads = Payloads([b"a", b"b"])
    payloads.compact()
    assert payloads.is_compact
    assert len(payloads) == 2
    with pytest.raises(AssertionError):
        payloads.sizes()


@pytest.mark.parametrize("first", [Payloads, compact])
@pytest.mark.parametrize("second", [Payloads, compact])
def test_joined_payloads_are_in_order(first, second):
    """`joined` gives all payloads in order; it is compact if one part is."""
    whole = joined([first(ITEMS[:3]), second(ITEMS[3:])])
    assert whole == Payloads(ITEMS)
    assert whole.is_compact == (first is compact or second is compact)
