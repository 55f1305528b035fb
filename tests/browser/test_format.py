"""How durations are written: `format.js`."""

import pytest

from pushpull_kit.recording.units import duration


def run(modules, code, argument=None):
    return modules.module("format", code, argument)


@pytest.mark.parametrize(
    "ns",
    [
        0,
        1,
        12,
        999,
        1000,
        9994,
        9996,
        123456,
        999_400,
        999_600,
        1.5e6,
        99.96e6,
        2e9,
        6.0012e9,
        3.6e12,
    ],
)
def test_durations_read_as_in_python(modules, ns):
    """A duration is written as `units.duration` writes it."""
    assert run(modules, "return it.duration(argument)", ns) == duration(ns / 1e9)
