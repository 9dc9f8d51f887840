"""Floor 4: order, lifetimes and bytes of every variable, as data."""
