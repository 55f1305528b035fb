"""A short soak finds no problem, and each problem that `make soak` looks for is reported."""

import pytest
from soaked import Sample, Soak
from soaking import Plan, exact, not_exact, not_flat, soak

#: The log is full before samples are taken, as in the long run.
KEPT, SHORT = 20_000, Plan(200_000, minutes=0, warm_up=100_000, slice=5_000, every_s=0)


class WaitingSoak(Soak):
    """Waits for its page after each slice; this small log soon evicts unsent messages."""

    def push(self, count):
        seen = super().push(count)
        self.headline(exact(self.pushed)["on the page"])
        return seen


@pytest.fixture
def here():
    place = WaitingSoak(limit=KEPT)
    yield place
    place.close()


# A short run


def test_a_short_soak_finds_nothing(here):
    """The page gets every message once, and memory, descriptors and threads do not grow."""
    told = []
    assert soak(here, SHORT, say=told.append) == []
    assert "in the log: 200,000 pushed = 200,000 handled + 0 failed" in "\n".join(told)


def test_a_duplicate_message_is_reported(here):
    """The handler's own counter finds a duplicate; the log's counts add up in spite of it."""
    here.push(1_000)
    here.socket.send_string("999")
    here.worker.wait(1_001)
    counts = here.counts()
    assert counts["counted by the handler"] == 1_001
    assert counts["out of turn"] == 1
    assert not_exact(counts)


def test_a_soak_that_runs_out_of_time_reports_it(here):
    """At its maximum duration the run ends and reports the number of messages."""
    told = []
    plan = SHORT._replace(messages=10**9, minutes=10, most_minutes=0)
    assert soak(here, plan, say=told.append)[0].startswith("flat or not: expected 8 samples")
    assert told[-1].startswith("not yet 1,000,000,000 messages: 5,000 in ")


# Exact counts


def test_exact_counts_are_no_problem():
    """The expected counts are not a problem."""
    assert not_exact(exact(7)) == []


@pytest.mark.parametrize("what", list(exact(7))[1:])
def test_each_wrong_count_is_reported(what):
    """Each counter that is off by one message is one problem, with both values."""
    other = exact(6) if exact(6)[what] != exact(7)[what] else {what: 1}
    (problem,) = not_exact({**exact(7), what: other[what]})
    assert problem == f"{what}: expected {exact(7)[what]}; got {other[what]}"


def test_a_missing_count_is_reported():
    """A missing counter is a problem."""
    counts = exact(7)
    del counts["on the page"]
    assert len(not_exact(counts)) == 1


# Flat series


def series(count=40, **changes):
    """Return constant samples, except for the fields given as functions of the sample number."""
    flat = {"memory_mb": 140.0, "heap_mb": 85.0, "descriptors": 93, "threads": 13}
    return [
        Sample(
            at_s=10.0 * i,
            messages=2_000_000 * i,
            n_buffered=i % 7,
            batches=150 * i,
            **{**flat, **{what: change(i) for what, change in changes.items()}},
        )
        for i in range(count)
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"memory_mb": lambda i: 140 + 20 * (i % 5 == 0)},
        {"memory_mb": lambda i: 200 - i},
        {"heap_mb": lambda i: 80 + 30 * (i == 39)},
        {"heap_mb": lambda i: 0},
        {"descriptors": lambda i: 93 + (i == 20)},
    ],
    ids=["constant", "to and fro", "less", "one high", "no heap", "one descriptor for a while"],
)
def test_a_flat_series_is_no_problem(changes):
    """A value that rises and falls again is not a leak."""
    assert not_flat(series(**changes)) == []


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("memory_mb", lambda i: 140 + 0.25 * i),  # an eighth of a byte for each message
        ("heap_mb", lambda i: 85 + i),
        ("descriptors", lambda i: 93 + (i >= 30)),
        ("descriptors", lambda i: 93 - (i >= 30)),
        ("threads", lambda i: 13 + (i == 39)),
    ],
)
def test_growth_is_reported(what, change):
    """A memory leak, or one descriptor or thread more, is one problem that names the quantity."""
    (problem,) = not_flat(series(**{what: change}))
    assert problem.startswith(f"{what}: ")


def test_too_few_samples_are_reported():
    """A run that is too short to judge is not flat."""
    assert not_flat(series(7)) == [
        "flat or not: expected 8 samples after the warm-up, or more; got 7"
    ]
