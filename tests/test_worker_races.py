"""Threads may start and stop workers at the same time: no thread and no socket is lost."""

import os
import random
import sys
import threading

import pytest
import zmq

from pushpull_kit import Worker

#: How often each of four threads starts or stops a worker. PUSHPULL_RACES multiplies it.
ROUNDS = 250 * int(os.environ.get("PUSHPULL_RACES", "1"))

N_THREADS = 4

#: Maximum time for one test, in seconds.
DEADLINE_S = 60.0 * int(os.environ.get("PUSHPULL_RACES", "1"))


@pytest.fixture(autouse=True)
def _threads_take_turns_often():
    """Let Python switch between threads a thousand times as often as usual."""
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(interval_s / 1_000)
    yield
    sys.setswitchinterval(interval_s)


def race(*functions):
    """Call each function in a thread of its own, all at the same moment; raise what they raise."""
    gate = threading.Barrier(len(functions))
    errors = []

    def run(function):
        try:
            gate.wait(DEADLINE_S)
            function()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert not [thread for thread in threads if thread.is_alive()]
    if errors:
        raise errors[0]


def worker_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("worker ")]


def starting_and_stopping(workers, seed):
    """Return a function that starts and stops these workers in random order."""
    choose = random.Random(seed).choice

    def start_and_stop():
        for _ in range(ROUNDS):
            worker = choose(workers)
            choose((worker.start, worker.stop))()

    return start_and_stop


def test_a_worker_that_is_started_and_stopped_by_four_threads_can_be_stopped(context):
    """After four threads have started and stopped a worker, one `stop` ends its last thread."""
    worker = Worker(print, bind="tcp://127.0.0.1:*", context=context)
    race(*(starting_and_stopping([worker], seed) for seed in range(N_THREADS)))
    worker.start()
    assert worker_threads() == [worker.thread]
    worker.stop()
    assert worker_threads() == []
    assert not context.workers


def test_workers_of_one_name_replace_each_other_in_four_threads(context):
    """After four threads have replaced workers of one name, only the last one started runs."""
    workers = [
        Worker(print, bind=endpoint, context=context, name="same")
        for endpoint in ("inproc://a", "inproc://a", "inproc://b")
    ]
    race(*(starting_and_stopping(workers, seed) for seed in range(N_THREADS)))
    workers[0].start()
    assert worker_threads() == [workers[0].thread]
    assert context.workers == {"same": workers[0]}
    workers[0].stop()
    assert worker_threads() == []


def test_of_two_workers_that_start_at_the_same_moment_one_runs(context):
    """Of two workers of one name that start at the same moment, one runs and is registered."""
    for _ in range(ROUNDS // 5):
        pair = [
            Worker(print, bind="inproc://a", context=context, name="same"),
            Worker(print, bind="inproc://a", context=context, name="same"),
        ]
        race(*(worker.start for worker in pair))
        running = [worker for worker in pair if worker.running]
        assert len(running) == 1
        assert context.workers == {"same": running[0]}
        running[0].stop()


def test_no_message_is_lost_in_a_race_of_replacements(context):
    """Workers that replace each other in four threads handle each message once, in order."""
    n_messages = 40 * ROUNDS
    got = []
    workers = [Worker(got.append, bind="inproc://jobs", context=context) for _ in range(N_THREADS)]
    workers[0].start()

    def start_often(worker):
        for _ in range(ROUNDS // 10):
            worker.start()

    def push_all():
        push = context.socket(zmq.PUSH)
        push.connect("inproc://jobs")
        for number in range(n_messages):
            push.send_string(str(number))
        push.close()

    race(push_all, *(lambda worker=worker: start_often(worker) for worker in workers))
    (last,) = context.workers.values()
    last.wait(n_messages - sum(worker.finished for worker in workers if worker is not last))
    assert got == [str(number) for number in range(n_messages)]
