"""See ZeroMQ's PUSH and PULL at work: real sockets, with a stopwatch in them.

The architecture. A package imports only from packages above it in this list; `sockets` and `views`
never import each other, and neither do `lessons` and `exercises` (`make lint` checks this)::

    errors, jupyter, spec   what can go wrong; which cell runs; constants shared with JavaScript
    recording/              what was measured: event buffers, ingest, matching, log, export
    sockets/                ZeroMQ: timed sockets, Context, Worker, lifecycle
    views/                  what a person looks at: static picture, live timeline
    lessons/                what a learner works with: Predict, Experiment and its runs
    exercises/              the check engine, and one module for each notebook
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import (
    EndpointError,
    PushPullError,
    WorkerStoppedError,
    WorkerStuckError,
    WrongThreadError,
)
from .recording.events import Events, ReceiveBuffer, SendBuffer
from .recording.log import Timings
from .recording.messages import Message, Summary
from .sockets.context import Context, fresh_context
from .sockets.failures import Failure
from .sockets.worker import Worker

if TYPE_CHECKING:
    from .lessons.experiment import Experiment
    from .lessons.predict import Predict, Revealed
    from .lessons.run import Run
    from .views.figure import Picture, draw
    from .views.timeline.widget import Timeline

__all__ = [
    "Context",
    "EndpointError",
    "Events",
    "Experiment",
    "Failure",
    "Message",
    "Picture",
    "Predict",
    "PushPullError",
    "ReceiveBuffer",
    "Revealed",
    "Run",
    "SendBuffer",
    "Summary",
    "Timeline",
    "Timings",
    "Worker",
    "WorkerStoppedError",
    "WorkerStuckError",
    "WrongThreadError",
    "draw",
    "fresh_context",
]


#: Imported at their first use: matplotlib and ipywidgets take half a second.
_ON_DEMAND = {
    "Experiment": ".lessons.experiment",
    "Picture": ".views.figure",
    "Predict": ".lessons.predict",
    "Revealed": ".lessons.predict",
    "Run": ".lessons.run",
    "Timeline": ".views.timeline.widget",
    "draw": ".views.figure",
}


def __getattr__(name: str) -> Any:
    if name in _ON_DEMAND:
        return getattr(import_module(_ON_DEMAND[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
