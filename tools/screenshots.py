"""Take pictures of the live view, for a person to look at.

    python tools/screenshots.py states   every state, at two widths, light and dark: build/views/
    python tools/screenshots.py readme   the first notebook at work: notebooks/figures/live.gif

Needs a browser, as the tests in tests/browser/ do.
"""

import io
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns as clock_ns
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "browser")]

from browsers import launch  # type: ignore[import-not-found]  # noqa: E402
from labs import Lab, Server  # type: ignore[import-not-found]  # noqa: E402
from logs import BLOG, MS, log, many  # type: ignore[import-not-found]  # noqa: E402
from views import BlankPage  # type: ignore[import-not-found]  # noqa: E402

from pushpull_kit import Timings  # noqa: E402

Act = Callable[[Any], object]


def keys(*names: str) -> Act:
    """Return a function that presses keys on the picture."""

    def press(page: Any) -> None:
        page.page.locator(".pp-canvas").focus()
        for name in names:
            page.page.keyboard.press(name)

    return press


def running() -> Timings:
    """Return a log that goes on: one message blocked in send, one in the handler, two waiting."""
    messages = [(0, 0.1, 0.5, 900), (0.1, 0.2, 900.1, None), (0.2, 0.3, None, None)]
    unfinished = [(0.3, 700, None, None), (700.1, None, None, None)]
    return log([*messages, *unfinished], start_ns=clock_ns() - 1500 * MS)  # type: ignore[no-any-return]


def troubled() -> Timings:
    """Return a log with failures, refusals and a send that was blocked."""
    messages = [(0, 0.1, 1, 400), (1, -2, None, None), (2, 600, 601, -900), (601, 602, 900, 1300)]
    more = [(700, -702, None, None), (800, 801, 1300, -1310), (802, 803, 1310, 1500)]
    return log([*messages, *more])  # type: ignore[no-any-return]


def workers(count: int) -> Timings:
    """Return a log in which this many workers share the work."""
    timings = Timings()
    sender = timings.add_sender("ventilator")
    for number in range(count):
        worker = timings.add_worker(f"worker {number}")
        for turn in range(6):
            for it, begin, end in (
                (sender, number * 0.2 + turn * 100, number * 0.2 + turn * 100 + 0.1),
                (worker, number * 0.2 + turn * 100 + 1, number * 0.2 + turn * 100 + 30 + number),
            ):
                it.start(b"%d %d" % (number, turn), int(1e9 + begin * MS))
                it.end(at_ns=int(1e9 + end * MS))
    return timings


STATES: dict[str, tuple[Callable[[], Timings], dict[str, Any], Act]] = {
    "empty": (Timings, {}, lambda page: None),
    "running": (running, {"high_water_mark": 3}, lambda page: None),
    "done": (lambda: log(BLOG), {}, lambda page: None),
    "chosen": (lambda: log(BLOG), {}, keys("ArrowRight", "ArrowRight")),
    "log_time": (lambda: log(BLOG), {}, lambda page: page.press("Log time")),
    "zoomed": (lambda: log(BLOG), {}, keys("Home", *["+"] * 15)),
    "paused": (running, {}, keys(" ")),
    "replay": (lambda: log(BLOG), {}, lambda page: [page.press("Step to") for _ in range(7)]),
    "troubled": (troubled, {}, lambda page: None),
    "crowd": (lambda: many(4000), {"high_water_mark": 1000}, lambda page: None),
    "workers_5": (lambda: workers(5), {}, lambda page: None),
    "workers_50": (lambda: workers(50), {}, lambda page: None),
    "table": (lambda: log(BLOG), {}, lambda page: page.page.get_by_text("Table of").click()),
    "disconnected": (
        lambda: log(BLOG),
        {},
        lambda page: page.page.evaluate("model.trigger('comm_live_update')"),
    ),
}


def take_states(browser: Browser) -> None:
    """Write a picture of each state at each width and in each theme, and a sheet of all states."""
    folder = ROOT / "build" / "views"
    folder.mkdir(parents=True, exist_ok=True)
    for width in (1280, 700):
        for scheme in ("light", "dark"):
            shots = []
            for name, (timings, state, act) in STATES.items():
                page = BlankPage(browser, width=width, height=460, scheme=scheme)
                page.start(timings(), **state)
                act(page)
                page.settle()
                page.page.screenshot(path=folder / f"{name}_{width}_{scheme}.png", full_page=True)
                shots.append(Image.open(folder / f"{name}_{width}_{scheme}.png"))
                page.close()
            sheet = Image.new("RGB", (width, sum(shot.height for shot in shots)))
            down = 0
            for shot in shots:
                sheet.paste(shot, (0, down))
                down += shot.height
            sheet.save(folder / f"all_{width}_{scheme}.png")
    print(f"{len(STATES) * 4} pictures in {folder.relative_to(ROOT)}")


def take_readme(browser: Browser) -> None:
    """Run the first notebook's section 2 in JupyterLab, and write its live view as a GIF."""
    frames: list[Image.Image] = []
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        try:
            shutil.copytree(ROOT / "notebooks", server.folder, dirs_exist_ok=True)
            lab = Lab(browser, server, "01_push_without_waiting.ipynb")
            lab.command("notebook:run-all-cells")
            view = lab.page.locator(".pp-timeline").first
            view.wait_for()
            lab.page.wait_for_function(
                "() => document.querySelector('.pp-headline').textContent.includes('3 pushed')"
            )
            top = view.bounding_box()["y"]
            box = lab.page.locator(".pp-canvas").first.bounding_box()
            height = round(box["y"] + box["height"] - top)
            ends_s = time.monotonic() + 6.2
            while time.monotonic() < ends_s:
                next_s = time.monotonic() + 0.25
                shot = Image.open(io.BytesIO(view.screenshot()))
                frames.append(shot.crop((0, 0, shot.width, height)).convert("RGB"))
                time.sleep(max(0.0, next_s - time.monotonic()))
            lab.wait_until_done()
            lab.close()
        finally:
            server.close()
    frames = [frame.resize(frames[0].size) for frame in frames]
    how: Any = {"method": Image.Quantize.MAXCOVERAGE, "dither": Image.Dither.NONE}
    small = [frame.quantize(96, **how) for frame in frames]  # rare colors are kept
    path = ROOT / "notebooks" / "figures" / "live.gif"
    small[0].save(path, save_all=True, append_images=small[1:], duration=250, loop=0, optimize=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


def main(arguments: list[str]) -> int:
    """Take the pictures asked for."""
    ways = {"states": take_states, "readme": take_readme}
    if not arguments or any(argument not in ways for argument in arguments):
        print(__doc__, file=sys.stderr)
        return 2
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for argument in arguments:
            ways[argument](browser)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
