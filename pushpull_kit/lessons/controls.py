"""A control for each parameter of a function, from the abbreviations of ipywidgets' `interact`."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
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

from .run_report import label, listed

_NONE = inspect.Parameter.empty


def controls_for(function: Callable[..., object], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a widget, or `fixed`, for each parameter of the function but the first, the context.

    Raises `TypeError` or `ValueError` for a function, a name or an abbreviation that will not do.
    """
    defaults, takes_any = _parameters(function)
    for name in given:
        if name not in defaults and not takes_any:
            raise TypeError(
                f"expected controls for the parameters {listed(defaults)}; got one for {name!r}; "
                "correct the name, or add such a parameter to the function"
            )
    controls = {}
    for name in [*defaults, *(name for name in given if name not in defaults)]:
        default = defaults.get(name, _NONE)
        if name == "timeout":
            raise ValueError("expected another name than 'timeout', which run() takes; rename it")
        if name in given:
            controls[name] = _control(name, given[name], default)
        elif default is _NONE:
            raise TypeError(
                f"expected a control for each parameter; got none for {name!r}; give one, such as "
                f"{name}=(1, 10), or give the parameter a default"
            )
        else:
            try:
                controls[name] = _control(name, default, default)
            except (TypeError, ValueError):  # such as None: it stays what it is
                controls[name] = fixed(default)
    _align([it for name, it in controls.items() if it is not given.get(name)])
    return controls


def _parameters(function: Callable[..., object]) -> tuple[dict[str, Any], bool]:
    """Return the defaults of all parameters but the first, and whether it takes any keyword."""
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
        elif parameter.kind is inspect.Parameter.POSITIONAL_ONLY and parameter.default is _NONE:
            raise TypeError(
                f"function: expected parameters that keywords can give; got {parameter.name!r} "
                "before a slash; remove the slash"
            )
    return defaults, any(it.kind is _VAR_KEYWORD for it in parameters)


_KEYWORD_ONLY, _VAR_KEYWORD = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD


def _control(name: str, abbreviation: Any, default: Any) -> Any:
    wanted = (
        f"{name}: expected a number, (lowest, highest), True or False, a text, a list of choices, "
        f"or a widget with a value; got {abbreviation!r}"
    )
    if isinstance(abbreviation, Widget) and not isinstance(abbreviation, ValueWidget):
        raise TypeError(f"{wanted}; give one whose value can be read")
    try:
        control = interactive.widget_from_abbrev(abbreviation, default)
    except Exception as error:  # traitlets has its own
        raise ValueError(f"{wanted} ({error}); correct it") from error
    if control is None or (isinstance(control, Dropdown) and not control.options):
        raise ValueError(f"{wanted}; give choices as a list, with one at least")
    if control is not abbreviation:
        control.description = label(name)
        if isinstance(control, IntSlider | FloatSlider):
            _make_handy(control, abbreviation)
    elif not control.description:
        control.description = label(name)
    return control


def _make_handy(slider: Any, abbreviation: Any) -> None:
    """Begin at zero, as nothing here is negative, and take small steps in a small range."""
    if isinstance(abbreviation, int | float) and abbreviation > 0:
        slider.min = 0
    if isinstance(slider, FloatSlider):
        span = slider.max - slider.min
        given = isinstance(abbreviation, tuple) and len(abbreviation) == 3
        if not given and 0 < span < 10 * slider.step:
            slider.step = 10.0 ** math.floor(math.log10(span / 10))
        slider.readout_format = f".{max(0, 1 - math.floor(math.log10(slider.step)))}f"


def _align(controls: list[Any]) -> None:
    """Give the labels one width, so that the controls begin below each other."""
    controls = [control for control in controls if isinstance(control, Widget)]
    width = max((len(control.description) for control in controls), default=0)
    for control in controls:
        control.style.description_width = f"{width + 1}ch"
        control.layout.width = "min(100% - 4px, 500px)"
