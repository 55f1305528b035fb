"""Whatever an answer does, the check ends, nothing is left open, and the next check works."""

import _thread
import signal
import threading
import time
from contextlib import suppress

import pytest
import zmq
from checks import MAX_CHECKS_S, push_all, push_two, refused, shorten_limits

from pushpull_kit import Context, Worker
from pushpull_kit.exercises.engine.check import exercise, expect
from pushpull_kit.exercises.engine.harness import Harness
from pushpull_kit.exercises.engine.verdict import CORRECT, NOT_YET


@pytest.fixture(autouse=True)
def _short_limits(monkeypatch):
    shorten_limits(monkeypatch)


def test_an_answer_that_prints_a_megabyte(capsys):
    """The verdict shows the beginning and how much more there was; stdout gets nothing."""

    def answer(sender, jobs):
        for _ in range(1_000):
            print("x" * 1_000)
        print("```", flush=True)

    text = repr(push_two.check(answer))
    assert 2_000 < len(text) < 2_500
    assert "… and 999,004 characters more." in text
    assert capsys.readouterr().out == ""
    assert push_two.check(push_all).outcome == CORRECT


def test_only_the_answers_output_is_kept_apart(capsys):
    """What the judge prints during a check goes to stdout."""

    @exercise(solution=push_all, hints=["a", "b"])
    def printing(harness, answer):
        """Print."""
        print("the judge")
        harness.run(answer)

    def answer():
        print("the answer")
        thread = threading.Thread(target=print, args=["its thread"])
        thread.start()
        thread.join()

    assert "the answer\nits thread\n" in printing.check(answer).text
    assert capsys.readouterr().out == "the judge\n"


def test_an_answer_that_blocks_in_send():
    """The message has the learner's line, says that it was blocked, and adds the judge's reason."""

    def answer(sender, jobs):
        while True:
            sender.send(b"x")

    message = refused(answer).message
    assert "had not returned after 0.5 s" in message
    assert 'in answer: sender.send(b"x")`, blocked in `send`. Do not wait.' in message


def test_an_answer_that_blocks_in_a_socket_that_it_made():
    """A socket made from the given context is woken too, and closed."""

    def answer(sender, jobs):
        with sender.context.socket(zmq.PULL) as mine:
            mine.recv()

    assert "mine.recv()" in refused(answer).message


def test_a_blocked_answer_is_woken_before_an_exception_is_raised_in_it(monkeypatch):
    """The end of its context wakes an answer at once; the check need not wait for `grace_s`."""
    monkeypatch.setattr(Harness, "grace_s", 2 * MAX_CHECKS_S)

    def answer(sender, jobs):
        with sender.context.socket(zmq.PULL) as mine:
            mine.recv()

    assert "mine.recv()" in refused(answer).message


# The exception may be raised while Python runs a callback; Python then warns and goes on.
@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("what", [Exception, zmq.ZMQError])
def test_an_answer_that_loops(what):
    """A loop that suppresses all errors ends too."""

    def answer(sender, jobs):
        while True:
            with suppress(what):
                sender.send(b"x")

    assert "sender.send" in refused(answer).message


def test_an_answer_that_cannot_be_ended_is_named():
    """An answer in a wait that no exception ends is left running, and the message says so."""
    release = threading.Event()
    waiting = []

    def answer(sender, jobs):
        waiting.append(threading.current_thread())
        release.wait()

    try:
        verdict = push_two.check(answer)
        assert "release.wait()" in verdict.message
        assert "Still running: thread `answer`" in verdict.message
        assert push_two.check(push_all).outcome == CORRECT
    finally:
        release.set()
        waiting[0].join()


def test_a_thread_that_cannot_be_ended_is_named():
    """An answer that leaves a thread running is refused, even if it is right otherwise."""
    release = threading.Event()
    threads = []

    def answer(sender, jobs):
        threads.append(threading.Thread(target=release.wait, name="left behind"))
        threads[0].start()
        return push_all(sender, jobs)

    try:
        verdict = push_two.check(answer)
        assert verdict.outcome == NOT_YET
        assert "thread `left behind`" in verdict.message
        assert threads[0].daemon
        assert push_two.check(push_all).outcome == CORRECT
    finally:
        release.set()
        threads[0].join()


def test_a_thread_that_blocks_in_a_socket_ends_with_the_check():
    """A thread of the answer that waits in a socket is woken, and the answer is correct."""

    def answer(sender, jobs):
        def receive():
            with sender.context.socket(zmq.PULL) as mine:
                mine.recv()

        threading.Thread(target=receive).start()
        return push_all(sender, jobs)

    assert push_two.check(answer).outcome == CORRECT


