"""Logs made by hand, for what is drawn from them."""

from pushpull_kit.recording.log import Timings

MS = 1_000_000

START = 1_000 * MS

BLOG = [(i * 0.1, (i + 1) * 0.1, i * 2000 + 0.5, (i + 1) * 2000) for i in range(3)]


def log(messages, sender="sender", worker="worker", start_ns=START):
    """Make a log of (send start, send end, receipt, done), each in ms since the start, or None.

    A negative end is that of a refused send, or of a failed handling.
    """
    timings = Timings()
    senders, workers = timings.add_sender(sender), timings.add_worker(worker)
    for number, (start, sent, recv, done) in enumerate(messages):
        for buffer, begin, end in ((senders, start, sent), (workers, recv, done)):
            if begin is None:
                continue
            buffer.start(b"%d" % number, start_ns + round(begin * MS))
            if end is not None:
                buffer.end(end >= 0, start_ns + round(abs(end) * MS))
    return timings


def many(count):
    """Make a log of messages that are sent at once and handled one by one, a millisecond each."""
    return log([(i * 0.01, i * 0.01 + 0.005, i + 1, i + 2) for i in range(count)])
