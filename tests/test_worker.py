"""A worker receives in its own thread, survives errors of its handler, and stops when asked."""

import functools
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
    """Return a function that makes a timed PUSH that is connected to a worker."""

    def connect(worker):
        push = context.socket(zmq.PUSH)
        push.connect(worker.endpoint)
        return push

    return connect


@pytest.fixture
def worker(context):
    """Return a function that starts workers, bound to a free port by default."""

    def start(handler, **kwargs):
        where = {} if "connect" in kwargs else {"bind": "tcp://127.0.0.1:*"}
        return Worker(handler, context=context, **{**where, **kwargs}).start()

    return start


SENDER = """
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
RECEIVER = """
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
def test_receive_selects_what_the_handler_gets(worker, push_to, receive, send, expected):
    """The handler gets the message in the form that `receive` names."""
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
def test_an_unreadable_message_fails_and_the_next_is_handled(
    worker, push_to, context, receive, send, reason
):
    """A message that cannot be decoded is failed, with the remedy; the next one is handled."""
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
    """Whatever a handler raises is recorded with its traceback, and the worker continues."""

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


def test_a_failure_has_its_messages_size_and_number(worker, push_to, caplog):
    """A failure has the size of all frames, and is logged with the number of its message."""

    def handler(frames):
        if len(frames) > 1:
            raise ValueError("x")

    it = worker(handler, receive="multipart")
    push = push_to(it)
    push.send(b"a")
    push.send_multipart([b"abc", b"", b"de"])
    it.wait(2)
    assert [failure.n_bytes for failure in it.errors] == [5]
    assert "message 2 failed: ValueError: x" in caplog.text


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
    """A wrong argument raises, with what is expected, before anything is started."""
    with pytest.raises(kind, match=text):
        Worker(**{"context": None, **arguments})


async def coroutine_function(text):
    """A handler whose call only makes a coroutine."""


async def async_generator_function(text):
    yield


def generator_function(text):
    yield


class Handlers:
    async def method(self, text):
        """A bound method that is a coroutine function."""

    async def __call__(self, text):
        """A callable object whose call makes a coroutine."""


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (coroutine_function, "a coroutine function"),
        (async_generator_function, "an async generator function"),
        (generator_function, "a generator function"),
        (functools.partial(coroutine_function), "a coroutine function"),
        (Handlers().method, "a coroutine function"),
        (functools.partial(Handlers().method), "a coroutine function"),
        (Handlers(), "a coroutine function"),
        (functools.partial(Handlers()), "a coroutine function"),
    ],
    ids=[
        "async",
        "async_gen",
        "gen",
        "partial",
        "method",
        "partial_method",
        "object",
        "partial_object",
    ],
)
def test_a_handler_whose_code_would_not_run_is_refused(handler, kind):
    """A function whose call runs none of its code is refused, with a remedy."""
    with pytest.raises(TypeError, match=f"done when it returns; got .*{kind}.*plain function"):
        Worker(handler, bind="inproc://a")


@pytest.mark.parametrize("receive", ["string", "multipart"])
@pytest.mark.parametrize(
    ("function", "remedy"),
    [
        (coroutine_function, "asyncio.run"),
        (async_generator_function, "asyncio.run"),
        (generator_function, "loop over it"),
    ],
)
def test_a_message_fails_if_its_handler_returns_what_has_not_run(
    worker, push_to, context, receive, function, remedy
):
    """If a handler returns a coroutine or a generator, the message has failed."""
    it = worker(lambda message: function(message), receive=receive)
    push_to(it).send(b"x")
    it.wait(1)
    (failure,) = it.errors
    assert "expected a handler that is done when it returns" in failure.error
    assert remedy in failure.error
    assert context.timings.summary().failed == 1


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
    """`start` raises for a bad endpoint, with an example, and leaves no worker."""
    with pytest.raises(EndpointError, match="expected an endpoint such as"):
        Worker(print, context=context, **where).start()
    assert not context.workers


