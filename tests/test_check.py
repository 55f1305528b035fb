"""A check tells the learner what it found, in Markdown, and gives hints and a solution."""

import functools

import pytest
from checks import push_all, push_two, refused, shorten_limits

from pushpull_kit.exercises.engine.check import exercise, expect, show
from pushpull_kit.exercises.engine.verdict import CORRECT, NOT_ATTEMPTED, Note


@pytest.fixture(autouse=True)
def _short_limits(monkeypatch):
    shorten_limits(monkeypatch)


def test_the_solution_is_correct():
    """The verdict on a right answer is correct, with the text that the judge returns."""
    verdict = push_two.check(push_all)
    assert (verdict.outcome, repr(verdict)) == (CORRECT, "Correct. Both came.")


def test_a_stub_is_recognized_by_its_code():
    """A stub is not called. A decorated function is no stub, also if it wraps an empty one."""

    def stub(sender, jobs):
        """To be filled in."""

    assert push_two.check(stub).outcome == NOT_ATTEMPTED
    assert push_two.check(functools.wraps(stub)(lambda *a: push_all(*a))).outcome == CORRECT


@pytest.mark.parametrize("stub", [None, ..., [1, None], (..., 2), {"a": 1, "b": None}])
def test_a_value_that_is_missing_is_not_attempted(stub):
    """If an exercise asks for a value, None and ... are stubs, also in a list, tuple or dict."""

    @exercise(solution=[1, 2], hints=["a", "b"])
    def guess(harness, answer):
        """Guess."""
        expect(answer == [1, 2], f"It is not {show(answer)}.")

    assert guess.check(stub).outcome == NOT_ATTEMPTED
    assert guess.check([1, 3]).message == "It is not `[1, 3]`."
    assert repr(guess.check([1, 2])) == "Correct."


def test_text_of_the_learner_is_shown_as_text():
    """In the Markdown of a verdict, backticks end no code span and tags become no HTML."""

    def answer(sender, jobs):
        sender.send_string("``` `x` <script>alert(1)</script>")
        return 2

    message = refused(answer).message
    assert "```` ['``` `x` <script>alert(1)</script>'] ````" in message
    note = Note("a < b & `c < d` and <b>")
    assert note._repr_markdown_() == "a &lt; b &amp; `c < d` and &lt;b>"


def test_hints_say_how_many_are_left():
    """Hints come one by one, and the last one is repeated."""
    assert repr(push_two.hint()) == "Hint 1 of 2: gently (1 more: call `hint()` again.)"
    assert repr(push_two.hint()) == "Hint 2 of 2: plainly (That was the last one.)"
    assert repr(push_two.hint()) == "Hint 2 of 2: plainly (That was the last one.)"


def test_the_solution_is_shown_as_source():
    """`solution()` shows the source of the function that these tests check."""
    text = push_two.solution()._repr_markdown_()
    assert text.startswith("```python\ndef push_all(sender, jobs):\n    for job in jobs:")


def test_an_error_of_the_judge_is_raised():
    """An error in the judge is not a verdict on the answer: `check` raises it, and ends all."""

    @exercise(solution=push_all, hints=["a", "b"])
    def broken(harness, answer):
        """Fail."""
        harness.pair()
        raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        broken.check(push_all)
