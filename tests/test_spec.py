"""The constants that Python and the page's scripts share have one home: spec.json."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

import pushpull_kit
from pushpull_kit import spec
from pushpull_kit.spec import COLORS, OUTCOMES, SPEC, TIME_UNITS

PACKAGE = Path(pushpull_kit.__file__).parent

#: Each side has one file that gives the constants their names.
HOMES = {PACKAGE / "spec.py", PACKAGE / "views" / "timeline" / "js" / "spec.js"}

FILES = sorted(
    path
    for path in PACKAGE.rglob("*")
    if path.suffix in (".py", ".js", ".css") and path not in HOMES
)

NAMES = {key.upper() for key in SPEC} | {name for name in vars(spec) if name.isupper()} - {"SPEC"}

#: A constant with this value can only be the one of the spec. Others, such as 40 and 3, can be any.
DISTINCTIVE = {value for value in SPEC.values() if isinstance(value, int) and value > 1_000_000}

NUMBER = r"(?<![\w.])\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])"


def code(path):
    """Return a file without comments and docstrings, which may name what they explain."""
    text = path.read_text("utf-8")
    if path.suffix != ".py":
        return re.sub(r"/\*(?:(?!\*/).)*\*/|//[^\n]*", "", text, flags=re.DOTALL)
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(getattr(node, "body", None), list):
            node.body = [it for it in node.body if not is_docstring(it)] or [ast.Pass()]
    return ast.unparse(tree)


def is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def by_hand(text):
    """Return what of the spec this code writes by hand."""
    found = [color for color in COLORS.values() if color.lower() in text.lower()]
    strings = re.findall(r"""["']([a-z_]+)["']""", text)
    for i, _ in enumerate(strings):
        if strings[i : i + len(OUTCOMES)] == list(OUTCOMES):
            found.append("the list of outcomes")
    for unit, other in pairwise(TIME_UNITS):
        if re.search(rf"""["']{unit[0]}["'],\s*{NUMBER}\W+["']{other[0]}["']""", text):
            found.append(f"the units {unit[0]} and {other[0]}")
    for name in NAMES:
        literal = rf"(?:{NUMBER}|[\[({{\"'])"
        if re.search(rf"\b{name}\b(?::[^=\n]+)?\s*=\s*{literal}", text):
            found.append(f"{name} = ...")
    for number in re.findall(NUMBER, text):
        if float(number.replace("_", "")) in DISTINCTIVE:
            found.append(number)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_nothing_of_the_spec_is_written_by_hand(path):
    """No file but spec.json has a color, an outcome list, a unit or a limit of the spec."""
    assert by_hand(code(path)) == []


@pytest.mark.parametrize(
    "text",
    [
        'FACES = {"sending": "#0072B2"}',
        "background: #d55e00;",
        "const BLOCKED_NS = 50_000_000;",
        "return took > 5e7",
        "MAX_LANES: int = 40",
        "export const MERGE_PX = 3;",
        'COLORS = {"sending": blue}',
        'const names = ["sending", "in_flight", "handling", "handled", "failed", "refused",\n'
        '  "interrupted"];',
        'units = (("s", 1e9), ("ms", 1e6), ("µs", 1e3))',
    ],
)
def test_what_is_written_by_hand_is_found(text):
    """The search sees each kind of copy, in Python, JavaScript and CSS."""
    assert by_hand(text)


@pytest.mark.parametrize("name", sorted(SPEC))
def test_both_sides_name_each_constant(name):
    """spec.py and spec.js take every key of spec.json."""
    for home in HOMES:
        assert re.search(rf"""SPEC(?:\.{name}\b|\["{name}"\])""", home.read_text("utf-8"))
