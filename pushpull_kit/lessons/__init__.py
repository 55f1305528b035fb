"""What a learner works with: predictions, and experiments with their runs."""
