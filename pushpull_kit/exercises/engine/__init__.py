"""The check engine: exercises and verdicts, what a judge works with, where an answer runs."""
