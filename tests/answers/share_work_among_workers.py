"""Answers that people give to the exercises of notebook 05: wrong ones, and other right ones."""

import zmq


def leaves_the_mark(ventilator, endpoints):
    for endpoint in endpoints:
        ventilator.connect(endpoint)


def sets_a_mark_of_ten(ventilator, endpoints):
    ventilator.sndhwm = 10
    leaves_the_mark(ventilator, endpoints)


def sets_a_mark_of_zero(ventilator, endpoints):
    ventilator.sndhwm = 0
    leaves_the_mark(ventilator, endpoints)


def sets_the_mark_of_receiving(ventilator, endpoints):
    ventilator.rcvhwm = 1
    leaves_the_mark(ventilator, endpoints)


def connects_to_the_first(ventilator, endpoints):
    ventilator.sndhwm = 1
    ventilator.connect(endpoints[0])


def connects_to_the_last(ventilator, endpoints):
    ventilator.sndhwm = 1
    ventilator.connect(endpoints[-1])


def sets_the_mark_only(ventilator, endpoints):
    ventilator.sndhwm = 1


def binds(ventilator, endpoints):
    ventilator.sndhwm = 1
    for endpoint in endpoints:
        ventilator.bind(endpoint)


def connects_to_the_list(ventilator, endpoints):
    ventilator.sndhwm = 1
    ventilator.connect(endpoints)


def pushes_already(ventilator, endpoints):
    sets_with_set(ventilator, endpoints)
    for i in range(3):
        ventilator.send_string(str(i))


def closes(ventilator, endpoints):
    sets_with_set(ventilator, endpoints)
    ventilator.close()


def sets_with_set(ventilator, endpoints):
    ventilator.set(zmq.SNDHWM, 1)
    for endpoint in reversed(endpoints):
        ventilator.connect(endpoint)


def sets_the_mark_afterwards(ventilator, endpoints):
    leaves_the_mark(ventilator, endpoints)
    ventilator.sndhwm = 1


def deals_in_turn(ready, senders, tasks):
    names = list(senders)
    for i, task in enumerate(tasks):
        senders[names[i % len(names)]].send_string(task)


def trusts_the_fast_one(ready, senders, tasks):
    for task in tasks:
        senders["fast"].send_string(task)


def asks_once(ready, senders, tasks):
    name = ready.recv_string()
    for task in tasks:
        senders[name].send_string(task)


def deals_first_and_asks_then(ready, senders, tasks):
    tasks = list(tasks)
    for sender in senders.values():
        sender.send_string(tasks.pop())
    while tasks:
        senders[ready.recv_string()].send_string(tasks.pop())


def hears_all_names_first(ready, senders, tasks):
    names = [ready.recv_string() for _ in tasks]
    for name, task in zip(names, tasks, strict=True):
        senders[name].send_string(task)


def serves_each_worker_once(ready, senders, tasks):
    for task in tasks[: len(senders)]:
        senders[ready.recv_string()].send_string(task)


def never_ends(ready, senders, tasks):
    tasks = list(tasks)
    while True:
        name = ready.recv_string()
        if tasks:
            senders[name].send_string(tasks.pop(0))


def waits_for_each_in_turn(ready, senders, tasks):
    free = []
    for i, task in enumerate(tasks):
        name = list(senders)[i % len(senders)]
        while name not in free:
            free.append(ready.recv_string())
        free.remove(name)
        senders[name].send_string(task)


def says_goodbye(ready, senders, tasks):
    asks_for_each(ready, senders, tasks)
    for sender in senders.values():
        sender.send_string("the end")


def sends_numbers(ready, senders, tasks):
    for i, _ in enumerate(tasks):
        senders[ready.recv_string()].send_string(str(i))


def sends_by_ready(ready, senders, tasks):
    for task in tasks:
        ready.send_string(task)


def mistakes_bytes_for_a_name(ready, senders, tasks):
    for task in tasks:
        senders[ready.recv()].send_string(task)


def asks_for_each(ready, senders, tasks):
    tasks = list(tasks)
    while tasks:
        senders[ready.recv().decode()].send(tasks.pop().encode())


def polls(ready, senders, tasks):
    for task in tasks:
        while not ready.poll(100):
            pass
        senders[ready.recv_string(zmq.NOBLOCK)].send_string(task)


WRONG = {
    "mind_the_load": [
        (leaves_the_mark, r"got 10 of 20.*socket is 1,000\.$"),
        (sets_a_mark_of_ten, r"socket is 10\.$"),
        (sets_a_mark_of_zero, "no mark at all"),
        (sets_the_mark_of_receiving, "`rcvhwm` is 1, but a PUSH never receives"),
        (connects_to_the_first, r"After [123] of 20"),
        (connects_to_the_last, "The slow worker got nothing"),
        (sets_the_mark_only, "After 0 of 20"),
        (sets_the_mark_afterwards, "Set the mark before you connect"),
        (binds, "Address already in use"),
        (connects_to_the_list, "TypeError"),
        (pushes_already, "pushed 3 messages of its own"),
        (closes, "closed the socket it was given"),
    ],
    "halve_the_makespan": [
        (deals_in_turn, "pushed 10 tasks to the slow worker, 10 to the fast"),
        (trusts_the_fast_one, "had also said that it was ready"),
        (asks_once, "pushed 20 tasks to the slow worker"),
        (deals_first_and_asks_then, r"pushed [23] tasks to the slow worker, 1\d to the fast"),
        (hears_all_names_first, "pushed no task and then waited, at .*recv_string"),
        (serves_each_worker_once, r"of 20\. The fast worker says"),
        (never_ends, "not returned.*nothing more to wait for"),
        (waits_for_each_in_turn, "of 20 and then waited.*The fast worker says"),
        (says_goodbye, "received .*the end"),
        (sends_numbers, "received .*'0', '1'"),
        (sends_by_ready, "not supported"),
        (mistakes_bytes_for_a_name, "KeyError"),
    ],
}
RIGHT = {
    "mind_the_load": [sets_with_set],
    "halve_the_makespan": [asks_for_each, polls],
}
