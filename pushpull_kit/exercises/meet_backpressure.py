# mypy: allow-untyped-defs, allow-untyped-calls
"""Exercises of notebook 03, meet backpressure."""

import time

import zmq

from .engine.check import exercise, expect, show

JOBS = ["wash", "dry", "iron", "fold", "pack"]
MANY = [f"job {number}" for number in range(1000)]
PATIENCE_MS = 100  # for each of MANY jobs, this would take longer than the check allows


def push_what_fits(sender, jobs):
    refused = []
    for job in jobs:
        try:
            sender.send_string(job, zmq.NOBLOCK)
        except zmq.Again:
            refused.append(job)
    return refused


@exercise(
    solution=push_what_fits,
    hints=[
        "Which of the three functions in section 2 never waits?",
        "`sender.send_string(job, zmq.NOBLOCK)` raises `zmq.Again` where there is no room. Catch "
        "it for each job by itself: the `try` belongs inside the loop.",
        "Begin with `refused = []`. In `except zmq.Again:`, append the job to it. Return it after "
        "the loop.",
    ],
)
def refuse_when_full(harness, answer):
    """Push each job that fits now, never wait, and return the others."""
    for room in (2, 2 * len(JOBS)):
        sender, receiver = harness.pair(sndhwm=room // 2, rcvhwm=room // 2)
        refused = harness.run(
            answer,
            sender,
            list(JOBS),
            returns=(list, tuple),
            if_late="No job is received while it runs, so no room becomes free.",
        )
        came, refused = harness.drain(receiver), list(refused)
        fit, others = JOBS[:room], JOBS[room:]
        expect(came, "Your function returned, and no message had been pushed on `sender`.")
        expect(
            came == fit,
            f"The queue had room for the first {len(fit)} of {show(JOBS)}; it held {show(came)}.",
        )
        expect(
            not others or refused != fit,
            f"Your function returned {show(refused)}: those were accepted. Return the others.",
        )
        expect(
            len(refused) >= len(others),
            f"{len(others)} jobs were not accepted, and your function returned {len(refused)}, "
            f"{show(refused)}. Return all of them.",
        )
        expect(
            refused == others,
            f"The jobs that were not accepted were {show(others)}, in this order; your function "
            f"returned {show(refused)}.",
        )
    return (
        "With room for two, two jobs were accepted and three returned; with room for ten, all were "
        "accepted. Each job was accepted or returned."
    )


def push_within(sender, jobs, patience_ms):
    end_s = time.monotonic() + patience_ms / 1000
    refused = []
    for job in jobs:
        left_ms = 1000 * (end_s - time.monotonic())
        sender.sndtimeo = max(0, int(left_ms))
        try:
            sender.send_string(job)
        except zmq.Again:
            refused.append(job)
    return refused


@exercise(
    solution=push_within,
    hints=[
        "`sndtimeo` limits one send. How much of `patience_ms` is left after that send?",
        "First compute when the time is over, with `time.monotonic()`. Before each send, set "
        "`sndtimeo` to the milliseconds until then, as an `int`.",
        "When the time is over, the difference is negative, and -1 means to wait without limit: "
        "`sender.sndtimeo = max(0, int(left_ms))`.",
        "The rest is as in the first exercise, without `zmq.NOBLOCK`.",
    ],
)
def share_one_patience(harness, answer):
    """Push jobs, wait no longer than `patience_ms` for all of them together, return the others."""
    sender, receiver = harness.pair(sndhwm=1, rcvhwm=1)
    refused = harness.run(
        answer,
        sender,
        list(MANY),
        PATIENCE_MS,
        returns=(list, tuple),
        if_late=f"No job was received, and `patience_ms` was {PATIENCE_MS}, for all {len(MANY):,} "
        "jobs together.",
    )
    came, refused = harness.drain(receiver), list(refused)
    expect(came, "Your function returned, and no message had been pushed on `sender`.")
    expect(
        came == MANY[:2],
        f"No job was received, and the queue had room for the first two; it held {show(came)}.",
    )
    expect(
        refused == MANY[2:],
        f"The queue accepted the first 2 of {len(MANY):,} jobs. Expected the other "
        f"{len(MANY) - 2} back; your function returned {len(refused)}, {show(refused)}.",
    )

    sender, receiver = harness.pair(sndhwm=1, rcvhwm=1)
    run = harness.start(answer, sender, list(JOBS), 60_000)
    harness.wait_until(
        lambda: not run.running, 0.2
    )  # an answer that does not wait has ended by then
    came = harness.receive(receiver, len(JOBS))
    refused = list(run.result(returns=(list, tuple), if_late="A worker was receiving the jobs."))
    expect(
        came == JOBS and not refused,
        f"`patience_ms` was 60,000, and the worker was busy for a moment only. Expected that all "
        f"of {show(JOBS)} are accepted. Received were {show(came)}; your function returned "
        f"{show(refused)}.",
    )
    return (
        f"With {len(MANY):,} jobs and no receiver, your function gave up once, for all of them. "
        "With a worker that was late, it waited, and all jobs were accepted."
    )
