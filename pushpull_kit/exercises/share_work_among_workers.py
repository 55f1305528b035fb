# mypy: allow-untyped-defs, allow-untyped-calls
"""Exercises of notebook 05, share work among workers."""

import zmq

from ..sockets.worker import Worker
from .engine.check import exercise, expect, show

TASKS = [f"task {i}" for i in range(20)]

#: The slow worker is done in half the time with half of what it gets if tasks are sent in turn.
MAX_SLOW = len(TASKS) // 4


def connect_all(ventilator, endpoints):
    ventilator.sndhwm = 1
    for endpoint in endpoints:
        ventilator.connect(endpoint)


@exercise(
    solution=connect_all,
    hints=[
        "One PUSH socket serves all workers. Look at the function `share` of section 2: how does "
        "it connect to its workers, and which option does it set before?",
        "As long as there is room in a worker's queue, it gets every second task. Which option of "
        "the socket says how much room there is?",
        "`ventilator.sndhwm = 1`, and then one `connect` for each endpoint.",
    ],
)
def mind_the_load(harness, answer):
    """Connect a PUSH so that a busy worker gets few of the tasks."""
    busy = harness.gate()
    options = {"context": harness.context, "rcvhwm": 1}
    slow = Worker(lambda task: busy.wait(), bind="inproc://slow", name="slow", **options).start()
    fast = Worker(lambda task: None, bind="inproc://fast", name="fast", **options).start()
    ventilator = harness.socket(zmq.PUSH)
    harness.run(answer, ventilator, [slow.endpoint, fast.endpoint])
    early = harness.context.timings.summary().pushed
    expect(
        not early,
        f"Your function pushed {early} messages of its own. Expected that it only connects.",
    )
    ventilator.sndtimeo = 1000
    for accepted, task in enumerate(TASKS):
        try:
            ventilator.send_string(task)
        except zmq.Again:
            expect(
                fast.finished,
                f"After {accepted} of {len(TASKS)} tasks `send` waited, and the fast worker had "
                "received nothing. Connect the socket that you are given to each endpoint.",
            )
            expect(
                False,
                "`send` waited while the fast worker had nothing to do: its queue had been full "
                "and did not open again. Set the mark before you connect.",
            )
    busy.set()
    harness.wait_until(lambda: slow.finished + fast.finished >= len(TASKS))
    for idle, other in (fast, slow), (slow, fast):
        expect(
            idle.finished,
            f"The {idle.name} worker got nothing, the {other.name} one {other.finished} tasks. "
            "Connect the socket to each endpoint.",
        )
    mark = ventilator.sndhwm
    why = f"The high-water mark `sndhwm` of your socket is {mark:,}"
    why += ", which means no mark at all." if mark == 0 else "."
    if ventilator.rcvhwm != 1000:
        why += f" Its `rcvhwm` is {ventilator.rcvhwm}, but a PUSH never receives."
    expect(
        slow.finished <= MAX_SLOW,
        f"The slow worker was busy with its first task the whole time, and got {slow.finished} of "
        f"{len(TASKS)} tasks; expected at most {MAX_SLOW}, which halves the makespan. {why}",
    )
    return (
        f"The slow worker, busy with its first task, got {slow.finished} of {len(TASKS)} tasks, "
        f"and the fast one {fast.finished}. Sent in turn, {len(TASKS) // 2} tasks would have gone "
        "to each."
    )


def share_out(ready, senders, tasks):
    for task in tasks:
        name = ready.recv_string()
        senders[name].send_string(task)


@exercise(
    solution=share_out,
    hints=[
        "Which worker gets the first task? A worker that is ready says so. On which socket?",
        "Receive before you push: for each task, wait for one name, whichever comes first.",
        "`name = ready.recv_string()` waits for the next worker that is free, and "
        "`senders[name]` is the PUSH that leads to it.",
        "A loop over `tasks` with two lines in it: receive a name, push the task to that name. "
        "After the last task there is nothing to wait for.",
    ],
)
def halve_the_makespan(harness, answer):
    """Give each task to a worker that has said that it is ready."""
    inbox, ready = harness.pair()
    to_slow, slow = harness.pair()
    to_fast, fast = harness.pair()
    for name in "slow", "fast":
        inbox.send_string(name)
    run = harness.start(answer, ready, {"slow": to_slow, "fast": to_fast}, list(TASKS))
    by_fast: list[object] = []
    while len(by_fast) < len(TASKS) - 1:
        came = harness.receive(fast, 1)
        by_fast += came
        if not came:
            break
        inbox.send_string("fast")  # the slow one is busy with its first task
    waits = f" and then waited, at {run.line}" if run.running else ""
    if len(by_fast) == len(TASKS) - 1:
        run.result(if_late="All tasks were pushed: there is nothing more to wait for.")
    elif not run.running:
        run.result()  # refuses an answer that raised an error
    by_slow = harness.drain(slow)
    by_fast += harness.drain(fast)
    odd = [message for message in by_slow + by_fast if message not in TASKS]
    expect(not odd, f"Push each task as it is, and nothing else. The workers received {show(odd)}.")
    expect(by_slow or by_fast, f"Your function pushed no task{waits}.")
    given = (
        f"Your function pushed {len(by_slow)} tasks to the slow worker, {len(by_fast)} to the fast "
        f"one, of {len(TASKS)}{waits}. "
    )
    expect(by_slow, f"{given}The slow worker had also said that it was ready.")
    expect(
        len(by_slow) <= 1,
        f"{given}The slow worker had said once that it was ready, and was busy with its first task "
        "the whole time.",
    )
    expect(
        len(by_fast) == len(TASKS) - 1,
        f"{given}The fast worker says that it is ready after each task: go on until all tasks are "
        "pushed.",
    )
    expect(
        sorted(by_slow + by_fast) == sorted(TASKS),
        f"Expected each task once; the workers received {show(by_slow + by_fast)}.",
    )
    return (
        f"The slow worker, busy with its first task, got {len(by_slow)} of {len(TASKS)} tasks, the "
        f"fast one {len(by_fast)}. This needs no mark, so it works over every transport."
    )
