"""Run all benchmarks, or the named ones, and print a table. Exit with 1 if a bound is missed."""

from __future__ import annotations

import platform
import sys
from importlib import import_module

import zmq

NAMES = ("instrument", "send", "hot_path", "throughput", "memory", "truth", "view")


def main() -> int:
    """Print each figure when it is measured; return the exit code."""
    if unknown := set(sys.argv[1:]) - set(NAMES):
        raise SystemExit(f"expected some of {', '.join(NAMES)}; got {', '.join(sorted(unknown))}")
    print(
        f"Python {platform.python_version()}, pyzmq {zmq.__version__}, libzmq {zmq.zmq_version()}, "
        f"{platform.system()} {platform.machine()}\n"
    )
    print(f"{'':2} {'figure':>8}  {'bound':>8}  what")
    missed = 0
    for name in sys.argv[1:] or NAMES:
        # Imported one by one: no benchmark needs the imports of another.
        for row in import_module(f".{name}", __package__).rows():
            bound = f"{row.bound[0]} {row.bound[1]:g}" if row.bound else ""
            mark = "" if row.bound is None else "ok" if row.holds else "NO"
            print(f"{mark:2} {row.figure:8.3g}  {bound:>8}  {row.what}\n{'':23}{row.details}")
            sys.stdout.flush()
            missed += not row.holds
    print(f"\n{missed} bounds missed" if missed else "\nall bounds hold")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
