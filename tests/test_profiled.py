"""Run the tests that use `sys.setprofile`, each module in a process of its own.

In one process with doctests, Python 3.11 can loop for ever in a call while a profile function is
set.
"""

import subprocess
import sys
from pathlib import Path

import pytest

MODULES = sorted(Path(__file__).with_name("profiled").glob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_profiled_module(module):
    """All tests of the module pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(module)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
