"""Exercises that check themselves: one module for each notebook, `engine` says how to write one.

Nothing is imported here; a notebook asks for the exercise that it needs::

    from pushpull_kit.exercises.push_without_waiting import hand_over

Rooms::

    sandbox  where an answer runs: what it does there ends, and nothing is left open
    lab      what a judge works with: sockets to give, ways to run an answer and to watch it
    engine   an exercise and its verdicts; what the modules of exercises are written with
"""
