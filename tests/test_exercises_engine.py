"""The check engine against bad answers: told what happened, nothing left, the next check works."""

import _thread
import functools
import signal
import sys
import threading
import time
from contextlib import suppress

import pytest
import zmq

from pushpull_kit import Context, Worker
from pushpull_kit.exercises.engine import harness as lab_module
from pushpull_kit.exercises.engine import supervisor as sandbox
from pushpull_kit.exercises.engine.check import (
    CORRECT,
    NOT_ATTEMPTED,
    NOT_YET,
    Note,
    exercise,
    expect,
    show,
)


def push_all(sender, jobs):
    for job in jobs:
        sender.send_string(job)
    return len(jobs)


@exercise(solution=push_all, hints=["gently", "plainly"])
def handing_over(lab, answer):
    """What these tests give answers to: push two jobs, and return how many."""
    sender, receiver = lab.pair(sndhwm=10, rcvhwm=10)
    count = lab.run(answer, sender, ["wash", "dry"], returns=int, if_late="Do not wait.")
    came = lab.drain(receiver)
    expect(came == ["wash", "dry"], f"Received was {show(came)}.")
    expect(count == 2, f"It returned {show(count)}.")
    return "Both came."


@pytest.fixture(autouse=True)
def _hasty(monkeypatch):
    monkeypatch.setattr(lab_module, "LIMIT_S", 0.5)
    monkeypatch.setattr(sandbox, "GRACE_S", 0.5)


@pytest.fixture
def refused():
    """Check an answer that is to be refused; afterwards the solution still passes."""
    began_s = time.monotonic()

    def check(answer):
        verdict = handing_over.check(answer)
        assert verdict.outcome == NOT_YET, verdict
        return verdict.message

    yield check
    assert handing_over.check(push_all).outcome == CORRECT
    assert time.monotonic() - began_s < 20


# What a learner sees


def test_the_solution_is_correct():
    """A right answer is told so, with what the judge adds."""
    verdict = handing_over.check(push_all)
    assert (verdict.outcome, repr(verdict)) == (CORRECT, "Correct. Both came.")


def test_nothing_of_a_stub_is_called():
    """A stub is recognized by its code; an empty function that was decorated is no stub."""

    def stub(sender, jobs):
        """To be filled in."""

    assert handing_over.check(stub).outcome == NOT_ATTEMPTED
    assert handing_over.check(functools.wraps(stub)(lambda *a: push_all(*a))).outcome == CORRECT


@pytest.mark.parametrize("stub", [None, ..., [1, None], (..., 2), {"a": 1, "b": None}])
def test_a_value_that_is_missing_is_not_attempted(stub):
    """Where a value is asked for, None and ... are stubs, in a list, tuple or dict too."""

    @exercise(solution=[1, 2], hints=["a", "b"])
    def guess(lab, answer):
        """Guess."""
        expect(answer == [1, 2], f"It is not {show(answer)}.")

    assert guess.check(stub).outcome == NOT_ATTEMPTED
    assert guess.check([1, 3]).message == "It is not `[1, 3]`."
    assert repr(guess.check([1, 2])) == "Correct."


def test_a_verdict_is_markdown_in_which_a_learners_text_is_text(refused):
    """Backticks and tags of a learner's cannot end a code span or become HTML."""

    def answer(sender, jobs):
        sender.send_string("``` `x` <script>alert(1)</script>")
        return 2

    message = refused(answer)
    assert "```` ['``` `x` <script>alert(1)</script>'] ````" in message
    note = Note("a < b & `c < d` and <b>")
    assert note._repr_markdown_() == "a &lt; b &amp; `c < d` and &lt;b>"


def test_hints_count_down():
    """Hints come one by one, and say how many are left."""
    assert repr(handing_over.hint()) == "Hint 1 of 2: gently (1 more: call `hint()` again.)"
    assert repr(handing_over.hint()) == "Hint 2 of 2: plainly (That was the last one.)"
    assert repr(handing_over.hint()) == "Hint 2 of 2: plainly (That was the last one.)"


