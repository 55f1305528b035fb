"""Random input does no harm: thousands for each target; `make fuzz` tries millions."""

import random

import fuzzing
import pytest

INPUTS = 8_000


@pytest.mark.parametrize("target", fuzzing.TARGETS, ids=lambda target: target.__name__)
def test_random_input_does_no_harm(target):
    """What each target promises of any input is true of so many, the same every time."""
    assert target(random.Random(7), INPUTS) >= INPUTS
