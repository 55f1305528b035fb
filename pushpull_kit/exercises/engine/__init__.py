"""The check engine: runs a learner's answer, judges it, and shows a verdict. Start at check.py.

::

    check               an exercise, its hints, its solution and its verdicts
    harness             what a judge works with: sockets, ways to run an answer and to watch it
    answer_run          one call of an answer, in a thread of its own
    supervisor          ends what an answer began, in bounded time
    supervised_context  a context that can be ended whatever threads use it
    verdict, markdown   what a check says, and how it is written
"""
