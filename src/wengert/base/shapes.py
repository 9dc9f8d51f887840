"""Shape algebra on tuples of integers."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

Shape = tuple[int, ...]


def size(shape: Shape) -> int:
    """Return the number of elements of an array of this shape; 1 for a scalar."""
    return prod(shape)


def broadcast(*shapes: Shape) -> Shape | None:
    """Return NumPy's broadcast shape, or None where the shapes do not fit.

    >>> broadcast((3, 1), (4,)), broadcast((3,), (4,))
    ((3, 4), None)
    """
    if shapes and shapes.count(shapes[0]) == len(shapes):
        return shapes[0]
    rank = max((len(shape) for shape in shapes), default=0)
    result: list[int] = []
    for axis in range(-rank, 0):
        sizes = {shape[axis] for shape in shapes if len(shape) >= -axis} - {1}
        if len(sizes) > 1:
            return None
        result.append(sizes.pop() if sizes else 1)
    return tuple(result)


def normalize_axis(axis: int, rank: int) -> int | None:
    """Return the axis counted from the front, or None where it is out of range."""
    return axis % rank if -rank <= axis < rank else None


def reduced_axes(axis: int | Sequence[int] | None, rank: int) -> tuple[int, ...] | None:
    """Return the sorted axes of a reduction; None where one is out of range or repeated.

    >>> reduced_axes(None, 2), reduced_axes(-1, 3), reduced_axes((0, 0), 2)
    ((0, 1), (2,), None)
    """
    if axis is None:
        return tuple(range(rank))
    wanted = (axis,) if isinstance(axis, int) else tuple(axis)
    axes = [normalize_axis(each, rank) for each in wanted]
    found = sorted(each for each in axes if each is not None)
    if len(found) != len(axes) or len(set(found)) != len(found):
        return None
    return tuple(found)


def reduce(shape: Shape, axes: tuple[int, ...], keepdims: bool) -> Shape:
    """Return the shape after a reduction over ``axes``.

    >>> reduce((2, 3, 4), (1,), False), reduce((2, 3, 4), (1,), True)
    ((2, 4), (2, 1, 4))
    """
    if keepdims:
        return tuple(1 if axis in axes else n for axis, n in enumerate(shape))
    return tuple(n for axis, n in enumerate(shape) if axis not in axes)


def reshape(shape: Shape, wanted: Shape) -> Shape | None:
    """Resolve one ``-1`` in a reshape; None where the sizes do not fit.

    >>> reshape((2, 3), (-1,)), reshape((2, 3), (4,))
    ((6,), None)
    """
    total = size(shape)
    if wanted.count(-1) > 1 or any(n < -1 for n in wanted):
        return None
    if -1 in wanted:
        rest = prod(n for n in wanted if n != -1)
        if rest == 0 or total % rest:
            return None
        return tuple(total // rest if n == -1 else n for n in wanted)
    return wanted if size(wanted) == total else None


def matmul(left: Shape, right: Shape) -> Shape | None:
    """Return the shape of ``left @ right`` by NumPy's rules, or None.

    >>> matmul((2, 3), (3,)), matmul((5, 2, 3), (3, 4)), matmul((2, 3), (2,))
    ((2,), (5, 2, 4), None)
    """
    if not left or not right:
        return None
    inner = right[0] if len(right) == 1 else right[-2]
    batch = broadcast(left[:-2], right[:-2])
    if left[-1] != inner or batch is None:
        return None
    rows = left[-2:-1] if len(left) > 1 else ()
    columns = right[-1:] if len(right) > 1 else ()
    return (*batch, *rows, *columns)
