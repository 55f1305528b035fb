"""A parameter's name and value are shown with the unit that its name ends in."""

import pytest

from pushpull_kit.lessons.parameters import label, name_without_unit, value_with_unit


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("count", "count"),
        ("handler_s", "handler (s)"),
        ("message_size_bytes", "message size (bytes)"),
        ("pause_us", "pause (µs)"),
        ("s", "s"),
        ("größe_ms", "größe (ms)"),
        ("_", "_"),
    ],
)
def test_a_label_has_the_unit(name, shown):
    """The end of a name is its unit, such as `_s` in `handler_s`."""
    assert label(name) == shown


def test_a_value_has_its_unit_and_is_short():
    """A value is shown in few digits and characters, with its unit."""
    assert value_with_unit("handler_s", 0.1 + 0.2) == "0.3 s"
    assert value_with_unit("count", 1000) == "1000"
    assert len(value_with_unit("text", "x" * 1000)) == 40


def test_a_name_is_shown_without_its_unit():
    """Beside a value that has the unit, the name does not repeat it."""
    assert name_without_unit("handler_s") == "handler"
