"""Wrong answers to the exercises, a module for each; `pushpull_kit.exercises.engine` says how."""
