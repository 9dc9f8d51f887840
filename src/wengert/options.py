"""Floor 6: every choice a user can make about a step, in one dataclass."""
