"""A hundred million messages through a worker, with a live view attached; `make soak` runs it.

The main thread of a kernel pushes them, and JupyterLab draws the view in a real browser. Where none
is found this process pushes, and plays the page. Memory, descriptors and threads are noted again
and again once the log has been full for long. They must stay what they were then; nothing may be
lost; and the page's headline must be the exact sum.
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

#: What the median of the last quarter of samples may be, over that of the first.
BOUNDS = {"memory_mb": 1.05, "heap_mb": 1.2}

#: How many seconds between two lines.
TELL_S = 60

NOTHING = Sample(*[0] * len(Sample._fields))


class Plan(NamedTuple):
    """How much is to be pushed: so many and for so long, but for no longer than the most."""

    messages: int = 100_000_000
    minutes: float = 10
    most_minutes: float = 25
    warm_up: int = 10_000_000  # after so many samples are kept
    slice: int = 50_000  # between two of these the kernel reads what the page says
    every_s: float = 10  # a sample


@contextmanager
def in_lab():
    """Yield where to soak: an `InLab`, or `None` where there is no browser."""
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
        # Ctrl-C is for this process only, which ends the others in good order.
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
    """What each is to have counted who counts, where so many were pushed."""
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
    """Say what was lost, doubled, overtaken or miscounted."""
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
    """Say what has grown or changed from the first samples to the last."""
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
    """Push as planned, or until `cut` is set, and tell; return what is wrong, as sentences."""
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
    parser.add_argument("--messages", type=int, default=plan.messages, help="so many at least")
    parser.add_argument("--minutes", type=float, default=plan.minutes, help="so long at least")
    parser.add_argument("--most-minutes", type=float, default=plan.most_minutes, help="no longer")
    parser.add_argument("--played-page", action="store_true", help="even where there is a browser")
    wanted = vars(parser.parse_args())
    with nullcontext() if wanted.pop("played_page") else in_lab() as lab:
        if lab is None:
            print("The page is PLAYED: what a real one does is not seen.", flush=True)
        where = lab or Soak()
        cut = threading.Event()

        def cut_short(*_):
            cut.set()
            signal.signal(signal.SIGINT, signal.default_int_handler)  # for who cannot wait

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
