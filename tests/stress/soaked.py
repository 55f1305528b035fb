"""The subject of `soaking.py`, in this process or in a kernel: a timed PUSH, a worker and a view.

Message i is the text i, so the handler notices lost, duplicated and reordered messages with its own
counter. JupyterLab shows the view in a browser, or `PlayedPage` simulates the page.
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
from pushpull_kit.spec import BATCH_COLUMNS

TIMEOUT_S = 60

#: Maximum number of messages in flight, so that libzmq's queues stay small in memory.
IN_FLIGHT = 10_000

#: One message in `LONG_EVERY` is so long that the log computes a fingerprint of the payload.
LONG_EVERY, LONG_BYTES = 64, 300


class Sample(NamedTuple):
    """Measurements at one instant, of the sending process except for the page's heap."""

    at_s: float
    messages: int
    memory_mb: float
    descriptors: int
    threads: int
    n_buffered: int  # recorded by the sockets, not yet in the log
    batches: int  # sent to the page
    heap_mb: float = 0.0


class PlayedPage(Timeline):
    """A view with a simulated page, which decodes, counts and acknowledges batches."""

    def __init__(self, source):
        self.told = self.sequence = self.acked_s = 0
        self.shown, self.broken = "", False
        super().__init__(source)
        self.receive({"kind": "subscribe"})

    def send(self, content, buffers=None):
        (block,), columns, at = buffers, {}, 0
        for name, kind in BATCH_COLUMNS:
            columns[name] = np.frombuffer(block, f"<{kind}", content["count"], at)
            at += columns[name].nbytes
        self.broken |= at != len(block) or content["sequence"] != self.sequence + 1
        # Counts each message once: it no longer changes when it is handled and its send returned.
        whole = (columns["outcome"] == HANDLED) & ~np.isnan(columns["send_end_ns"])
        self.told = int(whole.sum()) + (0 if content["snapshot"] else self.told)
        self.sequence, self.shown = content["sequence"], content["headline"]
        if time.monotonic() >= self.acked_s + 0.25:
            self.acked_s = time.monotonic()
            self.receive({"kind": "acknowledge", "sequence": self.sequence})


class Soak:
    """A timed PUSH, a worker, and a view of both, in this process."""

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
        """Send this many messages; return a sample."""
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
            batches=self.view.stream.sequence,
        )

    def counts(self):
        """Wait for the last message, within a timeout; return the values of all counters."""
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
        """Wait until the page shows these counts and got all messages; return its headline."""
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
    """A `Soak` in a kernel, with its view in JupyterLab in a browser."""

    def __init__(self, lab):
        self.lab, self.page = lab, lab.page
        self.devtools = lab.context.new_cdp_session(lab.page)

    def ask(self, what):
        told = self.lab.ask(f"print(json.dumps(soak.{what}))")
        try:
            return json.loads(told)
        except ValueError:
            raise RuntimeError(f"expected JSON from the kernel for {what}; got {told!r}") from None

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
