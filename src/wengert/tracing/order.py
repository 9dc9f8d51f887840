"""The order of an array's axes in memory, which decides whether NumPy reshapes by a view or a copy.

Results of NumPy keep the order of their operands: that of ``x.T * 2`` is turned. None stands for
C's order, and :data:`UNKNOWN` where the order would depend on more than is worth following.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from wengert.base.shapes import Shape
from wengert.operators.storage import Strides, dense_strides

Order = tuple[int, ...] | None
UNKNOWN: tuple[int, ...] = (-1,)


def order_of(shape: Shape, strides: Strides) -> Order:
    """Return the axes from the widest step to the narrowest, None where they lie as C's.

    >>> order_of((2, 3), (24, 8)), order_of((3, 2), (8, 24))
    (None, (1, 0))
    """
    steps = [abs(s) for s, n in zip(strides, shape, strict=True) if n != 1 and s]
    if all(a >= b for a, b in pairwise(steps)):
        return None
    if any(s == 0 and n != 1 for s, n in zip(strides, shape, strict=True)):
        return UNKNOWN
    return tuple(sorted(range(len(shape)), key=lambda axis: -abs(strides[axis])))


def strides_in(shape: Shape, order: Order) -> Strides | None:
    """Return the steps, in elements, of a dense array whose axes lie in this order.

    >>> strides_in((3, 2), (1, 0))
    (1, 3)
    """
    if order is None:
        return dense_strides(shape, 1)
    if order == UNKNOWN:
        return None
    dense = dense_strides(tuple(shape[axis] for axis in order), 1)
    return tuple(dense[order.index(axis)] for axis in range(len(shape)))


def of_result(is_elementwise: bool, rank: int, operands: Sequence[tuple[Shape, Order]]) -> Order:
    """Return the order of a new array from shapes and orders of what it is made from."""
    found: set[Order] = set()
    for shape, order in operands:
        if sum(n != 1 for n in shape) > 1:
            fits = order is None or len(shape) == rank
            found.add(order if fits else UNKNOWN)
    if found <= {None}:
        return None
    return found.pop() if len(found) == 1 and is_elementwise else UNKNOWN
