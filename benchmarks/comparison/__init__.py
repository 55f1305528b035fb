"""PUSH/PULL beside what else hands work over: `python -m benchmarks.comparison`, or `make compare`.

Each way of handing over messages is a line: a caller at one end, a consumer at the other that does
nothing with a message but count it. Two things are measured on each, in turn with raw pyzmq in the
same run: how long the caller waits for one message, and how many a second get done.

    line.py        a line, and how it is measured
    contenders.py  which lines there are, and how each is told to a reader
    zeromq.py, queues.py, executors.py, services.py, clusters.py, native.py   the lines
    processes.py   programs started, and stopped
    consumer.py    the other end, where it is a program of its own
    measure.py     a line beside raw pyzmq, in turn
    machine.py     where it was measured, with what
    report.py, figure.py   the result as a table, as JSON, as a figure
"""
