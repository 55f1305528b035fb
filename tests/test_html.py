"""HTML that an Experiment shows: text stays text, and a progress bar has a value or none."""

from pushpull_kit.lessons.html import progress_bar, text


def test_text_is_escaped():
    """What looks like HTML is shown as it is written."""
    assert text("<b> & co", "p") == "<p >&lt;b&gt; &amp; co</p>"


def test_a_progress_bar_without_a_number_has_no_value():
    """A browser then shows that something runs."""
    assert "value" not in progress_bar()
    assert 'value="2" max="3"' in progress_bar(2, 3)
