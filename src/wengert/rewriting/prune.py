"""Dead parts gone: what no output is computed from."""

from __future__ import annotations

from dataclasses import replace

from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.rewriting.narrow import narrowed


def prune(graph: Graph) -> Graph:
    """Return the graph without operations and constants that no output needs.

    Of a loop or a branch that gives several results those go that nobody reads, with all that
    is computed for them alone.
    """
    needed = set(graph.outputs)
    kept: list[Operation] = []
    for operation in reversed(graph.operations):
        wanted = [output in needed for output in operation.outputs]
        if any(wanted):
            found = operation if all(wanted) else narrowed(operation, wanted)
            needed.update(found.inputs)
            kept.append(found)
    return replace(
        graph,
        operations=tuple(reversed(kept)),
        constants={v: value for v, value in graph.constants.items() if v in needed},
    )
