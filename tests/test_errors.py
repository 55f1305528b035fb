"""All errors derive from one base, and each from a built-in error too."""

import pytest

from pushpull_kit import errors
from pushpull_kit.errors import PushPullError

KINDS = [
    ("WrongThreadError", RuntimeError),
    ("EndpointError", ValueError),
    ("WorkerStoppedError", RuntimeError),
    ("WorkerStuckError", TimeoutError),
]


@pytest.mark.parametrize("name", [name for name, _ in KINDS])
def test_every_error_is_a_push_pull_error(name):
    """Every error is a `PushPullError`."""
    with pytest.raises(PushPullError):
        raise getattr(errors, name)("expected this; got that; do so")


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_every_error_is_a_built_in_error_too(name, kind):
    """Code that does not import this package can catch each error by its built-in class."""
    with pytest.raises(kind):
        raise getattr(errors, name)("expected this; got that; do so")


def test_the_base_derives_from_exception_only():
    """`PushPullError` derives from `Exception` only."""
    assert PushPullError.__bases__ == (Exception,)


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_the_tree_in_the_docstring_is_correct(name, kind):
    """The module's docstring shows every error with its built-in class."""
    (line,) = [line for line in errors.__doc__.splitlines() if name in line]
    assert line.endswith(f" {kind.__name__}")


def test_the_module_defines_no_other_classes():
    """The module defines exactly these errors."""
    defined = {name for name, item in vars(errors).items() if isinstance(item, type)}
    assert defined == {"PushPullError", *(name for name, _ in KINDS)}
