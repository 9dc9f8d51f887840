"""Floor 3: a graph becomes a simpler graph that computes the same."""
