"""pyzmq's own tests give the same results with the kit's `Context` in the place of pyzmq's.

`make dropin` runs this. `make test` does not collect it, because it takes two minutes and needs
pyzmq's source distribution (`sdist.py`).
"""

from pathlib import Path

import pytest
from outcomes import compare
from sdist import FOLDER, REQUIREMENT

#: The tests that fail with the kit's `Context`. Each has its reason.
DIFFERENCES = {
    "test_context.py::TestContext::test_repr": "the representation names the kit's class",
    "test_socket.py::TestSocket::test_repr": "the representation names the kit's class",
}

#: The tests that fail with both on a busy machine, and make others in their file fail.
LEFT_OUT = {
    "test_log.py::TestPubLog::test_blank_root_topic": (
        "publishes at once after subscribing, and then waits for the message, which may be lost"
    ),
}

#: The longest files first, because two run at a time.
FILES = sorted(
    (FOLDER / "tests").glob("test_*.py"), key=lambda path: path.stat().st_size, reverse=True
)


def names_in(file: Path, listed: dict[str, str]) -> set[str]:
    """Return the listed names that belong to the file."""
    return {name for name in listed if name.startswith(f"{file.name}::")}


@pytest.mark.skipif(not FILES, reason=f"the tests of {REQUIREMENT} cannot be had")
@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_the_file_has_the_same_results_with_both_contexts(file: Path, record_property):
    """Every test that passes with pyzmq's `Context` passes with the kit's, except those listed."""
    expected = names_in(file, DIFFERENCES)
    result = compare(file, expected, without=names_in(file, LEFT_OUT))
    record_property("pyzmq_counts", dict(result.counts))
    record_property("pyzmq_failed_with_both", result.failed_with_both)
    worse = [f"{name} {how}" for name, how in result.differences.items() if name not in expected]
    as_good = [f"{name} passed" for name in expected - result.differences.keys()]
    if worse or as_good:
        lines = ["expected the differences that are listed in suite.py, got", *worse, *as_good]
        lines.append(f"The output is in {FOLDER / 'output' / file.stem}.kit.txt.")
        pytest.fail("\n  ".join(lines), pytrace=False)
