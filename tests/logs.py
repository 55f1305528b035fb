"""Logs with given instants, for tests of what is drawn from a log."""

from pushpull_kit.recording.log import Timings

MS = 1_000_000

START = 1_000 * MS

BLOG = [(i * 0.1, (i + 1) * 0.1, i * 2000 + 0.5, (i + 1) * 2000) for i in range(3)]


def log(messages, sender="sender", worker="worker", start_ns=START, timings=None):
    """Return a log of (send start, send end, receipt, done), each in ms after the start, or None.

    A negative end is that of a refused send, or of a failed handling.
    """
    timings = Timings() if timings is None else timings
    senders, workers = timings.add_sender(sender), timings.add_worker(worker)
    for number, (start, sent, recv, done) in enumerate(messages):
        for buffer, start_ms, end_ms in ((senders, start, sent), (workers, recv, done)):
            if start_ms is None:
                continue
            buffer.start(b"%d" % number, start_ns + round(start_ms * MS))
            if end_ms is not None:
                buffer.end(end_ms >= 0, start_ns + round(abs(end_ms) * MS))
    return timings


def many(count):
    """Return a log of messages that are sent at once and handled one by one, 1 ms each."""
    return log([(i * 0.01, i * 0.01 + 0.005, i + 1, i + 2) for i in range(count)])


def received(messages, sender="sender", worker="worker", start_ns=START):
    """Return a log of what a bare PULL received: (send start, send end, receipt), each in ms."""
    timings = Timings()
    senders, receivers = timings.add_sender(sender), timings.add_worker(worker)
    for number, (start, sent, recv) in enumerate(messages):
        senders.start(b"%d" % number, start_ns + round(start * MS))
        senders.end(at_ns=start_ns + round(sent * MS))
        receivers.receive(b"%d" % number, start_ns + round(recv * MS))
    return timings