def test_a_port_above_the_maximum_raises_in_the_caller(context):
    """`start` raises for port 99999, which libzmq would take for 34463."""
    with pytest.raises(EndpointError, match="expected a port up to 65535"):
        Worker(print, connect="tcp://127.0.0.1:99999", context=context).start()


def test_a_taken_endpoint_raises_in_the_caller(context, raw_context):
    """`start` raises for an endpoint that another socket has bound."""
    raw = raw_context.socket(zmq.PULL)
    raw.bind("tcp://127.0.0.1:*")
    with pytest.raises(EndpointError, match="is taken"):
        Worker(print, bind=raw.last_endpoint.decode(), context=context).start()
    raw.close()


def test_a_bad_option_value_raises_in_the_caller(context):
    """A value that libzmq refuses raises an error that names the option."""
    with pytest.raises(ValueError, match="rcvhwm: expected a value"):
        Worker(print, bind="inproc://a", context=context, rcvhwm="many").start()


def test_endpoint_is_the_resolved_one(worker):
    """The endpoint of a worker bound to port `*` has the port that the system chose."""
    assert worker(print).endpoint.rpartition(":")[2].isdigit()


def test_a_worker_may_connect_before_the_sender_binds(context, worker):
    """A worker that connects first gets messages when its sender has bound."""
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


def test_stop_may_be_called_twice(worker):
    """`stop` may be called any number of times, also before `start`."""
    it = worker(print)
    it.stop()
    it.stop()
    assert not it.running
    Worker(print, bind="inproc://x").stop()


def test_stop_does_not_wait_for_queued_messages(worker, push_to, context):
    """A worker stops after its current message, however many are queued."""
    first = threading.Event()
    it = worker(lambda text: first.set())
    push = push_to(it)
    for _ in range(1000):
        push.send(b"x")
    first.wait(10)
    it.stop()
    assert not it.running
    push.close(linger=0)


def test_a_handler_may_stop_its_worker(worker, push_to):
    """A handler may stop its own worker, which ends when the handler returns."""
    it = worker(lambda text: it.stop())
    thread = it.thread
    push_to(it).send(b"last")
    thread.join(10)
    assert not it.running
    assert not it.errors
    it.stop()


def test_a_handler_may_stop_and_start_its_worker(worker, push_to):
    """After `stop` and `start` in its handler, a worker goes on, and no message is lost."""

    def restart(text):
        it.stop()
        it.start()

    it = worker(restart)
    thread = it.thread
    push = push_to(it)
    for _ in range(3):
        push.send(b"x")
    it.wait(3)
    assert not it.errors
    assert it.thread is thread
    assert it.running


def test_a_handler_cannot_take_back_the_stop_of_another_thread(worker, push_to):
    """When another thread has asked a worker to stop, `start` in the handler does not undo it."""
    entered, asked = threading.Event(), threading.Event()

    def start_again(text):
        entered.set()
        asked.wait(10)
        it.stop()
        it.start()

    it = worker(start_again)
    push_to(it).send(b"x")
    assert entered.wait(10)
    it.ask_to_stop()
    asked.set()
    it.thread.join(10)
    assert not it.running
    assert not it.errors


def test_a_worker_that_stops_is_started_when_it_has_ended(worker, push_to):
    """`start` waits for the end of a worker that was asked to stop, and then starts it anew."""
    entered, may_end = threading.Event(), threading.Event()
    it = worker(lambda text: (entered.set(), may_end.wait(10)))
    push_to(it).send(b"x")
    assert entered.wait(10)
    first = it.thread
    it.ask_to_stop()
    starter = threading.Thread(target=it.start)
    starter.start()
    may_end.set()
    starter.join(10)
    assert it.running
    assert it.thread is not first


def test_a_handler_may_replace_its_worker(worker, push_to):
    """A handler may start the worker that replaces its own and takes over the socket."""
    got = []

    def replace(text):
        workers.append(worker(got.append))

    workers = []
    old = worker(replace)
    push = push_to(old)
    for text in ("0", "1", "2"):
        push.send_string(text)
    old.wait(1)
    workers[0].wait(2)
    assert got == ["1", "2"]
    assert not old.errors
    old.stop()


