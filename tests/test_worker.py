"""A worker receives in its own thread, outlives its messages' faults, and ends when told to."""

import json
import re
import subprocess
import sys
import textwrap
import threading

import pytest
import zmq

from pushpull_kit import (
    EndpointError,
    PushPullError,
    Worker,
    WorkerStoppedError,
    WorkerStuckError,
    fresh_context,
)


@pytest.fixture
def push_to(context):
    """Makes a timed PUSH that is connected to a worker."""

    def connect(worker):
        push = context.socket(zmq.PUSH)
        push.connect(worker.endpoint)
        return push

    return connect


@pytest.fixture
def worker(context):
    """Starts workers, bound to a free port unless told otherwise."""

    def start(handler, **kwargs):
        where = {} if "connect" in kwargs else {"bind": "tcp://127.0.0.1:*"}
        return Worker(handler, context=context, **{**where, **kwargs}).start()

    return start


CLIENT = """
    import json, sys, zmq
    context = zmq.Context()
    sender = context.socket(zmq.PUSH)
    sender.bind(sys.argv[1])
    print(sender.last_endpoint.decode(), flush=True)
    for i in range(int(sys.argv[2])):
        sender.send_string(str(i))
    sender.close()
    context.term()
"""
SERVER = """
    import json, sys, zmq
    context = zmq.Context()
    receiver = context.socket(zmq.PULL)
    receiver.connect(sys.argv[1])
    got = [receiver.recv_string() for _ in range(int(sys.argv[2]))]
    print(json.dumps(got))
    receiver.close()
    context.term()
"""


def spawn(code, *args):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, args)],
        stdout=subprocess.PIPE,
        text=True,
    )


def failures(worker):
    return [failure.error for failure in worker.errors]


@pytest.mark.parametrize(
    ("receive", "send", "expected"),
    [
        ("string", lambda s: s.send_string("é"), "é"),
        ("bytes", lambda s: s.send(b"\xff"), b"\xff"),
        ("json", lambda s: s.send_json({"a": 1}), {"a": 1}),
        ("multipart", lambda s: s.send_multipart([b"a", b"b"]), [b"a", b"b"]),
        ("multipart", lambda s: s.send(b"a"), [b"a"]),
        ("string", lambda s: s.send(b""), ""),
        ("bytes", lambda s: s.send(bytes(50_000_000)), bytes(50_000_000)),
    ],
    ids=["string", "bytes", "json", "multipart", "one part", "empty", "50 MB"],
)
def test_receive_says_what_the_handler_gets(worker, push_to, receive, send, expected):
    """The handler is given the message in the form that was asked for."""
    got = []
    it = worker(got.append, receive=receive)
    send(push_to(it))
    it.wait(1)
    assert got == [expected]


@pytest.mark.parametrize(
    ("receive", "send", "reason"),
    [
        ("string", lambda s: s.send(b"\xff"), "expected text in UTF-8; got b'.xff'"),
        ("json", lambda s: s.send(b"{"), "expected JSON; got b'{'"),
        ("json", lambda s: s.send(b"\xff\xff"), "expected JSON"),
        ("json", lambda s: s.send(b"[" * 100_000), "expected JSON"),
        ("json", lambda s: s.send(b""), "expected JSON; got b''"),
        ("string", lambda s: s.send_multipart([b"a", b"b"]), "got 2 frames"),
        ("bytes", lambda s: s.send_multipart([b"a", b"b", b"c"]), "receive='multipart'"),
    ],
)
def test_what_cannot_be_decoded_fails_and_the_worker_goes_on(
    worker, push_to, context, receive, send, reason
):
    """A message of the wrong form is recorded as failed, with the remedy; the next is handled."""
    got = []
    it = worker(got.append, receive=receive)
    push = push_to(it)
    send(push)
    push.send(b"1")
    it.wait(2)
    assert len(got) == 1
    assert len(it.errors) == 1
    assert re.search(reason, it.errors[0].error)
    summary = context.timings.summary()
    assert (summary.pushed, summary.failed, summary.handled) == (2, 1, 1)


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), KeyboardInterrupt()])
def test_a_handler_may_raise(worker, push_to, error):
    """Whatever a handler raises is recorded with its traceback, and the worker goes on."""

    def handler(text):
        if text == "bad":
            raise error

    it = worker(handler)
    push = push_to(it)
    push.send(b"bad")
    push.send(b"good")
    it.wait(2)
    assert type(error).__name__ in it.errors[0].error
    assert "in handler" in it.errors[0].traceback
    assert it.running


