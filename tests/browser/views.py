"""A blank page with the view's own modules and a model that is only a list of messages."""

import base64
import json
from pathlib import Path

from playwright.sync_api import Browser, Page, Route

from pushpull_kit.views.timeline.protocol import Feed
from pushpull_kit.views.timeline.widget import PARTS, Timeline, one_module

HOST = "http://view.test"
FOLDER = Path(__file__).parents[2] / "pushpull_kit" / "views" / "timeline" / "js"

PAGE = """<!doctype html><html><head><meta charset="utf-8"><title>view</title>
<link rel="stylesheet" href="view.css"></head>
<body style="margin: 0"><div id="view"></div></body></html>"""

#: What the module sees of a widget: events, state, and where messages go.
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
  hear(content, text, shift) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const room = new Uint8Array(bytes.length + shift);
    room.set(bytes, shift);
    this.trigger("msg:custom", content, [new DataView(room.buffer, shift)]);
  }
}
"""

START = """async (state) => {
  const { Source } = await import("/source.js");
  const { View } = await import("/timeline.js");
  window.model = new Model(state);
  window.source = new Source(model);
  window.stop = source.open();
  window.views = [];
  window.show = (id) => {
    const controller = new AbortController();
    const view = new View(source, document.getElementById(id), controller.signal);
    views.push(view);
    view.abort = () => controller.abort();
  };
  show("view");
}"""


class BlankPage:
    """One timeline in a page of its own, told by a real `Feed` what a log holds."""

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
        self.feed: Feed | None = None
        self._time_s = 0.0

    def close(self) -> None:
        """Close the page; whatever went wrong in it fails the test."""
        self.context.close()
        assert self.problems == []
        assert self.strays == []

    def _answer(self, route: Route) -> None:
        files = {"/": (PAGE, "text/html"), "/view.js": (one_module(), "text/javascript")}
        files["/view.css"] = (Timeline._css, "text/css")
        for part in PARTS:
            files[f"/{part}"] = ((FOLDER / part).read_text("utf-8"), "text/javascript")
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
        """Load the module, show a view, and tell it what is in the log."""
        self.page.evaluate(START, state)
        if timings is not None:
            self.tell(timings)
        return self

    def tell(self, timings=None, *, shift=0, **changes):
        """Send what is new in the log, `shift` bytes into a buffer; `changes` to the header."""
        if timings is not None and (self.feed is None or self.feed.timings is not timings):
            self.feed = Feed(timings)
            self.feed.hello()
        while True:
            self._time_s += 1
            batch = self.feed.batch(self._time_s)
            if batch is None:
                return
            header, block = batch
            self.hear({"kind": "batch", **header, **changes}, block, shift)
            self.feed.ack(header["sequence"])
            if not self.feed.n_pending:
                return

    def hear(self, content, block=b"", shift=0):
        """Have the page get one message, and wait until it is drawn."""
        text = base64.b64encode(block).decode()
        self.page.evaluate(
            "([content, text, shift]) => model.hear(content, text, shift)", [content, text, shift]
        )
        self.settle()

    def settle(self):
        """Wait until what was asked for is drawn."""
        self.page.evaluate(
            "() => new Promise((done) => setTimeout(() => requestAnimationFrame(() =>"
            " requestAnimationFrame(done)), 40))"
        )

    def press(self, name):
        self.page.get_by_role("button", name=name).click()
        self.settle()

    def text(self, part):
        return self.page.locator(f".pp-{part}").first.inner_text()

    def module(self, name, code, argument=None):
        """Run code with what a part of the module exports, in the page, without any canvas."""
        source = f"async (argument) => {{ const it = await import('/{name}.js'); {code} }}"
        return self.page.evaluate(source, argument)

    def sent(self, kind):
        """What the view has told the kernel, of one kind."""
        return [it for it in self.page.evaluate("model.sent") if it["kind"] == kind]

    def shot(self, path):
        self.page.screenshot(path=path)

    def download(self, name):
        """Press a button that saves a file; return its bytes."""
        with self.page.expect_download() as waiting:
            self.page.get_by_role("button", name=name).click()
        return Path(waiting.value.path()).read_bytes()

    def json(self, name):
        return json.loads(self.download(name))
