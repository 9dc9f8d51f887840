"""Walks over a graph: lifetimes, and what depends on what."""

from __future__ import annotations

from collections.abc import Iterable

from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable


def last_uses(graph: Graph) -> dict[Variable, int]:
    """Return for each variable the index of the last operation that reads it.

    A result that nobody reads ends where it is made; inputs and constants that nobody reads
    end at -1; outputs live to ``len(graph.operations)``.
    """
    end = {variable: -1 for variable in (*graph.inputs, *graph.constants)}
    for index, operation in enumerate(graph.operations):
        for variable in (*operation.inputs, *operation.outputs):
            end[variable] = index
    for variable in graph.outputs:
        end[variable] = len(graph.operations)
    return end


def ancestors(operations: Iterable[Operation], wanted: Iterable[Variable]) -> set[Variable]:
    """Return everything that ``wanted`` is computed from, ``wanted`` included."""
    needed = set(wanted)
    for operation in reversed(tuple(operations)):
        if any(output in needed for output in operation.outputs):
            needed.update(operation.inputs)
    return needed


def descendants(operations: Iterable[Operation], sources: Iterable[Variable]) -> set[Variable]:
    """Return everything that is computed from ``sources``, ``sources`` included."""
    reached = set(sources)
    for operation in operations:
        if any(variable in reached for variable in operation.inputs):
            reached.update(operation.outputs)
    return reached


def forward_operations(graph: Graph) -> tuple[Operation, ...]:
    """Return the forward pass of a joint graph: what depends on no gradient."""
    seeds = {v for v in graph.variables if v.role == "gradient"}
    carried = descendants(graph.operations, seeds)
    return tuple(
        operation
        for operation in graph.operations
        if operation.origin is None and not any(out in carried for out in operation.outputs)
    )
