"""Answers that people give to the exercises of notebook 01: wrong ones, and other right ones."""

import time

import zmq


def pushes_the_first(sender, jobs):
    for job in jobs:
        sender.send_string(job)
        return


def pushes_one_message(sender, jobs):
    sender.send_json(jobs)


def pushes_one_multipart(sender, jobs):
    sender.send_multipart([job.encode() for job in jobs])


def pushes_sorted(sender, jobs):
    for job in sorted(jobs):
        sender.send_string(job)


def pushes_json(sender, jobs):
    for job in jobs:
        sender.send_json(job)


def waits_for_the_work(sender, jobs):
    for job in jobs:
        sender.send_string(job)
    while sender.context.timings.summary().handled < len(jobs):
        time.sleep(0.2)


def never_stops_pushing(sender, jobs):
    while True:
        for job in jobs:
            sender.send_string(job)


def pushes_nothing(sender, jobs):
    return list(jobs)


def asks_for_an_answer(sender, jobs):
    for job in jobs:
        sender.send_string(job)
        sender.recv_string()


def closes(sender, jobs):
    for job in jobs:
        sender.send_string(job)
    sender.close()


def pushes_text_as_bytes(sender, jobs):
    for job in jobs:
        sender.send(job)


def encodes(sender, jobs):
    for job in jobs:
        sender.send(job.encode())


def uses_the_list_up(sender, jobs):
    while jobs:
        sender.send_string(jobs.pop(0))


def collects(sender, results, jobs):
    for job in jobs:
        sender.send_string(job)
    return [results.recv_string() for _ in jobs]


def one_by_one(sender, results, jobs):
    failed = []
    for job in jobs:
        sender.send_string(job)
        if "failed" in results.recv_string():
            failed.append(job)
    return failed


def trusts_the_order(sender, results, jobs):
    for job in jobs:
        sender.send_string(job)
    return [job for job in jobs if "failed" in results.recv_string()]


def catches_what_send_raises(sender, results, jobs):
    failed = []
    for job in jobs:
        try:
            sender.send_string(job)
        except zmq.ZMQError:
            failed.append(job)
    return failed


def returns_nothing(sender, results, jobs):
    collects(sender, results, jobs)


def receives_for_ever(sender, results, jobs):
    for job in jobs:
        sender.send_string(job)
    failed = []
    while True:
        job, outcome = results.recv_string().split()
        if outcome == "failed":
            failed.append(job)


def ends_at_the_first_failure(sender, results, jobs):
    for job in jobs:
        sender.send_string(job)
    for _ in jobs:
        job, outcome = results.recv_string().split()
        if outcome == "failed":
            return [job]


def returns_a_set(sender, results, jobs):
    for job in jobs:
        sender.send_string(job)
    pairs = [results.recv_string().split() for _ in jobs]
    return {job for job, outcome in pairs if outcome == "failed"}


WRONG = {
    "hand_over": [
        (pushes_the_first, "Only the first of 5"),
        (pushes_one_message, r"All jobs were in one message, `'\["),
        (pushes_one_multipart, r"All jobs were in one message, `\["),
        (pushes_sorted, "Expected the order"),
        (pushes_json, "Expected the messages"),
        (waits_for_the_work, "had not returned.*time.sleep.*so do not wait"),
        (never_stops_pushing, "blocked in `send`"),
        (pushes_nothing, "no message had been pushed"),
        (asks_for_an_answer, "recv_string.*\n.*not supported"),
        (closes, "closed the socket"),
        (pushes_text_as_bytes, "TypeError: expected bytes"),
    ],
    "find_failed": [
        (one_by_one, "pushed 1 of 5 jobs and then waited, at .*recv_string"),
        (trusts_the_order, "came in another order"),
        (catches_what_send_raises, "5 of 5 results were still unread"),
        (returns_nothing, r"returned nothing \(`None`\)"),
        (receives_for_ever, "had not returned.*recv_string.*5 in all"),
        (ends_at_the_first_failure, "2 of 5 results were still unread"),
    ],
}
RIGHT = {"hand_over": [encodes, uses_the_list_up], "find_failed": [returns_a_set]}
