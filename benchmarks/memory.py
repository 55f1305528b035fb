"""Memory of the log for each message: ten million messages through a log of one million."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from . import Row

# Runs in its own process, so that the figure includes nothing else. Messages enter the log through
# event buffers of a sender and of a worker, as sockets enter them. Up to 2,000 are in flight.
CHILD = """
import gc, psutil
from time import perf_counter_ns as clock_ns
from pushpull_kit import Timings

def push(count):
    for start in range(0, count, 2000):
        for number in range(start, start + 2000):
            sender.start(b"%08d" % number)
            sender.end()
        for number in range(start, start + 2000):
            worker.start(b"%08d" % number)
            worker.end()
        timings.ingest()

def used():
    gc.collect()
    return psutil.Process().memory_info().rss

warm = timings = Timings()
sender, worker = timings.add_sender(), timings.add_worker()
push(20_000)
timings = Timings()
sender, worker = timings.add_sender(), timings.add_worker()
before = used()
for million in range(1, 11):
    push(1_000_000)
    print(used() - before, flush=True)
assert timings.summary().handled == 10_000_000 and len(timings) == 1_000_000
"""


def rows() -> Iterator[Row]:
    """Yield bytes for each message, and memory after ten million over memory after two."""
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True)
    used_bytes = [int(line) for line in done.stdout.split()]
    yield Row(
        "bytes of memory for each message kept, at the bound of one million",
        max(used_bytes) / 1e6,
        ("<=", 64),
        "resident memory, the most after any of ten million messages",
    )
    yield Row(
        "... after ten million, over after two million",
        used_bytes[-1] / used_bytes[1],
        ("<=", 1.02),
        "flat once the bound is reached",
    )
