"""Floor 7: layers, initialisation and losses in plain NumPy."""