def test_pyzmqs_thread_is_no_thread_of_the_answer():
    """The thread that pyzmq starts at the first send with copy=False may go on running."""

    def answer(sender, jobs):
        sender.send(b"w" * 100_000, copy=False)

    @exercise(solution=answer, hints=["a", "b"])
    def sending(harness, answer):
        """Send a large message."""
        sender, receiver = harness.pair()
        harness.run(answer, sender, [])
        expect(len(harness.drain(receiver)) == 1, "Nothing was received.")

    assert repr(sending.check(answer)) == "Correct."


def test_a_worker_that_an_answer_starts_ends_with_the_check():
    """A worker of the answer ends, also when its handler never returns."""

    def answer(sender, jobs):
        def handler(text):
            while True:
                pass

        context = sender.context
        worker = Worker(handler, bind="inproc://mine", context=context).start()
        with context.socket(zmq.PUSH) as mine:
            mine.connect("inproc://mine")
            mine.send(b"x")
        while not context.timings.summary().handling:
            time.sleep(0.001)
        return repr(worker)

    assert "returned `" in refused(answer).message


def test_an_interrupt_ends_a_check():
    """`check` raises KeyboardInterrupt and ends what it began."""
    began = threading.Event()

    def answer(sender, jobs):
        began.set()
        while True:
            sender.send(b"x")

    def interrupt():
        began.wait()
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        else:  # on Windows; it is noticed when the limit is over
            _thread.interrupt_main()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        push_two.check(answer)
    thread.join()
    assert push_two.check(push_all).outcome == CORRECT


def test_an_answer_that_terminates_the_context():
    """`term` waits until the sockets are closed, so the answer does not return in time."""

    def answer(sender, jobs):
        sender.context.term()

    assert "sender.context.term()" in refused(answer).message


def test_an_answer_with_two_threads_in_a_socket():
    """An answer that sends while its own thread is blocked in that socket gets the error."""

    def answer(sender, jobs):
        with suppress(zmq.Again):
            while True:
                sender.send(b"x", zmq.NOBLOCK)
        threading.Thread(target=send_until_the_end, args=[sender]).start()
        while not sender.belongs_elsewhere():
            pass
        sender.send(b"y")

    def send_until_the_end(sender):
        with suppress(zmq.ContextTerminated):
            sender.send(b"x")

    assert "WrongThreadError" in refused(answer).message


@pytest.mark.parametrize("kind", [zmq.Context, Context])
@pytest.mark.parametrize("address", ["inproc://pair-1", "tcp://127.0.0.1:9"])
def test_a_second_context(kind, address):
    """The message says that the answer made a context; its sockets are closed."""

    def answer(sender, jobs):
        context = kind()
        mine = context.socket(zmq.PUSH)
        mine.connect(address)
        kept.append(mine)
        return push_all(mine, jobs)

    kept = []
    message = refused(answer).message
    assert "Received was `[]`" in message
    assert "made a context of its own" in message
    assert kept[0].closed


def test_a_second_context_that_blocks():
    """A send that waits in a context which the answer made is woken."""

    def answer(sender, jobs):
        with zmq.Context() as context, context.socket(zmq.PUSH) as mine:
            mine.bind("inproc://mine")
            mine.send(b"x")

    assert 'mine.send(b"x")' in refused(answer).message


def test_a_second_context_with_an_unsent_message():
    """The end of such a context would wait without limit for a receiver (pyzmq #102)."""

    def answer(sender, jobs):
        with zmq.Context() as context, context.socket(zmq.PUSH) as mine:
            mine.connect("tcp://127.0.0.1:9")
            mine.send(b"x")

    refused(answer)


def test_a_second_context_that_is_terminated_with_an_open_socket():
    """`term` waits for the socket, and the check closes the socket."""

    def answer(sender, jobs):
        context = zmq.Context()
        mine = context.socket(zmq.PUSH)
        context.term()
        mine.close()

    assert "context.term()" in refused(answer).message


def test_a_thread_of_the_answer_that_raises_an_error():
    """The error is shown with what the answer printed."""

    def answer(sender, jobs):
        thread = threading.Thread(target=lambda: 1 / 0, name="helper")
        thread.start()
        thread.join()

    assert "helper: ZeroDivisionError: division by zero" in push_two.check(answer).text


def test_the_end_of_a_check_opens_its_gates():
    """A handler that waits for a gate returns at the end of the check."""
    with Harness() as harness:
        gate = harness.gate()
        Worker(lambda text: gate.wait(), bind="inproc://jobs", context=harness.context).start()
        push = harness.socket(zmq.PUSH)
        push.connect("inproc://jobs")
        push.send(b"x")
        assert harness.wait_until(lambda: harness.context.timings.summary().handling)
    assert not harness.left
    assert harness.context.closed


def test_a_context_made_while_the_check_ends_is_ended_too():
    """A thread that makes a second context when the first one ends does not outlive the check."""

    def answer(sender, jobs):
        with suppress(zmq.ContextTerminated), sender.context.socket(zmq.PULL) as first:
            first.recv()
        with zmq.Context() as context, context.socket(zmq.PULL) as second:
            second.recv()

    assert "first.recv()" in refused(answer).message
