"""Which variables share storage when NumPy runs a graph, known from types alone.

Inputs are C-contiguous, constants are laid out as they are, and every result that is not a view is
C-contiguous: the meanings see to it. Whether a reshape copies then follows from strides, by
NumPy's own rule, and the strides follow from the graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from wengert.base.shapes import Shape
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.operators.index import Template, is_basic
from wengert.operators.registry import OPERATORS

Strides = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Storage:
    """Where a variable's elements lie: in the storage of ``base``, ``strides`` bytes apart."""

    base: Variable
    strides: Strides


def storages(graph: Graph) -> dict[Variable, Variable]:
    """Map every variable to the variable whose storage it lies in (itself if it has its own)."""
    return {variable: found.base for variable, found in layouts(graph).items()}


def layouts(graph: Graph) -> dict[Variable, Storage]:
    """Return base and strides of every variable, as under the reference interpreter."""
    found = {variable: _dense(variable) for variable in graph.inputs}
    for variable, value in graph.constants.items():
        found[variable] = Storage(variable, value.strides)
    for operation in graph.operations:
        for output in operation.outputs:
            found[output] = _layout(operation, output, found)
    return found


def _dense(variable: Variable) -> Storage:
    return Storage(variable, dense_strides(variable.shape, variable.dtype.itemsize))


def _layout(operation: Operation, output: Variable, known: Mapping[Variable, Storage]) -> Storage:
    if OPERATORS[operation.operator].aliases != "view":
        return _dense(output)
    operand = operation.inputs[0]
    there = known[operand]
    lies = (operand.shape, there.strides)
    strides = view_strides(operation.operator, operation.attributes, lies, output.shape)
    return _dense(output) if strides is None else Storage(there.base, strides)


def view_strides(
    operator: str, attributes: Mapping[str, Any], lies: tuple[Shape, Strides], wanted: Shape
) -> Strides | None:
    """Return the strides of a view of an array with this shape and strides, None for a copy."""
    shape, strides = lies
    match operator:
        case "reshape":
            return reshaped_strides(shape, strides, wanted)
        case "transpose":
            axes: tuple[int, ...] = attributes["axes"]
            return tuple(strides[axis] for axis in axes)
        case "broadcast_to":
            ahead = len(wanted) - len(shape)
            old = (0,) * ahead + strides
            sizes = (1,) * ahead + shape
            return tuple(s if n == m else 0 for s, n, m in zip(old, sizes, wanted, strict=True))
        case "index":
            template: Template = attributes["template"]
            return _indexed_strides(shape, strides, template) if is_basic(template) else None
        case _:
            return strides


def _indexed_strides(shape: Shape, strides: Strides, template: Template) -> Strides:
    found: list[int] = []
    axis = 0
    for part in template:
        if part is None:
            found.append(0)
            continue
        if isinstance(part, slice):
            found.append(strides[axis] * part.indices(shape[axis])[2])
        axis += 1
    return (*found, *strides[axis:])


def dense_strides(shape: Shape, itemsize: int) -> Strides:
    """Return the strides of a C-contiguous array.

    >>> dense_strides((2, 3, 4), 8)
    (96, 32, 8)
    """
    found: list[int] = []
    step = itemsize
    for n in reversed(shape):
        found.append(step)
        step *= max(n, 1)
    return tuple(reversed(found))


def is_dense(shape: Shape, strides: Strides, itemsize: int) -> bool:
    """Return whether an array with these strides is C-contiguous, as NumPy's flag says."""
    if 0 in shape:
        return True
    wanted = dense_strides(shape, itemsize)
    return all(n == 1 or s == w for n, s, w in zip(shape, strides, wanted, strict=True))


def reshaped_strides(shape: Shape, strides: Strides, wanted: Shape) -> Strides | None:
    """Return the strides of a reshape that needs no copy, None where NumPy copies.

    Axes are matched in groups of equal size; each group of old axes must lie evenly.

    >>> reshaped_strides((2, 3), (24, 8), (6,)), reshaped_strides((2, 3), (8, 16), (6,))
    ((8,), None)
    """
    if 0 in shape:
        return (0,) * len(wanted)
    old = [(n, s) for n, s in zip(shape, strides, strict=True) if n != 1]
    found: list[int] = []
    i = j = 0
    while i < len(old) and j < len(wanted):
        i_end, j_end = i + 1, j + 1
        old_size, new_size = old[i][0], wanted[j]
        while old_size != new_size:
            if new_size < old_size:
                new_size, j_end = new_size * wanted[j_end], j_end + 1
            else:
                old_size, i_end = old_size * old[i_end][0], i_end + 1
        if any(a[1] != b[0] * b[1] for a, b in pairwise(old[i:i_end])):
            return None
        found += dense_strides(wanted[j:j_end], old[i_end - 1][1])
        i, j = i_end, j_end
    # Only axes of size 1 are left; where they point to does not matter.
    return (*found, *(0,) * (len(wanted) - len(found)))
