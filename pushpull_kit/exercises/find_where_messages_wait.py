# mypy: allow-untyped-defs, allow-untyped-calls
"""Exercises of notebook 04, find where messages wait."""

import zmq

from .engine.check import exercise, expect, show

SNDHWM, RCVHWM = 30, 20
NO_LIMIT = "no limit"


@exercise(
    solution=[SNDHWM + RCVHWM, (SNDHWM + RCVHWM) // 2, NO_LIMIT],
    hints=[
        "For the first, look at the table of section 2: what does it do with the two marks?",
        "For the second, look at the saw-tooth: how far does it fall before it rises?",
        "For the third, look at the table's last rows.",
        "The two marks add up, a full queue opens when half of that has been taken, and one side "
        f"without a mark leaves the whole without one: {show(NO_LIMIT)}.",
    ],
)
def foretell(lab, answer):
    """Foretell how many are accepted, how many must be taken, and what a mark of 0 does."""
    expect(
        isinstance(answer, (list, tuple)) and len(answer) == 3,
        f"Expected a list of three answers, `[fits, opens_after, one_side]`; got {show(answer)}.",
    )
    fits, opens_after, one_side = answer
    sender, receiver = lab.pair(sndhwm=SNDHWM, rcvhwm=RCVHWM)
    true_accepted = _fill(sender)
    expect(
        fits == true_accepted,
        f"You said that `send` accepts {show(fits)}. It accepted {true_accepted} with marks of "
        f"{SNDHWM} and {RCVHWM}, and nobody took any. There are two queues in a row.",
    )
    true_taken = 0
    while not sender.poll(0, zmq.POLLOUT):
        receiver.recv()
        true_taken += 1
    expect(
        opens_after == true_taken,
        f"{true_accepted} accepted is right. You said that there is room again when "
        f"{show(opens_after)} have been taken. There was room after {true_taken}.",
    )
    sender, _ = lab.pair(sndhwm=SNDHWM, rcvhwm=0)
    most = 10 * true_accepted
    true_one_side = _fill(sender, most)
    expect(
        str(one_side).strip().casefold() == NO_LIMIT,
        f"The first two are right. With a mark of 0 at the receiver you said {show(one_side)}; "
        f"`send` accepted {true_one_side}, and the check stopped there, not `send`.",
    )
    return (
        f"Measured just now: {true_accepted} accepted, room again after {true_taken} were taken, "
        f"and with one mark of 0, {true_one_side} accepted and no end."
    )


def _fill(sender, most=1000):
    """Push until there is no room; nobody receives meanwhile, so a refusal is never stale."""
    for accepted in range(most):
        try:
            sender.send(b"", zmq.NOBLOCK)
        except zmq.Again:
            return accepted
    return most


JOBS = [f"job {number}" for number in range(1, 10)]

#: How long to look for a job that is not to come; one that breaks the limit is there by then.
NOTHING_S = 0.1


def push_within(limit, sender, done, jobs):
    out = 0
    for job in jobs:
        if out == limit:
            done.recv_string()
            out -= 1
        sender.send_string(job)
        out += 1


@exercise(
    solution=push_within,
    hints=[
        "No mark knows how many jobs are out. Who does? You know of each job that you push, and "
        "`done` tells you of each that is finished.",
        "Count. One more is out after each `send_string`, one fewer after each report.",
        "Before a push, look whether as many are out as may be. If so, wait for one report, with "
        "`done.recv_string()`; if not, push at once.",
        "Begin with `out = 0`. For each job: `if out == limit:` receive one report and take one "
        "off; then send the job and add one.",
    ],
)
def bound_what_is_out(lab, answer):
    """Push all jobs, with never more than `limit` of them pushed and not yet reported as done."""
    for limit in (3, 1, 5):
        sender, inbox = lab.pair()
        outbox, done = lab.pair()
        run = lab.start(answer, limit, sender, done, list(JOBS))
        came: list[str] = []
        _take(lab, run, inbox, came, limit)
        lab.wait_until(lambda run=run: not run.running, NOTHING_S)
        for reported in range(len(JOBS) - limit + 1):
            if reported:
                outbox.send_string(str(came[reported - 1]))
            ended = _take(lab, run, inbox, came, limit + reported)
            if ended and len(came) < len(JOBS):
                run.result()
                expect(came, "Your function returned, and no job had been pushed on `sender`.")
                expect(
                    False, f"Your function returned with {len(came)} of {len(JOBS)} jobs pushed."
                )
            so_far = f"With a limit of {limit}, and {reported} reported as done, your function had"
            out = len(came) - reported
            expect(out <= limit, f"{so_far} pushed {len(came)}: {out} were out.")
            expect(
                out == limit,
                f"{so_far} pushed {len(came)}, and then waited, at {run.line}. So {out} were out, "
                f"and {limit} may be.",
            )
        expect(came == JOBS, _differ(came))
        for job in came[-limit:]:
            outbox.send_string(str(job))
        run.result(if_late=f"All {len(JOBS)} jobs are pushed, and all are reported as done.")
    return (
        "At most 3, 1 and 5 jobs were out, and never fewer than might be. Your function knows "
        "nothing of marks, buffers or transports, so this holds over TCP as well."
    )


def _take(lab, run, inbox, came, count):
    """Take jobs until so many have come in all or the answer has ended; return whether it has."""
    lab.wait_until(lambda: came.extend(lab.drain(inbox)) or len(came) >= count or not run.running)
    ended = not run.running
    came.extend(lab.drain(inbox))
    return ended


def _differ(came):
    return f"The jobs were to be {show(JOBS)}; received were {show(came)}."
