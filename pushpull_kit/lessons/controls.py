"""A control for each parameter of a function, from the abbreviations of ipywidgets' `interact`."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ipywidgets import (  # type: ignore[import-untyped]
    Dropdown,
    FloatSlider,
    IntSlider,
    ValueWidget,
    Widget,
    fixed,
    interactive,
)

from .parameters import label

_NO_DEFAULT = inspect.Parameter.empty
_KEYWORD_ONLY, _VAR_KEYWORD = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD


def controls_for(function: Callable[..., object], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a control for each parameter of a function except the first, which is the context.

    Args:
        function: what is to be run.
        given: what `interact` takes, by parameter name: a number, a range, choices, a widget.

    Returns:
        A widget or `ipywidgets.fixed` for each parameter, in the order of the parameters.

    Raises:
        TypeError: the function cannot be run so, or a control is for no parameter or is missing.
        ValueError: no control can be made from what was given, or a parameter is named `timeout`.

    >>> controls = controls_for(lambda context, count, copy=True: None, {"count": (1, 10)})
    >>> {name: type(control).__name__ for name, control in controls.items()}
    {'count': 'IntSlider', 'copy': 'Checkbox'}
    """
    defaults, takes_any_keyword = _parameters(function)
    others = [name for name in given if name not in defaults]
    if others and not takes_any_keyword:
        raise TypeError(
            f"expected controls for the parameters {quoted(defaults)}; got one for {others[0]!r}; "
            "correct the name, or add such a parameter to the function"
        )
    controls = {}
    for name in [*defaults, *others]:
        default = defaults.get(name, _NO_DEFAULT)
        if name == "timeout":
            raise ValueError("expected another name than 'timeout', which run() takes; rename it")
        if name in given:
            controls[name] = _control(name, given[name], default)
        else:
            controls[name] = _control_from_default(name, default)
    _align([it for name, it in controls.items() if it is not given.get(name)])
    return controls


def quoted(names: Iterable[str]) -> str:
    """Return names as an error lists them.

    >>> quoted(["count", "work_s"]), quoted([])
    ("'count', 'work_s'", '(none)')
    """
    return ", ".join(map(repr, names)) or "(none)"


def _parameters(function: Callable[..., object]) -> tuple[dict[str, Any], bool]:
    """Return the defaults of all parameters except the first, and whether `**` takes any other."""
    if not callable(function) or inspect.iscoroutinefunction(function):
        raise TypeError(
            f"function: expected a function, not an async one; got {function!r}; give its name, "
            "without parentheses"
        )
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters or parameters[0].kind in (_KEYWORD_ONLY, _VAR_KEYWORD):
        raise TypeError(
            f"function: expected a first parameter for the context, as in def run(context, ...); "
            f"got {inspect.signature(function)}; add it"
        )
    defaults = {}
    for parameter in parameters[1:]:
        if parameter.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, _KEYWORD_ONLY):
            defaults[parameter.name] = parameter.default
        elif (
            parameter.kind is inspect.Parameter.POSITIONAL_ONLY and parameter.default is _NO_DEFAULT
        ):
            raise TypeError(
                f"function: expected parameters that keywords can give; got {parameter.name!r} "
                "before a slash; remove the slash"
            )
    return defaults, any(it.kind is _VAR_KEYWORD for it in parameters)


def _control_from_default(name: str, default: Any) -> Any:
    """Return a control that starts at a default; `fixed` if the default makes no widget."""
    if default is _NO_DEFAULT:
        raise TypeError(
            f"expected a control for each parameter; got none for {name!r}; give one, such as "
            f"{name}=(1, 10), or give the parameter a default"
        )
    try:
        return _control(name, default, default)
    except (TypeError, ValueError):  # a default such as None
        return fixed(default)


def _control(name: str, abbreviation: Any, default: Any) -> Any:
    """Return the control that ipywidgets makes of what was given, labeled and easy to use."""
    expected = (
        f"{name}: expected a number, (lowest, highest), True or False, a text, a list of choices, "
        f"or a widget with a value; got {abbreviation!r}"
    )
    if isinstance(abbreviation, Widget) and not isinstance(abbreviation, ValueWidget):
        raise TypeError(f"{expected}; give one whose value can be read")
    try:
        control = interactive.widget_from_abbrev(abbreviation, default)
    except Exception as error:  # traitlets raises errors of its own
        raise ValueError(f"{expected} ({error}); correct it") from error
    if control is None or (isinstance(control, Dropdown) and not control.options):
        raise ValueError(f"{expected}; give choices as a list, with one at least")
    if control is not abbreviation:
        control.description = label(name)
        if isinstance(control, IntSlider | FloatSlider):
            _set_range_and_step(control, abbreviation)
    elif not control.description:
        control.description = label(name)
    return control


def _set_range_and_step(slider: Any, abbreviation: Any) -> None:
    """Let a slider begin at zero, since no value here is negative; small ranges get small steps."""
    if isinstance(abbreviation, int | float) and abbreviation > 0:
        slider.min = 0
    if isinstance(slider, FloatSlider):
        span = slider.max - slider.min
        step_was_given = isinstance(abbreviation, tuple) and len(abbreviation) == 3
        if not step_was_given and 0 < span < 10 * slider.step:
            slider.step = 10.0 ** math.floor(math.log10(span / 10))
        slider.readout_format = f".{max(0, 1 - math.floor(math.log10(slider.step)))}f"


def _align(controls: list[Any]) -> None:
    """Give all labels one width, so that the controls are aligned."""
    widgets = [control for control in controls if isinstance(control, Widget)]
    width = max((len(widget.description) for widget in widgets), default=0)
    for control in widgets:
        control.style.description_width = f"{width + 1}ch"
        control.layout.width = "min(100% - 4px, 500px)"
