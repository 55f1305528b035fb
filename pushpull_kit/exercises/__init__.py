"""Exercises that check themselves: one module for each notebook, `engine` says how to write one.

Nothing is imported here; a notebook asks for the exercise that it needs::

    from pushpull_kit.exercises.push_without_waiting import hand_over

Rooms::

    lab      what an answer runs in: a context, sockets and threads that end with the check
    engine   an exercise and its verdicts; what the modules of exercises are written with
"""
