"""Common subexpressions: what is computed twice from the same operands is computed once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wengert.graph.graph import Array, Graph
from wengert.graph.literals import write_literal
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.rewriting.rebuild import Substitution, rebuild

NOT_APART: Mapping[Variable, Variable] = {}


def share(graph: Graph, apart: Mapping[Variable, Variable] = NOT_APART) -> Graph:
    """Return the graph with equal operations on equal operands merged into the first.

    Two variables that both have a name stay two, and so does a variable with a gradient of its
    own: a rewritten graph still says all that the user called by name.

    Args:
        graph: any graph.
        apart: what is computed twice on purpose: results that become one only with results that
            stand for the same variable here.
    """
    standing = Substitution(graph)
    constants = _shared_constants(graph.constants, standing)
    known: dict[Any, Operation] = {}
    kept: list[Operation] = []
    for operation in graph.operations:
        key = _key(operation, standing), apart.get(operation.outputs[0])
        first = known.setdefault(key, operation)
        if first is operation or not _merge(first, operation, standing):
            kept.append(operation)
    if not standing.standing:
        return graph
    return rebuild(graph, kept, constants, standing)


def repeats(graph: Graph) -> frozenset[Operation]:
    """Return the operations that compute once more what an earlier one has computed."""
    same: dict[Variable, Variable] = {}
    known: dict[Any, Operation] = {}
    found: set[Operation] = set()
    for operation in graph.operations:
        inputs = tuple(same.get(variable, variable) for variable in operation.inputs)
        key = operation.operator, inputs, frozen(operation.attributes)
        first = known.setdefault(key, operation)
        if first is not operation:
            found.add(operation)
            same.update(zip(operation.outputs, first.outputs, strict=True))
    return frozenset(found)


def _merge(first: Operation, again: Operation, standing: Substitution) -> bool:
    pairs = [(standing(a), b) for a, b in zip(first.outputs, again.outputs, strict=True)]
    # Of several results all become one with their counterparts, or none does.
    if not all(standing.can_merge(a, b) for a, b in pairs):
        return False
    return all([standing.merge(a, b) for a, b in pairs])


def _key(operation: Operation, standing: Substitution) -> Any:
    inputs = tuple(standing(variable) for variable in operation.inputs)
    return operation.operator, inputs, frozen(operation.attributes)


def frozen(attributes: Mapping[str, Any]) -> Any:
    """Return attributes as a key that tells 1 from True and 0.0 from −0.0."""
    if not attributes:
        return ()
    return tuple(sorted((name, write_literal(value)) for name, value in attributes.items()))


def _shared_constants(
    constants: Mapping[Variable, Array], standing: Substitution
) -> Mapping[Variable, Array]:
    known: dict[Any, Variable] = {}
    kept: dict[Variable, Array] = {}
    for variable, value in constants.items():
        # Two numbers that the user writes differently are two, though they be equal today.
        said = (variable.name, variable.formula, variable.of)
        key = (variable.dtype, variable.shape, value.strides, value.tobytes(), said)
        first = known.setdefault(key, variable)
        if first is variable or not standing.merge(first, variable):
            kept[variable] = value
    return kept