def test_a_handler_that_waits_for_its_own_message_is_told(worker, push_to):
    """`wait` in the handler for the message that it handles raises at once."""
    it = worker(lambda text: it.wait(1, timeout=1_000))
    push_to(it).send(b"x")
    it.wait(1)
    assert "PushPullError: expected wait(1) from another thread" in it.errors[0].error


def test_a_handler_may_wait_for_what_is_finished(worker, push_to):
    """`wait` in the handler returns for as many messages as are finished."""
    it = worker(lambda text: it.wait(it.finished, timeout=1_000))
    push = push_to(it)
    push.send(b"x")
    push.send(b"x")
    it.wait(2)
    assert not it.errors


def test_a_worker_can_be_stopped_when_no_socket_is_free(context, worker):
    """A worker is stopped in time when the context has no socket left."""
    context.set(zmq.MAX_SOCKETS, 2)
    it = worker(print)
    with pytest.raises(zmq.ZMQError, match="Too many open files"):
        context.socket(zmq.PAIR)
    it.stop()
    assert not it.running


@pytest.mark.parametrize("free", [0, 1])
def test_a_start_without_free_sockets_is_refused(context, free):
    """A worker needs two sockets; `start` raises at once if they are not free."""
    context.set(zmq.MAX_SOCKETS, 3)
    for _ in range(3 - free):
        context.socket(zmq.PAIR)
    with pytest.raises(PushPullError, match=r"expected two free sockets.*max_sockets"):
        Worker(print, bind="inproc://a", context=context).start()
    assert not context.workers


def test_a_handler_that_never_returns_is_named(worker, push_to):
    """`stop` gives up after its timeout and names the handler that did not return."""
    entered, may_end = threading.Event(), threading.Event()

    def sleeper(text):
        entered.set()
        may_end.wait()

    it = worker(sleeper)
    push_to(it).send(b"x")
    entered.wait(10)
    with pytest.raises(WorkerStuckError, match=r"'worker' to stop within 0\.05 s.*sleeper"):
        it.stop(0.05)
    may_end.set()
    it.stop()
    assert not it.running


def test_a_stuck_handler_delays_fresh_context_by_a_bounded_time():
    """A handler that does not return delays `fresh_context` by a bounded time, and is named."""
    entered, may_end = threading.Event(), threading.Event()

    def sleeper(text):
        entered.set()
        may_end.wait()

    context = fresh_context()
    worker = Worker(sleeper, bind="inproc://a", context=context).start()
    push = context.socket(zmq.PUSH)
    push.connect("inproc://a")
    push.send(b"x")
    entered.wait(10)
    with pytest.warns(RuntimeWarning, match="'worker' is still in its handler"):
        fresh = fresh_context()
    may_end.set()
    worker.stop()
    fresh.term()
    for thread in threading.enumerate():
        if thread.name == "context-term":
            thread.join(10)
    assert context.closed


def test_wait_says_how_many_were_finished(worker, push_to):
    """`wait` for more messages than were pushed raises TimeoutError with the count."""
    it = worker(print)
    push_to(it).send(b"x")
    it.wait(1)
    with pytest.raises(TimeoutError, match=r"2 messages in 0\.05 s; got 1"):
        it.wait(2, timeout=0.05)


def test_wait_counts_failures_as_finished(worker, push_to):
    """A failed message counts as finished."""
    it = worker(lambda text: 1 / 0)
    push_to(it).send(b"x")
    it.wait(1)
    assert it.finished == 1


def test_wait_for_a_stopped_worker_raises_at_once(worker):
    """`wait` raises at once if the worker is not running."""
    it = worker(print)
    it.stop()
    with pytest.raises(WorkerStoppedError, match="not running"):
        it.wait(1, timeout=1000)


def test_two_threads_may_wait(worker, push_to):
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


