"""A run ends by itself or because it is asked to stop; what it left open is closed."""

import threading
import time
from contextlib import suppress

import pytest
import zmq

import pushpull_kit.lessons.run
from pushpull_kit import Worker
from pushpull_kit.lessons.run import RunInProgress, State

#: Far more than a run that behaves needs.
LONG_S = 20

ADDRESS = "inproc://jobs"


def start(function, **values):
    in_progress = RunInProgress(1, function, values, lambda: None)
    in_progress.start()
    return in_progress


def run(function, **values):
    """Run to the end, and return the record."""
    in_progress = start(function, **values)
    assert in_progress.wait(LONG_S)
    return in_progress.record()


def stop(in_progress):
    """Stop as an Experiment does, and return the record."""
    in_progress.ask_to_stop()
    while not in_progress.wait(0.02):
        if not in_progress.escalate_stop():
            break
    return in_progress.record()


def push(context, count):
    sender = context.socket(zmq.PUSH)
    sender.bind(ADDRESS)
    for number in range(count):
        sender.send_string(str(number))


# By itself


def test_the_record_tells_what_was_given_and_measured():
    """Values, outcome, summary and log are kept when the context is closed."""

    def function(context, count):
        worker = Worker(int, connect=ADDRESS, context=context).start()
        push(context, count)
        worker.wait(count)

    record = run(function, count=3)
    assert (record.values, record.outcome, record.error) == ({"count": 3}, "finished", "")
    assert record.summary.handled == len(record.timings) == 3
    assert repr(record).startswith("<Run 1: count=3, finished in ")


def test_workers_may_finish_what_was_pushed():
    """When a function returns while its worker works, the run waits for the worker."""
    returned = threading.Event()

    def function(context):
        Worker(lambda text: returned.wait(LONG_S), connect=ADDRESS, context=context).start()
        push(context, 5)
        threading.Timer(0.05, returned.set).start()

    record = run(function)
    assert record.summary.handled == 5
    assert record.summary.working_s > 0.02


def test_queued_messages_are_waited_for_briefly(monkeypatch):
    """Messages that no handler works on delay the end of the run for a short time only."""
    monkeypatch.setattr(pushpull_kit.lessons.run, "QUIET_S", 0.05)

    def function(context):
        Worker(print, bind="inproc://other", context=context).start()
        context.socket(zmq.PULL).bind(ADDRESS)
        sender = context.socket(zmq.PUSH)
        sender.connect(ADDRESS)
        sender.send(b"to a PULL that never receives")

    record = run(function)
    assert (record.outcome, record.error, record.summary.in_flight) == ("finished", "", 1)
    assert record.took_s < 5


def test_the_last_message_of_its_own_pull_counts_as_handled():
    """A function that collects results with a PULL is done with the last one when it returns."""

    def function(context):
        Worker(print, bind="inproc://other", context=context).start()
        results = context.socket(zmq.PULL)
        results.bind(ADDRESS)
        sender = context.socket(zmq.PUSH)
        sender.connect(ADDRESS)
        sender.send(b"result")
        results.recv()

    record = run(function)
    assert record.summary.handled == 1
    assert record.took_s < 5


def test_a_forgotten_socket_with_unsent_messages_is_closed():
    """A PUSH without a peer, with libzmq's unlimited linger, is closed when the run ends."""

    def function(context):
        sender = context.socket(zmq.PUSH)
        sender.connect("tcp://127.0.0.1:9")
        sender.send(b"to no receiver")

    record = run(function)
    assert (record.outcome, record.error) == ("finished", "")


def test_a_handler_that_does_not_return_is_named(monkeypatch):
    """The record says what could not be closed in time."""
    monkeypatch.setattr(pushpull_kit.lessons.run, "SETTLE_S", 0.05)
    monkeypatch.setattr(pushpull_kit.lessons.run, "RETIRE_TIMEOUT_S", 0.1)
    released = threading.Event()

    def function(context):
        Worker(lambda text: released.wait(LONG_S), connect=ADDRESS, context=context).start()
        push(context, 1)

    record = run(function)
    released.set()
    assert record.outcome == "finished"
    assert "worker 'worker' is still in its handler" in record.error