def test_the_solution_is_the_source_of_what_is_tested():
    """`solution()` shows the very function that these tests run."""
    text = handing_over.solution()._repr_markdown_()
    assert text.startswith("```python\ndef push_all(sender, jobs):\n    for job in jobs:")


# Answers that are wrong in themselves


def test_an_answer_that_raises(refused):
    """The learner's lines and the error's last line are shown, none of ours."""

    def answer(sender, jobs):
        sender.send_string(jobs[7])

    message = refused(answer)
    assert "in answer: sender.send_string(jobs[7])\nIndexError: list index out of range" in message
    assert "lab.py" not in message


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "Expected a function, `push_all(sender, jobs)`; got `None`"),
        ("push_all", "Expected a function"),
        (lambda sender: 2, "cannot be called as `push_all(sender, jobs)`: too many positional"),
        (lambda sender, jobs, extra: 2, "missing a required argument: 'extra'"),
        (lambda sender, jobs: jobs.append("x"), "returned nothing (`None`)"),
        (lambda sender, jobs: str(push_all(sender, jobs)), "returned `'2'`. It was to return a"),
        (lambda sender, jobs: (yield), "`yield` in it"),
        (lambda sender, jobs: sys.exit(3), "called `sys.exit()`"),
        (lambda sender, jobs: [][1], "IndexError"),
        (print, "returned nothing"),
    ],
)
def test_an_answer_that_is_no_answer(refused, answer, reason):
    """What came instead of an answer is said."""
    assert reason in refused(answer)


def test_a_coroutine_is_no_answer(refused):
    """An `async def` is told so; nothing of it is left to be awaited."""

    async def answer(sender, jobs):
        return 2

    assert "`async` in it" in refused(answer)


def test_an_answer_that_prints_a_megabyte(refused, capsys):
    """The beginning is shown, fenced, with how much more there was; the rest goes nowhere."""

    def answer(sender, jobs):
        for _ in range(1_000):
            print("x" * 1_000)
        print("```", flush=True)

    text = repr(handing_over.check(answer))
    assert 2_000 < len(text) < 2_500
    assert "… and 999,004 characters more." in text
    assert capsys.readouterr().out == ""


def test_what_others_print_meanwhile_is_theirs(capsys):
    """Only what the answer and its threads print is kept apart."""

    @exercise(solution=push_all, hints=["a", "b"])
    def printing(lab, answer):
        """Print."""
        print("the judge")
        lab.run(answer)

    def answer():
        print("the answer")
        thread = threading.Thread(target=print, args=["its thread"])
        thread.start()
        thread.join()

    assert "the answer\nits thread\n" in printing.check(answer).text
    assert capsys.readouterr().out == "the judge\n"


# Answers that do not end


def test_an_answer_that_blocks_in_send(refused):
    """A full queue: the learner's line is shown, that it was blocked, and what the judge adds."""

    def answer(sender, jobs):
        while True:
            sender.send(b"x")

    message = refused(answer)
    assert "had not returned after 0.5 s" in message
    assert 'in answer: sender.send(b"x")`, blocked in `send`. Do not wait.' in message


def test_an_answer_that_blocks_in_recv_of_a_socket_of_its_own(refused):
    """Sockets that it makes from the given context wake up too, and are closed."""

    def answer(sender, jobs):
        with sender.context.socket(zmq.PULL) as mine:
            mine.recv()

    assert "mine.recv()" in refused(answer)


# What ends the loop may arrive while Python runs a callback of its own, which then says so.
@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("what", [Exception, zmq.ZMQError])
def test_an_answer_that_loops(refused, what):
    """A loop of plain Python that takes all errors in its stride ends too."""

    def answer(sender, jobs):
        while True:
            with suppress(what):
                sender.send(b"x")

    assert "sender.send" in refused(answer)


