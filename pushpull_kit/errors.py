"""All exceptions of the package. Each message says what was expected, what came, what to do.

Wrong arguments raise Python's own `TypeError` and `ValueError`; libzmq's errors stay pyzmq's
`zmq.ZMQError`. Only what neither knows about is here::

    PushPullError
    ├── WrongThreadError      also a RuntimeError
    ├── EndpointError         also a ValueError
    ├── WorkerStoppedError    also a RuntimeError
    └── WorkerStuckError      also a TimeoutError
"""


class PushPullError(Exception):
    """Base of the errors that only this package raises."""


class WrongThreadError(PushPullError, RuntimeError):
    """A timed socket was used by a second thread while its own thread was alive."""


class EndpointError(PushPullError, ValueError):
    """A worker could not connect to, or bind, the endpoint it was given."""


class WorkerStoppedError(PushPullError, RuntimeError):
    """A worker was waited for that is not running, so that no wait can succeed."""


class WorkerStuckError(PushPullError, TimeoutError):
    """A worker's handler did not return in time, so that its thread could not be joined."""
