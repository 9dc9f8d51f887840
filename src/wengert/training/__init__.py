"""Floor 8: the loop, its state, its metrics and what it leaves on disk."""
