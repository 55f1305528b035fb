"""What `soaking.py` soaks, in this process or a kernel: a timed PUSH, a worker, a view of both.

Message i is the text i, so the handler, with a count of its own, sees one that is lost, doubled or
overtaken. The view is drawn by JupyterLab in a browser, or its page is played here.
"""

import json
import threading
import time
from contextlib import suppress
from typing import NamedTuple

import numpy as np
import psutil
import zmq

from pushpull_kit import Context, Timeline, Timings, Worker
from pushpull_kit.recording.messages import HANDLED
from pushpull_kit.views.timeline.protocol import COLUMNS

TIMEOUT_S = 60

#: No more are on their way, so that what grows in memory is not a queue of libzmq's.
IN_FLIGHT = 10_000

#: One in so many is longer than a payload that the log takes as its own key.
LONG_EVERY, LONG_BYTES = 64, 300


class Sample(NamedTuple):
    """What is seen at an instant; the heap is the page's, the rest the process's that pushes."""

    at_s: float
    messages: int
    memory_mb: float
    descriptors: int
    threads: int
    n_buffered: int  # noted by the sockets, not yet in the log
    batches: int  # sent to the page
    heap_mb: float = 0.0


class PlayedPage(Timeline):
    """A view with its page: what is sent is decoded here, counted, and answered as a page does."""

    def __init__(self, source):
        self.told = self.sequence = self.acked_s = 0
        self.shown, self.broken = "", False
        super().__init__(source)
        self._hear(self, {"kind": "hello"}, None)

    def send(self, content, buffers=None):
        (block,), columns, at = buffers, {}, 0
        for name, kind in COLUMNS:
            columns[name] = np.frombuffer(block, kind, content["count"], at)
            at += columns[name].nbytes
        self.broken |= at != len(block) or content["sequence"] != self.sequence + 1
        # Told once: when it is handled and its send has returned, a message changes no more.
        whole = (columns["outcome"] == HANDLED) & ~np.isnan(columns["send_end_ns"])
        self.told = int(whole.sum()) + (0 if content["anew"] else self.told)
        self.sequence, self.shown = content["sequence"], content["headline"]
        if time.monotonic() >= self.acked_s + 0.25:
            self.acked_s = time.monotonic()
            self._hear(self, {"kind": "ack", "sequence": self.sequence}, None)


class Soak:
    """A timed PUSH, a worker, and a view of both, in whichever process this is."""

    def __init__(self, view=PlayedPage, limit=1_000_000):
        self.pushed = self.counted = self.out_of_turn = self.sum = self.due = 0
        self.began_s = time.monotonic()
        self.context = Context()
        self.context.timings = Timings(limit)
        self.view = view(self.context)
        self.worker = Worker(self.handle, bind="tcp://127.0.0.1:*", context=self.context).start()
        self.socket = self.context.socket(zmq.PUSH)
        self.socket.sndtimeo = 1000 * TIMEOUT_S
        self.socket.connect(self.worker.endpoint)

    def handle(self, text):
        number = int(text)
        self.out_of_turn += number != self.due
        self.due = number + 1
        self.counted += 1
        self.sum += number

    def push(self, count):
        """Push so many messages, and return what is seen then."""
        send, last = self.socket.send_string, self.pushed + count
        while self.pushed < last:
            stop = min(self.pushed + 1000, last)
            for number in range(self.pushed, stop):
                send(str(number) if number % LONG_EVERY else f"{number:{LONG_BYTES}}")
            self.pushed = stop
            self.worker.wait(stop - IN_FLIGHT, TIMEOUT_S)
        timings, process = self.context.timings, psutil.Process()
        return Sample(
            at_s=time.monotonic() - self.began_s,
            messages=self.counted,
            memory_mb=process.memory_info().rss / 1e6,
            descriptors=(process.num_fds if psutil.POSIX else process.num_handles)(),
            threads=threading.active_count(),
            n_buffered=timings.n_buffered,
            batches=self.view._feed._sequence,
        )

    def counts(self):
        """Wait for the last message, if it comes; return what each has counted who counts."""
        with suppress(TimeoutError):
            self.worker.wait(self.pushed, TIMEOUT_S)
        return {
            "pushed": self.pushed,
            "counted by the handler": self.counted,
            "finished by the worker": self.worker.finished,
            "out of turn": self.out_of_turn,
            "sum of the numbers": self.sum,
            "in the log": str(self.context.timings.summary()).split(" · ", 2)[2],
        }

    def heap_mb(self):
        return 0.0

    def headline(self, expected):
        """Wait until the page shows this sum and was told all; return what it shows."""
        page, deadline_s = self.view, time.monotonic() + TIMEOUT_S
        while expected not in page.shown or page.told != self.pushed:
            if page.broken or time.monotonic() > deadline_s:
                return f"{page.shown} (told {page.told:,}; broken batches: {page.broken})"
            time.sleep(0.01)
        return page.shown

    def close(self):
        self.view.close()
        self.context.retire(TIMEOUT_S)


class InLab:
    """The same in a kernel, with its view in JupyterLab in a browser."""

    def __init__(self, lab):
        self.lab, self.page = lab, lab.page
        self.devtools = lab.context.new_cdp_session(lab.page)

    def ask(self, what):
        told = self.lab.ask(f"print(json.dumps(soak.{what}))")
        try:
            return json.loads(told)
        except ValueError:
            raise RuntimeError(f"the kernel, asked for {what}, says {told!r}") from None

    def push(self, count):
        return Sample(*self.ask(f"push({count})"))

    def counts(self):
        return self.ask("counts()")

    def close(self):
        self.ask("close()")

    def heap_mb(self):
        self.devtools.send("HeapProfiler.collectGarbage")
        return self.page.evaluate("performance.memory.usedJSHeapSize") / 1e6

    def headline(self, expected):
        deadline_s = time.monotonic() + TIMEOUT_S
        while True:
            shown = self.page.inner_text(".pp-headline")
            amiss = [*self.lab.problems, *self.lab.strays]
            amiss += filter(None, [self.page.inner_text(".pp-badge")])  # "9 messages to come"
            if (expected in shown and not amiss) or time.monotonic() > deadline_s:
                return f"{shown} ({'; '.join(amiss)})" if amiss else shown
            self.page.wait_for_timeout(50)