def test_a_replacement_takes_over_the_socket(worker):
    """Workers that are replaced while 100,000 messages arrive handle each once and in order."""
    got = []
    with spawn(SENDER, "tcp://127.0.0.1:*", 100_000) as sender:
        address = sender.stdout.readline().strip()
        workers = [worker(lambda text: got.append(int(text)), connect=address)]
        while len(workers) < 30:
            workers[-1].wait(1_000)
            workers.append(worker(lambda text: got.append(int(text)), connect=address))
        done = sum(replaced.finished for replaced in workers[:-1])
        workers[-1].wait(100_000 - done, timeout=120)
        assert sender.wait(10) == 0
    assert got == list(range(100_000))
    assert [it.running for it in workers] == [False] * 29 + [True]


def test_a_replacement_with_the_same_options_has_the_same_port(worker):
    """A replacement takes over the socket, and so the port that the system chose."""
    assert worker(print, rcvhwm=10).endpoint == worker(print, rcvhwm=10).endpoint


def test_a_replacement_with_other_options_has_a_new_socket(worker):
    """A replacement with other socket options does not take over the old socket."""
    assert worker(print, rcvhwm=10).endpoint != worker(print, rcvhwm=20).endpoint


def test_a_replacement_at_another_endpoint_stops_the_old_worker(worker, context):
    """A worker of the same name at another endpoint stops the old one."""
    old = worker(print)
    new = worker(print)
    other = worker(print, bind="inproc://elsewhere")
    assert (old.running, new.running, other.running) == (False, False, True)
    assert context.workers == {"worker": other}


def test_a_stuck_worker_is_not_replaced(worker, push_to, monkeypatch):
    """While the old handler has not returned, no second worker of its name starts."""
    entered, may_end = threading.Event(), threading.Event()
    old = worker(lambda text: (entered.set(), may_end.wait()))
    push_to(old).send(b"x")
    entered.wait(10)
    monkeypatch.setattr("pushpull_kit.sockets.worker.REPLACE_TIMEOUT_S", 0.05)
    with pytest.raises(WorkerStuckError):
        worker(print, bind="tcp://127.0.0.1:*")
    may_end.set()


def test_workers_of_different_names_share_the_messages(worker, context):
    """Workers of different names run at the same time and get messages in turn."""
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


def test_a_with_statement_starts_and_stops(context):
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


def test_a_closed_context_is_an_error(context):
    """Starting a worker in a terminated context raises, with the remedy."""
    context.term()
    with pytest.raises(PushPullError, match="fresh_context"):
        Worker(print, bind="inproc://a", context=context).start()


def test_a_message_like_the_wake_up_is_handled(worker, push_to):
    """A message of sixteen bytes, as long as the wake-up token, is handled as any other."""
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
        print("handling", flush=True)
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
    """A script ends without a traceback while its worker runs or its handler hangs."""
    code = EXIT.format(sleep_s=sleep_s)
    if sleep_s == 0:
        code = code.replace("while not context.timings.summary().handling", "while not 1")
    done = run_python(code, timeout=20)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "end of script" in done.stdout


def test_a_running_worker_warns_at_exit():
    """With warnings shown, the end of the script names the worker that was not stopped."""
    done = run_python(EXIT.format(sleep_s=0.01), args=["-W", "always::ResourceWarning"])
    assert "<Worker 'worker'" in done.stderr
    assert "was not stopped" in done.stderr


def test_a_worker_receives_from_a_plain_pyzmq_program(worker):
    """A worker handles the messages of an unchanged pyzmq program in another process."""
    got = []
    with spawn(SENDER, "tcp://127.0.0.1:*", 100) as sender:
        it = worker(got.append, connect=sender.stdout.readline().strip())
        it.wait(100)
        assert sender.wait(10) == 0
    assert got == [str(number) for number in range(100)]


def test_a_plain_pyzmq_program_receives_from_a_timed_socket(context):
    """An unchanged pyzmq program in another process receives from a timed PUSH."""
    push = context.socket(zmq.PUSH)
    push.bind("tcp://127.0.0.1:*")
    with spawn(RECEIVER, push.last_endpoint.decode(), 100) as receiver:
        for number in range(100):
            push.send_string(str(number))
        got = json.loads(receiver.stdout.readline())
        assert receiver.wait(10) == 0
    assert got == [str(number) for number in range(100)]
