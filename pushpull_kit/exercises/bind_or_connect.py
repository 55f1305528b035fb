# mypy: allow-untyped-defs, allow-untyped-calls
"""Exercises of notebook 02, bind or connect."""

import time

import zmq

from .engine.check import exercise, expect, show

NOBODY = "tcp://127.0.0.1:1"  # a port that no program of today listens at

SOCKETS = {
    "binds, nobody there": "waits",
    "binds, one receiver connected": "queues",
    "connects over TCP, nobody there": "queues",
    "connects over TCP with immediate, nobody there": "waits",
    "connects over inproc with immediate, nobody there": "queues",
}

WHY = {
    "binds, nobody there": "`bind` makes no pipe: see section 1.",
    "binds, one receiver connected": "Who connects brings a pipe along: see section 3.",
    "connects over TCP, nobody there": "`connect` makes the pipe at once: see section 4.",
    "connects over TCP with immediate, nobody there": (
        "With `immediate` there is no pipe before there is a connection: see section 6."
    ),
    "connects over inproc with immediate, nobody there": (
        "Over inproc the option changes nothing: see the end of section 6."
    ),
}


@exercise(
    solution=SOCKETS,
    hints=[
        "One question for each: is there a pipe? The table at the end of section 6 has them all.",
        "`bind` waits for somebody, `connect` does not, `immediate` makes a `connect` like a "
        "`bind`, and inproc takes no notice of `immediate`.",
    ],
)
def queues_or_waits(lab, answer):
    """Say of five sockets whether `send` would queue or wait."""
    expect(
        isinstance(answer, dict) and set(answer) == set(SOCKETS),
        f"Keep the five lines of the stub, and fill in their values; got {show(answer)}.",
    )
    for name, said in answer.items():
        expect(
            said in ("queues", "waits"),
            f'Say `"queues"` or `"waits"` for "{name}"; you said {show(said)}.',
        )
    sockets = {name: lab.socket(zmq.PUSH) for name in SOCKETS}
    alone, visited, connected, immediate, inproc = sockets.values()
    immediate.immediate = inproc.immediate = True
    alone.bind("inproc://alone")
    visited.bind("inproc://visited")
    lab.socket(zmq.PULL).connect("inproc://visited")
    connected.connect(NOBODY)
    immediate.connect(NOBODY)
    inproc.connect("inproc://nobody")
    for name, socket in sockets.items():
        measured = "queues" if socket.poll(0, zmq.POLLOUT) else "waits"
        expect(
            answer[name] == measured,
            f'"{name}": you said {show(answer[name])}; it was tried just now, and it '
            f"{measured}. {WHY[name]}",
        )
    return "All five were tried just now, with a poller, and did as you said."


def offer_job(sender, job):
    try:
        sender.send_string(job, zmq.NOBLOCK)
    except zmq.Again:
        return False
    return True


@exercise(
    solution=offer_job,
    hints=[
        "Section 2 has three ways not to wait. Two of them need no limit in milliseconds.",
        "`sender.send_string(job, zmq.NOBLOCK)` pushes, or raises `zmq.Again` at once.",
        "Put it into a `try`. `except zmq.Again` is where to return `False`.",
    ],
)
def offer(lab, answer):
    """Push a job if that is possible without waiting, and say whether it was."""
    sender, receiver = lab.socket(zmq.PUSH), lab.socket(zmq.PULL)
    sender.bind("inproc://offer")
    lab.give(sender)
    late = "Nobody was there to take the job: return `False` then, without waiting."
    said = lab.run(answer, sender, "wash", returns=bool, if_late=late)
    expect(not said, "Nobody was connected, and your function returned `True`.")

    receiver.connect("inproc://offer")
    lab.give(sender).poll(0, zmq.POLLOUT)  # so that it has heard of it
    said = lab.run(answer, lab.give(sender), "dry", returns=bool)
    came = lab.drain(receiver)
    expect(
        came or not said,
        "A receiver was connected; your function returned `True`, and had pushed nothing.",
    )
    expect(
        said or not came,
        f"A receiver was connected, and got {show(came)}; but your function returned `False`.",
    )
    expect(
        said, "A receiver was connected, and your function returned `False`, and pushed nothing."
    )
    expect(
        came == ["dry"],
        f"One job, `dry`, was to be pushed; received was {show(came)}. The job that had been "
        "refused before is its caller's again.",
    )

    sender, receiver = lab.pair(sndhwm=1, rcvhwm=1)
    late = "Its pipe was full: return `False` then too, without waiting."
    said = [lab.run(answer, sender, job, returns=bool, if_late=late) for job in "abc"]
    came = lab.drain(receiver)
    expect(
        (said, came) == ([True, True, False], ["a", "b"]),
        f"Three jobs were offered where two have room: you returned {show(said)}, and received "
        f"was {show(came)}.",
    )
    return "Refused by nobody and by a full pipe, accepted else, and never waited."


