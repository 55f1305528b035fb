"""The errors form one small tree, and each can be caught as Python's own kind of error."""

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
def test_one_except_clause_catches_what_only_this_package_raises(name):
    """Every error is a `PushPullError`."""
    with pytest.raises(PushPullError):
        raise getattr(errors, name)("expected this; got that; do so")


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_each_is_of_pythons_own_kind_too(name, kind):
    """Code that knows nothing of this package catches each error by its built-in kind."""
    with pytest.raises(kind):
        raise getattr(errors, name)("expected this; got that; do so")


def test_the_base_is_of_no_other_kind():
    """`PushPullError` itself is an `Exception` and nothing more."""
    assert PushPullError.__bases__ == (Exception,)


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_the_tree_in_the_docstring_is_the_tree(name, kind):
    """The module's docstring shows every error with its built-in kind."""
    (line,) = [line for line in errors.__doc__.splitlines() if name in line]
    assert line.endswith(f" {kind.__name__}")


def test_there_are_no_others():
    """The tree is complete: the module defines these errors and no more."""
    defined = {name for name, item in vars(errors).items() if isinstance(item, type)}
    assert defined == {"PushPullError", *(name for name, _ in KINDS)}
