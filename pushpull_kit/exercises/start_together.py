# mypy: allow-untyped-defs, allow-untyped-calls
"""Exercises of notebook 06, start together."""

import zmq

from .engine.check import exercise, expect, show

TEST = "there?"
NAMES = ["anna", "ben", "chris"]
JOBS = [f"job {number}" for number in range(1, 13)]
QUIET_S = 2.0  # workers answer at once: an answer that pushes nothing for so long is stuck
JOINED = {"anna": 30, "ben": 20, "chris": 30}  # how many are pushed when each has joined


@exercise(
    solution={"anna": 50, "ben": 20, "chris": 10},
    hints=[
        "Take the three batches one after the other. How many pipes are there while each of them "
        "is pushed?",
        "The first 30 all go to Anna. The next 20 go to Anna and Ben, in turn.",
        "The last 30 go to all three in turn, 10 each. Now add up for each worker.",
    ],
)
def late_shares(harness, answer):
    """Predict how many jobs each of three workers does if they join one after the other."""
    expect(
        isinstance(answer, dict) and set(answer) == set(NAMES),
        f"Expected a dict with the names {show(NAMES)}; got {show(answer)}.",
    )
    total = sum(JOINED.values())
    expect(
        all(isinstance(count, int) for count in answer.values()),
        f"Expected three whole numbers; got {show(list(answer.values()))}.",
    )
    expect(
        sum(answer.values()) == total,
        f"{total} jobs are pushed, and each is done once. Your numbers add up to "
        f"{sum(answer.values())}.",
    )
    sender, pulls = harness.socket(zmq.PUSH), {}
    for name, count in JOINED.items():
        pulls[name] = harness.socket(zmq.PULL)
        pulls[name].bind(f"inproc://{name}")
        sender.connect(f"inproc://{name}")
        for _ in range(count):
            sender.send_string("job")
    did = {name: len(harness.drain(pull)) for name, pull in pulls.items()}
    for name in NAMES:
        why = {
            "anna": "She alone gets the first batch, and she gets her share of both others.",
            "ben": "He gets nothing that was pushed before he joined, and his share of the rest.",
            "chris": "He is there for the last batch only, and it goes into three pipes.",
        }[name]
        expect(
            answer[name] == did[name],
            f"With real sockets, {name} did not get {show(answer[name])} jobs. {why}",
        )
    return f"Tried with real sockets: {', '.join(f'{n} {count}' for n, count in did.items())}."


def start_together(sender, answers, names, jobs):
    missing = set(names)
    while missing:
        sender.send_string("there?")
        missing.discard(answers.recv_string())
    for job in jobs:
        sender.send_string(job)


@exercise(
    solution=start_together,
    hints=[
        "There are two steps: first get an answer from each of `names`, then push the jobs.",
        "The first step is a loop: push `there?` on `sender`, then receive a name from `answers`. "
        "The same worker may answer more than once.",
        "Keep a set of the names that are missing, `missing = set(names)`, and loop `while "
        "missing:`.",
        "`missing.discard(answers.recv_string())` removes a name if it is in the set.",
    ],
)
def together(harness, answer):
    """Push the jobs when every worker has answered a test message, and not before."""
    team = _Team(harness)
    team.join("anna")
    run = harness.start(answer, team.sender, harness.give(team.inbox), list(NAMES), list(JOBS))
    late = {"ben": 3, "chris": 7}  # they join when Anna has answered so many tests
    while harness.wait_until(lambda: team.serve() or not run.running, QUIET_S):
        for name, count in late.items():
            if name not in team.pulls and team.answered["anna"] >= count:
                team.join(name)
        expect(
            not team.got or any(team.answered.values()),
            f"Jobs were pushed before any worker had answered. The test message is {show(TEST)}.",
        )
        expect(
            not team.got or team.all_answered,
            f"Jobs were pushed when the answers to test messages were {show(team.answered)}. Push "
            f"them when each of {show(NAMES)} has answered, not after a number of answers.",
        )
        expect(
            sum(team.answered.values()) < 5000,
            f"Test messages were answered, {show(team.answered)}, and no job was pushed. Push one "
            "test, wait for its answer, and so on. What ends your loop?",
        )
        if not run.running and not team.serve():
            break
    expect(
        not run.running,
        f"Your function pushed nothing for {QUIET_S:g} s. It was at {run.line}. The answers to "
        f"test messages were {show(team.answered)}; a worker answers each test message once.",
    )
    run.result()
    expect(
        team.all_answered,
        f"Your function returned, and the answers to test messages were {show(team.answered)}.",
    )
    came = [job for jobs in team.got.values() for job in jobs]
    expect(came, "All workers had answered, but your function returned and no job was pushed.")
    order = sorted(came, key=lambda job: JOBS.index(job) if job in JOBS else -1)
    expect(
        order == JOBS and all(jobs == [j for j in JOBS if j in jobs] for jobs in team.got.values()),
        f"Expected the jobs {show(JOBS)}, each once and in order; the workers got "
        f"{show(team.got)}.",
    )
    counts = {name: len(team.got.get(name, [])) for name in NAMES}
    return (
        f"Ben joined when Anna had answered {late['ben']} tests, Chris after {late['chris']}, and "
        f"no job was pushed before all had answered. Jobs: {show(counts)}."
    )


class _Team:
    """Workers whose part the judge plays, in its own thread."""

    def __init__(self, harness):
        self._harness = harness
        self.sender, self.outbox = harness.socket(zmq.PUSH), harness.socket(zmq.PUSH)
        self.inbox = harness.socket(zmq.PULL)
        self.sender.bind("inproc://jobs")
        harness.give(self.sender)
        self.inbox.bind("inproc://answers")
        self.outbox.connect("inproc://answers")
        self.pulls, self.got = {}, {}
        self.answered = dict.fromkeys(NAMES, 0)

    @property
    def all_answered(self):
        return all(self.answered.values())

    def join(self, name):
        self.pulls[name] = self._harness.socket(zmq.PULL)
        self.pulls[name].connect("inproc://jobs")

    def serve(self):
        """Answer each test, keep each job, and return how many messages there were."""
        count = 0
        for name, pull in self.pulls.items():
            for message in self._harness.drain(pull):
                count += 1
                if message == TEST:
                    self.answered[name] += 1
                    self.outbox.send_string(name)
                else:
                    self.got.setdefault(name, []).append(message)
        return count
