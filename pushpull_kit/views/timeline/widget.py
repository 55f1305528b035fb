"""Timings as a live view: what a context's sockets do, drawn in the browser as it happens.

`feed` says what is sent to the page and when; a thread here sends it. In the page, `source.js`
listens, `log.js` keeps what comes, `axis.js` and `geometry.js` say what lies where, `drawing.js`
draws it, `panel.js` has the buttons and texts, and `timeline.js` brings them together.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import anywidget
import traitlets

from ...jupyter import cell
from ...recording.log import HasTimings, Timings, timings_of
from .protocol import FRAME_S, Feed

if TYPE_CHECKING:
    from ..figure import Picture

_FOLDER = Path(__file__).parent

#: The parts of the page's program, each after those that it imports from.
PARTS = ("log.js", "axis.js", "geometry.js", "drawing.js", "source.js", "panel.js", "timeline.js")

#: How long `close` waits for the thread, which never does more than send what it has.
CLOSE_TIMEOUT_S = 5.0


def one_module() -> str:
    """Return the parts as one ES module: a page that gets it over a wire finds no files beside it.

    Each part is a module by itself too. Its imports of the others, and the word `export` where the
    others need it, are left out here.
    """
    texts = [(_FOLDER / "js" / part).read_text(encoding="utf-8") for part in PARTS]
    texts = [re.sub(r"^import [^;]*?;\n", "", text, flags=re.MULTILINE) for text in texts]
    inner = [re.sub(r"^export (?!default)", "", text, flags=re.MULTILINE) for text in texts]
    return "\n".join(inner)


class Timeline(anywidget.AnyWidget):
    """The live view of what a context's sockets do, drawn in the browser as it happens.

    `source` is a context, or the `Timings` of one. `high_water_mark` draws a dashed line over the
    messages in flight. `come_into_view` scrolls the page to it when the first message comes: after
    "Run All Cells" JupyterLab stands at the end of the notebook. Views with one `least_span_s` are
    on one scale, if none has more to show than so many seconds. What is shown can be paused,
    zoomed, replayed and saved in the page.

    The view costs the sockets nothing but the turns that one thread takes, 30 a second at the most.
    It ends when the context is closed, when the view is closed, and when the cell that made it is
    run again. Raises `TypeError` for a source that has no timings.
    """

    _esm = one_module()
    _css = (_FOLDER / "timeline.css").read_text(encoding="utf-8")

    high_water_mark = traitlets.Int(None, allow_none=True).tag(sync=True)
    come_into_view = traitlets.Bool(False).tag(sync=True)
    least_span_s = traitlets.Float(0.0).tag(sync=True)

    def __init__(
        self,
        source: Timings | HasTimings,
        *,
        high_water_mark: int | None = None,
        come_into_view: bool = False,
    ) -> None:
        self._starting, self._ending = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._feed = Feed(timings_of(source))
        self._source = source
        super().__init__(high_water_mark=high_water_mark, come_into_view=come_into_view)
        self.on_msg(self._hear)
        self._replace()
        self._run()

    def __repr__(self) -> str:  # no live value, since a strict nbval run compares it
        return "Timeline: a live view of the messages, drawn here while a kernel runs"

    def picture(self, **how: Any) -> Picture:
        """Return a static figure of the same messages; keywords are those of `draw`."""
        from ..figure import draw  # matplotlib takes half a second

        return draw(self._feed.timings, **{"high_water_mark": self.high_water_mark, **how})

    def close(self) -> None:
        """Remove the view from the page, and end its thread; again does nothing."""
        with self._starting:
            self._ending.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(CLOSE_TIMEOUT_S)
        super().close()

    def _replace(self) -> None:
        """Close what an earlier run of this cell has made: nobody sees it any more."""
        here = cell()
        if here is None:
            return
        cell_id, run = here
        for key, earlier in list(_shown.items()):
            if key[0] == cell_id and key[1] != run:
                del _shown[key]
                earlier.close()
        _shown[cell_id, run, id(self)] = self

    # Any thread may call this: where it runs depends on the versions of JupyterLab and ipykernel.

    def _hear(self, _: object, content: Any, buffers: object) -> None:
        """Take in what a page says; what makes no sense is passed over."""
        kind = content.get("kind") if isinstance(content, dict) else None
        if kind == "hello":
            self._feed.hello()
            self._run()  # a closed context's messages are still there to be seen
        elif kind == "ack" and type(content.get("sequence")) is int:
            self._feed.ack(content["sequence"])

    # The one thread that sends.

    def _run(self) -> None:
        with self._starting:
            if self._ending.is_set() or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._send_on, name="timeline", daemon=True)
            self._thread.start()

    def _send_on(self) -> None:
        """Send what there is to be sent, until the view is closed or the context is."""
        while not self._ending.wait(max(FRAME_S, self._feed.due_s(monotonic()))):
            closed = bool(getattr(self._source, "closed", False))
            batch = self._feed.batch(monotonic(), closed=closed)
            if batch is not None:
                header, block = batch
                # A page gets the very bytes that are given here: they must not change afterwards.
                self.send({"kind": "batch", **header}, [block])
                with self._starting:
                    if header["ended"] and not self._feed.asked:
                        self._thread = None  # so that a page may start another
                        return


#: The views that cells have made, by the cell, the run of it, and the view.
_shown: WeakValueDictionary[tuple[str, str, int], Timeline] = WeakValueDictionary()
