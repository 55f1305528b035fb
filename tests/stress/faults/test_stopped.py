"""Processes that are stopped (SIGSTOP) and continued (SIGCONT) lose no messages."""

import threading

import pytest
import zmq
from faults import (
    DEADLINE_S,
    between_processes,
    counts,
    needs_signals,
    within_a_process,
)

from pushpull_kit import Worker

pytestmark = needs_signals

#: Large: a hundred of these do not fit into the operating system's buffers.
N_BYTES = 100_000

#: Reports the number of each message that it handles.
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

#: Pushes a hundred messages, and reports when all are sent.
SENDER = """
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

#: A worker and a PUSH in one process: pushes on request, and reports its log's summary.
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
        "counts": [s.pushed, s.handled, s.failed, s.handling, s.in_flight],
        "least wait": min(waits),
    })
    hear()
"""


def numbered(number):
    return b"%010d" % number + bytes(N_BYTES)


@between_processes
def test_a_stopped_worker_blocks_the_push_and_loses_nothing(context, child, address):
    """While a worker's process is stopped, `send` is refused once all queues are full; after it
    continues, it handles every accepted message in order, and not the refused one."""
    push = context.socket(zmq.PUSH)
    push.sndhwm, push.sndtimeo = 1, round(DEADLINE_S * 1e3)
    push.bind(address)
    process = child(WORKER, push.last_endpoint.decode())
    push.send(numbered(0))
    assert process.hear() == 0
    process.stop()
    pushed = 1
    while push.poll(200, zmq.POLLOUT):  # while there is room, a send is possible much sooner
        push.send(numbered(pushed))
        pushed += 1
    with pytest.raises(zmq.Again):
        push.send(numbered(pushed), zmq.NOBLOCK)
    assert counts(context.timings.summary()) == {
        "pushed": pushed,
        "in_flight": pushed,
        "refused": 1,
    }
    process.go_on()
    assert [process.hear() for _ in range(1, pushed)] == list(range(1, pushed))
    process.say("report the counts")
    assert process.hear() == [pushed, 0, 0, 0, 0, 0]
    print(f"{pushed} pushed, one refused, {pushed} handled after the stop")


@between_processes
def test_a_stopped_sender_delays_only_its_own(context, child, address):
    """While one sender's process is stopped in the middle of its messages, all messages of another
    sender are handled; after it continues, its own are complete and in order too."""
    got, begun, held = [], threading.Event(), threading.Event()

    def handler(payload):
        got.append(payload)
        begun.set()
        held.wait(DEADLINE_S)

    options = {"receive": "bytes", "rcvhwm": 1, "rcvbuf": 65_536}
    worker = Worker(handler, bind=address, context=context, **options).start()
    process = child(SENDER, worker.endpoint)
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
    assert counts(context.timings.summary()) == {"pushed": 100, "handled": 100, "untimed": 100}


def mine(got):
    return [payload for payload in got if payload.startswith(b"mine")]


@within_a_process
def test_a_process_that_stood_still_has_its_books_in_order(child, address):
    """A process that is stopped and continued ten times while its worker serves its PUSH loses no
    message, and no queueing time in its log is negative."""
    process = child(BOTH, address)
    assert process.hear() == "under way"
    for _ in range(10):
        process.stop()
        process.go_on()
    process.say("end")
    told = process.hear()
    n = told["pushed"]
    assert told["got"]
    assert told["counts"] == [n, n, 0, 0, 0]
    assert told["least wait"] >= 0