def test_errors_keep_the_last_ones(worker, push_to):
    """`errors` holds the last twenty failures, not all of them."""

    def handler(text):
        raise ValueError(text)

    it = worker(handler)
    push = push_to(it)
    for number in range(30):
        push.send_string(str(number))
    it.wait(30)
    assert failures(it) == [f"ValueError: {number}" for number in range(10, 30)]


def test_the_first_failures_are_logged(worker, push_to, caplog):
    """Three failures are told as they happen; the rest are only counted."""

    def handler(text):
        raise ValueError(text)

    it = worker(handler)
    push = push_to(it)
    for _ in range(10):
        push.send(b"x")
    it.wait(10)
    assert len(caplog.records) == 3
    assert "worker.errors has the traceback" in caplog.text


BAD_ARGUMENTS = [
    (TypeError, "expected a function", {"handler": print("") or "no", "bind": "inproc://a"}),
    (ValueError, "neither", {"handler": print}),
    (ValueError, "both", {"handler": print, "bind": "inproc://a", "connect": "inproc://b"}),
    (TypeError, "expected an endpoint", {"handler": print, "bind": 5559}),
    (ValueError, "expected one of 'string'", {"handler": print, "bind": "x", "receive": "text"}),
    (ValueError, "got None", {"handler": print, "bind": "x", "receive": None}),
    (ValueError, "can run code here", {"handler": print, "bind": "x", "receive": "pickle"}),
    (TypeError, "expected pyzmq's socket options", {"handler": print, "bind": "x", "hwm_": 1}),
    (TypeError, "fresh_context", {"handler": print, "bind": "x", "context": "ctx"}),
]


@pytest.mark.parametrize(("kind", "text", "arguments"), BAD_ARGUMENTS)
def test_bad_arguments_say_what_was_expected(kind, text, arguments):
    """An argument that makes no sense is refused before anything is started."""
    with pytest.raises(kind, match=text):
        Worker(**{"context": None, **arguments})


@pytest.mark.parametrize(
    "where",
    [
        {"connect": "127.0.0.1:5559"},
        {"connect": "tcp:/127.0.0.1:5559"},
        {"connect": "tcp://*:5559"},
        {"connect": "http://127.0.0.1:5559"},
        {"bind": "tcp://nohost:5559x"},
        {"bind": "tcp://192.0.2.1:5559"},
        {"bind": ""},
    ],
)
def test_a_bad_endpoint_raises_in_the_caller(context, where):
    """`start` raises what is wrong with the endpoint, with an example, and leaves no thread."""
    with pytest.raises(EndpointError, match="expected an endpoint such as"):
        Worker(print, context=context, **where).start()
    assert not context.workers


def test_a_port_that_is_none_raises_in_the_caller(context):
    """libzmq takes port 99999 for 34463; a worker says that there is no such port."""
    with pytest.raises(EndpointError, match="expected a port up to 65535"):
        Worker(print, connect="tcp://127.0.0.1:99999", context=context).start()


def test_a_taken_endpoint_raises_in_the_caller(context, raw_context):
    """Binding where another socket is bound says that the endpoint is taken."""
    raw = raw_context.socket(zmq.PULL)
    raw.bind("tcp://127.0.0.1:*")
    with pytest.raises(EndpointError, match="is taken"):
        Worker(print, bind=raw.last_endpoint.decode(), context=context).start()
    raw.close()


def test_a_bad_option_value_raises_in_the_caller(context):
    """A value that libzmq refuses is named together with its option."""
    with pytest.raises(ValueError, match="rcvhwm: expected a value"):
        Worker(print, bind="inproc://a", context=context, rcvhwm="many").start()


def test_endpoint_is_the_resolved_one(worker):
    """A worker bound to port `*` tells which port it got."""
    assert worker(print).endpoint.rpartition(":")[2].isdigit()


def test_a_worker_may_connect_before_anyone_binds(context, worker):
    """The blog post's server connects first; messages flow once its client binds."""
    got = []
    it = worker(got.append, connect="inproc://later")
    push = context.socket(zmq.PUSH)
    push.bind("inproc://later")
    push.send_string("0")
    it.wait(1)
    assert got == ["0"]


def test_starting_twice_is_one_worker(worker):
    """`start` on a running worker returns it and starts nothing."""
    it = worker(print)
    threads = threading.active_count()
    assert it.start() is it
    assert threading.active_count() == threads


def test_a_stopped_worker_may_start_again(worker, push_to):
    """After `stop`, `start` opens a new socket at the same endpoint."""
    got = []
    it = worker(got.append)
    it.stop()
    it.start()
    push_to(it).send_string("again")
    it.wait(1)
    assert got == ["again"]


