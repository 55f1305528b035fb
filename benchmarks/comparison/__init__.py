"""PUSH/PULL compared with alternatives: `python -m benchmarks.comparison`, or `make compare`.

A `Line` is one way to hand messages from a caller to a consumer that only counts them. Two figures
are measured for each line, alternately with raw pyzmq in the same run: how long the caller waits
for one message, and how many messages are done per second.

    line.py        a line, and how it is measured
    contenders.py  the lines that are compared, and their names in the table
    zeromq.py, queues.py, executors.py, services.py, clusters.py, native.py   the lines
    processes.py   starts and stops programs
    consumer.py    the consumer, if it is a separate program
    measure.py     measures a line alternately with raw pyzmq
    machine.py     the machine and the versions
    report.py, figure.py   the result as a table, as JSON, and as a figure
"""
