"""Make the tests run fast on several workers, and beside another run on the same machine."""

import tempfile

import pytest
from free_ports import PortBlock

#: The modules that take longest, longest first. The workers of pytest-xdist start with these.
SLOWEST = [
    "tests/test_in_jupyter.py",
    "tests/browser/test_lab_course.py",
    "tests/browser/test_lab.py",
    "tests/programs/test_programs.py",
    "tests/test_headless.py",
    "tests/browser/test_view.py",
    "tests/stress/test_flake.py",
    "tests/test_properties.py",
    "tests/test_exercises.py",
]

_block = pytest.StashKey[PortBlock]()
_ports_replaced = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Give the kernels of this process ports and a history file that no other process uses."""
    block = config.stash[_block] = PortBlock()
    config.add_cleanup(block.close)
    # jupyter_client chooses five ports that are free. Another process may take one of them before
    # the kernel has started; then the kernel ends.
    patch = pytest.MonkeyPatch()
    patch.setattr(
        "jupyter_client.connect.LocalPortCache.find_available_port", lambda cache, ip: block.take()
    )
    config.add_cleanup(patch.undo)
    # A kernel that finds the SQLite file of its history locked prints that under a cell.
    folder = tempfile.TemporaryDirectory(prefix="ipython")
    config.add_cleanup(folder.cleanup)
    patch.setenv("IPYTHONDIR", folder.name)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Under pytest-xdist, sort the slowest modules first, so that no worker starts one last."""
    if hasattr(config, "workerinput"):
        order = {name: place for place, name in enumerate(SLOWEST)}
        items.sort(key=lambda item: order.get(item.nodeid.partition("::")[0], len(order)))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before the first cell of a notebook, replace the fixed ports in all its cells."""
    notebook = item.parent
    if item.path.suffix != ".ipynb" or _ports_replaced in notebook.stash:
        return
    notebook.stash[_ports_replaced] = True
    cells = notebook.nb.cells
    sources = item.config.stash[_block].replace_ports(*(cell.source for cell in cells))
    for cell, source in zip(cells, sources, strict=True):
        cell.source = source


@pytest.fixture(scope="session")
def port_block(pytestconfig: pytest.Config) -> PortBlock:
    """Ports that no other process uses."""
    return pytestconfig.stash[_block]
