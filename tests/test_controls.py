"""Each parameter gets a control, from what `interact` takes; errors say what to do."""

from enum import Enum

import ipywidgets
import pytest

from pushpull_kit.lessons.controls import controls_for, quoted


def only(abbreviation):
    """The control for one parameter without a default."""
    return controls_for(lambda context, it: None, {"it": abbreviation})["it"]


class Kind(Enum):
    PUSH = 1
    PULL = 2


@pytest.mark.parametrize(
    ("abbreviation", "kind", "value"),
    [
        (10, ipywidgets.IntSlider, 10),
        (0.5, ipywidgets.FloatSlider, 0.5),
        ((1, 1000), ipywidgets.IntSlider, 500),
        ((0.0, 2.0), ipywidgets.FloatSlider, 1.0),
        ((0, 10, 2), ipywidgets.IntSlider, 4),
        (True, ipywidgets.Checkbox, True),
        ("jobs", ipywidgets.Text, "jobs"),
        (["push", "pull"], ipywidgets.Dropdown, "push"),
        ({"one": 1, "many": 1000}, ipywidgets.Dropdown, 1),
        (range(3), ipywidgets.Dropdown, 0),
        (Kind, ipywidgets.Dropdown, Kind.PUSH),
    ],
)
def test_what_interact_takes_makes_its_control(abbreviation, kind, value):
    """Numbers, ranges, booleans, texts and choices make the widgets that `interact` makes."""
    control = only(abbreviation)
    assert type(control) is kind
    assert control.get_interact_value() == value


def test_a_widget_is_its_own_control():
    """A widget is used as it is, and gets the parameter's name if it has no description."""
    named, unnamed = ipywidgets.IntText(3, description="how many"), ipywidgets.IntText(4)
    assert only(named) is named
    assert named.description == "how many"
    assert only(unnamed) is unnamed
    assert unnamed.description == "it"


def test_what_is_fixed_has_no_control():
    """`fixed` hands a value over and shows nothing."""
    assert only(ipywidgets.fixed("inproc://jobs")).get_interact_value() == "inproc://jobs"


def test_a_control_starts_at_the_default():
    """The parameter's default is the first value of a range or of choices."""
    controls = controls_for(
        lambda context, mark=1000, kind="slow": None, {"mark": (1, 1000), "kind": ["fast", "slow"]}
    )
    assert [control.value for control in controls.values()] == [1000, "slow"]


def test_a_default_alone_makes_a_control():
    """A parameter without a control gets one from its default, or keeps it if none can be made."""
    controls = controls_for(lambda context, count=5, handler=None: None, {})
    assert type(controls["count"]) is ipywidgets.IntSlider
    assert type(controls["handler"]) is ipywidgets.fixed


def test_controls_have_the_order_of_the_parameters():
    """Controls come in the order of the parameters; what the function takes by `**` comes last."""

    def function(context, b, a=1, **others):
        pass

    assert list(controls_for(function, {"z": 1, "a": 2, "b": 3})) == ["b", "a", "z"]


@pytest.mark.parametrize(
    ("abbreviation", "lowest", "step"),
    [(10, 0, 1), (0.03, 0, 0.001), ((0.0, 0.05), 0, 0.001), ((0.0, 2.0), 0, 0.1), (-1, -1, 1)],
)
def test_a_slider_has_a_useful_range_and_step(abbreviation, lowest, step):
    """A slider made from a number begins at zero, and a small range has small steps."""
    slider = only(abbreviation)
    assert slider.step == pytest.approx(step)
    assert slider.min == lowest or abbreviation == -1


@pytest.mark.parametrize(
    ("abbreviation", "shown"),
    [((0.0, 2.0), ".2f"), ((0.0, 0.05), ".4f"), ((0.0, 99.0, 10.0), ".0f")],
)
def test_a_slider_shows_one_digit_more_than_its_step(abbreviation, shown):
    """A value between two steps, such as a default, can be read."""
    assert only(abbreviation).readout_format == shown


class HasMethod:
    def method(self, context, count):
        pass


def test_a_method_is_a_function_too():
    """The `self` of a bound method is no parameter."""
    assert list(controls_for(HasMethod().method, {"count": 1})) == ["count"]


async def asynchronous(context):
    pass


def slashed(context, count, /):
    pass


@pytest.mark.parametrize(
    ("function", "given", "error", "says"),
    [
        (3, {}, TypeError, "without parentheses"),
        (asynchronous, {}, TypeError, "not an async one"),
        (lambda: None, {}, TypeError, "a first parameter for the context"),
        (lambda *, count: None, {}, TypeError, "a first parameter for the context"),
        (slashed, {}, TypeError, "remove the slash"),
        (
            lambda context: None,
            {"count": 1},
            TypeError,
            r"parameters \(none\); got one for 'count'",
        ),
        (lambda context, n: None, {"n": 1, "m": 1}, TypeError, "'n'; got one for 'm'"),
        (lambda context, count: None, {}, TypeError, "got none for 'count'; give one"),
        (lambda context, timeout: None, {"timeout": 1}, ValueError, "rename it"),
    ],
)
def test_a_function_that_cannot_be_run_is_refused(function, given, error, says):
    """A function that cannot be called with these controls is refused; the error says why."""
    with pytest.raises(error, match=says):
        controls_for(function, given)


@pytest.mark.parametrize("abbreviation", [None, (1, 2, 3, 4), (5, 1), [], object(), (1, 2, 0)])
def test_an_abbreviation_that_makes_no_control(abbreviation):
    """What makes no widget is refused; the error lists what does."""
    with pytest.raises(ValueError, match=r"it: expected a number, \(lowest, highest\)"):
        only(abbreviation)


def test_a_widget_without_a_value_is_no_control():
    """A widget whose value cannot be read is refused."""
    with pytest.raises(TypeError, match="whose value can be read"):
        only(ipywidgets.VBox())


def test_names_in_errors_are_quoted():
    """An error lists names in quotes, and says so if there are none."""
    assert quoted(["a", "b"]) == "'a', 'b'"
    assert quoted([]) == "(none)"
