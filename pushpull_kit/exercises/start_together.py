# mypy: allow-untyped-defs, allow-untyped-calls
"""Exercises of notebook 06, start together."""

import zmq

from .engine.check import exercise, expect, show

TEST = "there?"
NAMES = ["anna", "ben", "chris"]
JOBS = [f"job {number}" for number in range(1, 13)]
QUIET_S = 2.0  # workers answer at once: whoever pushes nothing for so long waits in vain
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
def late_shares(lab, answer):
    """Say how many jobs each of three workers does, who join one after the other."""
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
        f"{total} jobs are pushed, and each is done by somebody, once. Your numbers add up to "
        f"{sum(answer.values())}.",
    )
    sender, pulls = lab.socket(zmq.PUSH), {}
    for name, count in JOINED.items():
        pulls[name] = lab.socket(zmq.PULL)
        pulls[name].bind(f"inproc://{name}")
        sender.connect(f"inproc://{name}")
        for _ in range(count):
            sender.send_string("job")
    did = {name: len(lab.drain(pull)) for name, pull in pulls.items()}
    for name in NAMES:
        why = {
            "anna": "She is alone for the first batch, and takes her turn in both others.",
            "ben": "What was pushed before he joined is not for him; the rest he shares.",
            "chris": "Only the last batch is pushed while Chris is there, and in three pipes.",
        }[name]
        expect(
            answer[name] == did[name],
            f"It was tried with real sockets, and {name} did not get {show(answer[name])} jobs. "
            f"{why}",
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
        "Two steps, one after the other: first hear from every one of `names`, then push the jobs.",
        "One turn of the first step: push `there?` on `sender`, then receive a name from "
        "`answers`. Who has answered twice has still answered only for itself.",
        "Keep a set of those who are missing, `missing = set(names)`, and go on `while missing:`.",
        "`missing.discard(answers.recv_string())` takes one name out of it, if it is in it.",
    ],
)
def together(lab, answer):
    """Push the jobs when every worker has answered a test message, and not before."""
    team = _Team(lab)
    team.join("anna")
    run = lab.start(answer, team.sender, lab.give(team.inbox), list(NAMES), list(JOBS))
    late = {"ben": 3, "chris": 7}  # who joins when anna has answered so many tests
    while lab.wait_until(lambda: team.serve() or not run.running, QUIET_S):
        for name, count in late.items():
            if name not in team.pulls and team.answered["anna"] >= count:
                team.join(name)
        expect(
            not team.got or any(team.answered.values()),
            f"Jobs were pushed before you asked anybody. The test message is {show(TEST)}.",
        )
        expect(
            not team.got or team.everybody_answered,
            f"Jobs were pushed when the answers to test messages were {show(team.answered)}. Push "
            f"them when each of {show(NAMES)} has answered, not when so many answers have come.",
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
        f"Nothing came from your function for {QUIET_S:g} s. It was at {run.line}. The answers to "
        f"test messages were {show(team.answered)}; each one that a worker gets is answered once.",
    )
    run.result()
    expect(
        team.everybody_answered,
        f"Your function returned, and the answers to test messages were {show(team.answered)}.",
    )
    came = [job for jobs in team.got.values() for job in jobs]
    expect(came, "Everybody had answered, your function returned, and no job was pushed.")
    order = sorted(came, key=lambda job: JOBS.index(job) if job in JOBS else -1)
    expect(
        order == JOBS and all(jobs == [j for j in JOBS if j in jobs] for jobs in team.got.values()),
        f"The jobs were to be {show(JOBS)}, each once and in order; the workers got "
        f"{show(team.got)}.",
    )
    counts = {name: len(team.got.get(name, [])) for name in NAMES}
    return (
        f"Ben joined when Anna had answered {late['ben']} tests, Chris after {late['chris']}, and "
        f"no job was pushed before all had answered. Jobs: {show(counts)}."
    )


class _Team:
    """Workers that the judge plays, in its own thread."""

    def __init__(self, lab):
        self._lab = lab
        self.sender, self.mouth = lab.socket(zmq.PUSH), lab.socket(zmq.PUSH)
        self.inbox = lab.socket(zmq.PULL)
        self.sender.bind("inproc://jobs")
        lab.give(self.sender)
        self.inbox.bind("inproc://answers")
        self.mouth.connect("inproc://answers")
        self.pulls, self.got = {}, {}
        self.answered = dict.fromkeys(NAMES, 0)

    @property
    def everybody_answered(self):
        return all(self.answered.values())

    def join(self, name):
        self.pulls[name] = self._lab.socket(zmq.PULL)
        self.pulls[name].connect("inproc://jobs")

    def serve(self):
        """Take what is there: answer each test, keep each job; return how many there were."""
        count = 0
        for name, pull in self.pulls.items():
            for message in self._lab.drain(pull):
                count += 1
                if message == TEST:
                    self.answered[name] += 1
                    self.mouth.send_string(name)
                else:
                    self.got.setdefault(name, []).append(message)
        return count
