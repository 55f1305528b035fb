"""Processes that are stopped (SIGSTOP) and go on (SIGCONT): late is not lost."""

import threading

import pytest
import zmq
from faults import (
    DEADLINE_S,
    between_processes,
    books,
    needs_signals,
    within_a_process,
)

from pushpull_kit import Worker

pytestmark = needs_signals

#: Takes long to send and to handle: a hundred of these do not fit into a kernel's buffers.
N_BYTES = 100_000

#: Handles what comes, and says its number.
WORKER = """
    from pushpull_kit import Context, Worker
    context = Context()
    handler = lambda payload: say(int(payload[:10]))
    Worker(handler, connect=sys.argv[1], context=context, receive="bytes", rcvhwm=1).start()
    hear()
    s = context.timings.summary()
    say([s.untimed, s.pushed, s.handled, s.failed, s.handling, s.in_flight])
    hear()
"""

#: Pushes a hundred, and says when all are sent.
PUSHER = """
    import zmq
    from pushpull_kit import Context
    context = Context()
    push = context.socket(zmq.PUSH)
    push.sndhwm, push.sndbuf = 1, 65_536
    push.connect(sys.argv[1])
    for number in range(100):
        push.send(b"%010d" % number + bytes(100_000))
    s = context.timings.summary()
    say([s.pushed, s.in_flight, s.sending_s])
    hear()
"""

#: A worker and a PUSH in one process: pushes when told, until told to end; says what its log says.
BOTH = """
    import threading, zmq
    from pushpull_kit import Context, Worker
    context = Context()
    got = []
    worker = Worker(got.append, bind=sys.argv[1], context=context).start()
    push = context.socket(zmq.PUSH)
    push.connect(worker.endpoint)
    over = threading.Event()
    threading.Thread(target=lambda: (hear(), over.set()), daemon=True).start()
    number = 0
    while not over.is_set():
        push.send_string(str(number))
        number += 1
        if number == 100:
            say("under way")
    worker.wait(number)
    s = context.timings.summary()
    waits = [message.waited_ns for message in context.timings]
    say({
        "pushed": number,
        "got": got == [str(n) for n in range(number)],
        "books": [s.pushed, s.handled, s.failed, s.handling, s.in_flight],
        "least wait": min(waits),
    })
    hear()
"""


def numbered(number):
    return b"%010d" % number + bytes(N_BYTES)


@between_processes
def test_a_stopped_worker_blocks_the_push_and_loses_nothing(context, child, address):
    """To a worker's process that stands, `send` is refused once all queues are full; when it goes
    on, it handles every message that was accepted, in order, and not the refused one."""
    push = context.socket(zmq.PUSH)
    push.sndhwm, push.sndtimeo = 1, round(DEADLINE_S * 1e3)
    push.bind(address)
    process = child(WORKER, push.last_endpoint.decode())
    push.send(numbered(0))
    assert process.hear() == 0
    process.stop()
    pushed = 1
    while push.poll(200, zmq.POLLOUT):  # room for one is made in far less, while there is any
        push.send(numbered(pushed))
        pushed += 1
    with pytest.raises(zmq.Again):
        push.send(numbered(pushed), zmq.NOBLOCK)
    assert books(context.timings.summary()) == {
        "pushed": pushed,
        "in_flight": pushed,
        "refused": 1,
    }
    process.go_on()
    assert [process.hear() for _ in range(1, pushed)] == list(range(1, pushed))
    process.say("the books, please")
    assert process.hear() == [pushed, 0, 0, 0, 0, 0]
    print(f"{pushed} pushed, one refused, {pushed} handled after the stop")


@between_processes
def test_a_stopped_pusher_delays_only_its_own(context, child, address):
    """While a pusher's process stands in the middle of its messages, another's are all handled;
    when it goes on, its own are complete and in order too."""
    got, begun, held = [], threading.Event(), threading.Event()

    def handler(payload):
        got.append(payload)
        begun.set()
        held.wait(DEADLINE_S)

    options = {"receive": "bytes", "rcvhwm": 1, "rcvbuf": 65_536}
    worker = Worker(handler, bind=address, context=context, **options).start()
    process = child(PUSHER, worker.endpoint)
    assert begun.wait(DEADLINE_S)
    process.stop()
    held.set()
    push = context.socket(zmq.PUSH)
    push.connect(worker.endpoint)
    for number in range(100):
        push.send_string(f"mine {number}")
    while len(mine(got)) < 100:
        worker.wait(worker.finished + 1, DEADLINE_S)
    theirs = len(got) - 100
    print(f"stopped after {theirs} of 100")
    assert 0 < theirs < 100
    process.go_on()
    worker.wait(200, DEADLINE_S)
    worker.stop()
    assert mine(got) == [b"mine %d" % number for number in range(100)]
    assert [payload for payload in got if payload not in mine(got)] == list(
        map(numbered, range(100))
    )
    pushed, in_flight, _ = process.hear()
    assert (pushed, in_flight) == (100, 100)
    assert books(context.timings.summary()) == {"pushed": 100, "handled": 100, "untimed": 100}


def mine(got):
    return [payload for payload in got if payload.startswith(b"mine")]


@within_a_process
def test_a_process_that_stood_still_has_its_books_in_order(child, address):
    """A process that is stopped and goes on ten times while its worker serves its PUSH loses no
    message, and no wait in its log is negative."""
    process = child(BOTH, address)
    assert process.hear() == "under way"
    for _ in range(10):
        process.stop()
        process.go_on()
    process.say("end")
    told = process.hear()
    n = told["pushed"]
    assert told["got"]
    assert told["books"] == [n, n, 0, 0, 0]
    assert told["least wait"] >= 0
