"""What a live view costs, shown by JupyterLab in a real browser, and how quickly it draws."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright

from . import Row, paired, spread

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "browser"))
from browsers import launch  # the same browser as the tests
from labs import Lab, Server

PAIRS = 20
MILLION = 1_000_000

SETUP = """
import os, time, psutil, zmq
from pushpull_kit import Context, Timeline, Worker
view = context = None

def rate(context, count):
    with Worker(lambda message: None, bind="tcp://127.0.0.1:*", context=context) as worker:
        push = context.socket(zmq.PUSH)
        push.connect(worker.endpoint)
        start_s, message = time.perf_counter(), "x" * 100
        for _ in range(count):
            push.send_string(message)
        worker.wait(count, timeout=600)
        took_s = time.perf_counter() - start_s
        push.close(linger=0)
    return count / took_s
"""

SHOW = """
if context is not None:
    context.destroy(linger=0)
context = Context()
view = Timeline(context)
view
"""

#: Pan and zoom at every frame of the browser; return how often the picture was drawn in a second.
FRAMES = """(count) => new Promise((done) => {
  const canvas = document.querySelector('.pp-canvas');
  const pen = canvas.getContext('2d');
  const keys = ['ArrowRight', 'ArrowLeft', '+', '-'];
  let [frames, drawn, began] = [0, 0, performance.now()];
  const fill = pen.fillRect.bind(pen);
  const whole = canvas.clientHeight - 1;
  pen.fillRect = (x, y, width, height) => { if (height > whole) drawn += 1; fill(x, y, width, height); };
  const next = () => {
    if (frames >= count) {
      delete pen.fillRect;
      return done(drawn * 1000 / (performance.now() - began));
    }
    const key = keys[frames % 4];
    canvas.dispatchEvent(new KeyboardEvent('keydown', { key, shiftKey: key.startsWith('A') }));
    frames += 1;
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
})"""  # noqa: E501


def rows() -> Iterator[Row]:
    """Yield throughput with a view over without, messages a second to the page, and frames."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Path(folder))
        browser = launch(playwright)
        try:
            server.write("view.ipynb", SETUP, SHOW)
            lab = Lab(browser, server, "view.ipynb")
            lab.run_all()
            yield _throughput(lab)
            yield from _million(lab)
            lab.close()
        finally:
            browser.close()
            server.close()


def _show(lab: Lab) -> None:
    """Run the last cell again: a new context, and a view of it."""
    lab.page.locator(".jp-CodeCell").last.locator(".cm-content").click()
    lab.command("notebook:run-cell")
    lab.page.wait_for_function(
        "() => document.querySelector('.pp-headline')?.textContent.includes('0 pushed')"
    )


def _throughput(lab: Lab) -> Row:
    def shown() -> float:
        _show(lab)
        return float(lab.ask("print(rate(context, 200_000))"))

    def alone() -> float:
        lab.ask("view.close()")
        return float(lab.ask("with Context() as other:\n    print(rate(other, 200_000))"))

    ratios = paired(shown, alone, PAIRS)
    return Row(
        "messages/s through a worker with a live view in a browser, over the same without",
        statistics.median(ratios),
        (">=", 0.9),
        f"100 bytes over tcp, send_string; {spread(ratios)}",
    )


def _million(lab: Lab) -> Iterator[Row]:
    _show(lab)
    lab.ask("rate(context, 3_000)")
    lab.page.wait_for_function(
        "() => document.querySelector('.pp-headline').textContent.includes('3,000 handled')"
    )
    few = lab.page.evaluate(FRAMES, 120)
    yield Row("frames/s of pan and zoom with 3,000 messages", few, (">=", 30), "120 frames")
    _show(lab)
    before, began_s = int(lab.ask("print(view.stream.sequence)")), time.monotonic()
    handled = float(lab.ask(f"print(rate(context, {MILLION}))"))
    sent, took_s = int(lab.ask("print(view.stream.sequence)")) - before, time.monotonic() - began_s
    yield Row(
        "batches a second from the kernel to the page",
        sent / took_s,
        ("<=", 30),
        f"while {MILLION:,} messages went through, {handled:,.0f} a second",
    )
    told = f"{MILLION:,} pushed = {MILLION:,} handled + 0 failed + 0 in the handler + 0 in flight"
    lab.page.wait_for_function(
        "(told) => document.querySelector('.pp-headline').textContent.includes(told)"
        " && document.querySelector('.pp-badge').textContent === ''",
        arg=told,
    )
    yield Row("of a million messages pushed, in the headline at the end", 1, (">=", 1), told)
    many = lab.page.evaluate(FRAMES, 120)
    yield Row("frames/s of pan and zoom with a million recorded", many, (">=", 20), "120 frames")
    heap = lab.page.evaluate("performance.memory.usedJSHeapSize") / 1e6
    memory = float(lab.ask("print(psutil.Process().memory_info().rss / 1e6)"))
    lab.ask(f"rate(context, {MILLION})")
    later = lab.page.evaluate("performance.memory.usedJSHeapSize") / 1e6
    more = float(lab.ask("print(psutil.Process().memory_info().rss / 1e6)"))
    yield Row(
        "MB of the page's heap after two million messages, over after one million",
        later / heap,
        ("<=", 1.5),
        f"{heap:.0f} MB, then {later:.0f} MB; JupyterLab itself is in both",
    )
    yield Row(
        "... and of the kernel's memory",
        more / memory,
        ("<=", 1.3),
        f"{memory:.0f} MB, then {more:.0f} MB",
    )
