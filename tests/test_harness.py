"""A judge runs an answer with sockets, watches it, and refuses what it returns or closes."""

import sys
import threading

import pytest
import zmq
from checks import push_all, refused, shorten_limits

from pushpull_kit.exercises.engine.harness import Harness


@pytest.fixture(autouse=True)
def _short_limits(monkeypatch):
    shorten_limits(monkeypatch)


def test_an_answer_that_raises():
    """The message has the learner's lines and the error's last line, and no line of the engine."""

    def answer(sender, jobs):
        sender.send_string(jobs[7])

    message = refused(answer).message
    assert "in answer: sender.send_string(jobs[7])\nIndexError: list index out of range" in message
    assert "self._answer" not in message


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "Expected a function, `push_all(sender, jobs)`; got `None`"),
        ("push_all", "Expected a function"),
        (lambda sender: 2, "cannot be called as `push_all(sender, jobs)`: too many positional"),
        (lambda sender, jobs, extra: 2, "missing a required argument: 'extra'"),
        (lambda sender, jobs: jobs.append("x"), "returned nothing (`None`)"),
        (lambda sender, jobs: str(push_all(sender, jobs)), "returned `'2'`; expected `int`"),
        (lambda sender, jobs: (yield), "`yield` in it"),
        (lambda sender, jobs: sys.exit(3), "called `sys.exit()`"),
        (lambda sender, jobs: [][1], "IndexError"),
        (print, "returned nothing"),
    ],
)
def test_an_answer_of_the_wrong_kind(answer, reason):
    """The message says what came in place of a function or of its result."""
    assert reason in refused(answer).message


def test_a_coroutine_is_no_answer():
    """An `async def` is refused, and its coroutine is closed."""

    async def answer(sender, jobs):
        return 2

    assert "`async` in it" in refused(answer).message


def test_an_answer_that_closes_the_socket():
    """The message says that the socket was closed."""

    def answer(sender, jobs):
        sender.close()
        return 2

    assert "closed the socket it was given" in refused(answer).message


def test_an_answer_that_destroys_the_context():
    """The message says that the context was terminated."""

    def answer(sender, jobs):
        sender.context.destroy()
        return 2

    assert "terminated the context it was given" in refused(answer).message


def test_an_exercise_may_allow_closing():
    """`may_close` lets an answer close what it was given."""
    with Harness() as harness:
        sender, receiver = harness.pair()
        harness.run(lambda: sender.send(b"x") or sender.close(), may_close=True)
        assert harness.drain(receiver) == ["x"]


def test_receive_waits_over_tcp():
    """`receive` waits for messages over TCP, and returns fewer if no more come."""
    with Harness() as harness:
        pull = harness.socket(zmq.PULL)
        pull.bind("tcp://127.0.0.1:*")
        push = harness.socket(zmq.PUSH)
        push.connect(pull.last_endpoint.decode())
        harness.give(push)
        harness.run(lambda: push.send_multipart([b"a", b"\xff"]) or push.send(b"b"))
        assert harness.receive(pull, 2) == [["a", b"\xff"], "b"]
        assert harness.receive(pull, 1) == []


def test_a_judge_sees_where_an_answer_waits():
    """While an answer runs, `line` is its line; then `result` is what it returned."""
    release = threading.Event()

    def answer():
        release.wait()
        return 7

    with Harness() as harness:
        run = harness.start(answer)
        assert harness.wait_until(lambda: "release.wait()" in run.line)
        assert run.running
        release.set()
        assert run.result() == 7
        assert not run.running
        assert run.took_s > 0
