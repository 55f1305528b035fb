"""An exercise for the tests of the check engine, and a check that must refuse its answer."""

import time

from pushpull_kit.exercises.engine.check import exercise, expect, show
from pushpull_kit.exercises.engine.harness import Harness
from pushpull_kit.exercises.engine.verdict import CORRECT, NOT_YET

#: A check that is refused, and one of the solution, take less than this.
MAX_CHECKS_S = 20


def push_all(sender, jobs):
    for job in jobs:
        sender.send_string(job)
    return len(jobs)


@exercise(solution=push_all, hints=["gently", "plainly"])
def push_two(harness, answer):
    """Push two jobs, and return how many."""
    sender, receiver = harness.pair(sndhwm=10, rcvhwm=10)
    count = harness.run(answer, sender, ["wash", "dry"], returns=int, if_late="Do not wait.")
    came = harness.drain(receiver)
    expect(came == ["wash", "dry"], f"Received was {show(came)}.")
    expect(count == 2, f"It returned {show(count)}.")
    return "Both came."


def refused(answer):
    """Check an answer that must be refused; the solution passes afterwards. Return the verdict."""
    began_s = time.monotonic()
    verdict = push_two.check(answer)
    assert verdict.outcome == NOT_YET, verdict
    assert push_two.check(push_all).outcome == CORRECT
    assert time.monotonic() - began_s < MAX_CHECKS_S
    return verdict


def shorten_limits(monkeypatch):
    """Let an answer run for half a second, and each step of the end wait as long."""
    monkeypatch.setattr(Harness, "limit_s", 0.5)
    monkeypatch.setattr(Harness, "grace_s", 0.5)