def test_an_answer_out_of_reach_is_named():
    """One that waits where Python cannot reach it is left, and said to be there."""
    release = threading.Event()
    waiting = []

    def answer(sender, jobs):
        waiting.append(threading.current_thread())
        release.wait()

    try:
        verdict = handing_over.check(answer)
        assert "release.wait()" in verdict.message
        assert "Still running, and out of reach: thread `answer`" in verdict.message
        assert handing_over.check(push_all).outcome == CORRECT
    finally:
        release.set()
        waiting[0].join()


def test_a_thread_that_stays():
    """A thread that an answer leaves behind is named, though the answer was right."""
    release = threading.Event()
    threads = []

    def answer(sender, jobs):
        threads.append(threading.Thread(target=release.wait, name="left behind"))
        threads[0].start()
        return push_all(sender, jobs)

    try:
        verdict = handing_over.check(answer)
        assert verdict.outcome == NOT_YET
        assert "thread `left behind`" in verdict.message
        assert threads[0].daemon
        assert handing_over.check(push_all).outcome == CORRECT
    finally:
        release.set()
        threads[0].join()


def test_a_thread_that_blocks_in_a_socket_ends_with_the_check():
    """A thread of the answer's that waits in a socket of the check's is woken, and is no fault."""

    def answer(sender, jobs):
        def receive():
            with sender.context.socket(zmq.PULL) as mine:
                mine.recv()

        threading.Thread(target=receive).start()
        return push_all(sender, jobs)

    assert handing_over.check(answer).outcome == CORRECT


def test_pyzmqs_own_thread_is_not_the_answers():
    """pyzmq starts a thread at the first send with copy=False; nobody is blamed for it."""

    def answer(sender, jobs):
        sender.send(b"w" * 100_000, copy=False)

    @exercise(solution=answer, hints=["a", "b"])
    def sending(lab, answer):
        """Send a large message."""
        sender, receiver = lab.pair()
        lab.run(answer, sender, [])
        expect(len(lab.drain(receiver)) == 1, "Nothing came.")

    assert repr(sending.check(answer)) == "Correct."


def test_a_worker_that_an_answer_starts_ends_with_the_check(refused):
    """So it does with a handler that never returns."""

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

    assert "returned `" in refused(answer)


def test_an_interrupt_ends_a_check(refused):
    """An Interrupt comes through, and what the check began is ended."""
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
        handing_over.check(answer)
    thread.join()


# Answers that take what is not theirs


def test_an_answer_that_closes_the_socket(refused):
    """It is told so."""

    def answer(sender, jobs):
        sender.close()
        return 2

    assert "closed the socket it was given" in refused(answer)


def test_an_answer_that_terminates_the_context(refused):
    """The term waits until the sockets are closed, so the answer does; its line is shown."""

    def answer(sender, jobs):
        sender.context.term()

    assert "sender.context.term()" in refused(answer)


def test_an_answer_that_destroys_the_context(refused):
    """It is told so."""

    def answer(sender, jobs):
        sender.context.destroy()
        return 2

    assert "terminated the context it was given" in refused(answer)


def test_an_answer_whose_thread_keeps_the_socket(refused):
    """A socket that a thread of the answer's holds on to is not closed under its hands."""
    release = threading.Event()

    def keep(sender, held):
        sender.send(b"x")
        held.set()
        release.wait()

    def answer(sender, jobs):
        held = threading.Event()
        threads.append(threading.Thread(target=keep, args=[sender, held]))
        threads[0].start()
        held.wait()
        sender.send(b"y")

    threads = []
    message = refused(answer)
    release.set()
    threads[0].join()
    assert "WrongThreadError" in message
    assert "Still running" in message


