"""Send a hundred million messages to a worker with a live view attached; `make soak` runs this.

The main thread of a kernel sends them, and JupyterLab shows the view in a real browser. Without a
browser, this process sends them and simulates the page. After a warm-up that fills the log, memory,
descriptors and threads are sampled. They must not grow, no message may be lost, and the page's
headline must show the exact counts.
"""

import argparse
import signal
import sys
import tempfile
import threading
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from soaked import InLab, Sample, Soak

#: Maximum ratio of the median of the last quarter of samples to that of the first quarter.
BOUNDS = {"memory_mb": 1.05, "heap_mb": 1.2}

#: Seconds between two printed lines.
TELL_S = 60

NOTHING = Sample(*[0] * len(Sample._fields))


class Plan(NamedTuple):
    """How many messages to send, and for how long at least and at most."""

    messages: int = 100_000_000
    minutes: float = 10
    most_minutes: float = 25
    warm_up: int = 10_000_000  # messages before the first sample
    slice: int = 50_000  # messages between two reads of the page's replies by the kernel
    every_s: float = 10  # between two samples


@contextmanager
def in_lab():
    """Yield an `InLab`, or None where there is no browser."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
    from browsers import launch
    from labs import Lab, Server
    from playwright.sync_api import Error, sync_playwright

    with ExitStack() as stack:
        playwright = stack.enter_context(sync_playwright())
        try:
            chromium = launch(playwright, handle_sigint=False)
        except Error:
            yield None
            return
        stack.callback(chromium.close)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        # Only this process gets Ctrl-C; it then ends the other processes in order.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        server = Server(folder)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        stack.callback(server.close)
        here = f"import json, sys; sys.path.insert(0, {str(Path(__file__).parent)!r})"
        make = "import soaked; soak = soaked.Soak(soaked.Timeline); soak.view"
        lab = Lab(chromium, server, server.write("soak.ipynb", here, make))
        stack.callback(lab.close)
        lab.run_all()
        yield InLab(lab)


def exact(pushed):
    """Return the expected value of each counter after this number of messages."""
    sum_ = f"{pushed:,} pushed = {pushed:,} handled + 0 failed + 0 in the handler + 0 in flight"
    return {
        "pushed": pushed,
        "counted by the handler": pushed,
        "finished by the worker": pushed,
        "out of turn": 0,
        "sum of the numbers": pushed * (pushed - 1) // 2,
        "in the log": sum_,
        "on the page": sum_,
    }


def not_exact(counts):
    """Return a sentence for each counter with an unexpected value."""
    expected = exact(counts["pushed"])
    return [
        f"{what}: expected {expected[what]}; got {counts.get(what)}"
        for what in expected
        if counts.get(what) != expected[what]
    ]


def quarters(values):
    """Return the medians of the first quarter and of the last."""
    size = -(-len(values) // 4)
    return median(values[:size]), median(values[-size:])


def not_flat(samples):
    """Return a sentence for each quantity that grew or changed from first to last samples."""
    if len(samples) < 8:
        return [f"flat or not: expected 8 samples after the warm-up, or more; got {len(samples)}"]
    found = []
    for what, bound in BOUNDS.items():
        first, last = quarters([getattr(sample, what) for sample in samples])
        if last > bound * first:
            found.append(f"{what}: expected {first:.1f} × {bound} at most; got {last:.1f}")
    for what in ("descriptors", "threads"):
        first, last = getattr(samples[0], what), getattr(samples[-1], what)
        if first != last:
            found.append(f"{what}: expected {first}, as at first; got {last}")
    return found


def trend(what, samples):
    """Say how a series went: its quarters, and the slope of the straight line nearest to all."""
    values = [getattr(sample, what) for sample in samples]
    if len(samples) < 2 or not all(values):
        return f"{what}: not measured"
    first, last = quarters(values)
    slope = 1e6 * np.polyfit([sample.messages / 1e6 for sample in samples], values, 1)[0]
    return (
        f"{what}: {first:.1f} in the first quarter of {len(samples)} samples, {last:.1f} in the "
        f"last (at most × {BOUNDS[what]}); slope {slope:+,.0f} bytes for a million messages"
    )


def soak(where, plan, cut=None, say=print):
    """Send as planned or until `cut` is set, and print progress; return all problems found."""
    pushed, over, samples, looked, told = 0, False, [], NOTHING, NOTHING
    say("minute     messages  a second  memory MB  heap MB  descriptors  threads buffers  batches")
    while not over:
        seen = where.push(plan.slice)
        pushed += plan.slice
        minute = seen.at_s / 60
        over = pushed >= plan.messages and minute >= plan.minutes
        over = over or minute >= plan.most_minutes or (cut is not None and cut.is_set())
        if not over and seen.at_s < looked.at_s + plan.every_s:
            continue
        looked = seen = seen._replace(heap_mb=where.heap_mb())
        if pushed >= plan.warm_up:
            samples.append(seen)
        if over or seen.at_s >= told.at_s + TELL_S:
            rate = (seen.messages - told.messages) / (seen.at_s - told.at_s)
            say(
                f"{minute:6.1f} {seen.messages:12,} {rate:9,.0f} {seen.memory_mb:10.1f}"
                f" {seen.heap_mb:8.1f} {seen.descriptors:12} {seen.threads:8}"
                f" {seen.n_buffered:7,} {seen.batches:8,}"
            )
            told = seen
    counts = where.counts()
    counts["on the page"] = where.headline(exact(pushed)["on the page"]).split(" · ", 2)[-1]
    for line in (
        *(f"{what}: {count}" for what, count in counts.items()),
        *(trend(what, samples) for what in BOUNDS),
    ):
        say(line)
    if pushed < plan.messages:
        say(f"not yet {plan.messages:,} messages: {pushed:,} in {minute:.1f} minutes")
    return not_exact(counts) + not_flat(samples)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    plan = Plan()
    parser.add_argument("--messages", type=int, default=plan.messages, help="minimum number")
    parser.add_argument("--minutes", type=float, default=plan.minutes, help="minimum duration")
    parser.add_argument(
        "--most-minutes", type=float, default=plan.most_minutes, help="maximum duration"
    )
    parser.add_argument(
        "--played-page", action="store_true", help="simulate the page even where there is a browser"
    )
    wanted = vars(parser.parse_args())
    with nullcontext() if wanted.pop("played_page") else in_lab() as lab:
        if lab is None:
            print("The page is SIMULATED: no real page is tested.", flush=True)
        where = lab or Soak()
        cut = threading.Event()

        def cut_short(*_):
            cut.set()
            signal.signal(signal.SIGINT, signal.default_int_handler)  # a second Ctrl-C ends at once

        signal.signal(signal.SIGINT, cut_short)
        try:
            found = soak(where, plan._replace(**wanted), cut, partial(print, flush=True))
        finally:
            where.close()
    if cut.is_set():
        found.append("cut short by Ctrl-C")
    print("\n".join(found) or "flat and exact")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
