# mypy: allow-untyped-defs, allow-untyped-calls
"""Exercises of notebook 03, meet backpressure."""

import time

import zmq

from .engine.check import exercise, expect, show

JOBS = ["wash", "dry", "iron", "fold", "pack"]
MANY = [f"job {number}" for number in range(1000)]
PATIENCE_MS = 100  # with MANY jobs that do not fit, nobody takes this for each of them


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
def refuse_when_full(lab, answer):
    """Push each job that fits now, never wait, and return the others."""
    for room in (2, 2 * len(JOBS)):
        sender, receiver = lab.pair(sndhwm=room // 2, rcvhwm=room // 2)
        refused = lab.run(
            answer,
            sender,
            list(JOBS),
            returns=(list, tuple),
            if_late="Nobody takes a job while it runs, so a place for one more never comes.",
        )
        came, refused = lab.drain(receiver), list(refused)
        fit, others = JOBS[:room], JOBS[room:]
        expect(came, "Your function returned, and no message had been pushed on `sender`.")
        expect(
            came == fit,
            f"Of {show(JOBS)} the queue had room for the first {len(fit)}. In it was {show(came)}.",
        )
        expect(
            not others or refused != fit,
            f"Your function returned {show(refused)}: those were accepted. Return the others.",
        )
        expect(
            len(refused) >= len(others),
            f"{len(others)} jobs were not accepted, and your function returned {len(refused)}, "
            f"{show(refused)}. Who is to look after the others?",
        )
        expect(
            refused == others,
            f"The jobs that were not accepted were {show(others)}, in this order; your function "
            f"returned {show(refused)}.",
        )
    return (
        "With room for two, two were accepted and three came back to you; with room for ten, all "
        "were accepted. Each job is in one place or the other."
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
        "`sndtimeo` is the patience for one send. What is left of yours after that send?",
        "Work out at the beginning when the patience ends, by `time.monotonic()`. Before each "
        "send, set `sndtimeo` to the milliseconds until then, as an `int`.",
        "When the patience is over, less than nothing is left, and -1 means to wait for ever: "
        "`sender.sndtimeo = max(0, int(left_ms))`.",
        "The rest is as in the first exercise, without `zmq.NOBLOCK`.",
    ],
)
def share_one_patience(lab, answer):
    """Push jobs, wait no longer than `patience_ms` for all of them together, return the others."""
    sender, receiver = lab.pair(sndhwm=1, rcvhwm=1)
    refused = lab.run(
        answer,
        sender,
        list(MANY),
        PATIENCE_MS,
        returns=(list, tuple),
        if_late=f"Nobody took a job, and `patience_ms` was {PATIENCE_MS}, for all {len(MANY):,} "
        "jobs together.",
    )
    came, refused = lab.drain(receiver), list(refused)
    expect(came, "Your function returned, and no message had been pushed on `sender`.")
    expect(
        came == MANY[:2],
        f"Nobody took a job, and the queue had room for the first two. In it was {show(came)}.",
    )
    expect(
        refused == MANY[2:],
        f"The queue took the first 2 of {len(MANY):,} jobs, so that the other {len(MANY) - 2} were "
        f"to be returned; your function returned {len(refused)}, {show(refused)}.",
    )

    sender, receiver = lab.pair(sndhwm=1, rcvhwm=1)
    run = lab.start(answer, sender, list(JOBS), 60_000)
    lab.wait_until(lambda: not run.running, 0.2)  # one that does not wait has ended by then
    came = lab.receive(receiver, len(JOBS))
    refused = list(run.result(returns=(list, tuple), if_late="A worker had taken its jobs."))
    expect(
        came == JOBS and not refused,
        f"With 60 s of patience, and a worker that was busy for a moment only, all of {show(JOBS)} "
        f"were to be accepted. Received was {show(came)}; your function returned {show(refused)}.",
    )
    return (
        f"{len(MANY):,} jobs and nobody to take them: your function gave up once, for all of them. "
        "With a worker that came late, it waited, and all jobs were accepted."
    )