def push_within(sender, jobs, patience_s):
    end_s = time.monotonic() + patience_s
    for number, job in enumerate(jobs):
        left_s = max(0, end_s - time.monotonic())
        sender.sndtimeo = int(left_s * 1000)
        try:
            sender.send_string(job)
        except zmq.Again:
            return jobs[number:]
    return []


@exercise(
    solution=push_within,
    hints=[
        "Section 2 has two ways to wait for a while: a limit to `send`, or a poller that waits for "
        "you. Either will do.",
        "Both count in *milliseconds*, whole ones: `sender.sndtimeo = int(patience_s * 1000)`. At "
        "the end of that, `send_string` raises `zmq.Again`.",
        "With `for number, job in enumerate(jobs)`, what is left when `zmq.Again` was raised is "
        "`jobs[number:]`. After the loop, nothing is left: `[]`.",
        "Patience is for all jobs together: note `end_s = time.monotonic() + patience_s` first. "
        "Before each job, what is left of it is `max(0, end_s - time.monotonic())`.",
    ],
)
def patience(lab, answer):
    """Push jobs, wait for a receiver in bounded time, and give back what was not accepted."""
    alone = lab.socket(zmq.PUSH)
    alone.bind("inproc://alone")
    jobs = [f"job {number}" for number in range(200)]
    left = lab.run(
        answer,
        lab.give(alone),
        list(jobs),
        0.1,
        returns=list,
        if_late=f"Nobody came, and your patience was for 0.1 s. It is for all {len(jobs)} jobs "
        "together, not for each.",
    )
    expect(
        left == jobs,
        f"Nobody came, so all {len(jobs)} jobs were to be returned, in order; you returned "
        f"{len(left)}: {show(left)}.",
    )

    sender, receiver = lab.socket(zmq.PUSH), lab.socket(zmq.PULL)
    sender.bind("inproc://late")
    run = lab.start(answer, lab.give(sender), ["wash", "dry"], 60.0)
    lab.wait_until(lambda: not run.running, 0.3)
    if not run.running:
        left = run.result(returns=list)
        expect(
            False,
            f"Your patience was for 60 s, and after {run.took_s:.2f} s your function gave up and "
            f"returned {show(left)}, before the receiver came.",
        )
    receiver.connect("inproc://late")
    left = run.result(returns=list, if_late="A receiver had come, and you had not noticed.")
    came = lab.drain(receiver)
    expect(
        (came, left) == (["wash", "dry"], []),
        f"A receiver came, late: it was to get both jobs. It got {show(came)}, and you returned "
        f"{show(left)}.",
    )

    sender, receiver = lab.pair(sndhwm=2, rcvhwm=2)
    late = "The pipe was full, and stayed so: give up on what is left then too."
    left = lab.run(answer, sender, list("abcdef"), 0.1, returns=list, if_late=late)
    came = lab.drain(receiver)
    expect(
        came + left == list("abcdef"),
        f"Six jobs, with room for four: each was to be received or returned, once, in order. "
        f"Received were {show(came)}, and you returned {show(left)}.",
    )
    return (
        "All jobs came back when nobody was there, none when a receiver came late, and two of six "
        "when there was room for four. Each was accepted or returned, and none was lost."
    )
