"""Each fuzz target holds for thousands of random inputs; `make fuzz` tries millions."""

import random

import fuzzing
import pytest

INPUTS = 8_000


@pytest.mark.parametrize("target", fuzzing.TARGETS, ids=lambda target: target.__name__)
def test_random_input_does_no_harm(target):
    """Each target's property holds for `INPUTS` inputs, which are the same in every run."""
    assert target(random.Random(7), INPUTS) >= INPUTS
