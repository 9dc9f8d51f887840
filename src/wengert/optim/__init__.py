"""Floor 7: optimizers as pairs of pure functions, and their schedules."""