@pytest.mark.parametrize("kind", [zmq.Context, Context])
@pytest.mark.parametrize("address", ["inproc://pair-1", "tcp://127.0.0.1:9"])
def test_a_second_context(refused, kind, address):
    """What an answer sends by another context does not arrive; it is told so, and all is closed."""

    def answer(sender, jobs):
        context = kind()
        mine = context.socket(zmq.PUSH)
        mine.connect(address)
        kept.append(mine)
        return push_all(mine, jobs)

    kept = []
    message = refused(answer)
    assert "Received was `[]`" in message
    assert "made a context of its own" in message
    assert kept[0].closed


def test_a_second_context_that_blocks(refused):
    """A bound PUSH alone in a context of the answer's own waits in send, and is woken."""

    def answer(sender, jobs):
        with zmq.Context() as context, context.socket(zmq.PUSH) as mine:
            mine.bind("inproc://mine")
            mine.send(b"x")

    assert 'mine.send(b"x")' in refused(answer)


def test_a_second_context_that_waits_for_a_peer_in_vain(refused):
    """Its end would wait for ever for somebody to take what is unsent (pyzmq #102)."""

    def answer(sender, jobs):
        with zmq.Context() as context, context.socket(zmq.PUSH) as mine:
            mine.connect("tcp://127.0.0.1:9")
            mine.send(b"x")

    refused(answer)


def test_a_second_context_that_is_terminated_with_an_open_socket(refused):
    """The term waits for the socket, the check closes it."""

    def answer(sender, jobs):
        context = zmq.Context()
        mine = context.socket(zmq.PUSH)
        context.term()
        mine.close()

    assert "context.term()" in refused(answer)


def test_a_thread_of_the_answers_that_raises(refused):
    """Its error is shown with what the answer printed."""

    def answer(sender, jobs):
        thread = threading.Thread(target=lambda: 1 / 0, name="helper")
        thread.start()
        thread.join()

    handing_over.check(answer)
    assert "helper: ZeroDivisionError: division by zero" in handing_over.check(answer).text


# The lab, for those who write exercises


def test_receive_waits_over_tcp():
    """What was sent over TCP is waited for, and what does not come is not there."""
    with lab_module.Lab() as lab:
        pull = lab.socket(zmq.PULL)
        pull.bind("tcp://127.0.0.1:*")
        push = lab.socket(zmq.PUSH)
        push.connect(pull.last_endpoint.decode())
        lab.give(push)
        lab.run(lambda: push.send_multipart([b"a", b"\xff"]) or push.send(b"b"))
        assert lab.receive(pull, 2) == [["a", b"\xff"], "b"]
        assert lab.receive(pull, 1) == []


def test_a_gate_opens_at_the_end():
    """A worker's handler that waits for a gate does not hold up the end of the check."""
    with lab_module.Lab() as lab:
        gate = lab.gate()
        Worker(lambda text: gate.wait(), bind="inproc://jobs", context=lab.context).start()
        push = lab.socket(zmq.PUSH)
        push.connect("inproc://jobs")
        push.send(b"x")
        assert lab.wait_until(lambda: lab.context.timings.summary().handling)
    assert not lab.left
    assert lab.context.closed


def test_a_judge_sees_where_an_answer_waits():
    """A running answer's line, and then its result."""
    release = threading.Event()

    def answer():
        release.wait()
        return 7

    with lab_module.Lab() as lab:
        run = lab.start(answer)
        assert lab.wait_until(lambda: "release.wait()" in run.line)
        assert run.running
        release.set()
        assert run.result() == 7
        assert not run.running
        assert run.took_s > 0


def test_an_exercise_in_which_closing_is_right():
    """`may_close` lets an answer close what it was given."""
    with lab_module.Lab() as lab:
        sender, receiver = lab.pair()
        lab.run(lambda: sender.send(b"x") or sender.close(), may_close=True)
        assert lab.drain(receiver) == ["x"]


def test_a_judge_that_is_broken_says_so():
    """An error of the judge's own is not the learner's: it comes through, and all is ended."""

    @exercise(solution=push_all, hints=["a", "b"])
    def broken(lab, answer):
        """Fail."""
        lab.pair()
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        broken.check(push_all)
