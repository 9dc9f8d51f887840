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


def made_again(graph: Graph) -> dict[Variable, Variable]:
    """Return for each variable that is made a second time the one that it is equal to.

    That is said by an operation that is the very one that made its origin: the same operator
    and attributes on the same values, or on values that are themselves made again.
    """
    found: dict[Variable, Variable] = {}
    for operation in graph.operations:
        maker = None if operation.origin is None else graph.producer.get(operation.origin)
        if maker is None or maker is operation or len(operation.outputs) != len(maker.outputs):
            continue
        inputs = [found.get(each, each) for each in operation.inputs]
        alike = (operation.operator, operation.attributes) == (maker.operator, maker.attributes)
        if alike and inputs == [found.get(each, each) for each in maker.inputs]:
            for output, first in zip(operation.outputs, maker.outputs, strict=True):
                found[output] = found.get(first, first)
    return found


def forward_operations(graph: Graph) -> tuple[Operation, ...]:
    """Return the forward pass of a joint graph: what depends on no gradient."""
    seeds = {v for v in graph.variables if v.role == "gradient"}
    carried = descendants(graph.operations, seeds)
    return tuple(
        operation
        for operation in graph.operations
        if operation.origin is None and not any(out in carried for out in operation.outputs)
    )
