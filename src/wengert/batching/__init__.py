"""Floor 3: the graph of one example becomes the graph of many."""
