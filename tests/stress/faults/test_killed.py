"""Processes that are killed: which messages are lost, and what the other side's log shows.

A message is its number and padding. The worker's process reports the numbers that it handled, so
lost messages are counted without the log.
"""

import pytest
import zmq
from faults import DEADLINE_S, between_processes, counts, needs_signals, until
from zmq.utils.monitor import recv_monitor_message

from pushpull_kit import Worker

pytestmark = needs_signals

COUNT = 10_000
PADDING = " " * 1_000
BUFFER = 65_536  # operating system's buffer per direction; too small for all messages

#: Handles ten messages, waits until more are in its queue, and blocks in the eleventh.
WORKER = """
    from pushpull_kit import Context, Worker
    context = Context()
    def handler(text):
        if worker.finished == 10:
            assert worker._run.inbox._socket.poll(30_000)
            say({"in hand": int(text), "untimed": context.timings.summary().untimed})
            hear()
        say(int(text))
    where = {sys.argv[1]: sys.argv[2]}
    worker = Worker(handler, context=context, rcvhwm=10, rcvbuf=65_536, **where)
    hear()
    say(worker.start().endpoint)
    hear()
"""

#: Pushes all messages at once, reports its log's summary, and keeps running.
SENDER = """
    import zmq
    from pushpull_kit import Context
    context = Context()
    push = context.socket(zmq.PUSH)
    push.sndhwm = 0
    push.sndbuf = 65_536
    push.connect(sys.argv[1])
    for number in range(int(sys.argv[2]), int(sys.argv[3])):
        push.send_string(f"{number}{' ' * 1_000}")
    say([context.timings.summary().pushed, context.timings.summary().in_flight])
    hear()
"""


def started_worker(child, how, address):
    """Return the child process of a worker, and its endpoint."""
    process = child(WORKER, how, address)
    process.say("start")
    return process, process.hear()


def endless_push(context):
    """Return a timed PUSH without a high-water mark and with a small buffer in the kernel."""
    push = context.socket(zmq.PUSH)
    push.sndhwm, push.sndbuf, push.sndtimeo = 0, BUFFER, round(DEADLINE_S * 1e3)
    return push


def push_all(push):
    for number in range(COUNT):
        push.send_string(f"{number}{PADDING}")


def heard_of(process):
    """Return what the worker's process handled, and the message it blocked in."""
    handled = [process.hear() for _ in range(10)]
    stuck = process.hear()
    assert stuck["untimed"] == 11, "the worker's own log: ten handled, one in hand, all untimed"
    return handled, stuck["in hand"]


@between_processes
def test_all_that_a_bound_push_had_queued_for_a_killed_worker_is_lost(
    context, child, raw_context, address
):
    """Of 10,000 messages to a connected worker that is killed, ten are handled and 9,990 lost; the
    next worker gets none of them, and the log shows 10,000 in flight."""
    push = endless_push(context)
    push.bind(address)
    endpoint = push.last_endpoint.decode()
    process, _ = started_worker(child, "connect", endpoint)
    push_all(push)
    assert heard_of(process) == (list(range(10)), 10)
    process.kill()
    assert process.hear_the_rest() == []
    until(lambda: not push.poll(0, zmq.POLLOUT), "libzmq has noticed the worker's end")
    with pytest.raises(zmq.Again):
        push.send(b"to nobody", zmq.NOBLOCK)
    assert counts(context.timings.summary()) == {"pushed": COUNT, "in_flight": COUNT, "refused": 1}
    raw = raw_context.socket(zmq.PULL)
    raw.connect(endpoint)
    push.send(b"after")
    assert raw.recv() == b"after"
    assert counts(context.timings.summary())["in_flight"] == COUNT + 1


@between_processes
def test_a_connected_push_loses_only_what_had_left_it(context, child, address):
    """Of 10,000 messages to a bound worker that is killed, those still queued at the PUSH reach the
    next worker; the log shows in flight exactly those that reached neither handler."""
    process, endpoint = started_worker(child, "bind", address)
    push = endless_push(context)
    push.connect(endpoint)
    push_all(push)
    assert heard_of(process) == (list(range(10)), 10)
    process.kill()
    got = []
    with Worker(lambda text: got.append(text.strip()), bind=endpoint, context=context) as worker:
        push.send_string("last")  # a pipe keeps the order: no message comes after this one
        until(lambda: "last" in got, "the next worker has what was queued")
        worker.wait(len(got))
    assert got == [*map(str, range(COUNT - len(got) + 1, COUNT)), "last"]
    lost = COUNT - (len(got) - 1) - 10
    print(f"{COUNT:,} pushed: 10 handled by the dead, {lost:,} lost, {len(got) - 1:,} by the next")
    assert 0 < lost < COUNT - 10
    assert counts(context.timings.summary()) == {
        "pushed": COUNT + 1,
        "handled": len(got),
        "in_flight": lost + 10,
    }


@between_processes
def test_a_killed_sender_takes_its_queue_with_it(context, child, address):
    """Of 10,000 messages that a killed process pushed, the first ones arrive, in order and without
    a gap; the log counts them as untimed, and no message of the other sender is missing."""
    pull = context.socket(zmq.PULL)
    pull.rcvhwm, pull.rcvbuf = 10, BUFFER
    pull.bind(address)
    monitor = pull.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    endpoint = pull.last_endpoint.decode()
    process = child(SENDER, endpoint, 0, COUNT)
    assert process.hear() == [COUNT, COUNT]
    process.kill()
    got = [pull.recv_string()]

    def read_to_the_end():
        ended = monitor.poll(0)  # polled before the receive, so what is queued now is everything
        while pull.poll(0):
            got.append(pull.recv_string())
        return ended

    until(read_to_the_end, "libzmq has noticed the sender's end")
    assert recv_monitor_message(monitor)["event"] == zmq.EVENT_DISCONNECTED
    pull.disable_monitor()
    monitor.close()
    push = context.socket(zmq.PUSH)
    push.connect(endpoint)
    for number in range(100):
        push.send_string(f"{number}{PADDING}")
        assert pull.recv_string() == f"{number}{PADDING}"
    pull.close()
    assert got == [f"{number}{PADDING}" for number in range(len(got))]
    print(f"{COUNT:,} pushed: {len(got):,} arrived, {COUNT - len(got):,} lost with their sender")
    assert len(got) < COUNT
    assert counts(context.timings.summary()) == {"pushed": 100, "handled": 100, "untimed": len(got)}


@between_processes
def test_a_worker_outlives_a_killed_sender(context, child, address):
    """A worker whose sender is killed handles what arrived, and all messages of the next sender."""
    got = []
    with Worker(got.append, bind=address, context=context) as worker:
        first = child(SENDER, worker.endpoint, 0, 100)
        assert first.hear() == [100, 100]
        worker.wait(1, DEADLINE_S)
        first.kill()
        second = child(SENDER, worker.endpoint, 100, 200)
        assert second.hear() == [100, 100]
        until(lambda: f"199{PADDING}" in got, "the second process's last is handled")
        worker.wait(len(got))
    arrived = len(got) - 100
    assert 0 < arrived <= 100
    # The worker may read the second connection first; order holds within each connection.
    numbers = [*range(arrived), *range(100, 200)]
    assert sorted(got, key=int) == [f"{number}{PADDING}" for number in numbers]
    assert counts(context.timings.summary()) == {"untimed": len(got)}