def test_stop_twice(worker):
    """`stop` may be called any number of times, before the start too."""
    it = worker(print)
    it.stop()
    it.stop()
    assert not it.running
    Worker(print, bind="inproc://x").stop()


def test_stop_is_prompt_under_a_flood(worker, push_to, context):
    """Messages that wait do not keep a worker from stopping after the one in hand."""
    first = threading.Event()
    it = worker(lambda text: first.set())
    push = push_to(it)
    for _ in range(1000):
        push.send(b"x")
    first.wait(10)
    it.stop()
    assert not it.running
    push.close(linger=0)


def test_stop_from_the_handler(worker, push_to):
    """A handler may stop its own worker, which ends when the handler returns."""
    it = worker(lambda text: it.stop())
    thread = it.thread
    push_to(it).send(b"last")
    thread.join(10)
    assert not it.running
    it.stop()


def test_a_handler_that_never_returns_is_named(worker, push_to):
    """`stop` gives up after its timeout and says which handler did not return."""
    entered, over = threading.Event(), threading.Event()

    def sleeper(text):
        entered.set()
        over.wait()

    it = worker(sleeper)
    push_to(it).send(b"x")
    entered.wait(10)
    with pytest.raises(WorkerStuckError, match=r"'worker' to stop within 0\.05 s.*sleeper"):
        it.stop(0.05)
    over.set()
    it.stop()
    assert not it.running


def test_fresh_context_outlives_a_stuck_handler():
    """A handler that never returns delays a fresh context by a bounded time, and is named."""
    entered, over = threading.Event(), threading.Event()

    def sleeper(text):
        entered.set()
        over.wait()

    context = fresh_context()
    worker = Worker(sleeper, bind="inproc://a", context=context).start()
    push = context.socket(zmq.PUSH)
    push.connect("inproc://a")
    push.send(b"x")
    entered.wait(10)
    with pytest.warns(RuntimeWarning, match="'worker' is still in its handler"):
        fresh = fresh_context()
    over.set()
    worker.stop()
    fresh.term()
    for thread in threading.enumerate():
        if thread.name == "context-term":
            thread.join(10)
    assert context.closed


def test_wait_says_how_many_were_finished(worker, push_to):
    """`wait` for more than were pushed raises TimeoutError with the count."""
    it = worker(print)
    push_to(it).send(b"x")
    it.wait(1)
    with pytest.raises(TimeoutError, match=r"2 messages in 0\.05 s; got 1"):
        it.wait(2, timeout=0.05)


def test_wait_counts_failures_as_finished(worker, push_to):
    """A failed message is finished too."""
    it = worker(lambda text: 1 / 0)
    push_to(it).send(b"x")
    it.wait(1)
    assert it.finished == 1


def test_wait_for_a_stopped_worker_raises_at_once(worker):
    """Waiting for a worker that is not running is an error, not a wait."""
    it = worker(print)
    it.stop()
    with pytest.raises(WorkerStoppedError, match="not running"):
        it.wait(1, timeout=1000)


def test_two_may_wait(worker, push_to):
    """Two threads may wait for different counts of one worker."""
    it = worker(lambda text: None)
    reached = []
    threads = [
        threading.Thread(target=lambda n=n: (it.wait(n), reached.append(n))) for n in (1, 500)
    ]
    for thread in threads:
        thread.start()
    push = push_to(it)
    for _ in range(500):
        push.send(b"x")
    for thread in threads:
        thread.join(20)
    assert sorted(reached) == [1, 500]


def test_replacement_takes_over_the_socket(worker):
    """While a raw program pushes 100,000, the worker's cell is run anew again and again: all
    are handled, once each, in order."""
    got = []
    with spawn(CLIENT, "tcp://127.0.0.1:*", 100_000) as client:
        address = client.stdout.readline().strip()
        workers = [worker(lambda text: got.append(int(text)), connect=address)]
        while len(workers) < 30:
            workers[-1].wait(1_000)
            workers.append(worker(lambda text: got.append(int(text)), connect=address))
        done = sum(replaced.finished for replaced in workers[:-1])
        workers[-1].wait(100_000 - done, timeout=120)
        assert client.wait(10) == 0
    assert got == list(range(100_000))
    assert [it.running for it in workers] == [False] * 29 + [True]


def test_replacement_at_another_endpoint_stops_the_old(worker, context):
    """A worker of the same name elsewhere ends the old one: never two under one name."""
    old = worker(print)
    new = worker(print)
    other = worker(print, bind="inproc://elsewhere")
    assert (old.running, new.running, other.running) == (False, False, True)
    assert context.workers == {"worker": other}


