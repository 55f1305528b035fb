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
    """Base of the errors that only this package raises.

    >>> from pushpull_kit import Context, Worker
    >>> context = Context()
    >>> context.term()
    >>> try:
    ...     Worker(print, bind="inproc://jobs", context=context).start()
    ... except PushPullError as error:
    ...     print(error)
    expected an open context; got ...; make a new one with fresh_context(), and a new worker with it
    """


class WrongThreadError(PushPullError, RuntimeError):
    """A thread used a timed socket while another one was in it, or owned it.

    Sockets have owners in a strict context, such as `fresh_context` returns.

    >>> import threading, zmq
    >>> from pushpull_kit import Context
    >>> def send_from_another_thread():
    ...     try:
    ...         push.send(b"wash")
    ...     except WrongThreadError as error:
    ...         print(error)
    >>> with Context(strict=True) as context, context.socket(zmq.PUSH) as push:
    ...     ready = push.poll(0, zmq.POLLOUT)  # from now on, this thread owns the socket
    ...     thread = threading.Thread(target=send_from_another_thread)
    ...     thread.start()
    ...     thread.join()
    expected 'MainThread' to use this PUSH socket, because it sent, received or polled first; ...
    """


class EndpointError(PushPullError, ValueError):
    """A worker could not connect to its endpoint, or bind it.

    >>> from pushpull_kit import Context, Worker
    >>> with Context() as context:
    ...     Worker(print, connect="127.0.0.1:5559", context=context).start()
    Traceback (most recent call last):
    pushpull_kit.errors.EndpointError: connect: expected an endpoint such as ...
    """


class WorkerStoppedError(PushPullError, RuntimeError):
    """`Worker.wait` was called for a worker that is not running, so the wait cannot succeed.

    >>> from pushpull_kit import Context, Worker
    >>> with Context() as context:
    ...     Worker(print, bind="inproc://jobs", context=context).wait(1)
    Traceback (most recent call last):
    pushpull_kit.errors.WorkerStoppedError: expected 1 finished messages; got 0, and worker ...
    """


class WorkerStuckError(PushPullError, TimeoutError):
    """A worker's handler did not return in time, so that its thread could not be joined.

    >>> import threading, zmq
    >>> from pushpull_kit import Context, Worker
    >>> started, may_end = threading.Event(), threading.Event()
    >>> def slow(text):
    ...     started.set()
    ...     may_end.wait()
    >>> with Context() as context, context.socket(zmq.PUSH) as push:
    ...     with Worker(slow, bind="inproc://jobs", context=context) as worker:
    ...         connected = push.connect("inproc://jobs")
    ...         push.send_string("wash")
    ...         is_handling = started.wait(10)
    ...         try:
    ...             worker.stop(timeout=0.01)
    ...         except WorkerStuckError as error:
    ...             print(error)
    ...         may_end.set()
    expected worker 'worker' to stop within 0.01 s; its handler, slow, has not returned ...
    """
