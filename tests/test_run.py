"""A run ends: by itself, with what it left open closed, or because it is asked to stop."""

import threading
import time
from contextlib import suppress

import pytest
import zmq

import pushpull_kit.lessons.run
from pushpull_kit import Worker
from pushpull_kit.lessons.run import Running

#: Far more than a run that behaves needs.
LONG_S = 20

ADDRESS = "inproc://jobs"


def begin(function, **values):
    running = Running(1, function, values, lambda: None)
    running.start()
    return running


def run(function, **values):
    """Run to the end, and return the record."""
    running = begin(function, **values)
    assert running.done.wait(LONG_S)
    return running.record()


def stop(running):
    """Stop as an Experiment does, and return the record."""
    running.stopping.set()
    while not running.done.wait(0.02):
        if not running.press():
            break
    return running.record()


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
    """A function that returns while its worker works is waited for."""
    returned = threading.Event()

    def function(context):
        Worker(lambda text: returned.wait(LONG_S), connect=ADDRESS, context=context).start()
        push(context, 5)
        threading.Timer(0.05, returned.set).start()

    record = run(function)
    assert record.summary.handled == 5
    assert record.summary.working_s > 0.02


def test_what_nobody_takes_is_waited_for_briefly(monkeypatch):
    """Messages that are in nobody's hands do not hold up the end for long."""
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
    """A PUSH to nobody, which has the endless linger of libzmq, does not outlive the run."""

    def function(context):
        sender = context.socket(zmq.PUSH)
        sender.connect("tcp://127.0.0.1:9")
        sender.send(b"to nobody")

    record = run(function)
    assert (record.outcome, record.error) == ("finished", "")


def test_a_handler_that_goes_on_is_named(monkeypatch):
    """What cannot be closed in time is said in the record."""
    monkeypatch.setattr(pushpull_kit.lessons.run, "SETTLE_S", 0.05)
    monkeypatch.setattr(pushpull_kit.lessons.run, "RETIRE_TIMEOUT_S", 0.1)
    let_go = threading.Event()

    def function(context):
        Worker(lambda text: let_go.wait(LONG_S), connect=ADDRESS, context=context).start()
        push(context, 1)

    record = run(function)
    let_go.set()
    assert record.outcome == "finished"
    assert "worker 'worker' is still in its handler" in record.error


@pytest.mark.parametrize("end", ["term", "destroy"])
def test_the_function_may_end_its_context(end):
    """A function that closes its sockets and terminates the context itself is left to it."""

    def function(context):
        context.socket(zmq.PUSH).close()
        getattr(context, end)()
        assert context.closed

    assert run(function).error == ""


def test_another_thread_may_terminate_the_context():
    """Terminating wakes a PULL in the run's thread, as with any context."""

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
    """The last line and the learner's part of the traceback are in the record; all is closed."""

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
    sender.send(b"to nobody")


def blocked_in_recv(context, ready):
    pull = context.socket(zmq.PULL)
    pull.bind(ADDRESS)
    ready()
    pull.recv()


def waiting_for_a_worker(context, ready):
    worker = Worker(print, bind=ADDRESS, context=context).start()
    ready()
    worker.wait(1, timeout=1000)


def pushing_for_ever(context, ready):
    Worker(int, bind=ADDRESS, context=context, rcvhwm=10).start()
    sender = context.socket(zmq.PUSH)
    sender.connect(ADDRESS)
    ready()
    while True:
        sender.send(b"1")


def making_sockets_for_ever(context, ready):
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
            sender.send(b"to nobody")


def begin_and_wait(function, **values):
    """Begin a run, and return it when the function has called `ready`."""
    ready = threading.Event()
    running = begin(lambda context: function(context, ready.set), **values)
    assert ready.wait(LONG_S)
    return running


@pytest.mark.parametrize(
    "function",
    [
        blocked_in_send,
        blocked_in_recv,
        waiting_for_a_worker,
        pushing_for_ever,
        making_sockets_for_ever,
    ],
)
def test_a_run_in_a_socket_is_stopped_by_the_end_of_its_context(monkeypatch, function):
    """What waits in a socket or for a worker wakes up, and nothing has to be raised in it."""
    monkeypatch.setattr(pushpull_kit.lessons.run, "RAISE_AFTER_S", LONG_S)
    monkeypatch.setattr(pushpull_kit.lessons.run, "GIVE_UP_AFTER_S", LONG_S)
    record = stop(begin_and_wait(function))
    assert (record.outcome, record.error) == ("stopped", "")


# What ends the loop may arrive while Python runs a callback of its own, which then says so.
@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("function", [looping, ignoring_errors, terminating])
def test_a_run_that_goes_on_is_stopped_by_an_exception(monkeypatch, function):
    """A loop, with or without `except Exception`, and a wait for the context's end are left."""
    monkeypatch.setattr(pushpull_kit.lessons.run, "RAISE_AFTER_S", 0.1)
    record = stop(begin_and_wait(function))
    assert (record.outcome, record.error) == ("stopped", "")


def test_a_run_that_cannot_be_stopped_is_given_up(monkeypatch):
    """A function in a call that Python cannot interrupt is said to be so, and ends when it can."""
    monkeypatch.setattr(pushpull_kit.lessons.run, "RAISE_AFTER_S", 0.05)
    monkeypatch.setattr(pushpull_kit.lessons.run, "GIVE_UP_AFTER_S", 0.2)
    lock = threading.Lock()
    with lock:
        running = begin_and_wait(lambda context, ready: (ready(), lock.acquire()))
        record = stop(running)
        assert record.outcome == "stopped"
        assert "in a call that Python cannot interrupt" in record.error
    assert running.done.wait(LONG_S)


def test_stop_ends_the_wait_for_workers():
    """A function that has returned while its worker is busy can be stopped."""
    begun, let_go = threading.Event(), threading.Event()

    def function(context):
        Worker(
            lambda text: (begun.set(), let_go.wait(LONG_S)), connect=ADDRESS, context=context
        ).start()
        push(context, 3)

    running = begin(function)
    assert begun.wait(LONG_S)
    running.stopping.set()
    threading.Timer(0.05, let_go.set).start()
    record = stop(running)
    assert record.outcome == "stopped"
    assert record.summary.in_flight == 2


def test_a_terminated_context_is_there_until_the_run_ends():
    """A function that makes a socket after Stop is told so; libzmq has not freed its context."""

    def function(context):
        context.interrupt()
        assert not context._ended.wait(0.05)
        with pytest.raises(zmq.ZMQError, match="terminated"):
            context.socket(zmq.PUSH)

    assert run(function).error == ""


def test_an_error_in_a_stopped_run_is_told():
    """An error that stopping does not explain is not hidden."""

    def function(context, ready):
        try:
            blocked_in_send(context, ready)
        except zmq.ContextTerminated:
            raise KeyError("why") from None

    record = stop(begin_and_wait(function))
    assert (record.outcome, record.error) == ("stopped", "KeyError: 'why'")


def test_nothing_is_raised_after_the_function(monkeypatch):
    """An exception that comes too late does not keep the thread from closing what is open."""
    monkeypatch.setattr(pushpull_kit.lessons.run, "RAISE_AFTER_S", 0)
    for pause_us in range(0, 1000, 20):

        def function(context, ready, pause_us=pause_us):
            context.socket(zmq.PUSH)
            ready()
            until = time.perf_counter() + pause_us / 1e6
            while time.perf_counter() < until:
                pass

        running = begin_and_wait(function)
        record = stop(running)
        assert running.done.is_set()
        assert record.error == ""
        assert running.context.closed
