"""Answers that people give to the exercises of notebook 04: wrong ones, and other right ones."""

import zmq


def pushes_all(limit, sender, done, jobs):
    for job in jobs:
        sender.send_string(job)


def pushes_backwards(limit, sender, done, jobs):
    for number, job in enumerate(reversed(jobs)):
        if number >= limit:
            done.recv_string()
        sender.send_string(job)


def one_too_many(limit, sender, done, jobs):
    out = 0
    for job in jobs:
        if out > limit:
            done.recv_string()
            out -= 1
        sender.send_string(job)
        out += 1


def one_at_a_time(limit, sender, done, jobs):
    for job in jobs:
        sender.send_string(job)
        done.recv_string()


def asks_first(limit, sender, done, jobs):
    for job in jobs:
        done.recv_string()
        sender.send_string(job)


def in_batches(limit, sender, done, jobs):
    for start in range(0, len(jobs), limit):
        batch = jobs[start : start + limit]
        for job in batch:
            sender.send_string(job)
        for _ in batch:
            done.recv_string()


def sends_two_for_one(limit, sender, done, jobs):
    out = 0
    for job in jobs:
        if out >= limit:
            done.recv_string()
            out -= 2
        sender.send_string(job)
        out += 1


def ends_at_the_limit(limit, sender, done, jobs):
    for job in jobs[:limit]:
        sender.send_string(job)


def polls_and_gives_up(limit, sender, done, jobs):
    out = 0
    for job in jobs:
        if out == limit:
            done.recv_string(zmq.NOBLOCK)
            out -= 1
        sender.send_string(job)
        out += 1


def returns_what_is_to_do(limit, sender, done, jobs):
    return jobs[:limit]


def waits_for_all(limit, sender, done, jobs):
    for number, job in enumerate(jobs):
        if number >= limit:
            done.recv_string()
        sender.send_string(job)
    for _ in range(min(limit, len(jobs))):
        done.recv_string()


def with_tickets(limit, sender, done, jobs):
    tickets, todo = limit, list(jobs)
    while todo:
        while tickets and todo:
            sender.send_string(todo.pop(0))
            tickets -= 1
        if todo:
            done.recv_string()
            tickets += 1


WRONG = {
    "foretell": [
        ([30, 15, "no limit"], "accepts `30`"),
        ([20, 10, "no limit"], "accepts `20`"),
        ([50, 1, "no limit"], "when `1` have been received"),
        ([50, 50, "no limit"], "when `50` have been received"),
        ([50, 25, 30], "you said `30`; `send` accepted 500"),
        ([50, 25, 0], "you said `0`; `send` accepted 500"),
        (50, "three answers"),
    ],
    "bound_what_is_out": [
        (pushes_all, r"pushed 9: 9 were out"),
        (one_too_many, r"pushed 4: 4 were out"),
        (one_at_a_time, "0 reported as done.* pushed 1, and then waited, at .*recv_string"),
        (asks_first, "pushed 0, and then waited"),
        (sends_two_for_one, "[123] reported as done.* [4-6] were out"),
        (in_batches, "1 reported as done.* pushed 3, and then waited"),
        (ends_at_the_limit, "returned with 3 of 9 jobs pushed"),
        (pushes_backwards, "Expected the jobs"),
        (polls_and_gives_up, "zmq.error.Again"),
        (returns_what_is_to_do, "no job had been pushed"),
    ],
}
RIGHT = {
    "foretell": [(50, 25, "No limit")],
    "bound_what_is_out": [waits_for_all, with_tickets],
}
