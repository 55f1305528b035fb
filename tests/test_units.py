"""How durations are formatted."""

import pytest

from pushpull_kit.recording.units import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (1e-9, "1 ns"),
        (999e-9, "999 ns"),
        (1e-6, "1.00 µs"),
        (0.00031, "310 µs"),
        (0.0009994, "999 µs"),
        (0.99996e-3, "1.00 ms"),
        (1e-3, "1.00 ms"),
        (0.00999, "9.99 ms"),
        (0.01, "10.0 ms"),
        (0.9994, "999 ms"),
        (0.99996, "1.00 s"),
        (999.7e-9, "1.00 µs"),
        (9.999, "10.0 s"),
        (1.0, "1.00 s"),
        (6.04, "6.04 s"),
        (59.9, "59.9 s"),
        (3600, "3,600 s"),
    ],
)
def test_a_duration_has_the_largest_fitting_unit(seconds, text):
    """A duration is given in the largest unit of which it has one or more."""
    assert duration(seconds) == text
