"""A worker keeps its last failures, counts all of them, and logs the first ones."""

import logging

import pytest

from pushpull_kit.sockets.failures import (
    ERRORS_KEPT,
    ERRORS_LOGGED,
    MAX_LINE,
    MAX_TRACEBACK,
    Failure,
    FailureLog,
)


@pytest.fixture
def failures():
    return FailureLog("mail")


def fail(failures, error, number=1):
    """Raise an error, and add it as the failure of a message of three bytes."""
    try:
        raise error
    except BaseException as raised:
        failures.add(raised, number, 3, 1_000)


def test_a_failure_has_the_error_and_its_traceback(failures):
    """A failure has the error in one line, the traceback, the size and the time of receipt."""
    fail(failures, ValueError("too hot"))
    (failure,) = failures.last
    assert (failure.error, failure.n_bytes, failure.recv_ns) == ("ValueError: too hot", 3, 1_000)
    assert "in fail" in failure.traceback


def test_the_last_failures_are_kept(failures):
    """At most `ERRORS_KEPT` failures are kept: the newest."""
    for number in range(ERRORS_KEPT + 5):
        fail(failures, ValueError(number))
    assert [failure.error for failure in failures.last] == [
        f"ValueError: {number}" for number in range(5, ERRORS_KEPT + 5)
    ]


def test_all_failures_are_counted(failures):
    """The count covers failures that are not kept."""
    for _ in range(ERRORS_KEPT + 5):
        fail(failures, ValueError())
    assert failures.count == ERRORS_KEPT + 5


def test_the_first_failures_are_logged(failures, caplog):
    """`ERRORS_LOGGED` failures are logged, each with its message's number."""
    for number in range(1, ERRORS_LOGGED + 3):
        fail(failures, ValueError("x"), number)
    assert [record.getMessage().split(" (")[0] for record in caplog.records] == [
        f"worker 'mail': message {number} failed: ValueError: x"
        for number in range(1, ERRORS_LOGGED + 1)
    ]


def test_the_last_logged_failure_says_that_it_is_the_last(failures, caplog):
    """Only the last failure that is logged says that later ones are only counted."""
    for _ in range(ERRORS_LOGGED + 2):
        fail(failures, ValueError("x"))
    texts = [record.getMessage() for record in caplog.records]
    assert ["later failures are only counted" in text for text in texts] == [
        *[False] * (ERRORS_LOGGED - 1),
        True,
    ]


def test_a_long_error_is_cut(failures):
    """The line of a long error has `MAX_LINE` characters: the first."""
    fail(failures, ValueError("x" * 10_000))
    assert failures.last[0].error == f"ValueError: {'x' * 10_000}"[:MAX_LINE]


def test_a_long_traceback_is_cut(failures):
    """A long traceback has `MAX_TRACEBACK` characters: the last."""
    fail(failures, ValueError("x" * 100_000 + "end"))
    text = failures.last[0].traceback
    assert len(text) == MAX_TRACEBACK
    assert text.endswith("end\n")


def test_the_cause_of_an_error_is_not_in_its_traceback(failures):
    """The traceback is that of the error alone, without the errors it was raised from."""
    cause = ValueError("the cause")
    error = RuntimeError("the error")
    error.__cause__ = cause
    fail(failures, error)
    assert "the error" in failures.last[0].traceback
    assert "the cause" not in failures.last[0].traceback


def test_the_line_of_an_error_is_not_its_note(failures):
    """The line of an error with notes is its own; the notes are in the traceback."""
    error = ValueError("too hot")
    error.add_note("at the first try")
    fail(failures, error)
    assert failures.last[0].error == "ValueError: too hot"
    assert "at the first try" in failures.last[0].traceback


class Exit(BaseException):
    """Is no Exception, as SystemExit."""


@pytest.mark.parametrize("raised", [OSError("disk full"), Exit()])
def test_a_logging_handler_may_raise(failures, raised):
    """A failure is kept and counted when the program's logging handler raises."""

    class Broken(logging.Handler):
        def emit(self, record):
            raise raised

    logger, broken = logging.getLogger("pushpull_kit"), Broken()
    logger.addHandler(broken)
    try:
        fail(failures, ValueError("too hot"))
    finally:
        logger.removeHandler(broken)
    assert failures.count == 1
    assert failures.last[0].error == "ValueError: too hot"


def test_an_error_that_cannot_be_shown_is_named(failures):
    """An exception that raises while it is described is kept, with its class and place."""

    class Broken(Exception):
        @property
        def __notes__(self):
            raise Exit

    fail(failures, Broken())
    assert failures.count == 1
    assert failures.last[0].error == "Broken (it cannot be shown as text)"
    assert "in fail" in failures.last[0].traceback


def test_the_repr_is_one_line():
    """The repr of a failure has the error and the size of the message."""
    failure = Failure("ValueError: too hot", "Traceback ...", 3_000, 1_000)
    assert repr(failure) == "<Failure: ValueError: too hot, on a message of 3,000 bytes>"
