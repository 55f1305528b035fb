"""What a page keeps of a log, and what can be read off it: `log.js`, with real batches."""

import pytest
from logs import BLOG, MS, log, many, received
from views import LOAD, all_batches

from pushpull_kit import Timings
from pushpull_kit.views.timeline.protocol import MAX_BATCH_ROWS, BatchStream


def ask(modules, timings, code, shift=0):
    return modules.module("log", LOAD + code, all_batches(timings, shift))


@pytest.mark.parametrize("shift", [0, 1, 3, 4, 7])
def test_a_block_may_lie_anywhere_in_a_buffer(modules, shift):
    """Bytes that are not aligned are read correctly."""
    found = ask(
        modules, log(BLOG), "return [...log.messages()].map((m) => m.done_ns - m.recv_ns)", shift
    )
    assert [round(ns / MS) for ns in found] == [2000, 2000, 2000]


def test_instants_are_exact_to_the_nanosecond(modules):
    """What a page knows of a message is what the log holds."""
    timings = log([(0, 0.000001, 0.123456, 7.654321)])
    (found,) = ask(modules, timings, "return [...log.messages()]")
    (row,) = timings.rows()
    assert (
        found["send_end_ns"] - found["send_start_ns"] == row["send_end_ns"] - row["send_start_ns"]
    )
    assert found["done_ns"] - found["send_start_ns"] == row["done_ns"] - row["send_start_ns"]


def test_an_unknown_instant_is_nan(modules):
    """A message in flight has no receipt and no end."""
    (found,) = ask(modules, log([(0, 1, None, None)]), "return [...log.messages()]")
    assert found["recv_ns"] != found["recv_ns"]
    assert found["outcome"] == "in_flight"


@pytest.mark.parametrize(
    ("change", "block"),
    [({"count": 3}, b""), ({"count": 1}, b"12345"), ({"count": -1}, b""), ({"count": None}, b"")],
)
def test_a_block_that_does_not_fit_is_refused(modules, change, block):
    """A buffer that is empty, cut or odd changes nothing."""
    header, _ = BatchStream(log(BLOG)).batch(0.0)
    code = """const log = new it.Log();
    return [log.add(argument[0], new ArrayBuffer(argument[1])), log.nextId]"""
    assert modules.module("log", code, [{**header, **change}, len(block)]) == [False, 0]


def test_no_block_at_all_is_an_empty_one(modules):
    """A batch that only brings a headline needs no buffer."""
    header, _ = BatchStream(Timings()).batch(0.0)
    code = "return new it.Log().add(argument, undefined)"
    assert modules.module("log", code, header) is True


def test_the_oldest_are_evicted(modules):
    """A page keeps as many messages as the log does, and knows their ids."""
    timings = Timings(limit=1000)
    sender = timings.add_sender()
    for number in range(3000):
        sender.start(b"%d" % number, 10**9 + number * 1000)
        sender.end(at_ns=10**9 + number * 1000 + 500)
        if number % 700 == 0:
            timings.summary()
    code = """const all = [...log.messages()];
    const numbers = [all[0].id, all.at(-1).id];
    return [all.length, ...numbers, log.capacity, log.message(5), log.nMissing]"""
    assert ask(modules, timings, code) == [1000, 2000, 2999, 1000, None, 0]


def test_memory_is_bounded_by_the_logs_limit(modules):
    """The columns never grow beyond what the log keeps."""
    timings = many(20_000)
    timings.limit = 20_000
    assert ask(modules, timings, "return log.capacity") <= 20_000


def test_a_cleared_log_is_cleared_in_the_page(modules):
    """After `clear()` only later messages are there, with ids from 0 on."""
    timings = log(BLOG)
    told = all_batches(timings)
    timings.clear()
    sender = timings.add_sender("again")
    sender.start(b"x")
    sender.end()
    told += all_batches(timings)
    code = LOAD + "return [...log.messages()].map((m) => [m.id, log.laneName(m.sender)])"
    assert modules.module("log", code, told) == [[0, "again"]]