def test_replacement_of_a_stuck_worker_is_refused(worker, push_to, monkeypatch):
    """While the old handler has not returned, no second worker shares its messages."""
    entered, over = threading.Event(), threading.Event()
    old = worker(lambda text: (entered.set(), over.wait()))
    push_to(old).send(b"x")
    entered.wait(10)
    stop = old.stop
    monkeypatch.setattr(old, "stop", lambda: stop(0.05))
    with pytest.raises(WorkerStuckError):
        worker(print, bind="tcp://127.0.0.1:*")
    over.set()


def test_different_names_share_the_work(worker, context):
    """Workers of different names stand side by side and take turns."""
    push = context.socket(zmq.PUSH)
    push.bind("inproc://turns")
    counts = {"a": 0, "b": 0}
    workers = []
    for name in counts:

        def handler(text, name=name):
            counts[name] += 1

        workers.append(worker(handler, connect="inproc://turns", name=name))
    for _ in range(10):
        push.send(b"x")
    for it in workers:
        it.wait(5)
    assert counts == {"a": 5, "b": 5}


def test_as_context_manager(context):
    """A with statement starts the worker and stops it."""
    with Worker(print, bind="inproc://a", context=context) as it:
        assert it.running
    assert not it.running


def test_repr_is_one_line_with_counts(worker, push_to):
    """The repr tells name, endpoint, state and counts."""
    it = worker(lambda text: None, name="mail")
    push_to(it).send(b"x")
    it.wait(1)
    expected = f"<Worker 'mail': bind {it.endpoint}, running, 1 handled, 0 failed>"
    assert repr(it) == expected


def test_context_termination_stops_a_worker(worker, context):
    """Terminating the context wakes a waiting worker, which closes its own socket."""
    it = worker(print)
    with pytest.warns(ResourceWarning, match="was not stopped"):
        context.term()
    it.stop()
    assert not it.running


def test_a_closed_context_is_refused(context):
    """Starting a worker in a terminated context says so."""
    context.term()
    with pytest.raises(PushPullError, match="fresh_context"):
        Worker(print, bind="inproc://a", context=context).start()


def test_a_strangers_wake_up_call_is_a_message(worker, push_to):
    """Sixteen bytes that look like the wake-up call are handled as any message."""
    got = []
    it = worker(got.append, receive="bytes")
    push_to(it).send(bytes(16))
    it.wait(1)
    assert got == [bytes(16)]


def run_python(code, *, args=(), timeout=30):
    return subprocess.run(
        [sys.executable, *args, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=timeout,
    )


EXIT = """
    import sys, time, zmq
    from pushpull_kit import Context, Worker
    context = Context()
    def handler(text):
        print("in hand", flush=True)
        time.sleep({sleep_s})
    worker = Worker(handler, bind="tcp://127.0.0.1:*", context=context).start()
    push = context.socket(zmq.PUSH)
    push.connect(worker.endpoint)
    for _ in range(3):
        push.send(b"x")
    while not context.timings.summary().handling:
        pass
    ended = time.monotonic()
    import atexit
    print("end of script")
"""


@pytest.mark.parametrize("sleep_s", [0, 3600])
def test_the_interpreter_ends_with_a_running_worker(sleep_s):
    """A script that ends while its worker runs, or hangs, ends without a traceback."""
    code = EXIT.format(sleep_s=sleep_s)
    if sleep_s == 0:
        code = code.replace("while not context.timings.summary().handling", "while not 1")
    done = run_python(code, timeout=20)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "end of script" in done.stdout


def test_a_forgotten_stop_warns_at_exit():
    """With warnings shown, the end of the script tells which worker was not stopped."""
    done = run_python(EXIT.format(sleep_s=0.01), args=["-W", "always::ResourceWarning"])
    assert "<Worker 'worker'" in done.stderr
    assert "was not stopped" in done.stderr


def test_a_plain_client_program_feeds_a_worker(worker):
    """A pyzmq program that binds and pushes, in another process, is served unmodified."""
    got = []
    with spawn(CLIENT, "tcp://127.0.0.1:*", 100) as client:
        it = worker(got.append, connect=client.stdout.readline().strip())
        it.wait(100)
        assert client.wait(10) == 0
    assert got == [str(number) for number in range(100)]


def test_a_plain_server_program_reads_a_timed_socket(context):
    """A pyzmq program that connects and pulls, in another process, reads a timed PUSH."""
    push = context.socket(zmq.PUSH)
    push.bind("tcp://127.0.0.1:*")
    with spawn(SERVER, push.last_endpoint.decode(), 100) as server:
        for number in range(100):
            push.send_string(str(number))
        got = json.loads(server.stdout.readline())
        assert server.wait(10) == 0
    assert got == [str(number) for number in range(100)]
