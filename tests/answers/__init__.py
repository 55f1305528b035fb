"""Wrong answers to the exercises, a module for each; see `pushpull_kit.exercises.engine.check`."""
