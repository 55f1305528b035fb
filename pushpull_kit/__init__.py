"""See ZeroMQ's PUSH and PULL at work: real sockets, with a stopwatch in them.

The architecture. A line imports only from the lines above it, and `sockets` and `views` never from
each other; `make lint` checks this with import-linter (pyproject.toml has the contracts)::

    errors, jupyter    what can go wrong; which notebook cell runs
    recording/         what was measured: events, matching, the log, messages, exports
    sockets/           ZeroMQ: timed sockets, Context, Worker
    views/             what a person looks at: the static figure, the live timeline
    lessons/           what a learner works with: Predict, Experiment
    exercises/         exercises that check themselves, one module for each notebook
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
from .recording.log import Timings
from .recording.messages import Message, Summary
from .sockets.context import Context, fresh_context
from .sockets.worker import Worker

if TYPE_CHECKING:
    from .lessons.experiment import Experiment
    from .lessons.predict import Predict
    from .views.figure import Picture, draw
    from .views.timeline.widget import Timeline

__all__ = [
    "Context",
    "EndpointError",
    "Experiment",
    "Message",
    "Picture",
    "Predict",
    "PushPullError",
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


#: Imported when they are first asked for: matplotlib and ipywidgets take half a second.
_ON_DEMAND = {
    "Experiment": ".lessons.experiment",
    "Picture": ".views.figure",
    "Predict": ".lessons.predict",
    "Timeline": ".views.timeline.widget",
    "draw": ".views.figure",
}


def __getattr__(name: str) -> Any:
    if name in _ON_DEMAND:
        return getattr(import_module(_ON_DEMAND[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
