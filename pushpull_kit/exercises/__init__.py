"""Exercises that check themselves: one module for each notebook, of the same name without number.

A notebook imports the exercise that it needs::

    from pushpull_kit.exercises.push_without_waiting import hand_over

`engine/check.py` says how to write an exercise.
"""
