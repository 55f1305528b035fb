"""Answers that people give to the exercises of notebook 06: wrong ones, and other right ones."""

import zmq

TEST = "there?"


def pushes_at_once(sender, answers, names, jobs):
    for job in jobs:
        sender.send_string(job)


def counts_answers(sender, answers, names, jobs):
    heard = []
    while len(heard) < len(names):
        sender.send_string(TEST)
        heard.append(answers.recv_string())
    for job in jobs:
        sender.send_string(job)


def waits_without_asking(sender, answers, names, jobs):
    missing = set(names)
    while missing:
        missing.discard(answers.recv_string())
    for job in jobs:
        sender.send_string(job)


def asks_once_and_waits(sender, answers, names, jobs):
    missing = set(names)
    for _ in names:
        sender.send_string(TEST)
    while missing:
        missing.discard(answers.recv_string())
    for job in jobs:
        sender.send_string(job)


def never_stops_asking(sender, answers, names, jobs):
    while True:
        sender.send_string(TEST)
        answers.recv_string()


def forgets_the_jobs(sender, answers, names, jobs):
    missing = set(names)
    while missing:
        sender.send_string(TEST)
        missing.discard(answers.recv_string())


def pushes_backwards(sender, answers, names, jobs):
    forgets_the_jobs(sender, answers, names, jobs)
    for job in reversed(jobs):
        sender.send_string(job)


def removes(sender, answers, names, jobs):
    missing = set(names)
    while missing:
        sender.send_string(TEST)
        missing.remove(answers.recv_string())
    for job in jobs:
        sender.send_string(job)


def collects_names(sender, answers, names, jobs):
    heard = set()
    while heard != set(names):
        sender.send(TEST.encode())
        heard.add(answers.recv().decode())
    while jobs:
        sender.send_string(jobs.pop(0))


def polls(sender, answers, names, jobs):
    missing = list(names)
    while missing:
        sender.send_string(TEST)
        while answers.poll(50):
            name = answers.recv_string(zmq.NOBLOCK)
            if name in missing:
                missing.remove(name)
    for job in jobs:
        sender.send_string(job)


WRONG = {
    "late_shares": [
        ({"anna": 27, "ben": 27, "chris": 26}, "anna did not get `27`"),
        ({"anna": 30, "ben": 20, "chris": 30}, "anna did not get `30`"),
        ({"anna": 50, "ben": 10, "chris": 20}, "ben did not get `10`"),
        ({"anna": 50, "ben": 30, "chris": 10}, "add up to 90"),
        ({"anna": "50", "ben": "20", "chris": "10"}, "three whole numbers"),
        ({"Anna": 50, "Ben": 20, "Chris": 10}, "names .* got .*'Anna'"),
        (50, "got `50`"),
    ],
    "together": [
        (pushes_at_once, "before any worker had answered"),
        (counts_answers, "`{'anna': 3, 'ben': 0, 'chris': 0}`. Push them when each of"),
        (asks_once_and_waits, "for 2 s.*asks_once.*'anna': 3, 'ben': 0"),
        (waits_without_asking, "for 2 s.*waits_without.*'anna': 0, 'ben': 0"),
        (never_stops_asking, "What ends your loop"),
        (forgets_the_jobs, "returned and no job was pushed"),
        (pushes_backwards, "in order; the workers got"),
        (removes, "KeyError: 'anna'"),
    ],
}
RIGHT = {"together": [collects_names, polls]}
