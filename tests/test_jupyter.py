"""Outside a notebook there is no cell to print under; test_in_jupyter.py tests the inside."""

import sys
from types import SimpleNamespace

import IPython
import pytest

from pushpull_kit.jupyter import cell, print_under_this_cell


def test_outside_a_notebook_prints_are_not_redirected(monkeypatch):
    """Without IPython, or in IPython without a kernel, prints are not redirected."""
    assert IPython.get_ipython() is None
    assert print_under_this_cell()() is None
    monkeypatch.delitem(sys.modules, "IPython")
    assert print_under_this_cell()() is None


def test_outside_a_notebook_there_is_no_cell(monkeypatch):
    """Without IPython, or in IPython without a kernel, no cell runs."""
    assert cell() is None
    monkeypatch.delitem(sys.modules, "IPython")
    assert cell() is None


@pytest.mark.parametrize(
    ("parent", "found"),
    [
        ({"header": {"msg_id": "7"}, "metadata": {"cellId": "b1"}}, ("b1", "7")),
        ({"header": {"msg_id": "7"}, "metadata": {}}, None),
        ({"header": {"msg_id": "7"}}, None),
        ({}, None),
    ],
)
def test_a_cell_has_an_id_and_an_id_of_its_run(monkeypatch, parent, found):
    """JupyterLab sends the cell's id with each request; other front ends may not."""
    shell = SimpleNamespace(get_parent=lambda: parent)
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    assert cell() == found
