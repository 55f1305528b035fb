# mypy: allow-untyped-defs, allow-untyped-calls
"""Exercises of notebook 05, share work among workers."""

import zmq

from ..sockets.worker import Worker
from .engine.check import exercise, expect, show

TASKS = [f"task {i}" for i in range(20)]

#: With half of what blind sharing gives it, the slow worker is done in half the time.
SLOW_AT_MOST = len(TASKS) // 4


def connect_all(ventilator, endpoints):
    ventilator.sndhwm = 1
    for endpoint in endpoints:
        ventilator.connect(endpoint)


@exercise(
    solution=connect_all,
    hints=[
        "One PUSH socket serves all workers. Look at the function `share` of section 2: how does "
        "it come by its workers, and what does it set before?",
        "As long as there is room in a worker's queue, it gets every second task. Which option of "
        "the socket says how much room there is?",
        "`ventilator.sndhwm = 1`, and then one `connect` for each endpoint.",
    ],
)
def mind_the_load(lab, answer):
    """Connect a PUSH so that it gives a busy worker no more than it has room for."""
    busy = lab.gate()
    how = {"context": lab.context, "rcvhwm": 1}
    slow = Worker(lambda task: busy.wait(), bind="inproc://slow", name="slow", **how).start()
    fast = Worker(lambda task: None, bind="inproc://fast", name="fast", **how).start()
    ventilator = lab.socket(zmq.PUSH)
    lab.run(answer, ventilator, [slow.endpoint, fast.endpoint])
    early = lab.context.timings.summary().pushed
    expect(not early, f"Your function pushed {early} messages of its own. It was only to connect.")
    ventilator.sndtimeo = 1000
    for accepted, task in enumerate(TASKS):
        try:
            ventilator.send_string(task)
        except zmq.Again:
            expect(
                fast.finished,
                f"After {accepted} of {len(TASKS)} tasks `send` waited, and the fast worker had "
                "got nothing. Connect the socket that you are given to each endpoint.",
            )
            expect(
                False,
                "`send` waited while the fast worker had nothing to do: its queue, once full, did "
                "not open again. Set the mark before you connect.",
            )
    busy.set()
    lab.wait_until(lambda: slow.finished + fast.finished >= len(TASKS))
    for idle, other in (fast, slow), (slow, fast):
        expect(
            idle.finished,
            f"The {idle.name} worker got nothing, the {other.name} one {other.finished} tasks. "
            "Connect the socket to each endpoint.",
        )
    mark = ventilator.sndhwm
    why = f"The send mark (`sndhwm`) of your socket is {mark:,}"
    why += ", which means no mark at all." if mark == 0 else "."
    if ventilator.rcvhwm != 1000:
        why += f" Its `rcvhwm` is {ventilator.rcvhwm}, but a PUSH never receives."
    expect(
        slow.finished <= SLOW_AT_MOST,
        f"The slow worker was busy with its first task all the while, and got {slow.finished} of "
        f"{len(TASKS)} tasks: at most {SLOW_AT_MOST} would halve the makespan. {why}",
    )
    return (
        f"The slow worker, held at its first task, got {slow.finished} of {len(TASKS)} tasks; the "
        f"fast one did {fast.finished} meanwhile. By turn it would have been {len(TASKS) // 2} and "
        f"{len(TASKS) // 2}."
    )


def share_out(ready, senders, tasks):
    for task in tasks:
        name = ready.recv_string()
        senders[name].send_string(task)


@exercise(
    solution=share_out,
    hints=[
        "Who is to get the first task? You cannot know, but somebody tells you. On which socket?",
        "Do not deal and then ask: ask first. For each task, wait for one name, whoever's it is.",
        "`name = ready.recv_string()` waits for the next worker that is free, and "
        "`senders[name]` is the PUSH that leads to it.",
        "A loop over `tasks` with two lines in it: receive a name, push the task to that name. "
        "After the last task there is nothing to wait for.",
    ],
)
def halve_the_makespan(lab, answer):
    """Give each task to a worker that has said that it is ready."""
    inbox, ready = lab.pair()
    to_slow, slow = lab.pair()
    to_fast, fast = lab.pair()
    for name in "slow", "fast":
        inbox.send_string(name)
    run = lab.start(answer, ready, {"slow": to_slow, "fast": to_fast}, list(TASKS))
    by_fast: list[object] = []
    while len(by_fast) < len(TASKS) - 1:
        came = lab.receive(fast, 1)
        by_fast += came
        if not came:
            break
        inbox.send_string("fast")  # the slow one has its first task in hand all the while
    waits = f" and then waited, at {run.line}" if run.running else ""
    if len(by_fast) == len(TASKS) - 1:
        run.result(if_late="All tasks were pushed: there is nothing more to wait for.")
    elif not run.running:
        run.result()  # what it raised, for one
    by_slow = lab.drain(slow)
    by_fast += lab.drain(fast)
    odd = [message for message in by_slow + by_fast if message not in TASKS]
    expect(not odd, f"Push each task as it is, and nothing else. The workers received {show(odd)}.")
    expect(by_slow or by_fast, f"Your function pushed no task{waits}.")
    given = (
        f"Your function pushed {len(by_slow)} tasks to the slow worker, {len(by_fast)} to the fast "
        f"one, of {len(TASKS)}{waits}. "
    )
    expect(by_slow, f"{given}The slow worker, too, had said that it was ready.")
    expect(
        len(by_slow) <= 1,
        f"{given}The slow worker had said once that it was ready, and was busy with its first task "
        "all the while.",
    )
    expect(
        len(by_fast) == len(TASKS) - 1,
        f"{given}The fast worker says that it is ready after each task: go on until all tasks are "
        "pushed.",
    )
    expect(
        sorted(by_slow + by_fast) == sorted(TASKS),
        f"Each task was to be pushed once; the workers received {show(by_slow + by_fast)}.",
    )
    return (
        f"The slow worker, busy with its first task, got {len(by_slow)} of {len(TASKS)} tasks, the "
        f"fast one {len(by_fast)}. No mark was needed: this works by any transport."
    )
