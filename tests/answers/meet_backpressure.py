"""Answers that people give to the exercises of notebook 03: wrong ones, and other right ones."""

import time

import zmq


def waits(sender, jobs):
    for job in jobs:
        sender.send_string(job)
    return []


def lets_again_through(sender, jobs):
    for job in jobs:
        sender.send_string(job, zmq.NOBLOCK)
    return []


def stops_at_the_first(sender, jobs):
    refused = []
    try:
        for job in jobs:
            sender.send_string(job, zmq.NOBLOCK)
    except zmq.Again:
        refused.append(job)
    return refused


def returns_the_accepted(sender, jobs):
    accepted = []
    for job in jobs:
        try:
            sender.send_string(job, zmq.NOBLOCK)
            accepted.append(job)
        except zmq.Again:
            pass
    return accepted


def counts(sender, jobs):
    refused = 0
    for job in jobs:
        try:
            sender.send_string(job, zmq.NOBLOCK)
        except zmq.Again:
            refused += 1
    return refused


def forgets_to_return(sender, jobs):
    counts(sender, jobs)


def tries_until_it_fits(sender, jobs):
    for job in jobs:
        while True:
            try:
                sender.send_string(job, zmq.NOBLOCK)
                break
            except zmq.Again:
                continue
    return []


def raises_the_mark(sender, jobs):
    sender.sndhwm = 1000
    return push_with_dontwait(sender, jobs)


def puts_the_newest_first(sender, jobs):
    return push_with_dontwait(sender, jobs)[::-1]


def pushes_nothing(sender, jobs):
    return [job for job in jobs if not sender]


def push_with_dontwait(sender, jobs):
    refused = []
    for job in jobs:
        try:
            sender.send(job.encode(), zmq.DONTWAIT)
        except zmq.ZMQError as error:
            if error.errno != zmq.EAGAIN:
                raise
            refused.append(job)
    return refused


def asks_first(sender, jobs):
    refused = []
    for job in jobs:
        if sender.poll(0, zmq.POLLOUT):
            sender.send_string(job)
        else:
            refused.append(job)
    return tuple(refused)


def sets_a_timeout_of_nothing(sender, jobs):
    sender.sndtimeo = 0
    return give_up_with_each(sender, jobs, 0)


def give_up_with_each(sender, jobs, patience_ms):
    sender.sndtimeo = patience_ms
    refused = []
    for job in jobs:
        try:
            sender.send_string(job)
        except zmq.Again:
            refused.append(job)
    return refused


def is_not_patient(sender, jobs, patience_ms):
    return push_with_dontwait(sender, jobs)


def waits_for_ever(sender, jobs, patience_ms):
    return waits(sender, jobs)


def goes_below_zero(sender, jobs, patience_ms):
    end_s = time.monotonic() + patience_ms / 1000
    refused = []
    for job in jobs:
        sender.sndtimeo = int(1000 * (end_s - time.monotonic()))
        try:
            sender.send_string(job)
        except zmq.Again:
            refused.append(job)
    return refused


def gives_seconds(sender, jobs, patience_ms):
    return give_up_with_each(sender, jobs, patience_ms / 1000)


def returns_only_the_first(sender, jobs, patience_ms):
    sender.sndtimeo = patience_ms
    for job in jobs:
        try:
            sender.send_string(job)
        except zmq.Again:
            return [job]
    return []


def raises_when_over(sender, jobs, patience_ms):
    sender.sndtimeo = patience_ms
    for job in jobs:
        sender.send_string(job)
    return []


def returns_nothing(sender, jobs, patience_ms):
    sender.sndtimeo = patience_ms
    for number, job in enumerate(jobs):
        try:
            sender.send_string(job)
        except zmq.Again:
            print("not accepted:", jobs[number:])
            return


def ends_when_it_is_over(sender, jobs, patience_ms):
    end_s = time.monotonic() + patience_ms / 1000
    for number, job in enumerate(jobs):
        left_ms = int(1000 * (end_s - time.monotonic()))
        if not sender.poll(max(0, left_ms), zmq.POLLOUT):
            return jobs[number:]
        sender.send_string(job)
    return []


def tries_again_and_again(sender, jobs, patience_ms):
    end_s = time.monotonic() + patience_ms / 1000
    left = list(jobs)
    while left:
        try:
            sender.send_string(left[0], zmq.NOBLOCK)
            left.pop(0)
        except zmq.Again:
            if time.monotonic() > end_s:
                break
            time.sleep(0.002)
    return left


WRONG = {
    "refuse_when_full": [
        (waits, "in waits: .*blocked in `send`"),
        (lets_again_through, "raised an error.*(\n.*)*zmq.error.Again"),
        (stops_at_the_first, "returned 1, .*Return all of them"),
        (returns_the_accepted, "those were accepted"),
        (counts, "returned `3`"),
        (forgets_to_return, r"returned nothing \(`None`\)"),
        (tries_until_it_fits, "had not returned.*in tries_until_it_fits"),
        (raises_the_mark, "room for the first 2"),
        (puts_the_newest_first, "in this order"),
        (pushes_nothing, "no message had been pushed"),
    ],
    "share_one_patience": [
        (give_up_with_each, "in give_up_with_each: .*blocked in `send`.*for all 1,000 jobs"),
        (waits_for_ever, "in waits: .*blocked in `send`"),
        (goes_below_zero, "in goes_below_zero"),  # blocked at -1, or refused below that
        (is_not_patient, "busy for a moment only"),
        (gives_seconds, "raised an error.*(\n.*)*TypeError"),
        (returns_only_the_first, "returned 1, "),
        (raises_when_over, "raised an error.*(\n.*)*zmq.error.Again"),
        (returns_nothing, r"returned nothing \(`None`\)"),
    ],
}
RIGHT = {
    "refuse_when_full": [push_with_dontwait, asks_first, sets_a_timeout_of_nothing],
    "share_one_patience": [ends_when_it_is_over, tries_again_and_again],
}
