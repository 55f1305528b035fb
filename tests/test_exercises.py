"""Every exercise: its stub, its solution, and the answers in tests/answers.

`pushpull_kit/exercises/engine/check.py` says how to add an exercise.
"""

import importlib
import pkgutil
import re

import pytest

from pushpull_kit import exercises
from pushpull_kit.exercises.engine.check import Exercise
from pushpull_kit.exercises.engine.harness import Harness
from pushpull_kit.exercises.engine.verdict import CORRECT, NOT_ATTEMPTED, NOT_YET

MODULES = sorted(
    module.name for module in pkgutil.iter_modules(exercises.__path__) if module.name != "engine"
)
EXERCISES = {
    f"{module}.{exercise.name}": exercise
    for module in MODULES
    for exercise in vars(importlib.import_module(f"pushpull_kit.exercises.{module}")).values()
    if isinstance(exercise, Exercise)
}


def answers(name, kind):
    """The wrong or the right answers to an exercise. `kind` is "WRONG" or "RIGHT"."""
    module, exercise = name.split(".")
    try:
        found = importlib.import_module(f"answers.{module}")
    except ModuleNotFoundError:
        return []
    return getattr(found, kind, {}).get(exercise, [])


def each(kind):
    """Parameters for pytest: an exercise's name, and one of its answers of that kind."""
    return [
        pytest.param(name, answer, id=f"{name}-{title(answer)}")
        for name in EXERCISES
        for answer in answers(name, kind)
    ]


def title(answer):
    if isinstance(answer, tuple):
        answer = answer[0]
    return getattr(answer, "__name__", None) or re.sub(r"\W+", "_", repr(answer))[:40]


def stubs(model):
    """Stubs that a learner has not changed."""
    if not callable(model):
        return [None, ..., [None], {"a": ...}]

    def dots(*args): ...

    def docstring(*args):
        """Do something."""

    def passes(*args):
        pass

    return [dots, docstring, passes]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_exercises(module):
    """Each module of exercises has two or more."""
    assert sum(name.startswith(f"{module}.") for name in EXERCISES) >= 2


@pytest.mark.parametrize("name", EXERCISES)
def test_an_exercise_is_complete(name):
    """It has a docstring, two hints or more, and three wrong answers with different reasons."""
    exercise = EXERCISES[name]
    assert exercise.__doc__
    assert len(exercise.hints) >= 2
    reasons = [reason for _, reason in answers(name, "WRONG")]
    assert len(set(reasons)) == len(reasons) >= 3, f"see tests/answers, for {name}"


@pytest.mark.parametrize("name", EXERCISES)
def test_a_stub_is_not_attempted(name):
    """An unchanged stub gets the same text in each exercise."""
    for stub in stubs(EXERCISES[name].model):
        verdict = EXERCISES[name].check(stub)
        assert verdict.outcome == NOT_ATTEMPTED
        assert repr(verdict) == "Not attempted yet: fill in the cell above."


@pytest.mark.parametrize("name", EXERCISES)
def test_the_solution_passes(name):
    """The solution is correct, also when it is checked a second time."""
    for _ in range(2):
        verdict = EXERCISES[name].check(EXERCISES[name].model)
        assert verdict.outcome == CORRECT, verdict


@pytest.mark.parametrize(("name", "answer"), each("RIGHT"))
def test_another_right_answer_passes(name, answer):
    """An answer that differs from the solution and does the same is correct."""
    verdict = EXERCISES[name].check(answer)
    assert verdict.outcome == CORRECT, verdict


@pytest.mark.parametrize(("name", "answer"), each("WRONG"))
def test_a_wrong_answer_is_refused(monkeypatch, name, answer):
    """The message for a wrong answer gives its reason, and not that of another wrong answer."""
    monkeypatch.setattr(Harness, "limit_s", 1.0)
    answer, reason = answer
    verdict = EXERCISES[name].check(answer)
    assert verdict.outcome == NOT_YET
    assert re.search(reason, verdict.message), verdict
    others = [other for _, other in answers(name, "WRONG") if other != reason]
    assert not [other for other in others if re.search(other, verdict.message)], verdict


@pytest.mark.parametrize("name", EXERCISES)
def test_hints_and_solution_are_shown(name):
    """Hints come one by one, then the last one again; the solution is Markdown with code."""
    exercise = EXERCISES[name]
    fresh = Exercise(exercise.judge, exercise.model, exercise.hints)
    shown = [repr(fresh.hint()) for _ in range(len(fresh.hints) + 1)]
    assert shown[0].startswith(f"Hint 1 of {len(fresh.hints)}: ")
    assert len(set(shown)) == len(fresh.hints)
    assert "That was the last one" in shown[-1]
    assert "`" in fresh.solution()._repr_markdown_()
