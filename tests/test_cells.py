"""Outside a notebook there is no cell to print under; inside, `test_in_jupyter` looks."""

import sys

from pushpull_kit.cells import print_under_this_cell


def test_outside_a_notebook_nothing_happens(monkeypatch):
    """Without IPython, or with an IPython that is no notebook, printing is left alone."""
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert print_under_this_cell()() is None
    import IPython

    assert IPython.get_ipython() is None
    assert print_under_this_cell()() is None
