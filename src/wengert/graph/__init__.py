"""Floor 1: what is computed, in order, by the user's own names and lines. Pure data."""
