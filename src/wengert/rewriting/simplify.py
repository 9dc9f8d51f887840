"""Identities, one a row: each holds bit for bit, for every number including −0, ∞ and NaN.

What holds in algebra alone is not here: x + 0 turns −0 into 0, x · 0 forgets NaN, and x + (−y)
may give a NaN of another sign than x − y.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from wengert.base import shapes
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.operators.registry import OPERATORS
from wengert.rewriting import written
from wengert.rewriting.rebuild import rebuild
from wengert.rewriting.sight import Sight

Answer = Variable | Operation | None
Row = Callable[[Operation, Sight], Answer]


def apply_identities(graph: Graph) -> Graph:
    """Return the graph after one walk in which each operation is simplified as far as it goes."""
    sight = Sight(graph)
    kept: list[Operation] = []
    changed = False
    for operation in graph.operations:
        found = _simplified(operation, sight)
        changed = changed or found is not operation
        if found is not None:
            sight.add(found)
            kept.append(found)
    return rebuild(graph, kept, graph.constants, sight.standing) if changed else graph


def _simplified(operation: Operation, sight: Sight) -> Operation | None:
    """Return what is left of an operation: itself, a simpler one, or nothing."""
    current = _seen(operation, sight)
    progress = True
    while progress:
        progress = False
        for row in _rows(current.operator):
            answer = row(current, sight)
            if isinstance(answer, Operation):
                current, progress = answer, True
                break
            if answer is not None and sight.standing.merge(answer, current.output):
                sight.moved(answer)
                return None
    return current


def _seen(operation: Operation, sight: Sight) -> Operation:
    inputs = tuple(sight.standing(variable) for variable in operation.inputs)
    return operation if inputs == operation.inputs else replace(operation, inputs=inputs)


def _instead(
    operation: Operation, operator: str, *inputs: Variable, **attributes: Any
) -> Operation:
    return replace(operation, operator=operator, inputs=inputs, attributes=attributes)


def _same(x: Variable, operation: Operation, sight: Sight) -> Answer:
    """Return x where it can stand for the result: same type, and the layout of a new array."""
    y = operation.output
    fits = (x.shape, x.dtype) == (y.shape, y.dtype)
    return x if fits and sight.is_packed(x) else None


def _inner(operation: Operation, sight: Sight, *operators: str) -> Variable | None:
    """Return what the operand is made from where one of these operators makes it."""
    maker = sight.maker(operation.inputs[0], *operators)
    return None if maker is None else sight.standing(maker.inputs[0])


# -- Arithmetic -----------------------------------------------------------------------------------


def _times_one(operation: Operation, sight: Sight) -> Answer:
    """x · 1 = x (not for complex numbers: ∞ · (1 + 0i) has a NaN in it)."""
    if operation.output.dtype.kind == "c":
        return None
    for x, one in (operation.inputs, operation.inputs[::-1]):
        if sight.is_number(one, 1) and (found := _same(x, operation, sight)):
            return found
    return None


def _divided_by_one(operation: Operation, sight: Sight) -> Answer:
    """x / 1 = x."""
    x, one = operation.inputs
    if operation.output.dtype.kind == "c" or not sight.is_number(one, 1):
        return None
    return _same(x, operation, sight)


def _plus_nothing(operation: Operation, sight: Sight) -> Answer:
    """x + (−0) = x; for integers x + 0 = x."""
    zero = -0.0 if operation.output.dtype.kind == "f" else 0
    if operation.output.dtype.kind not in "fiu":
        return None
    for x, nothing in (operation.inputs, operation.inputs[::-1]):
        if sight.is_number(nothing, zero) and (found := _same(x, operation, sight)):
            return found
    return None


def _minus_nothing(operation: Operation, sight: Sight) -> Answer:
    """x − 0 = x."""
    x, nothing = operation.inputs
    if operation.output.dtype.kind not in "fiu" or not sight.is_number(nothing, 0.0):
        return None
    return _same(x, operation, sight)


def _negative_twice(operation: Operation, sight: Sight) -> Answer:
    """−(−x) = x."""
    x = _inner(operation, sight, "negative")
    return None if x is None else _same(x, operation, sight)


def _absolute_of_absolute(operation: Operation, sight: Sight) -> Answer:
    """| |x| | = |x|."""
    x = operation.inputs[0]
    return None if sight.maker(x, "absolute") is None else _same(x, operation, sight)


def _absolute_of_negative(operation: Operation, sight: Sight) -> Answer:
    """|−x| = |x|."""
    x = _inner(operation, sight, "negative")
    return None if x is None else _instead(operation, "absolute", x)


def _not_twice(operation: Operation, sight: Sight) -> Answer:
    """¬¬x = x for truth values."""
    x = _inner(operation, sight, "logical_not")
    return None if x is None else _same(x, operation, sight)


def _extreme_of_one(operation: Operation, sight: Sight) -> Answer:
    """max(x, x) = x and min(x, x) = x."""
    x, other = operation.inputs
    return _same(x, operation, sight) if x is other else None


def _relu_twice(operation: Operation, sight: Sight) -> Answer:
    """relu(relu(x)) = relu(x)."""
    x = operation.inputs[0]
    return None if sight.maker(x, "relu") is None else _same(x, operation, sight)


def _no_choice(operation: Operation, sight: Sight) -> Answer:
    """where(c, x, x) = x."""
    _, x, other = operation.inputs
    return _same(x, operation, sight) if x is other else None


# -- Broadcasting ---------------------------------------------------------------------------------


def _broadcast_by_itself(operation: Operation, sight: Sight) -> Answer:
    """f(x, broadcast(y)) = f(x, y), and f(x, y with leading axes of 1) = f(x, y)."""
    inputs = list(operation.inputs)
    for place, variable in enumerate(inputs):
        maker = sight.maker(variable, "broadcast_to", "reshape")
        if maker is None:
            continue
        source = sight.standing(maker.inputs[0])
        if maker.operator == "reshape" and not _only_leads(source, variable):
            continue
        others = [each.shape for each in (*inputs[:place], source, *inputs[place + 1 :])]
        if shapes.broadcast(*others) == operation.output.shape:
            inputs[place] = source
    if inputs == list(operation.inputs):
        return None
    return replace(operation, inputs=tuple(inputs))


def _only_leads(source: Variable, reshaped: Variable) -> bool:
    extra = reshaped.rank - source.rank
    return source.size == 1 or (
        extra >= 0 and reshaped.shape == (1,) * extra + source.shape and source.size > 0
    )


# -- Movement -------------------------------------------------------------------------------------
# A view of a view has the strides of one view, so these need no care for the layout.


def _same_view(operation: Operation, sight: Sight) -> Answer:
    """identity(x) = x; x in its own shape, or repeated to it, = x."""
    x = operation.inputs[0]
    return x if x.shape == operation.output.shape else None


def _unmoved(operation: Operation, sight: Sight) -> Answer:
    """Axes left in their order are not transposed."""
    axes: tuple[int, ...] = operation.attributes["axes"]
    return operation.inputs[0] if axes == tuple(range(len(axes))) else None


def _transposed_twice(operation: Operation, sight: Sight) -> Answer:
    """(xᵃ)ᵇ = xᵃᵇ."""
    maker = sight.maker(operation.inputs[0], "transpose")
    if maker is None:
        return None
    first, second = maker.attributes["axes"], operation.attributes["axes"]
    axes = tuple(first[axis] for axis in second)
    return _instead(operation, "transpose", sight.standing(maker.inputs[0]), axes=axes)


def _broadcast_twice(operation: Operation, sight: Sight) -> Answer:
    """broadcast(broadcast(x)) = broadcast(x)."""
    x = _inner(operation, sight, "broadcast_to")
    return None if x is None else _instead(operation, "broadcast_to", x, **operation.attributes)


def _reshaped_twice(operation: Operation, sight: Sight) -> Answer:
    """reshape(reshape(x)) = reshape(x) where x lies in order, so that neither copies."""
    x = _inner(operation, sight, "reshape")
    if x is None or not sight.is_packed(x):
        return None
    return _instead(operation, "reshape", x, **operation.attributes)


def _everything(operation: Operation, sight: Sight) -> Answer:
    """x[:, …, :] = x."""
    x = operation.inputs[0]
    template: tuple[Any, ...] = operation.attributes["template"]
    return (
        x if all(_is_whole(part, n) for part, n in zip(template, x.shape, strict=False)) else None
    )


def _read_written(operation: Operation, sight: Sight) -> Answer:
    """x[i ← v][i] = v."""
    found = written.read_written(operation, sight)
    if found is None:
        return None
    operator, value, attributes = found
    return _instead(operation, operator, value, **attributes)


def _is_whole(part: Any, n: int) -> bool:
    return isinstance(part, slice) and part.indices(n) == (0, n, 1)


def _joined_alone(operation: Operation, sight: Sight) -> Answer:
    """concatenate([x]) = x."""
    return _same(operation.inputs[0], operation, sight) if len(operation.inputs) == 1 else None


def _cast_to_itself(operation: Operation, sight: Sight) -> Answer:
    """A cast to the dtype that x has changes nothing."""
    return _same(operation.inputs[0], operation, sight)


def _cast_and_back(operation: Operation, sight: Sight) -> Answer:
    """A cast to a wider dtype of the same kind and back changes nothing."""
    wide = operation.inputs[0]
    x = _inner(operation, sight, "cast")
    if x is None or x.dtype.kind != wide.dtype.kind or not np.can_cast(x.dtype, wide.dtype):
        return None
    return _same(x, operation, sight)


# -- The table ------------------------------------------------------------------------------------

IDENTITIES: dict[str, tuple[Row, ...]] = {
    "multiply": (_times_one,),  # x · 1 = x
    "divide": (_divided_by_one,),  # x / 1 = x
    "add": (_plus_nothing,),  # x + (−0) = x
    "subtract": (_minus_nothing,),  # x − 0 = x
    "negative": (_negative_twice,),  # −(−x) = x
    "absolute": (_absolute_of_absolute, _absolute_of_negative),  # ||x|| = |x|, |−x| = |x|
    "logical_not": (_not_twice,),  # ¬¬x = x
    "maximum": (_extreme_of_one,),  # max(x, x) = x
    "minimum": (_extreme_of_one,),  # min(x, x) = x
    "relu": (_relu_twice,),  # relu(relu(x)) = relu(x)
    "where": (_no_choice,),  # where(c, x, x) = x
    "identity": (_same_view,),  # identity(x) = x
    "custom_gradient": (_same_view,),  # once differentiated, the result alone is left
    "reshape": (_same_view, _reshaped_twice),  # reshape(reshape(x)) = reshape(x)
    "broadcast_to": (_same_view, _broadcast_twice),  # broadcast(broadcast(x)) = broadcast(x)
    "transpose": (_unmoved, _transposed_twice),  # xᵀᵀ = x
    # x[:] = x, x[i ← v][j] = x[j], x[i ← v][i] = v
    "index": (_everything, written.read_before, _read_written),
    "concatenate": (_joined_alone,),  # concatenate([x]) = x
    "cast": (_cast_to_itself, _cast_and_back),  # float32(float64(x)) = x
}
_ELEMENTWISE: tuple[Row, ...] = (_broadcast_by_itself,)  # f(x, broadcast(y)) = f(x, y)


def _rows(operator: str) -> tuple[Row, ...]:
    rows = IDENTITIES.get(operator, ())
    record = OPERATORS[operator]
    several = record.vjp is None or len(record.vjp) > 1
    return rows + _ELEMENTWISE if record.kind == "elementwise" and several else rows
