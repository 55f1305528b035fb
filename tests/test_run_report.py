"""A run's caption, in words."""

from pushpull_kit.lessons.run_report import title


def test_a_caption_has_the_number_and_the_values():
    """The number of the run, and each value with its unit."""
    assert title(2, {"rcvhwm": 1, "handler_s": 0.1}) == "run 2: rcvhwm = 1, handler = 0.1 s"
    assert title(3, {}) == "run 3"
