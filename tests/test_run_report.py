"""Names are said with their units, values in few characters, and all of it as text."""

import pytest

from pushpull_kit.lessons.run_report import bar, label, listed, text, title, value_of, words_of


@pytest.mark.parametrize(
    ("name", "said"),
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
def test_a_label_has_the_unit(name, said):
    """The end of a name is its unit, as `_s` in `handler_s`."""
    assert label(name) == said


def test_a_value_has_its_unit_and_is_short():
    """A value is said in few digits and characters, with its unit."""
    assert value_of("handler_s", 0.1 + 0.2) == "0.3 s"
    assert value_of("count", 1000) == "1000"
    assert len(value_of("text", "x" * 1000)) == 40
    assert words_of("handler_s") == "handler"


def test_a_caption_says_what_a_run_was_given():
    """The number of the run, and each value with its unit."""
    assert title(2, {"rcvhwm": 1, "handler_s": 0.1}) == "run 2: rcvhwm = 1, handler = 0.1 s"
    assert title(3, {}) == "run 3"


def test_words_stay_words():
    """What looks like HTML is shown as it is written."""
    assert text("<b> & co", "p") == "<p >&lt;b&gt; &amp; co</p>"


def test_a_bar_without_a_number_has_no_value():
    """A browser then shows that something runs."""
    assert "value" not in bar()
    assert 'value="2" max="3"' in bar(2, 3)


def test_names_are_listed_or_said_to_be_none():
    """An error lists names in quotes."""
    assert listed(["a", "b"]) == "'a', 'b'"
    assert listed([]) == "(none)"
