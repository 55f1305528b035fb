"""A guess is committed once; the measurement is shown beside it, and alone without a guess."""

import pytest
from ipywidgets import HTML, Button, RadioButtons

from pushpull_kit import Predict

QUESTION, CHOICES = "When will the client end?", ["at once", "after 2 s", "after 6 s"]


@pytest.fixture
def predict():
    predict = Predict(QUESTION, CHOICES)
    yield predict
    predict.close()


def part(predict, kind):
    return [child for child in predict.children if type(child) is kind][-1]


def choose(predict, choice):
    part(predict, RadioButtons).value = choice


def commit(predict, choice):
    choose(predict, choice)
    part(predict, Button).click()


def answer(predict):
    return part(predict, HTML).value


def test_nothing_is_chosen_at_first(predict):
    """No choice is preselected, and without one there is nothing to commit."""
    assert part(predict, RadioButtons).value is None
    assert part(predict, Button).disabled
    part(predict, Button).click()
    assert predict.guess is None
    assert answer(predict) == ""


def test_a_choice_becomes_a_guess_when_it_is_committed(predict):
    """A choice may be changed; the button commits it."""
    choose(predict, "at once")
    choose(predict, "after 2 s")
    assert predict.guess is None
    assert not part(predict, Button).disabled
    commit(predict, "after 2 s")
    assert predict.guess == "after 2 s"


def test_a_guess_stays(predict):
    """Once committed, the guess is locked."""
    commit(predict, "at once")
    assert part(predict, RadioButtons).disabled
    commit(predict, "after 6 s")
    assert predict.guess == "at once"
    assert part(predict, Button).disabled


@pytest.mark.parametrize(
    ("guess", "measured", "shown"),
    [
        ("at once", "at once", "You said “at once”. Measured: at once. You were right."),
        ("at once", "after 6 s", "You said “at once”. Measured: after 6 s. Not what you expected."),
        ("at once", "310 µs", "You said “at once”. Measured: 310 µs."),
        ("at once", 0.5, "You said “at once”. Measured: 0.5."),
    ],
)
def test_the_guess_is_shown_beside_the_measurement(predict, guess, measured, shown):
    """A measured choice makes the guess right or wrong; anything else is only shown."""
    commit(predict, guess)
    revealed = predict.reveal(measured, "Because send queues.")
    assert f"{shown} Because send queues." in answer(predict)
    assert f"{shown} Because send queues." in revealed._repr_html_()


def test_without_a_guess_the_measurement_is_shown_alone(predict):
    """The widget says that there is no guess, and does not give the answer away."""
    revealed = predict.reveal("at once", "Because send queues.")
    assert "You made no guess." in answer(predict)
    assert "at once" not in answer(predict)
    assert revealed._repr_html_() == "<p>Measured: at once. Because send queues.</p>"


def test_a_guess_may_come_after_all_cells_were_run(predict):
    """After all cells were run at once a guess is still possible, and is judged then."""
    predict.reveal("at once", "Because send queues.")
    commit(predict, "after 2 s")
    shown = "You said “after 2 s”. Measured: at once. Not what you expected. Because send queues."
    assert shown in answer(predict)


def test_reveal_may_be_called_again(predict):
    """A second reveal replaces the first."""
    commit(predict, "at once")
    predict.reveal("after 2 s")
    predict.reveal("at once")
    assert "Measured: at once. You were right." in answer(predict)
    assert "after 2 s" not in answer(predict)


def test_the_plain_text_does_not_show_the_guess(predict):
    """The texts for nbval and for readers without a kernel are the same for each guess."""
    before = repr(predict), repr(predict.reveal("after 2 s", "Why."))
    other = Predict(QUESTION, CHOICES)
    commit(other, "at once")
    assert (repr(other), repr(other.reveal("after 2 s", "Why."))) == before
    assert before == (
        "Predict: When will the client end? (at once / after 2 s / after 6 s)",
        "Measured: after 2 s. Why.",
    )
    other.close()


def test_the_plain_text_is_complete(predict):
    """A long question is not cut short."""
    predict.close()
    long = Predict("Why? " * 100, ["a", "b"])
    assert long._repr_mimebundle_()["text/plain"] == repr(long)
    assert "application/vnd.jupyter.widget-view+json" in long._repr_mimebundle_()
    long.close()


def test_text_is_shown_as_text():
    """A question, a choice, a measurement or a reason that looks like HTML is not run as HTML."""
    evil = "<script>alert(1)</script>"
    predict = Predict(evil, [evil, "größer & kleiner"])
    commit(predict, evil)
    shown = predict.reveal(f"{evil}2", evil)._repr_html_()
    pages = shown + "".join(child.value for child in predict.children if type(child) is HTML)
    assert "<script" not in pages
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    predict.close()


def test_every_control_has_a_name(predict):
    """Screen readers find a label on each control."""
    assert all(part(predict, kind).description for kind in (RadioButtons, Button))


@pytest.mark.parametrize(
    ("question", "choices", "error", "says"),
    [
        ("", CHOICES, TypeError, "question: expected a text"),
        (3, CHOICES, TypeError, "question: expected a text"),
        (QUESTION, ["at once"], TypeError, "expected two texts or more"),
        (QUESTION, "yes", TypeError, "expected two texts or more"),
        (QUESTION, None, TypeError, "expected two texts or more"),
        (QUESTION, [1, 2], TypeError, "expected two texts or more"),
        (QUESTION, ["yes", " "], TypeError, "expected two texts or more"),
        (QUESTION, ["yes", "no", "yes"], ValueError, "got 'yes' 2 times"),
    ],
)
def test_a_question_needs_words_and_choices(question, choices, error, says):
    """A question without words, or without two different choices, is refused."""
    with pytest.raises(error, match=says):
        Predict(question, choices)


def test_a_reason_is_a_text(predict):
    """A reason that is no text is refused before anything is shown."""
    with pytest.raises(TypeError, match="because: expected the reason as text"):
        predict.reveal("at once", because=3)
    assert answer(predict) == ""


def test_choices_may_be_any_iterable():
    """A generator of choices is accepted."""
    predict = Predict(QUESTION, (f"after {n} s" for n in (2, 6)))
    assert repr(predict).endswith("(after 2 s / after 6 s)")
    predict.close()
    predict.close()
