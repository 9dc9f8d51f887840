"""A graph as runnable NumPy text."""

from wengert.explanation.source.writer import to_source

__all__ = ["to_source"]
