"""Lanes have numbers; there are at most `MAX_NAMES`, and opening one takes constant time."""

import sys
import threading

import pytest

from pushpull_kit.recording import lanes as lanes_module
from pushpull_kit.recording.lanes import MAX_NAMES, SHARED_NAME, Lanes

#: More sockets than there may be lanes.
MANY = 20_000


@pytest.fixture
def lanes():
    return Lanes()


def name(lanes, number):
    return lanes.names[number][1]


def default_names(lanes, count):
    """Open sockets without a name; return their names."""
    return [name(lanes, lanes.open("sender", None)) for _ in range(count)]


# Names


def test_number_zero_is_no_lane(lanes):
    """The first lane has number 1."""
    assert lanes.names == [("", "")]
    assert lanes.open("sender", "a") == 1
    assert lanes.names == [("", ""), ("sender", "a")]


def test_a_name_has_one_lane_of_each_kind(lanes):
    """Sockets of one kind and one name share a lane; the other kind has another."""
    assert lanes.open("sender", "a") == lanes.open("sender", "a") != lanes.open("worker", "a")


def test_a_lane_is_open_until_its_last_socket_is_closed(lanes):
    """A lane that two sockets share is open until both are closed."""
    first, second = lanes.open("sender", "a"), lanes.open("sender", "b")
    lanes.open("sender", "a")
    lanes.close(first)
    assert lanes.open_numbers() == [first, second]
    lanes.close(first)
    assert lanes.open_numbers() == [second]


# Default names


def test_default_names_are_numbered(lanes):
    """The first socket without a name has the kind as its name; further ones are numbered."""
    assert default_names(lanes, 3) == ["sender", "sender 2", "sender 3"]
    assert name(lanes, lanes.open("worker", None)) == "worker"


def test_the_smallest_free_default_name_is_used_again(lanes):
    """Default names of closed sockets are used again, the smallest first."""
    numbers = [lanes.open("sender", None) for _ in range(12)]
    for number in (numbers[10], numbers[1], numbers[4]):
        lanes.close(number)
    assert default_names(lanes, 4) == ["sender 2", "sender 5", "sender 11", "sender 13"]


def test_a_name_in_use_is_not_a_default_name(lanes):
    """A name that an open socket was given is skipped, until that socket is closed."""
    given = lanes.open("sender", "sender 2")
    assert default_names(lanes, 2) == ["sender", "sender 3"]
    lanes.close(given)
    assert default_names(lanes, 2) == ["sender 2", "sender 4"]


def test_a_free_default_name_may_be_given(lanes):
    """A default name that is free and then given to a socket is skipped until that is closed."""
    lanes.close(lanes.open("sender", None))
    given = lanes.open("sender", "sender")
    assert default_names(lanes, 1) == ["sender 2"]
    lanes.close(given)
    assert default_names(lanes, 1) == ["sender"]


@pytest.mark.parametrize("given", ["1" * 5_000, "sender " + "9" * 5_000, "sender ²", "sender -1"])
def test_a_name_may_look_like_a_number(lanes, given):
    """Any name can be opened and closed, whatever number it seems to hold."""
    default_names(lanes, 2)
    lanes.close(lanes.open("sender", given))
    assert default_names(lanes, 1) == ["sender 3"]


def test_a_given_name_frees_one_default_name(lanes):
    """A name that is opened and closed many times is free once."""
    lanes.close(lanes.open("sender", None))
    for _ in range(100):
        lanes.close(lanes.open("sender", "sender"))
    assert default_names(lanes, 2) == ["sender", "sender 2"]


# Bounds


def test_lanes_are_bounded(lanes):
    """Beyond `MAX_NAMES` names, sockets share one lane of each kind."""
    for number in range(MANY):
        lanes.open("sender", f"name {number}")
        lanes.open("worker", f"name {number}")
    assert len(lanes.names) == 1 + MAX_NAMES + 2
    assert lanes.names.count(("sender", SHARED_NAME)) == 1
    assert lanes.names.count(("worker", SHARED_NAME)) == 1


def test_a_known_name_keeps_its_lane_beyond_the_bound(lanes, monkeypatch):
    """A name that has a lane keeps it when there are as many as there may be."""
    monkeypatch.setattr(lanes_module, "MAX_NAMES", 2)
    first, _, shared = (lanes.open("sender", each) for each in "abc")
    assert lanes.open("sender", "a") == first
    assert name(lanes, shared) == SHARED_NAME


def test_short_lived_sockets_need_one_lane(lanes):
    """Sockets that are opened and closed one after the other use the same lane."""
    for _ in range(MANY):
        lanes.close(lanes.open("sender", None))
    assert lanes.names == [("", ""), ("sender", "sender")]


# Forgetting, renaming


def test_closed_lanes_are_forgotten(lanes):
    """`forget_closed` drops the names of closed lanes, and keeps those of open ones."""
    closed, kept = lanes.open("sender", "a"), lanes.open("sender", "b")
    lanes.close(closed)
    lanes.forget_closed()
    assert [each for each in lanes.names if each != ("", "")] == [("sender", "b")]
    assert name(lanes, kept) == "b"


def test_the_numbers_of_forgotten_lanes_are_used_again(lanes):
    """However many names there ever were, the list of names does not grow beyond the bound."""
    for _ in range(5):
        numbers = [lanes.open("sender", f"name {number}") for number in range(100)]
        for number in numbers:
            lanes.close(number)
        lanes.forget_closed()
    assert len(lanes.names) == 101


def test_a_renamed_socket_leaves_its_lane(lanes):
    """`rename` opens the lane of the new name, and closes that of the old one."""
    number = lanes.open("worker", None)
    renamed = lanes.rename(number, "a")
    assert lanes.names[renamed] == ("worker", "a")
    assert lanes.open_numbers() == [renamed]
    assert name(lanes, lanes.open("worker", None)) == "worker"


def test_names_is_a_copy(lanes):
    """Changing the list of names changes nothing in the lanes."""
    lanes.names.clear()
    assert lanes.names == [("", "")]


def test_threads_get_different_default_names(lanes):
    """Threads that open lanes at the same time get a name each."""
    names, interval = [], sys.getswitchinterval()
    threads = [
        threading.Thread(target=lambda: names.extend(default_names(lanes, 200))) for _ in range(4)
    ]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert len(set(names)) == 800
