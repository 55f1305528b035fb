"""Nothing in the kit reads the wall clock, so setting it back has no effect."""

import ast
from pathlib import Path

import pytest

import pushpull_kit

PACKAGE = Path(pushpull_kit.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

#: Names that read the wall clock, by their dotted ends.
WALL_CLOCK = {
    *("time.time", "time.time_ns", "time.ctime", "time.localtime", "time.gmtime", "time.strftime"),
    *("time.asctime", "time.clock_gettime", "time.clock_gettime_ns"),
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
}

#: Replaces the wall clock by one that goes back a day at each call, before the kit is imported. A
#: message stays in the handler until the parent answers; the monotonic clock measures how long.
SET_BACK = """
    import itertools, time
    looks = itertools.count()
    wall, wall_ns = time.time, time.time_ns
    time.time = lambda: wall() - 86_400 * next(looks)
    time.time_ns = lambda: wall_ns() - 86_400 * 10**9 * next(looks)
    assert time.time() > time.time() > time.time(), "set back, at each look"
    import zmq
    from pushpull_kit import Context, Worker
    context = Context()
    def handler(text):
        if text == "0":
            say("in the handler")
            hear()
    begin = time.monotonic()
    with Worker(handler, bind="tcp://127.0.0.1:*", context=context) as worker:
        push = context.socket(zmq.PUSH)
        push.connect(worker.endpoint)
        for number in range(100):
            push.send_string(str(number))
        worker.wait(100, timeout=20)
        try:
            worker.wait(101, timeout=0.1)
        except TimeoutError:
            say("in time")
    took_s = time.monotonic() - begin
    s = context.timings.summary()
    messages = context.timings.messages()
    say({
        "handled": s.handled,
        "durations": 0 < s.sending_s < took_s and 0 < s.working_s < s.span_s < took_s,
        "waits": all(0 < m.waited_ns < took_s * 1e9 for m in messages),
        "order": all(m.send_start_ns < m.send_end_ns and m.recv_ns < m.done_ns for m in messages),
    })
    push.close()
    context.term()
"""


def called(tree: ast.AST) -> set[str]:
    """Return the dotted names in a module, with imported names resolved."""
    imported = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("time", "datetime"):
            for alias in node.names:
                imported[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                imported[alias.asname or alias.name] = alias.name
    dotted = set(imported.values())
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            first, _, rest = ast.unparse(node).partition(".")
            dotted.add(".".join(filter(None, (imported.get(first, first), rest))))
    return dotted


def wall_clocks(source: str) -> set[str]:
    """Return the names in a module that read the wall clock."""
    names = called(ast.parse(source))
    return {
        name
        for name in names
        for clock in WALL_CLOCK
        if name == clock or name.endswith(f".{clock}")
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_reads_the_wall_clock(path):
    """No module of the kit uses a name that reads the wall clock, however it imports it."""
    assert wall_clocks(path.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    "source",
    [
        "import time; time.time()",
        "import time as t; t.time_ns()",
        "from time import time",
        "from time import time as now; now()",
        "from datetime import datetime; datetime.now()",
        "import datetime; datetime.datetime.utcnow()",
    ],
)
def test_a_look_at_the_wall_clock_is_found(source):
    """The test above finds each way to read the wall clock."""
    assert wall_clocks(source)


def test_a_clock_that_is_set_back_changes_nothing(child):
    """With a wall clock that goes back a day at each call, waits end in time, no duration is
    negative or longer than the whole run, and the counts add up."""
    process = child(SET_BACK)
    assert process.hear() == "in the handler"
    process.say("go on")
    assert process.hear() == "in time"
    assert process.hear() == {"handled": 100, "durations": True, "waits": True, "order": True}
