"""Run a graph directly with NumPy: the definition of what every operator means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from wengert.base.dtypes import refuse_other_algebra
from wengert.base.errors import GraphError
from wengert.graph.graph import Array, Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.graph.walk import last_uses
from wengert.operators.meaning import carried_out

Watch = Callable[[int, Mapping[Variable, Array]], None]


def run(graph: Graph, leaves: Sequence[Array], watch: Watch | None = None) -> list[Array]:
    """Return the outputs for these inputs; each value is let go after its last use.

    Args:
        graph: what is run.
        leaves: an array for each input.
        watch: is shown, after each operation, its place and all values that are held then.
    """
    values = _given(graph, leaves)
    ends: list[list[Variable]] = [[] for _ in graph.operations]
    for variable, end in last_uses(graph).items():
        if 0 <= end < len(ends):
            ends[end].append(variable)
    for at, (operation, ending) in enumerate(zip(graph.operations, ends, strict=True)):
        _carry_out(operation, values)
        if watch is not None:
            watch(at, values)
        for variable in ending:
            del values[variable]
    return [values[variable] for variable in graph.outputs]


def run_all(graph: Graph, leaves: Sequence[Array]) -> dict[Variable, Array]:
    """Return every value of a run, nothing let go: for inspection and checks."""
    values = _given(graph, leaves)
    for operation in graph.operations:
        _carry_out(operation, values)
    return values


def first_non_finite(
    graph: Graph, leaves: Sequence[Array]
) -> tuple[Operation, dict[Variable, Array]] | None:
    """Return the earliest operation that makes a NaN or infinity, with all values so far."""
    values = _given(graph, leaves)
    with np.errstate(all="ignore"):
        for operation in graph.operations:
            _carry_out(operation, values)
            if not all(is_finite(values[output]) for output in operation.outputs):
                return operation, values
    return None


def is_finite(value: Array) -> bool:
    """Return whether every number is finite; integers and booleans always are."""
    return value.dtype.kind not in "fc" or bool(np.isfinite(value).all())


def _given(graph: Graph, leaves: Sequence[Array]) -> dict[Variable, Array]:
    if len(leaves) != len(graph.inputs):
        raise GraphError(
            f"{graph.name} is run", expected=f"{len(graph.inputs)} arrays", got=str(len(leaves))
        )
    values: dict[Variable, Any] = dict(graph.constants)
    for variable, leaf in zip(graph.inputs, leaves, strict=True):
        # Which results are views follows from the graph only where inputs lie in C order.
        if type(leaf) is not np.ndarray:
            refuse_other_algebra(leaf, f"{variable.label or 'an input'} of {graph.name}")
        array = np.asarray(leaf, order="C")
        if (array.shape, array.dtype) != (variable.shape, variable.dtype):
            raise GraphError(
                f"{variable.label or 'an input'} of {graph.name}",
                expected=f"{variable.dtype.name} {variable.shape}",
                got=f"{array.dtype.name} {array.shape}",
                remedy="trace the function again for arrays of this type",
            )
        values[variable] = array
    return values


def _carry_out(operation: Operation, values: dict[Variable, Array]) -> None:
    found = carried_out(operation, [values[variable] for variable in operation.inputs])
    values.update(zip(operation.outputs, found, strict=True))
