"""Put `pushpull_kit.Context` in the place of `zmq.Context`, and save the logs at the end.

`test_programs.py` adds the import of this module to the line of a program that imports zmq. That is
where a user would swap the context. Processes that the program starts run the same line.
"""

import functools
import json
import os
import sys
from multiprocessing import util
from pathlib import Path

import zmq

import pushpull_kit

#: Where each process saves its logs: one file per process, a list with one entry per context.
FOLDER = Path(os.environ["PROGRAM_LOGS"])

FIELDS = (
    "pushed", "handled", "failed", "handling", "in_flight",
    "refused", "interrupted", "sending", "untimed", "working_s",
)  # fmt: skip

logs: list[pushpull_kit.Timings] = []


def remembered(init):
    """Return a context's `__init__` that also remembers the log."""

    @functools.wraps(init)
    def remembering_init(self, *args, **kwargs):
        init(self, *args, **kwargs)
        # pyzmq makes a context for the thread that frees what was sent with copy=False.
        if sys._getframe(1).f_globals["__name__"] != "zmq.utils.garbage":
            logs.append(self.timings)

    return remembering_init


def save():
    """Save the counts of this process's logs."""
    summaries = [log.summary() for log in logs]
    saved = [{name: getattr(summary, name) for name in FIELDS} for summary in summaries]
    (FOLDER / f"{os.getpid()}.json").write_text(json.dumps(saved), encoding="utf-8")


def save_at_exit(*_):
    """Let this process save its logs when it ends. `atexit` would not run in a child process."""
    util.Finalize(None, save, exitpriority=0)


pushpull_kit.Context.__init__ = remembered(pushpull_kit.Context.__init__)
zmq.Context = pushpull_kit.Context
save_at_exit()
util.register_after_fork(save_at_exit, save_at_exit)  # multiprocessing: fork and spawn
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=logs.clear)
