"""See ZeroMQ's PUSH and PULL at work: real sockets, with a stopwatch in them.

Rooms, from the ground up; each imports only from those above it::

    errors     what can go wrong
    messages   the record of one message, the summary of many
    tracks     where a socket's thread writes: the hot path
    ring       where messages are kept: bounded columns
    pairing    which receipt belongs to which send
    trace      messages as a Chrome trace
    timings    the log: from tracks to messages
    sockets    PUSH and PULL sockets that are timed
    context    a zmq.Context that makes them
    cells      which cell runs, and where the prints of a thread appear
    decoding   what a handler is given
    worker     a PULL in a background thread
    running    one run of a function, which can be stopped
    layout     what lies where in a picture
    picture    messages as a static figure
    timeline   messages as a live view
    predict    commit to a guess, then meet the measurement
    captions   what is written about parameters and runs
    controls   a control for each parameter of a function
    experiment a function run off the main thread, with sliders
    exercises  exercises that check themselves
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .context import Context, fresh_context
from .errors import (
    EndpointError,
    PushPullError,
    WorkerStoppedError,
    WorkerStuckError,
    WrongThreadError,
)
from .messages import Message, Summary
from .timings import Timings
from .worker import Worker

if TYPE_CHECKING:
    from .experiment import Experiment
    from .picture import Picture, draw
    from .predict import Predict
    from .timeline import Timeline

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
    "Experiment": "experiment",
    "Picture": "picture",
    "Predict": "predict",
    "Timeline": "timeline",
    "draw": "picture",
}


def __getattr__(name: str) -> Any:
    if name in _ON_DEMAND:
        return getattr(import_module(f".{_ON_DEMAND[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
