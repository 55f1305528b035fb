# mypy: allow-untyped-defs, allow-untyped-calls
"""Exercises of notebook 01, push without waiting."""

from .engine.check import exercise, expect, show

JOBS = ["wash", "dry", "iron", "fold", "pack"]
FAILED = ["dry", "iron"]


def push_all(sender, jobs):
    for job in jobs:
        sender.send_string(job)


@exercise(
    solution=push_all,
    hints=[
        "`sender` is a PUSH socket like the one in section 2, and `jobs` is a list of texts. What "
        "did the cell do there with each number?",
        "One message for each job: a loop over `jobs`, with one send in it.",
        "`sender.send_string(job)` pushes one job. There is nothing to wait for, and nothing to "
        "return.",
    ],
)
def hand_over(harness, answer):
    """Push each job, in order, and return without waiting for any work."""
    sender, receiver = harness.pair()
    harness.run(
        answer,
        sender,
        list(JOBS),
        if_late="The worker starts when your function has returned, so do not wait for it.",
    )
    came = harness.drain(receiver)
    expect(came, "Your function returned, and no message had been pushed on `sender`.")
    expect(
        came != JOBS[:1],
        f"Only the first of {len(JOBS)} jobs was pushed. Does your loop end after it?",
    )
    expect(
        len(came) > 1, f"All jobs were in one message, {show(came[0])}. Push one message for each."
    )
    expect(sorted(map(str, came)) == sorted(JOBS), _differ(came, JOBS))
    expect(came == JOBS, f"Expected the order {show(JOBS)}; received {show(came)}.")
    return f"{len(JOBS)} jobs were pushed, in order, before a worker received the first."


def failed_jobs(sender, results, jobs):
    for job in jobs:
        sender.send_string(job)
    failed = []
    for _ in jobs:
        job, outcome = results.recv_string().split()
        if outcome == "failed":
            failed.append(job)
    return failed


@exercise(
    solution=failed_jobs,
    hints=[
        "`send_string` cannot tell you what happened to a job. Which socket can?",
        "Two loops, one after the other: first push all jobs, as before, then receive as many "
        "results as there are jobs.",
        "A result names its job, because results come in any order: "
        "`job, outcome = results.recv_string().split()`.",
        "Start with `failed = []`, append each job whose outcome is `failed`, and return the list "
        "after the second loop.",
    ],
)
def find_failed(harness, answer):
    """Push all jobs, then learn from a second socket which of them failed."""
    sender, inbox = harness.pair()
    outbox, results = harness.pair()
    run = harness.start(answer, sender, results, list(JOBS))
    came = harness.receive(inbox, len(JOBS))
    expect(
        len(came) == len(JOBS) or not run.running,
        f"Your function pushed {len(came)} of {len(JOBS)} jobs and then waited, at {run.line}. The "
        "worker answers when it has all jobs, so push them all first.",
    )
    if not run.running:
        run.result()  # refuses an answer that raised an error
    expect(sorted(map(str, came)) == sorted(JOBS), _differ(came, JOBS))
    for job in reversed(JOBS):
        outbox.send_string(f"{job} {'failed' if job in FAILED else 'ok'}")
    failed = run.result(
        returns=(list, tuple, set),
        if_late=f"There is one result for each job, {len(JOBS)} in all, and no more.",
    )
    unread = harness.drain(results)
    expect(
        not unread,
        f"{len(unread)} of {len(JOBS)} results were still unread when your function returned "
        f"{show(failed)}. `send_string` raises nothing when a job fails: receive them all.",
    )
    expect(
        sorted(map(str, failed)) == sorted(FAILED),
        f"{show(FAILED)} failed; your function returned {show(failed)}. The results came in "
        "another order than the jobs: each one names its job.",
    )
    return (
        f"All {len(JOBS)} jobs were pushed before the first result came. {len(FAILED)} of them "
        "failed, and no `send_string` raised an error: only the results said so."
    )


def _differ(came, jobs):
    return f"Expected the messages {show(jobs)}; received {show(came)}."
