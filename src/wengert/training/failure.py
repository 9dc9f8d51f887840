"""What to say when a number stops being finite: the operation where it began."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wengert.base.errors import NonFiniteError
from wengert.graph.graph import Array, Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.planning.labels import labels
from wengert.reference.interpreter import is_finite, run_all


def non_finite_error(
    graph: Graph, leaves: Sequence[Any], wrong: Sequence[int], when: str, remedy: str
) -> NonFiniteError:
    """Return the error that tells where NaN or infinity began.

    Args:
        graph: the step that was run.
        leaves: what it was run on.
        wrong: positions of the outputs that are not finite.
        when: the epoch and batch, for people.
        remedy: what the user can do.
    """
    with np.errstate(all="ignore"):
        values = run_all(graph, leaves)
    names = labels(graph)
    target = graph.outputs[wrong[0]]
    operation = _origin(graph, values, target)
    if operation is None:
        got = f"{names[target]} came into the step as it is"
        return NonFiniteError(f"training met a number that is not finite in {when}", got=got)
    return NonFiniteError(
        f"training met a number that is not finite in {when}: "
        f"it began with {_written(operation, names)}",
        expected="finite numbers in J, in every gradient and in every parameter",
        got="\n".join(_described(v, values[v], names) for v in _involved(operation)),
        remedy=remedy,
        where=operation.location,
    )


def _origin(graph: Graph, values: Mapping[Variable, Array], target: Variable) -> Operation | None:
    """Return the earliest operation on a way of non-finite values that ends in ``target``.

    Merely the earliest of all would blame an infinity that is meant, such as that of a mask,
    and that a later operation makes finite again.
    """
    reached = {target}
    first: Operation | None = None
    for operation in reversed(graph.operations):
        if not any(output in reached for output in operation.outputs):
            continue
        first = operation
        reached.update(each for each in operation.inputs if not is_finite(values[each]))
    return first


def _written(operation: Operation, names: Mapping[Variable, str]) -> str:
    operands = ", ".join(names[each] for each in operation.inputs)
    results = ", ".join(names[each] for each in operation.outputs)
    text = f"{results} = {operation.operator}({operands})"
    if operation.origin is not None:
        text += f", in the backward pass of {names.get(operation.origin, 'an intermediate')}"
    return text


def _involved(operation: Operation) -> tuple[Variable, ...]:
    return tuple(dict.fromkeys((*operation.inputs, *operation.outputs)))


def _described(variable: Variable, value: Array, names: Mapping[Variable, str]) -> str:
    shape = f" {variable.shape}" if variable.shape else ""
    return f"{names[variable]}: {variable.dtype.name}{shape}, {value_range(value)}"


def value_range(value: Array) -> str:
    """Write the range of an array, and how many of its numbers are not finite.

    >>> value_range(np.array([1.0, -2.0, np.nan, np.inf]))
    'from -2 to 1, 1 NaN and 1 infinite of 4'
    """
    finite = value[np.isfinite(value)] if value.dtype.kind in "fc" else value
    if value.dtype.kind == "c":
        finite = np.abs(finite)
    parts: list[str] = []
    if finite.size:
        low, high = finite.min(), finite.max()
        parts.append(f"{low:.6g}" if low == high else f"from {low:.6g} to {high:.6g}")
    nan = int(np.isnan(value).sum()) if value.dtype.kind in "fc" else 0
    infinite = value.size - finite.size - nan
    counts = [f"{n} {what}" for n, what in ((nan, "NaN"), (infinite, "infinite")) if n]
    if counts:
        parts.append(" and ".join(counts) + f" of {value.size}")
    return ", ".join(parts) or "empty"
