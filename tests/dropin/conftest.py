"""Sum up what `suite.py` has compared."""

from collections import Counter
from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print how pyzmq's tests ended with the kit's `Context`."""
    counts: Counter[str] = Counter()
    failed: list[str] = []
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            properties = dict(report.user_properties)
            counts.update(properties.get("pyzmq_counts", {}))
            failed += properties.get("pyzmq_failed_with_both", [])
    if counts:
        listed = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        terminalreporter.write_line(f"pyzmq's own tests, with the kit's Context: {listed}")
    for name in failed:
        terminalreporter.write_line(f"FAILED WITH PLAIN PYZMQ TOO {name}")