def test_a_snapshot_can_be_several_batches(modules):
    """A log that is larger than one batch arrives whole."""
    timings = many(MAX_BATCH_ROWS + 10)
    told = all_batches(timings)
    assert len(told) == 2
    assert modules.module("log", LOAD + "return [log.nLoaded, log.nMissing]", told) == [
        MAX_BATCH_ROWS + 10,
        0,
    ]


@pytest.mark.parametrize("at", [-1, 0.05, 0.3, 1000, 2500, 4100, 7000])
def test_the_sum_comes_out_at_any_instant(modules, at):
    """pushed = handled + failed + in the handler + in flight, as it was at any time."""
    messages = [*BLOG, (1, 2, 3000, -4000), (5, -6, None, None), (7, 8, None, None)]
    timings = log(messages)
    start_ns = timings.rows()["send_start_ns"].min()
    sum_ = ask(modules, timings, f"return log.summary(log.start + {at * MS})")
    rows = timings.rows()
    now = start_ns + at * MS
    begun = rows[(rows["send_end_ns"] <= now) & (rows["outcome"] != 5)]
    assert sum_["pushed"] == len(begun)
    assert sum_["pushed"] == sum(sum_[k] for k in ("handled", "failed", "handling", "inFlight"))


@pytest.mark.parametrize(("at_ms", "counts"), [(1, (0, 1)), (3, (1, 0))])
def test_a_message_of_a_bare_pull_is_handled_from_its_receipt_on(modules, at_ms, counts):
    """It is in flight before its receipt, and never in the handler."""
    sum_ = ask(modules, received([(0, 0.5, 2)]), f"return log.summary(log.start + {at_ms * MS})")
    assert (sum_["handled"], sum_["inFlight"]) == counts
    assert sum_["handling"] == 0


def test_ids_are_right_while_newer_messages_are_late(modules):
    """Until a newer message has come, the older one in its slot keeps its id."""
    timings = Timings(limit=4)
    sender = timings.add_sender()

    def push(numbers):
        for number in numbers:
            sender.start(b"%d" % number)
            sender.end()

    push(range(4))
    told = all_batches(timings)
    push(range(4, 6))
    header, text, shift = all_batches(timings)[0]
    late = {**header, "count": 0, "snapshot": False}  # its messages come in the next batch
    code = LOAD + "return [[0, 1, 2, 3].map((slot) => log.idAt(slot)), log.message(4)]"
    assert modules.module("log", code, [*told, [late, "", 0]]) == [[0, 1, 2, 3], None]
    assert modules.module("log", code, [*told, [header, text, shift]])[0] == [4, 5, 2, 3]


def test_lanes_stay_while_none_are_sent(modules):
    """A batch without lanes leaves those that the page has."""
    told = all_batches(log(BLOG))
    header = {name: value for name, value in told[0][0].items() if "lanes" not in name}
    code = LOAD + "return [log.laneName(1), [...log.openLanes]]"
    batch = [{**header, "count": 0}, "", 0]
    assert modules.module("log", code, [*told, batch]) == ["sender", [1, 2]]


def test_lanes_are_replaced_when_the_log_is_cleared(modules):
    """After a clear that renumbers lanes, names and used lanes are those of the new list."""
    timings = log(BLOG)
    told = all_batches(timings)
    timings.clear()
    sender = timings.add_sender()
    sender.start(b"x")
    sender.end()
    ((header, text, shift),) = all_batches(timings)
    header["lanes"] = [["", ""], ["worker", "a"], ["worker", "b"], ["sender", "c"]]
    code = LOAD + "return [log.lanes.map(([, name]) => name), [...log.usedLanes.slice(0, 4)]]"
    names, used = modules.module("log", code, [*told, [header, text, shift]])
    assert names == ["", "a", "b", "c"]
    assert used == [1, 0, 0, 1]
