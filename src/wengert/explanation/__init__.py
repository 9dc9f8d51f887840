"""Floor 6: mathematics, source text and drawings of a graph."""
