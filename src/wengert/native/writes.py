"""Versions of an array that are made only to be written into again: one storage takes all."""

from __future__ import annotations

from collections.abc import Callable

from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable

UPDATES = ("index_update", "add_at")


def passed_on(graph: Graph, is_native: Callable[[Operation], bool]) -> frozenset[Variable]:
    """Return what is written into once more, and otherwise never read."""
    outputs = {*graph.outputs}
    found: set[Variable] = set()
    for operation in graph.operations:
        if operation.operator not in UPDATES or not is_native(operation):
            continue
        made = operation.output
        readers = graph.consumers[made]
        if made in outputs or len(readers) != 1 or readers[0].inputs.count(made) != 1:
            continue
        if readers[0].operator in UPDATES and readers[0].inputs[0] is made:
            found.add(made)
    return frozenset(found)