@pytest.mark.parametrize("end", ["term", "destroy"])
def test_the_function_may_end_its_context(end):
    """A function may close its sockets and terminate the context itself."""

    def function(context):
        context.socket(zmq.PUSH).close()
        getattr(context, end)()
        assert context.closed

    assert run(function).error == ""


def test_another_thread_may_terminate_the_context():
    """Terminating in another thread wakes a PULL in the run's thread, as with any context."""

    def function(context):
        pull = context.socket(zmq.PULL)
        pull.bind(ADDRESS)
        other = threading.Thread(target=context.term)
        other.start()
        with pytest.raises(zmq.ContextTerminated):
            pull.recv()
        pull.close()
        other.join()

    assert run(function).error == ""


# By an error


def test_an_error_is_kept():
    """The record has the error's last line and the learner's part of the traceback."""

    def function(context):
        push(context, 0)
        raise ValueError("no such job")

    record = run(function)
    assert (record.outcome, record.error) == ("failed", "ValueError: no such job")
    assert 'raise ValueError("no such job")' in record.traceback
    assert "pushpull_kit" not in record.traceback


def test_an_exit_is_an_error():
    """`sys.exit()` ends the run and nothing else."""

    def function(context):
        raise SystemExit(1)

    assert run(function).error == "SystemExit: 1"


def test_an_argument_that_does_not_fit_is_an_error():
    """A call that Python refuses fails like any other."""
    assert "unexpected keyword" in run(lambda context: None, count=1).error


# By Stop


def blocked_in_send(context, ready):
    sender = context.socket(zmq.PUSH)
    sender.bind(ADDRESS)
    ready()
    sender.send(b"to no receiver")


def blocked_in_recv(context, ready):
    pull = context.socket(zmq.PULL)
    pull.bind(ADDRESS)
    ready()
    pull.recv()


def waiting_for_a_worker(context, ready):
    worker = Worker(print, bind=ADDRESS, context=context).start()
    ready()
    worker.wait(1, timeout=1000)


def pushing_without_end(context, ready):
    Worker(int, bind=ADDRESS, context=context, rcvhwm=10).start()
    sender = context.socket(zmq.PUSH)
    sender.connect(ADDRESS)
    ready()
    while True:
        sender.send(b"1")


def making_sockets_without_end(context, ready):
    ready()
    while True:
        context.socket(zmq.PUSH).close()


def terminating(context, ready):
    context.socket(zmq.PUSH)
    ready()
    context.term()


def looping(context, ready):
    ready()
    while True:
        pass


def ignoring_errors(context, ready):
    sender = context.socket(zmq.PUSH)
    sender.bind(ADDRESS)
    ready()
    while True:
        with suppress(Exception):
            sender.send(b"to no receiver")


def start_and_wait(function):
    """Start a run, and return it when the function has called `ready`."""
    ready = threading.Event()
    in_progress = start(lambda context: function(context, ready.set))
    assert ready.wait(LONG_S)
    return in_progress


@pytest.mark.parametrize(
    "function",
    [
        blocked_in_send,
        blocked_in_recv,
        waiting_for_a_worker,
        pushing_without_end,
        making_sockets_without_end,
    ],
)
def test_a_run_in_a_socket_is_stopped_by_the_end_of_its_context(monkeypatch, function):
    """A function that waits in a socket or for a worker wakes up; nothing is raised in it."""
    monkeypatch.setattr(pushpull_kit.lessons.run, "RAISE_AFTER_S", LONG_S)
    monkeypatch.setattr(pushpull_kit.lessons.run, "GIVE_UP_AFTER_S", LONG_S)
    record = stop(start_and_wait(function))
    assert (record.outcome, record.error) == ("stopped", "")


