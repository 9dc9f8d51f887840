"""A text for every variable of a graph, named or not."""

from __future__ import annotations

from collections.abc import Mapping

from wengert.graph.graph import Graph
from wengert.graph.variable import Variable


def labels(graph: Graph) -> Mapping[Variable, str]:
    """Return the label of each variable; ``%3`` is the unnamed result of operation 3."""
    found: dict[Variable, str] = {}
    for at, variable in enumerate((*graph.inputs, *graph.constants)):
        found[variable] = variable.label or variable.formula or f"%given{at}"
    for at, operation in enumerate(graph.operations):
        for number, variable in enumerate(operation.outputs):
            plain = f"%{at}" if len(operation.outputs) == 1 else f"%{at}.{number}"
            found[variable] = variable.label or plain
    return found
