"""A blank page with the scripts of the view, and a model that stands in for the widget's."""

import base64
import json
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, Route

from pushpull_kit.spec import BATCH_COLUMNS, SPEC
from pushpull_kit.views.timeline.protocol import BatchStream
from pushpull_kit.views.timeline.widget import PARTS, one_module

HOST = "http://view.test"
FOLDER = Path(__file__).parents[2] / "pushpull_kit" / "views" / "timeline"

PAGE = """<!doctype html><html><head><meta charset="utf-8"><title>view</title>
<link rel="stylesheet" href="view.css"></head>
<body style="margin: 0"><div id="view"></div></body></html>"""

#: What the scripts use of a widget's model: events, state, and messages to the kernel.
MODEL = """
class Model {
  constructor(state) { this.state = state; this.handlers = []; this.sent = []; }
  get(name) { return this.state[name]; }
  send(content) { this.sent.push(content); }
  on(name, callback) { this.handlers.push([name, callback]); }
  off(name, callback) {
    const other = (it) => it[0] !== name || (callback && it[1] !== callback);
    this.handlers = this.handlers.filter(other);
  }
  trigger(name, ...args) {
    for (const [event, callback] of [...this.handlers]) if (event === name) callback(...args);
  }
  deliver(content, text, shift) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const room = new Uint8Array(bytes.length + shift);
    room.set(bytes, shift);
    this.trigger("msg:custom", content, [new DataView(room.buffer, shift)]);
  }
}
"""

START = """async (state) => {
  const { Subscription } = await import("/subscription.js");
  const { View } = await import("/view.js");
  window.model = new Model(state);
  window.subscription = new Subscription(model);
  window.stop = subscription.open();
  window.views = [];
  window.show = (id) => {
    const controller = new AbortController();
    const view = new View(subscription, document.getElementById(id), controller.signal);
    views.push(view);
    view.abort = () => controller.abort();
  };
  show("view");
}"""

#: Make a log of the `argument` that `all_batches` returns.
LOAD = """const { Log } = await import('/log.js');
const log = new Log();
for (const [header, text, shift] of argument) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const room = new Uint8Array(bytes.length + shift);
  room.set(bytes, shift);
  log.add(header, new DataView(room.buffer, shift));
}
"""

#: Then make scenes of it.
SCENE = (
    LOAD
    + """const { Axis } = await import('/axis.js');
const { layOut } = await import('/layout.js');
const scene = (start = log.start, end = log.end, now = log.end, width = 600, origin = null) =>
  layOut(log, new Axis(start, end, width, origin), now);
const lane = (from, kind) => from.lanes.find((one) => one.kind === kind);
const plain = (bars) => bars.map(({ kind, id, x0, x1, isOpen, text }) =>
  ({ kind, id, x0, x1, isOpen, text }));
"""
)


def all_batches(timings, shift=0):
    """Return a snapshot of a log as JSON can carry it, `shift` bytes into a buffer."""
    stream, batches, time_s = BatchStream(timings), [], 0.0
    stream.subscribe()
    while True:
        time_s += 1
        header, block = stream.batch(time_s)
        batches.append([header, base64.b64encode(block).decode(), shift])
        stream.acknowledge(header["sequence"])
        if not stream.n_pending:
            return batches


