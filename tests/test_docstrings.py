"""Each public name has a complete docstring, and each example in a docstring runs."""

import builtins
import inspect
import io
import os
import pkgutil
import re
import typing
from contextlib import suppress
from doctest import ELLIPSIS, DocTestFinder, DocTestRunner
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

import pushpull_kit

PUBLIC = {name: getattr(pushpull_kit, name) for name in pushpull_kit.__all__}
CLASSES = [item for item in PUBLIC.values() if isinstance(item, type)]

#: Classes that public methods return although they are not exported, with the reason.
NOT_EXPORTED = {
    "DirtyRows": "a subscription is only passed back to `Timings.delta`",
    "Delta": "the rows of a delta are for views, which are part of the kit",
}


def is_of_the_kit(item):
    return getattr(item, "__module__", "").startswith("pushpull_kit")


def kit_bases(cls):
    """Return a class and its bases, as far as the kit defines them."""
    return [base for base in cls.__mro__ if is_of_the_kit(base)]


def public_methods():
    """Yield (name, function) for each public method that the kit defines."""
    for cls in CLASSES:
        members = {}
        for base in kit_bases(cls):
            members = {**vars(base), **members}
        for name, member in members.items():
            function = getattr(member, "__func__", member)  # of a classmethod or staticmethod
            is_public = inspect.isfunction(function) and not name.startswith("_")
            if is_public and is_of_the_kit(function):
                yield f"{cls.__name__}.{name}", function


def public_properties():
    """Yield (name, property) for each public property that the kit defines."""
    for cls in CLASSES:
        for base in kit_bases(cls):
            for name, member in vars(base).items():
                if isinstance(member, property) and not name.startswith("_"):
                    yield f"{cls.__name__}.{name}", member


def overrides_another_package(name):
    """Return whether a method, given as `Class.method`, overrides one of another package."""
    cls, method = name.split(".")
    return any(method in vars(base) for base in PUBLIC[cls].__mro__ if not is_of_the_kit(base))


METHODS = dict(public_methods())
PROPERTIES = dict(public_properties())
FUNCTIONS = {name: item for name, item in PUBLIC.items() if inspect.isfunction(item)}
CALLABLES = {**FUNCTIONS, **METHODS}


def docstring(item):
    return inspect.cleandoc(item.__doc__ or "")


def documented_arguments(text):
    """Return the names under "Args:" in a docstring."""
    section = re.search(r"^Args:\n((?: .*\n|\n)*)", text + "\n", re.MULTILINE)
    return set(re.findall(r"^    (\w+):", section[1], re.MULTILINE)) if section else set()


def arguments_of(function):
    """Return the names of a function's arguments; `args` and `kwargs` are only passed on."""
    parameters = inspect.signature(function).parameters
    return {name for name in parameters if name not in ("self", "cls", "args", "kwargs")}


@pytest.mark.parametrize("name", PUBLIC)
def test_the_first_paragraph_is_one_sentence(name):
    """The docstring of a public name starts with a paragraph of one sentence."""
    paragraph = docstring(PUBLIC[name]).split("\n\n")[0]
    assert re.findall(r"[.!?](?=\s|$)", paragraph) == ["."], paragraph
    assert paragraph.endswith(".")


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_has_an_example(name):
    """The docstring of a public name has an example."""
    assert ">>>" in docstring(PUBLIC[name])


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_the_arguments_of_a_class_are_documented(cls):
    """The docstring of a class, or of its base, names the arguments of its `__init__`."""
    bases = kit_bases(cls)
    if not any("__init__" in vars(base) for base in bases):
        return  # made as the class of another package is made
    documented = set().union(*(documented_arguments(docstring(base)) for base in bases))
    assert arguments_of(cls.__init__) <= documented


@pytest.mark.parametrize("name", CALLABLES)
def test_the_arguments_of_a_function_are_documented(name):
    """The docstring of a public function or method names exactly its arguments."""
    function = CALLABLES[name]
    if name in METHODS and overrides_another_package(name):
        return  # documented there
    arguments = arguments_of(function)
    documented = documented_arguments(docstring(function))
    assert arguments <= documented <= {*arguments, "kwargs"}


@pytest.mark.parametrize("name", CALLABLES)
def test_what_a_function_returns_is_documented(name):
    """A function that returns a value says so in its first words or under "Returns:"."""
    function = CALLABLES[name]
    text = docstring(function)
    returns = hints(function).get("return", type(None))
    assert text
    assert returns is type(None) or text.startswith(("Return ", "Yield ")) or "\nReturns:\n" in text


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_property_has_a_docstring(name):
    """Each public property has a docstring."""
    assert docstring(PROPERTIES[name])


def hints(function):
    """Return the annotations of a function, resolved."""
    module = inspect.getmodule(function)
    only_for_types = {**PUBLIC, "os": os, "pandas": pytest.importorskip("pandas")}
    return typing.get_type_hints(function, {**only_for_types, **vars(module)})


def kit_classes_in(annotation):
    """Return the classes of the kit that an annotation contains."""
    if arguments := typing.get_args(annotation):
        return [cls for argument in arguments for cls in kit_classes_in(argument)]
    return [annotation] if isinstance(annotation, type) and is_of_the_kit(annotation) else []


@pytest.mark.parametrize("name", [*CALLABLES, *PROPERTIES])
def test_what_a_function_returns_is_exported(name):
    """A class of the kit that a public function, method or property returns is public."""
    function = CALLABLES[name] if name in CALLABLES else PROPERTIES[name].fget
    returned = kit_classes_in(hints(function).get("return"))
    assert {cls.__name__ for cls in returned} <= {*PUBLIC, *NOT_EXPORTED}


def modules_with_examples():
    """Return the modules of the kit that contain an example."""
    packages = pkgutil.walk_packages(pushpull_kit.__path__, "pushpull_kit.")
    names = ["pushpull_kit", *(info.name for info in packages)]
    files = {name: Path(find_spec(name).origin) for name in names}
    return [import_module(name) for name in names if ">>>" in files[name].read_text("utf-8")]


EXAMPLES = [
    example
    for module in modules_with_examples()
    for example in DocTestFinder().find(module)
    if example.examples
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_runs(example):
    """The example in a docstring prints what it says, and leaves nothing open."""
    report = io.StringIO()
    failed, _ = DocTestRunner(optionflags=ELLIPSIS).run(example, out=report.write)
    with suppress(AttributeError):
        del builtins._  # the last value that an example has shown
    assert not failed, report.getvalue()
