"""README, dependency files and notebooks are consistent with each other."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


# README.md


def test_the_program_in_the_readme_runs(tmp_path):
    """The program in the README runs and writes the files that the README names."""
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "3 pushed = 3 handled" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["messages.json", "messages.png"]


def test_links_in_the_readme_exist():
    """Every file that the README links to exists."""
    links = re.findall(r"\]\(([^):]+)\)", (ROOT / "README.md").read_text("utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


# pyproject.toml, environment.yml, constraints.txt


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def environment() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def bounds(lines: list[str]) -> dict[str, SpecifierSet]:
    requirements = [Requirement(line) for line in lines]
    by_name = {canonicalize_name(r.name): r.specifier for r in requirements}
    assert len(by_name) == len(lines), f"a name occurs twice: {sorted(lines)}"
    return by_name


def direct_dependencies() -> dict[str, SpecifierSet]:
    metadata = project()
    return bounds(metadata["dependencies"] + metadata["optional-dependencies"]["test"])


def conda_packages() -> list[str]:
    """The packages in environment.yml, without Python and pip, by their names for pip."""
    strings = [line for line in environment()["dependencies"] if isinstance(line, str)]
    packages = [line for line in strings if line != "pip" and not line.startswith("python=")]
    # conda-forge's "xxhash" is the library in C.
    return [line.replace("python-xxhash", "xxhash") for line in packages]


def constraint_lines() -> list[str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_environment_has_the_names_and_bounds_of_pyproject():
    """Conda installs the same names with the same bounds as pip."""
    assert bounds(conda_packages()) == direct_dependencies()


def test_environment_python_is_one_the_project_allows():
    """environment.yml has python=3.x, the form that Binder reads; requires-python allows it."""
    lines = [line for line in environment()["dependencies"] if re.match(r"python=", str(line))]
    assert len(lines) == 1
    match = re.fullmatch(r"python=(3\.\d+)", lines[0])
    assert match, f"expected python=3.x, got {lines[0]}"
    assert match[1] in SpecifierSet(project()["requires-python"])


def test_environment_installs_this_repository():
    """In the conda environment, pip installs only this repository."""
    pip_lists = [line["pip"] for line in environment()["dependencies"] if isinstance(line, dict)]
    assert pip_lists == [["-e ."]]
    assert environment()["channels"] == ["conda-forge"]


def test_constraints_are_plain_pins():
    """Every line of constraints.txt is name==version: no host, no path, no option."""
    odd = [
        line
        for line in constraint_lines()
        if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+_]+", line) or line.startswith("-")
    ]
    assert odd == []


@pytest.mark.parametrize(("name", "bound"), direct_dependencies().items())
def test_constraints_pin_each_direct_dependency(name: str, bound: SpecifierSet):
    """constraints.txt pins each direct dependency at a version inside its bound."""
    pins = bounds(constraint_lines())
    assert name in pins, f"constraints.txt has no line for {name}"
    (pin,) = pins[name]
    assert pin.version in bound


def test_constraints_pin_uv():
    """constraints.txt pins uv, which the Makefile installs."""
    assert "uv" in bounds(constraint_lines())


# Notebooks


def tags(cell: Any) -> list[str]:
    return cell.metadata.get("tags", [])


def code_cells(path: Path) -> list[Any]:
    cells = nbformat.read(path, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code" and cell.source.strip()]


def first_lines(cells: list[Any]) -> list[str]:
    """The first line of each cell, for error messages."""
    return [cell.source.splitlines()[0] for cell in cells]


every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_are_notebooks():
    """The tests below have notebooks to check."""
    assert NOTEBOOKS


@every_notebook
def test_notebook_was_run_in_order(path: Path):
    """Each cell was run once, from top to bottom, in a new kernel."""
    cells = code_cells(path)
    counts = [cell.execution_count for cell in cells]
    assert cells
    assert counts == list(range(1, len(cells) + 1)), "run `make notebooks`"


@every_notebook
def test_notebook_has_outputs(path: Path):
    """Cells have outputs; without them, strict nbval compares nothing and passes."""
    without_outputs = [
        cell
        for cell in code_cells(path)
        if not cell.outputs and not {"silent", "nbval-skip"} & set(tags(cell))
    ]
    assert first_lines(without_outputs) == [], "run `make notebooks`, or tag the cells `silent`"


@every_notebook
def test_silent_cells_are_silent(path: Path):
    """A cell tagged `silent` has no outputs."""
    with_outputs = [cell for cell in code_cells(path) if "silent" in tags(cell) and cell.outputs]
    assert first_lines(with_outputs) == []


@every_notebook
def test_notebook_holds_no_widget_state(path: Path):
    """Widget state is not committed: it is soon outdated, and malformed state breaks viewers."""
    assert "widgets" not in nbformat.read(path, as_version=4).metadata