class BlankPage:
    """One timeline in a page of its own, which gets the batches of a real `BatchStream`."""

    def __init__(self, browser: Browser, *, width=900, height=900, scheme="light", motion=None):
        self.context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion=motion or "no-preference",
            accept_downloads=True,
        )
        self.page: Page = self.context.new_page()
        self.strays: list[str] = []
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on(
            "console",
            lambda said: said.type in ("error", "warning") and self.problems.append(said.text),
        )
        self.context.route("**/*", self._answer)
        self.page.goto(f"{HOST}/")
        self.page.add_script_tag(content=MODEL)
        self.stream: BatchStream | None = None
        self._time_s = 0.0

    def close(self) -> None:
        """Close the page; an error in it fails the test."""
        self.context.close()
        assert self.problems == []
        assert self.strays == []

    def _answer(self, route: Route) -> None:
        files = {
            "/": (PAGE, "text/html"),
            "/view.css": ((FOLDER / "timeline.css").read_text("utf-8"), "text/css"),
            "/spec.json": (json.dumps(SPEC), "application/json"),  # spec.js imports it
            "/joined.js": (one_module(), "text/javascript"),
        }
        for part in PARTS:
            files[f"/{part}"] = ((FOLDER / "js" / part).read_text("utf-8"), "text/javascript")
        url = route.request.url
        path = url.removeprefix(HOST)
        if url.startswith(("blob:", "data:")):
            route.continue_()
        elif path in files:
            route.fulfill(body=files[path][0], content_type=files[path][1])
        else:
            if not path.endswith("favicon.ico"):
                self.strays.append(url)
            route.abort()

    def start(self, timings=None, **state):
        """Load the scripts, show a view, and send what is in the log."""
        self.page.evaluate(START, state)
        if timings is not None:
            self.send(timings)
        return self

    def send(self, timings=None, *, shift=0, **changes):
        """Send what is new in the log, `shift` bytes into a buffer; `changes` to the header."""
        if timings is not None and (self.stream is None or self.stream.timings is not timings):
            self.stream = BatchStream(timings)
            self.stream.subscribe()
        while True:
            self._time_s += 1
            batch = self.stream.batch(self._time_s)
            if batch is None:
                return
            header, block = batch
            self.deliver({"kind": "batch", **header, **changes}, block, shift)
            self.stream.acknowledge(header["sequence"])
            if not self.stream.n_pending:
                return

    def deliver(self, content, block=b"", shift=0):
        """Deliver one message to the page, and wait until it is drawn."""
        text = base64.b64encode(block).decode()
        self.page.evaluate(
            "([content, text, shift]) => model.deliver(content, text, shift)",
            [content, text, shift],
        )
        self.settle()

    def settle(self):
        """Wait until the page has drawn what is due."""
        self.page.evaluate(
            "() => new Promise((done) => setTimeout(() => requestAnimationFrame(() =>"
            " requestAnimationFrame(done)), 40))"
        )

    def press(self, name):
        self.page.get_by_role("button", name=name).click()
        self.settle()

    def keys(self, *names):
        """Press keys on the picture."""
        self.page.locator(".pp-canvas").focus()
        for name in names:
            self.page.keyboard.press(name)
        self.settle()

    def text(self, part):
        return self.page.locator(f".pp-{part}").first.inner_text()

    def window(self):
        """Return the window of time that the last view shows."""
        return self.page.evaluate("(({ start, end }) => ({ start, end }))(views.at(-1).timeWindow)")

    def module(self, name, code, argument=None):
        """Run code in the page, with the exports of a script as `it`; nothing is drawn."""
        source = f"async (argument) => {{ const it = await import('/{name}.js'); {code} }}"
        return self.page.evaluate(source, argument)

    def sent(self, kind):
        """Return what the view has sent to the kernel, of one kind."""
        return [it for it in self.page.evaluate("model.sent") if it["kind"] == kind]

    def download(self, name):
        """Press a button that saves a file; return its bytes."""
        with self.page.expect_download() as waiting:
            self.page.get_by_role("button", name=name).click()
        return Path(waiting.value.path()).read_bytes()


def columns(block):
    """Return the columns of a batch's block of bytes, by name."""
    types = [(name, np.dtype(f"<{kind}")) for name, kind in BATCH_COLUMNS]
    count, offset, found = len(block) // sum(kind.itemsize for _, kind in types), 0, {}
    for name, kind in types:
        found[name] = np.frombuffer(block, kind, count, offset)
        offset += found[name].nbytes
    return found
