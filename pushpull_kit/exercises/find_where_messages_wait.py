# mypy: allow-untyped-defs, allow-untyped-calls
"""Exercises of notebook 04, find where messages wait."""

import zmq

from .engine.check import exercise, expect, show

SNDHWM, RCVHWM = 30, 20
NO_LIMIT = "no limit"


@exercise(
    solution=[SNDHWM + RCVHWM, (SNDHWM + RCVHWM) // 2, NO_LIMIT],
    hints=[
        "For the first, look at the table of section 2: how does the count follow from both marks?",
        "For the second, look at the saw-tooth: how far does it fall before it rises?",
        "For the third, look at the table's last rows.",
        "The two marks add up. A full queue accepts messages again when half of them have been "
        f"received. If one of the two has no mark, the answer is {show(NO_LIMIT)}.",
    ],
)
def foretell(harness, answer):
    """Predict how many are accepted, how many must be received, and what a mark of 0 does."""
    expect(
        isinstance(answer, (list, tuple)) and len(answer) == 3,
        f"Expected a list of three answers, `[fits, opens_after, one_side]`; got {show(answer)}.",
    )
    fits, opens_after, one_side = answer
    sender, receiver = harness.pair(sndhwm=SNDHWM, rcvhwm=RCVHWM)
    accepted = _fill(sender)
    expect(
        fits == accepted,
        f"You said that `send` accepts {show(fits)}. It accepted {accepted} with marks of "
        f"{SNDHWM} and {RCVHWM}, while none was received. There are two queues in a row.",
    )
    received = 0
    while not sender.poll(0, zmq.POLLOUT):
        receiver.recv()
        received += 1
    expect(
        opens_after == received,
        f"{accepted} accepted is right. You said that there is room again when "
        f"{show(opens_after)} have been received. There was room after {received}.",
    )
    sender, _ = harness.pair(sndhwm=SNDHWM, rcvhwm=0)
    tried = 10 * accepted
    accepted_without_mark = _fill(sender, tried)
    expect(
        str(one_side).strip().casefold() == NO_LIMIT,
        f"The first two are right. With a mark of 0 at the receiver you said {show(one_side)}; "
        f"`send` accepted {accepted_without_mark} of {tried} that were tried.",
    )
    return (
        f"Measured: {accepted} accepted, room again after {received} were received, and with one "
        f"mark of 0, {accepted_without_mark} of {tried} accepted."
    )


def _fill(sender, tries=1000):
    """Push until a message is refused, and return how many were accepted."""
    for accepted in range(tries):
        try:
            sender.send(b"", zmq.NOBLOCK)
        except zmq.Again:
            return accepted
    return tries


JOBS = [f"job {number}" for number in range(1, 10)]

#: How long to wait for one job too many. An answer that breaks the limit has pushed it by then.
TOO_MANY_S = 0.1


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
        "No mark counts the jobs that are out, but you can: you push each job, and `done` reports "
        "each job that is finished.",
        "After each `send_string` one more is out, after each report one fewer.",
        "Before each push, compare the count with `limit`. If they are equal, wait for one report, "
        "with `done.recv_string()`; otherwise push at once.",
        "Begin with `out = 0`. For each job: `if out == limit:` receive one report and subtract "
        "one; then send the job and add one.",
    ],
)
def bound_what_is_out(harness, answer):
    """Push all jobs, with never more than `limit` of them pushed and not yet reported as done."""
    for limit in (3, 1, 5):
        sender, inbox = harness.pair()
        outbox, done = harness.pair()
        run = harness.start(answer, limit, sender, done, list(JOBS))
        came: list[str] = []
        _take(harness, run, inbox, came, limit)
        harness.wait_until(lambda run=run: not run.running, TOO_MANY_S)
        for reported in range(len(JOBS) - limit + 1):
            if reported:
                outbox.send_string(str(came[reported - 1]))
            ended = _take(harness, run, inbox, came, limit + reported)
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
                f"{so_far} pushed {len(came)}, and then waited, at {run.line}. So {out} were out; "
                f"expected {limit}.",
            )
        expect(came == JOBS, _differ(came))
        for job in came[-limit:]:
            outbox.send_string(str(job))
        run.result(if_late=f"All {len(JOBS)} jobs are pushed, and all are reported as done.")
    return (
        "At most 3, 1 and 5 jobs were out, and always as many as allowed. Your function does not "
        "depend on marks, buffers or transports, so this holds over TCP as well."
    )


def _take(harness, run, inbox, came, count):
    """Add jobs to `came` until it has `count` or the answer has ended; return whether it has."""

    def came_or_ended():
        came.extend(harness.drain(inbox))
        return len(came) >= count or not run.running

    harness.wait_until(came_or_ended)
    ended = not run.running
    came.extend(harness.drain(inbox))
    return ended


def _differ(came):
    return f"Expected the jobs {show(JOBS)}; received {show(came)}."
