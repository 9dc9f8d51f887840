"""Floor 0: errors, dtypes, shapes, containers."""
