"""Floor 6: what NumPy lacks, as plain NumPy bodies."""
