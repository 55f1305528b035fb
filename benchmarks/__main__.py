"""Run all benchmarks and print the table; exit with 1 if a bound does not hold."""

from __future__ import annotations

import platform
import sys

import zmq

from . import memory, send, throughput, truth


def main() -> int:
    """Print a line for each figure as it is measured."""
    print(
        f"Python {platform.python_version()}, pyzmq {zmq.__version__}, libzmq {zmq.zmq_version()}, "
        f"{platform.system()} {platform.machine()}\n"
    )
    print(f"{'':2} {'figure':>8}  {'bound':>8}  what")
    missed = 0
    for benchmark in (send, throughput, memory, truth):
        for row in benchmark.rows():
            bound = f"{row.bound[0]} {row.bound[1]:g}" if row.bound else ""
            mark = "" if row.bound is None else "ok" if row.holds else "NO"
            print(f"{mark:2} {row.figure:8.3g}  {bound:>8}  {row.what}\n{'':23}{row.details}")
            sys.stdout.flush()
            missed += not row.holds
    print(f"\n{missed} bounds missed" if missed else "\nall bounds hold")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
