"""Interactive parts of the lessons: predictions, and experiments with their runs."""
