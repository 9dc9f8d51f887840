"""NumPy's movement functions on tracers."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from wengert.base import shapes
from wengert.base.errors import ShapeError
from wengert.tracing import frames, ufuncs
from wengert.tracing.apply import apply
from wengert.tracing.reductions import axes_of
from wengert.tracing.value import TracedValue, described
from wengert.tracing.views import is_dense, strides


def sizes(shape: Any) -> tuple[int, ...]:
    """Return a shape argument as a tuple of plain integers."""
    try:
        return (operator.index(shape),)
    except TypeError:
        return tuple(operator.index(n) for n in shape)


def reshape(a: Any, /, shape: Any = None, order: str = "C", *, newshape: Any = None,
            copy: Any = None) -> Any:  # fmt: skip
    """np.reshape"""
    if order not in ("C", "K"):
        ufuncs.refuse(f"np.reshape with order={order!r}", "np.reshape(x.T, shape[::-1]).T")
    wanted = sizes(shape if newshape is None else newshape)
    full = shapes.reshape(a.shape, wanted)
    if full is None:
        raise ShapeError(
            f"{described(a)} is reshaped to {wanted}",
            expected=f"{a.size} elements",
            where=frames.caller(),
        )
    return a if full == a.shape else apply("reshape", a, shape=full)


def ravel(a: Any, order: str = "C") -> Any:
    """np.ravel"""
    lies = strides(a)
    if a.ndim == 1 and lies == (1,):
        return a
    found = a.copied() if a.ndim == 1 else reshape(a, (-1,), order)
    if lies is not None and not is_dense(a.shape, lies):
        found.link = None  # unlike reshape, it always copies what does not lie in order
    return found


def transpose(a: Any, axes: Any = None) -> Any:
    """np.transpose"""
    wanted = tuple(reversed(range(a.ndim))) if axes is None else sizes(axes)
    found = (shapes.normalize_axis(axis, a.ndim) for axis in wanted)
    order = tuple(axis for axis in found if axis is not None)
    if len(wanted) != a.ndim or sorted(order) != list(range(a.ndim)):
        raise ShapeError(
            f"{described(a)} is transposed by {wanted}",
            expected=f"each axis from 0 to {a.ndim - 1} once",
            where=frames.caller(),
        )
    return a if order == tuple(range(a.ndim)) else apply("transpose", a, axes=order)


def _axis(a: Any, axis: int) -> int:
    return axes_of(a, int(axis))[0]


def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """np.swapaxes"""
    order = list(range(a.ndim))
    first, second = _axis(a, axis1), _axis(a, axis2)
    order[first], order[second] = second, first
    return transpose(a, order)


def matrix_transpose(x: Any, /) -> Any:
    """np.matrix_transpose"""
    return swapaxes(x, -1, -2)


def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """np.moveaxis"""
    sources = [_axis(a, axis) for axis in sizes(source)]
    places = [_axis(a, axis) for axis in sizes(destination)]
    order = [axis for axis in range(a.ndim) if axis not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return transpose(a, order)


def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    """np.broadcast_to"""
    wanted = sizes(shape)
    if shapes.broadcast(array.shape, wanted) != wanted:
        raise ShapeError(
            f"{described(array)} is broadcast to {wanted}",
            expected="sizes that are equal or 1, aligned at the last axis",
            where=frames.caller(),
        )
    return array if wanted == array.shape else apply("broadcast_to", array, shape=wanted)


def expand_dims(a: Any, axis: Any) -> Any:
    """np.expand_dims"""
    new = sizes(axis)
    rank = a.ndim + len(new)
    places = {shapes.normalize_axis(each, rank) for each in new}
    if None in places or len(places) != len(new):
        raise ShapeError(
            f"{described(a)} gets new axes at {axis}",
            expected=f"distinct places from {-rank} to {rank - 1}",
            where=frames.caller(),
        )
    old = iter(a.shape)
    return reshape(a, tuple(1 if place in places else next(old) for place in range(rank)))


def squeeze(a: Any, axis: Any = None) -> Any:
    """np.squeeze"""
    if axis is None:
        return reshape(a, tuple(n for n in a.shape if n != 1))
    gone = axes_of(a, sizes(axis))
    if any(a.shape[each] != 1 for each in gone):
        raise ShapeError(
            f"{described(a)} is squeezed along axis {axis}",
            expected="axes of size 1",
            where=frames.caller(),
        )
    return reshape(a, tuple(n for each, n in enumerate(a.shape) if each not in gone))


def flip(m: Any, axis: Any = None) -> Any:
    """np.flip"""
    turned = axes_of(m, None if axis is None else sizes(axis))
    return m[tuple(slice(None, None, -1 if each in turned else None) for each in range(m.ndim))]


def take(a: Any, indices: Any, axis: int | None = None, out: None = None,
         mode: str = "raise") -> Any:  # fmt: skip
    """np.take"""
    if axis is None:
        return take(np.ravel(a), indices, 0, mode=mode)
    place = _axis(a, axis)
    index = np.asarray(indices) if isinstance(indices, list | int) else indices
    if mode != "raise":
        n = a.shape[place]
        index = np.clip(index, 0, n - 1) if mode == "clip" else np.remainder(index, n)
    if not isinstance(a, TracedValue):
        return apply("index", a, index, template=(slice(None),) * place + ("#0",))
    array: Any = a
    return array[(slice(None),) * place + (index,)]


def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """np.take_along_axis"""
    if axis is None:
        return take_along_axis(ravel(arr), indices, 0)
    return apply("take_along_axis", arr, indices, axis=_axis(arr, axis))


def atleast_1d(*arrays: Any) -> Any:
    """np.atleast_1d"""
    raised = tuple(np.reshape(a, (1,)) if np.ndim(a) == 0 else a for a in arrays)
    return raised[0] if len(raised) == 1 else raised


def atleast_2d(*arrays: Any) -> Any:
    """np.atleast_2d"""
    raised = tuple(np.reshape(a, (1, np.size(a))) if np.ndim(a) < 2 else a for a in arrays)
    return raised[0] if len(raised) == 1 else raised