# The exception may be raised while Python runs a callback; Python then warns and goes on.
@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("function", [looping, ignoring_errors, terminating])
def test_a_run_that_does_not_wait_in_a_socket_is_stopped_by_an_exception(monkeypatch, function):
    """An exception ends a loop, also one with `except Exception`, and a wait in `term`."""
    monkeypatch.setattr(pushpull_kit.lessons.run, "RAISE_AFTER_S", 0.1)
    record = stop(start_and_wait(function))
    assert (record.outcome, record.error) == ("stopped", "")


def test_a_run_that_cannot_be_stopped_is_given_up(monkeypatch):
    """The record says that a call cannot be interrupted; the run ends when the call returns."""
    monkeypatch.setattr(pushpull_kit.lessons.run, "RAISE_AFTER_S", 0.05)
    monkeypatch.setattr(pushpull_kit.lessons.run, "GIVE_UP_AFTER_S", 0.2)
    lock = threading.Lock()
    with lock:
        in_progress = start_and_wait(lambda context, ready: (ready(), lock.acquire()))
        record = stop(in_progress)
        assert record.outcome == "stopped"
        assert "in a call that Python cannot interrupt" in record.error
        assert in_progress.state is State.CALLING
    assert in_progress.wait(LONG_S)
    assert in_progress.state is State.ENDED


def test_stop_ends_the_wait_for_workers():
    """A function that has returned while its worker is busy can be stopped."""
    handling, released = threading.Event(), threading.Event()

    def function(context):
        Worker(
            lambda text: (handling.set(), released.wait(LONG_S)), connect=ADDRESS, context=context
        ).start()
        push(context, 3)

    in_progress = start(function)
    assert handling.wait(LONG_S)
    in_progress.ask_to_stop()
    threading.Timer(0.05, released.set).start()
    record = stop(in_progress)
    assert record.outcome == "stopped"
    assert record.summary.in_flight == 2


def test_an_interrupted_context_is_not_freed_until_the_run_ends():
    """A function that makes a socket after Stop gets libzmq's error; nothing is freed memory."""

    def function(context):
        context.interrupt()
        deadline_s = time.monotonic() + 0.05
        while time.monotonic() < deadline_s:
            assert not context.closed
        with pytest.raises(zmq.ZMQError, match="terminated"):
            context.socket(zmq.PUSH)

    assert run(function).error == ""


def test_an_error_in_a_stopped_run_is_kept():
    """The record keeps an error that the request to stop did not cause."""

    def function(context, ready):
        try:
            blocked_in_send(context, ready)
        except zmq.ContextTerminated:
            raise KeyError("why") from None

    record = stop(start_and_wait(function))
    assert (record.outcome, record.error) == ("stopped", "KeyError: 'why'")


def test_nothing_is_raised_after_the_function(monkeypatch):
    """The run closes what is open, however late the exception comes that is to stop it."""
    monkeypatch.setattr(pushpull_kit.lessons.run, "RAISE_AFTER_S", 0)
    for pause_us in range(0, 1000, 20):

        def function(context, ready, pause_us=pause_us):
            context.socket(zmq.PUSH)
            ready()
            until = time.perf_counter() + pause_us / 1e6
            while time.perf_counter() < until:
                pass

        in_progress = start_and_wait(function)
        in_progress.ask_to_stop()
        in_progress.escalate_stop()
        record = stop(in_progress)
        assert in_progress.state is State.ENDED
        assert record.error == ""
        assert in_progress.context.closed


def test_a_second_request_to_stop_changes_nothing():
    """The reason of the first request is the record's error."""
    in_progress = start_and_wait(blocked_in_send)
    in_progress.ask_to_stop("too slow")
    in_progress.ask_to_stop("another reason")
    record = stop(in_progress)
    assert (record.outcome, record.error) == ("stopped", "too slow")
