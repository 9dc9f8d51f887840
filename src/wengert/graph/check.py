"""The rules of a well-formed graph, checked after every pass."""

from __future__ import annotations

from typing import Any, NoReturn

from wengert.base.errors import GraphError
from wengert.base.guards import is_slice, is_tuple
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable

_ATOMS = (bool, int, float, complex, str, type(None), type(Ellipsis))
_CONTEXT = 5


def check(graph: Graph) -> Graph:
    """Return the graph unchanged when it is well-formed.

    Raises:
        GraphError: a variable is used before it is made, made twice, shares its label with
            another, has a constant of another type, or an attribute is not plain data.
    """
    known: set[Variable] = set()
    for variable in (*graph.inputs, *graph.constants):
        _define(graph, variable, known, None)
    for variable, value in graph.constants.items():
        if (value.shape, value.dtype) != (variable.shape, variable.dtype):
            _fail(graph, f"constant {variable!r} holds {value.dtype.name}{value.shape}", None)
    for index, operation in enumerate(graph.operations):
        _check_operation(graph, operation, index, known)
    for variable in graph.outputs:
        if variable not in known:
            _fail(graph, f"output {variable!r} is never made", None)
    _check_labels(graph)
    return graph


def _check_operation(graph: Graph, operation: Operation, index: int, known: set[Variable]) -> None:
    for variable in operation.inputs:
        if variable not in known:
            _fail(graph, f"{operation!r} reads {variable!r} before it is made", index)
    for name, value in operation.attributes.items():
        if not _is_plain(value):
            _fail(graph, f"{operation!r}: attribute {name}={value!r} is not plain data", index)
    for variable in operation.outputs:
        _define(graph, variable, known, index)


def _define(graph: Graph, variable: Variable, known: set[Variable], index: int | None) -> None:
    if variable in known:
        _fail(graph, f"{variable!r} is made twice", index)
    known.add(variable)


def _check_labels(graph: Graph) -> None:
    seen: set[str] = set()
    for variable in graph.variables:
        if variable.label is not None:
            if variable.label in seen:
                _fail(graph, f"two variables are labelled {variable.label!r}", None)
            seen.add(variable.label)


def _is_plain(value: Any) -> bool:
    if is_tuple(value):
        return all(_is_plain(item) for item in value)
    if is_slice(value):
        return all(_is_plain(part) for part in (value.start, value.stop, value.step))
    return type(value) in _ATOMS


def _fail(graph: Graph, what: str, index: int | None) -> NoReturn:
    around = ""
    if index is not None:
        low, high = max(0, index - _CONTEXT), index + _CONTEXT + 1
        rows = [f"{i:>5} {op!r}" for i, op in enumerate(graph.operations[low:high], low)]
        around = "\n" + "\n".join(rows)
    raise GraphError(f"graph {graph.name} is malformed: {what}{around}")
