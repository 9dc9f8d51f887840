"""Floor 3: the interpreter that defines what a graph means."""
