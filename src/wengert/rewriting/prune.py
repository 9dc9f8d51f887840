"""Dead parts gone: what no output is computed from."""

from __future__ import annotations

from dataclasses import replace

from wengert.graph.graph import Graph
from wengert.graph.walk import ancestors


def prune(graph: Graph) -> Graph:
    """Return the graph without operations and constants that no output needs."""
    needed = ancestors(graph.operations, graph.outputs)
    return replace(
        graph,
        operations=tuple(op for op in graph.operations if needed.intersection(op.outputs)),
        constants={v: value for v, value in graph.constants.items() if v in needed},
    )
