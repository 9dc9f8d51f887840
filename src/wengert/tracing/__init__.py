"""Floor 3: a NumPy function becomes a graph."""
