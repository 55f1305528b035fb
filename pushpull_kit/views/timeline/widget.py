"""The widget `Timeline`: sends a log to the pages that display it, and loads their program.

`protocol` decides what is sent and when; a thread here sends it. In the page, `subscription.js`
receives it, `log.js` keeps it, `layout.js` computes where everything is, `drawing.js` draws it,
`panel.js` has the buttons and texts, and `view.js` connects these.
"""

from __future__ import annotations

import json
import re
import threading
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import anywidget
import traitlets

from ...jupyter import cell
from ...recording.log import HasTimings, Timings, timings_of
from ...spec import SPEC
from .protocol import FRAME_S, BatchStream

if TYPE_CHECKING:
    from ..figure import Picture

_FOLDER = Path(__file__).parent

#: The scripts of the page's program, each after those that it imports.
PARTS = (
    "spec.js",
    "format.js",
    "axis.js",
    "ticks.js",
    "columns.js",
    "chunks.js",
    "log.js",
    "export.js",
    "counts.js",
    "lane_bars.js",
    "scan.js",
    "layout.js",
    "pick.js",
    "theme.js",
    "draw_lanes.js",
    "draw_message.js",
    "drawing.js",
    "subscription.js",
    "playback.js",
    "time_window.js",
    "texts.js",
    "panel.js",
    "sight.js",
    "input.js",
    "view.js",
    "timeline.js",
)

#: Maximum time that `close` waits for the thread, which only has to finish sending one batch.
CLOSE_TIMEOUT_S = 5.0

#: Time until the log is read again after that has failed.
RETRY_S = 1.0


#: What `one_module` leaves out: imports, the word `export` except before `default`, and comments
#: that have lines of their own.
_LEFT_OUT = re.compile(
    r"^import [^;]*?;\n | ^export\ (?!default) | ^\ *//[^\n]*\n | ^\ */\*\*(?:(?!\*/).)*\*/\n",
    flags=re.DOTALL | re.MULTILINE | re.VERBOSE,
)


def one_module() -> str:
    """Return the scripts joined into one ES module, because anywidget sends a single file.

    A constant takes the place of the import of spec.json.
    """
    constants = f"const SPEC = {json.dumps(SPEC, ensure_ascii=False)};\n"
    texts = [(_FOLDER / "js" / part).read_text(encoding="utf-8") for part in PARTS]
    return constants + "\n".join(_LEFT_OUT.sub("", text) for text in texts)


class Timeline(anywidget.AnyWidget):
    """A live view of the messages of a context, drawn in the browser as they are sent and handled.

    In the page the view can be paused, zoomed, replayed and saved. Recording costs the sockets
    nothing more; one thread sends at most 30 batches a second to the page. The thread ends when the
    context is closed, when the view is closed, and when the cell that made the view is run again.

    Args:
        source: a `Context`, or its `Timings`.
        high_water_mark: a number of messages, drawn as a dashed line over the messages in flight.
        come_into_view: scroll the page to the view when the first message arrives. After "Run All
            Cells", JupyterLab shows the end of the notebook.

    Raises:
        TypeError: the source has no timings.

    >>> from pushpull_kit import Context, Timeline
    >>> context = Context()
    >>> timeline = Timeline(context, high_water_mark=1000)
    >>> timeline
    Timeline: a live view of the messages, drawn here while a kernel runs
    >>> timeline.close()
    >>> context.term()
    """

    _esm = one_module()
    _css = (_FOLDER / "timeline.css").read_text(encoding="utf-8")

    high_water_mark = traitlets.Int(None, allow_none=True).tag(sync=True)
    come_into_view = traitlets.Bool(False).tag(sync=True)
    #: Minimum span of the window, in seconds: views with the same one have the same scale.
    min_span_s = traitlets.Float(0.0).tag(sync=True)

    def __init__(
        self,
        source: Timings | HasTimings,
        *,
        high_water_mark: int | None = None,
        come_into_view: bool = False,
    ) -> None:
        self._lock = threading.Lock()  # for starting and ending the thread
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        #: The batches that are sent to the pages.
        self.stream = BatchStream(timings_of(source))
        self._source = source
        super().__init__(high_water_mark=high_water_mark, come_into_view=come_into_view)
        self.on_msg(lambda _, content, buffers: self.receive(content))
        self._close_earlier()
        self._start()

    def __repr__(self) -> str:  # has no live value, because strict nbval compares it
        return "Timeline: a live view of the messages, drawn here while a kernel runs"

    def picture(self, **options: Any) -> Picture:
        """Return a static figure of the same messages.

        Args:
            options: keyword arguments of `draw`.
        """
        from ..figure import draw  # importing matplotlib takes half a second

        return draw(self.stream.timings, **{"high_water_mark": self.high_water_mark, **options})

    def close(self) -> None:
        """Remove the view from the page and end its thread; a second call does nothing."""
        with self._lock:
            self._closing.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(CLOSE_TIMEOUT_S)
        super().close()

    def receive(self, content: Any) -> None:
        """Process a message from a page; ignore one that is not part of the protocol.

        Any thread may call this: versions of JupyterLab and ipykernel differ in which one does.

        Args:
            content: what the page sent, from `protocol`'s description.
        """
        kind = content.get("kind") if isinstance(content, dict) else None
        if kind == "subscribe":
            self.stream.subscribe()
            self._start()  # a page may subscribe after the context was closed
        elif kind == "acknowledge" and type(content.get("sequence")) is int:
            self.stream.acknowledge(content["sequence"])

    def _close_earlier(self) -> None:
        """Close the views of an earlier run of this cell: they are not displayed any more."""
        here = cell()
        if here is None:
            return
        cell_id, run = here
        for key, earlier in list(_shown.items()):
            if key[0] == cell_id and key[1] != run:
                del _shown[key]
                earlier.close()
        _shown[cell_id, run, id(self)] = self

    def _start(self) -> None:
        """Start the thread, unless it is alive or the view is closed."""
        with self._lock:
            if self._closing.is_set() or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._send_all, name="timeline", daemon=True)
            self._thread.start()

    def _send_all(self) -> None:
        """Send batches until the view or the context is closed."""
        pause_s = FRAME_S
        while not self._closing.wait(max(pause_s, self.stream.due_s(monotonic()))):
            closed = bool(getattr(self._source, "closed", False))
            try:
                ended, pause_s = self._send_batch(closed), FRAME_S
            except Exception as error:
                ended, pause_s = closed, RETRY_S
                self._report(error)
                self.stream.snapshot_due = not closed  # what has changed may be lost in part
            with self._lock:
                if ended and not self.stream.snapshot_due:
                    self._thread = None  # so that the next subscription can start another one
                    return

    def _send_batch(self, closed: bool) -> bool:
        """Send what has changed; return whether that was the last of a closed context."""
        batch = self.stream.batch(monotonic(), closed=closed)
        if batch is None:
            return False
        header, block = batch
        # ipykernel sends the block without a copy, so it must not change afterwards.
        self.send({"kind": "batch", **header}, [block])
        return bool(header["ended"])

    def _report(self, error: Exception) -> None:
        """Show on the page why it is not updated."""
        with suppress(Exception):  # sending may be what has failed
            self.send({"kind": "error", "text": f"{type(error).__name__}: {error}"})


#: The views that cells have made, by cell, run of the cell, and view.
_shown: WeakValueDictionary[tuple[str, str, int], Timeline] = WeakValueDictionary()
