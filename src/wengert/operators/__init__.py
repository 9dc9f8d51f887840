"""Floor 2: one record an operator, with all its rules."""
