"""Answers that people give to the exercises of notebook 02: wrong ones, and other right ones."""

from contextlib import suppress
from time import monotonic, sleep

import zmq

RIGHT_WORDS = {
    "binds, nobody there": "waits",
    "binds, one receiver connected": "queues",
    "connects over TCP, nobody there": "queues",
    "connects over TCP with immediate, nobody there": "waits",
    "connects over inproc with immediate, nobody there": "queues",
}

bind_queues = {**RIGHT_WORDS, "binds, nobody there": "queues"}
bind_never_queues = {**RIGHT_WORDS, "binds, one receiver connected": "waits"}
nobody_means_waiting = {**RIGHT_WORDS, "connects over TCP, nobody there": "waits"}
immediate_is_at_once = {
    **RIGHT_WORDS,
    "connects over TCP with immediate, nobody there": "queues",
}
immediate_everywhere = {
    **RIGHT_WORDS,
    "connects over inproc with immediate, nobody there": "waits",
}
true_and_false = {name: word == "queues" for name, word in RIGHT_WORDS.items()}
a_list = list(RIGHT_WORDS.values())


def sends(sender, job):
    sender.send_string(job)
    return True


def returns_nothing(sender, job):
    try:
        sender.send_string(job, zmq.NOBLOCK)
    except zmq.Again:
        print("not accepted")


def always_says_true(sender, job):
    with suppress(zmq.Again):
        sender.send_string(job, zmq.NOBLOCK)
    return True


def asks_whether_to_receive(sender, job):
    if sender.poll(0):
        sender.send_string(job)
        return True
    return False


def only_asks(sender, job):
    return bool(sender.poll(0, zmq.POLLOUT))


def returns_the_poll(sender, job):
    ready = sender.poll(0, zmq.POLLOUT)
    if ready:
        sender.send_string(job)
    return ready


def lets_it_raise(sender, job):
    sender.send_string(job, zmq.NOBLOCK)
    return True


def the_wrong_way_round(sender, job):
    try:
        sender.send_string(job, zmq.NOBLOCK)
    except zmq.Again:
        return False
    return False


_refused = []


def keeps_what_was_refused(sender, job):
    _refused.append(job)
    try:
        while _refused:
            sender.send_string(_refused[0], zmq.NOBLOCK)
            _refused.pop(0)
    except zmq.Again:
        return False
    return True


def asks_first(sender, job):
    if not sender.poll(0, zmq.POLLOUT):
        return False
    sender.send_string(job)
    return True


def limits_to_nothing(sender, job):
    sender.sndtimeo = 0
    try:
        sender.send_string(job)
        return True
    except zmq.Again:
        return False


def waits_for_ever(sender, jobs, patience_s):
    for job in jobs:
        sender.send_string(job)
    return []


def patience_for_each(sender, jobs, patience_s):
    left = []
    for job in jobs:
        if sender.poll(int(patience_s * 1000), zmq.POLLOUT):
            sender.send_string(job)
        else:
            left.append(job)
    return left


def gives_up_at_once(sender, jobs, patience_s):
    for number, job in enumerate(jobs):
        try:
            sender.send_string(job, zmq.NOBLOCK)
        except zmq.Again:
            return jobs[number:]
    return []


def polls_with_a_fraction(sender, jobs, patience_s):
    sender.sndtimeo = patience_s * 1000
    return gives_up_at_once(sender, jobs, patience_s)


def forgets_the_refused(sender, jobs, patience_s):
    sender.sndtimeo = int(patience_s * 1000)
    for number, job in enumerate(jobs):
        try:
            sender.send_string(job)
        except zmq.Again:
            return jobs[number + 1 :]
    return []


def asks_once(sender, jobs, patience_s):
    if not sender.poll(int(patience_s * 1000), zmq.POLLOUT):
        return jobs
    for job in jobs:
        sender.send_string(job)
    return []


def counts(sender, jobs, patience_s):
    return len(push_with_a_limit(sender, jobs, patience_s))


def leaves_out_when_full(sender, jobs, patience_s):
    if not sender.poll(int(patience_s * 1000), zmq.POLLOUT):
        return jobs
    for job in jobs:
        if sender.poll(0, zmq.POLLOUT):
            sender.send_string(job)
    return []


def returns_what_was_pushed(sender, jobs, patience_s):
    return jobs[: len(jobs) - len(push_with_a_limit(sender, jobs, patience_s))]


def pushes_the_first_only(sender, jobs, patience_s):
    if not sender.poll(int(patience_s * 1000), zmq.POLLOUT):
        return jobs
    sender.send_string(jobs[0])
    return jobs[1:]


def push_with_a_limit(sender, jobs, patience_s):
    sender.sndtimeo = int(patience_s * 1000)
    for number, job in enumerate(jobs):
        try:
            sender.send_string(job)
        except zmq.Again:
            return jobs[number:]
    return []


def polls_for_what_is_left(sender, jobs, patience_s):
    end_s = monotonic() + patience_s
    for number, job in enumerate(jobs):
        left_s = max(0, end_s - monotonic())
        if not sender.poll(int(left_s * 1000), zmq.POLLOUT):
            return jobs[number:]
        sender.send_string(job)
    return []


def tries_again_and_again(sender, jobs, patience_s):
    left, end_s = list(jobs), monotonic() + patience_s
    while left:
        try:
            sender.send_string(left[0], zmq.NOBLOCK)
            left.pop(0)
        except zmq.Again:
            if monotonic() > end_s:
                break
            sleep(0.002)
    return left


WRONG = {
    "queues_or_waits": [
        (bind_queues, "binds, nobody there.*see section 1"),
        (bind_never_queues, "one receiver connected.*see section 3"),
        (nobody_means_waiting, "connects over TCP, nobody there.*see section 4"),
        (immediate_is_at_once, "TCP with immediate.*no pipe before"),
        (immediate_everywhere, "inproc with immediate.*changes nothing"),
        (true_and_false, 'Say `"queues"` or `"waits"`'),
        (a_list, "Keep the five lines"),
    ],
    "offer": [
        (sends, "blocked in `send`.*No receiver was connected"),
        (returns_nothing, r"returned nothing \(`None`\)"),
        (always_says_true, "No receiver was connected, but your function returned `True`"),
        (asks_whether_to_receive, "pushed nothing and returned `False`"),
        (only_asks, "but had pushed nothing"),
        (returns_the_poll, "returned `0`"),
        (lets_it_raise, "zmq.error.Again|raised an error"),
        (the_wrong_way_round, "but your function returned `False`"),
        (keeps_what_was_refused, "belongs to the caller again"),
    ],
    "patience": [
        (waits_for_ever, "blocked in `send`.*`patience_s` was 0.1"),
        (patience_for_each, "sender.poll.*not for each"),
        (gives_up_at_once, "`patience_s` was 60.*gave up"),
        (polls_with_a_fraction, "TypeError"),
        (forgets_the_refused, "you returned 199"),
        (asks_once, "The pipe was full, and no job"),
        (counts, "expected `list`"),
        (leaves_out_when_full, "with room for four.*you returned `\\[\\]`"),
        (returns_what_was_pushed, r"you returned 0: `\[\]`"),
        (pushes_the_first_only, "It got `\\['wash'\\]`"),
    ],
}
RIGHT = {
    "offer": [asks_first, limits_to_nothing],
    "patience": [push_with_a_limit, polls_for_what_is_left, tries_again_and_again],
}
