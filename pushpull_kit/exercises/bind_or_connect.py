# mypy: allow-untyped-defs, allow-untyped-calls
"""Exercises of notebook 02, bind or connect."""

import time

import zmq

from .engine.check import exercise, expect, show

NO_LISTENER = "tcp://127.0.0.1:1"  # no program of today listens at this port

SOCKETS = {
    "binds, nobody there": "waits",
    "binds, one receiver connected": "queues",
    "connects over TCP, nobody there": "queues",
    "connects over TCP with immediate, nobody there": "waits",
    "connects over inproc with immediate, nobody there": "queues",
}

WHY = {
    "binds, nobody there": "`bind` makes no pipe: see section 1.",
    "binds, one receiver connected": "A peer that connects makes a pipe: see section 3.",
    "connects over TCP, nobody there": "`connect` makes the pipe at once: see section 4.",
    "connects over TCP with immediate, nobody there": (
        "With `immediate` there is no pipe before there is a connection: see section 6."
    ),
    "connects over inproc with immediate, nobody there": (
        "Over inproc `immediate` changes nothing: see the end of section 6."
    ),
}


@exercise(
    solution=SOCKETS,
    hints=[
        "Ask of each socket: does it have a pipe? The table at the end of section 6 says so.",
        "A bound socket has no pipe until a peer connects. A connected socket has one at once. "
        "With `immediate` it has one when the connection is made, except over inproc.",
    ],
)
def queues_or_waits(harness, answer):
    """Predict for five sockets whether `send` queues the message or waits."""
    expect(
        isinstance(answer, dict) and set(answer) == set(SOCKETS),
        f"Keep the five lines of the stub, and fill in their values; got {show(answer)}.",
    )
    for name, said in answer.items():
        expect(
            said in ("queues", "waits"),
            f'Say `"queues"` or `"waits"` for "{name}"; you said {show(said)}.',
        )
    sockets = {name: harness.socket(zmq.PUSH) for name in SOCKETS}
    alone, visited, connected, immediate, inproc = sockets.values()
    immediate.immediate = inproc.immediate = True
    alone.bind("inproc://alone")
    visited.bind("inproc://visited")
    harness.socket(zmq.PULL).connect("inproc://visited")
    connected.connect(NO_LISTENER)
    immediate.connect(NO_LISTENER)
    inproc.connect("inproc://nobody")
    for name, socket in sockets.items():
        measured = "queues" if socket.poll(0, zmq.POLLOUT) else "waits"
        expect(
            answer[name] == measured,
            f'"{name}": you said {show(answer[name])}; a real socket {measured}. {WHY[name]}',
        )
    return "Five real sockets did what you said."


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
        "Put it into a `try`, and return `False` in `except zmq.Again`.",
    ],
)
def offer(harness, answer):
    """Push a job if that is possible without waiting, and return whether it was accepted."""
    sender, receiver = harness.socket(zmq.PUSH), harness.socket(zmq.PULL)
    sender.bind("inproc://offer")
    harness.give(sender)
    late = "No receiver was connected: return `False` then, without waiting."
    accepted = harness.run(answer, sender, "wash", returns=bool, if_late=late)
    expect(not accepted, "No receiver was connected, but your function returned `True`.")

    receiver.connect("inproc://offer")
    harness.give(sender).poll(0, zmq.POLLOUT)  # so that the sender has met its peer
    accepted = harness.run(answer, harness.give(sender), "dry", returns=bool)
    came = harness.drain(receiver)
    expect(
        came or not accepted,
        "A receiver was connected. Your function returned `True`, but had pushed nothing.",
    )
    expect(
        accepted or not came,
        f"A receiver was connected, and got {show(came)}; but your function returned `False`.",
    )
    expect(
        accepted,
        "A receiver was connected, and your function pushed nothing and returned `False`.",
    )
    expect(
        came == ["dry"],
        f"Expected one job, `dry`; received {show(came)}. A job that was refused belongs to the "
        "caller again: do not keep it.",
    )

    sender, receiver = harness.pair(sndhwm=1, rcvhwm=1)
    late = "The pipe was full: return `False` then too, without waiting."
    accepted = [harness.run(answer, sender, job, returns=bool, if_late=late) for job in "abc"]
    came = harness.drain(receiver)
    expect(
        (accepted, came) == ([True, True, False], ["a", "b"]),
        f"Three jobs were offered, and the pipe had room for two. You returned {show(accepted)}; "
        f"received were {show(came)}.",
    )
    return (
        "It refused without a receiver and with a full pipe, accepted otherwise, and never waited."
    )


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
        "Section 2 has two ways to wait for a limited time: a limit for `send`, or a poller. Both "
        "will do.",
        "Both count in whole *milliseconds*: `sender.sndtimeo = int(patience_s * 1000)`. After "
        "that time, `send_string` raises `zmq.Again`.",
        "With `for number, job in enumerate(jobs)`, the jobs left after `zmq.Again` are "
        "`jobs[number:]`. After the loop, no job is left: `[]`.",
        "The limit is for all jobs together, so begin with `end_s = time.monotonic() + "
        "patience_s`. Before each job, the time left is `max(0, end_s - time.monotonic())`.",
    ],
)
def patience(harness, answer):
    """Push jobs, wait for a receiver in bounded time, and return what was not accepted."""
    alone = harness.socket(zmq.PUSH)
    alone.bind("inproc://alone")
    jobs = [f"job {number}" for number in range(200)]
    left = harness.run(
        answer,
        harness.give(alone),
        list(jobs),
        0.1,
        returns=list,
        if_late=f"No receiver came, and `patience_s` was 0.1, for all {len(jobs)} jobs together, "
        "not for each.",
    )
    expect(
        left == jobs,
        f"No receiver came. Expected all {len(jobs)} jobs back, in order; you returned "
        f"{len(left)}: {show(left)}.",
    )

    sender, receiver = harness.socket(zmq.PUSH), harness.socket(zmq.PULL)
    sender.bind("inproc://late")
    run = harness.start(answer, harness.give(sender), ["wash", "dry"], 60.0)
    harness.wait_until(lambda: not run.running, 0.3)
    if not run.running:
        left = run.result(returns=list)
        expect(
            False,
            f"`patience_s` was 60, but after {run.took_s:.2f} s your function gave up and returned "
            f"{show(left)}, before the receiver came.",
        )
    receiver.connect("inproc://late")
    left = run.result(returns=list, if_late="A receiver had connected meanwhile.")
    came = harness.drain(receiver)
    expect(
        (came, left) == (["wash", "dry"], []),
        f"A receiver came late. Expected that it gets both jobs. It got {show(came)}, and you "
        f"returned {show(left)}.",
    )

    sender, receiver = harness.pair(sndhwm=2, rcvhwm=2)
    late = "The pipe was full, and no job was received: return what is left then too."
    left = harness.run(answer, sender, list("abcdef"), 0.1, returns=list, if_late=late)
    came = harness.drain(receiver)
    expect(
        came + left == list("abcdef"),
        f"Six jobs, with room for four: expected each job once, in order, received or returned. "
        f"Received were {show(came)}, and you returned {show(left)}.",
    )
    return (
        "Without a receiver you returned all jobs, with a late receiver none, and with room for "
        "four you returned two of six. Each job was accepted or returned, and none was lost."
    )
