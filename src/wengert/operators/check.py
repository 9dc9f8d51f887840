"""Whether a graph that was not made by tracing is one that the operators would have made."""

from __future__ import annotations

from wengert.base.errors import GraphError, WengertError
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.operators.record import Type
from wengert.operators.registry import OPERATORS


def check_types(graph: Graph) -> Graph:
    """Return the graph unchanged when every result has the type that its operator gives.

    Raises:
        GraphError: there is no such operator, its attributes are others, or the type is another.
    """
    for operation in graph.operations:
        found = _result(graph, operation)
        held = [(each.shape, each.dtype) for each in operation.outputs]
        if held != [tuple(each) for each in found]:
            raise GraphError(
                f"the result of {operation!r} in {graph.name}",
                expected=", ".join(f"{dtype.name} {shape}" for shape, dtype in found),
                got=", ".join(f"{dtype.name} {shape}" for shape, dtype in held),
                where=operation.location,
            )
    return graph


def _result(graph: Graph, operation: Operation) -> tuple[Type, ...]:
    record = OPERATORS.get(operation.operator)
    if record is None:
        raise GraphError(
            f"{graph.name} has an operator {operation.operator!r}",
            expected="one of the operators of this version",
            where=operation.location,
        )
    types = [Type(variable.shape, variable.dtype) for variable in operation.inputs]
    try:
        return record.types(*types, **operation.attributes)
    except (WengertError, TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
        raise GraphError(
            f"{operation!r} in {graph.name} does not fit its operator",
            got=str(error),
            where=operation.location,
        ) from None
