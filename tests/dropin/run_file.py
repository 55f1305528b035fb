"""Run one file of pyzmq's tests, with pyzmq's `Context` or with the kit's in its place.

    python run_file.py plain|kit RESULTS FILE [pytest's options ...]

Writes a line of JSON to RESULTS when a test starts, and one for each of its phases as it ends. So
the results before a crash or a hang are kept.
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import zmq

#: Maximum time one of pyzmq's `unittest` classes gives a test. Their own limit is 60 s.
TEST_LIMIT_S = 20

#: Time after which pytest writes where each thread is, so that the output of a hang says why.
DUMP_AFTER_S = 45


def swap_context() -> None:
    """Put the kit's `Context` wherever pyzmq has its own, before other modules can import it."""
    import pushpull_kit

    plain = zmq.Context
    for module in (zmq, zmq.sugar, zmq.sugar.context):
        module.Context = pushpull_kit.Context  # type: ignore[misc]
    names = [name for name in sys.modules if name.partition(".")[0] == "zmq"]
    late = [name for name in names if getattr(sys.modules[name], "Context", None) is plain]
    assert not late, f"expected no module of pyzmq to use its own Context, got {late}"


# Not in `main`: a process that multiprocessing spawns imports this module, too.
if sys.argv[1] == "kit":
    swap_context()


class Recorder:
    """A pytest plugin that writes the results, and shortens the time limit of a test."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Set the time limit that pyzmq's base class keeps by SIGALRM."""
        for item in items:
            if hasattr(item.cls, "test_timeout_seconds"):
                item.cls.test_timeout_seconds = TEST_LIMIT_S

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Record whether the file could be imported, or skips all its tests."""
        if report.nodeid.endswith(".py"):
            self._write(report.nodeid, "import", report.outcome, report)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Record that a test has started."""
        self._write(nodeid, "start", "started")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record how a phase of a test has ended."""
        self._write(report.nodeid, report.when or "", report.outcome, report)

    def _write(self, test: str, phase: str, outcome: str, report: Any = None) -> None:
        entry = {"test": test, "phase": phase, "outcome": outcome, "reason": _reason(report)}
        with self._path.open("a", encoding="utf-8") as file:
            print(json.dumps(entry), file=file)


def _reason(report: Any) -> str:
    """Return in one line why a test failed or was skipped."""
    details = getattr(report, "longrepr", None)
    if details is None:
        return ""
    if isinstance(details, tuple):  # skipped: file, line, reason
        return str(details[2]).removeprefix("Skipped: ")
    crash = getattr(details, "reprcrash", None)
    lines = str(crash.message if crash else details).strip().splitlines() or [""]
    return lines[0] if crash else lines[-1].removeprefix("E").strip()


def main() -> int:
    """Run pytest here, with the one plugin that pyzmq's tests need."""
    results, file, *options = sys.argv[2:]
    if find_spec("pytest_asyncio"):
        options += ["-p", "pytest_asyncio.plugin"]
    options += ["-p", "no:cacheprovider", "-o", f"faulthandler_timeout={DUMP_AFTER_S}"]
    return int(pytest.main([*options, file], plugins=[Recorder(Path(results))]))


if __name__ == "__main__":
    sys.exit(main())
