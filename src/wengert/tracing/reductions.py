"""NumPy's reductions on tracers, their arguments brought to the form of the records."""

from __future__ import annotations

from math import prod as prod_of
from typing import Any

import numpy as np

from wengert.base.errors import ShapeError
from wengert.base.shapes import reduced_axes
from wengert.tracing import frames
from wengert.tracing.apply import apply
from wengert.tracing.value import TracedValue, described

Axis = int | tuple[int, ...] | None
_NO_VALUE: Any = np._NoValue  # type: ignore[attr-defined]


def cast(array: Any, dtype: Any) -> Any:
    """Convert to a dtype; nothing is recorded where it is that already, or nothing is traced."""
    if dtype is None or np.dtype(dtype) == getattr(array, "dtype", None):
        return array
    if not isinstance(array, TracedValue):
        return np.asarray(array).astype(dtype)
    return apply("cast", array, dtype=np.dtype(dtype).name)


def axes_of(array: Any, axis: Axis) -> tuple[int, ...]:
    """Return the sorted axes of a reduction, or raise in the user's words."""
    wanted = tuple(int(a) for a in axis) if isinstance(axis, tuple | list) else axis
    axes = reduced_axes(wanted if wanted is None or isinstance(wanted, tuple) else int(wanted),
                        array.ndim)  # fmt: skip
    if axes is None:
        raise ShapeError(
            f"axis {axis} of {described(array)}",
            expected=f"distinct axes from {-array.ndim} to {array.ndim - 1}",
            where=frames.caller(),
        )
    return axes


def _reduce(operator: str, array: Any, axis: Axis, keepdims: Any, **attributes: Any) -> Any:
    keep = False if keepdims is _NO_VALUE or keepdims is None else bool(keepdims)
    return apply(operator, array, axis=axes_of(array, axis), keepdims=keep, **attributes)


def _masked(array: Any, where: Any, neutral: Any) -> Any:
    if where is _NO_VALUE or where is True or where is None:
        return array
    return np.where(where, array, np.asarray(neutral, dtype=array.dtype))


def sum_(
    a: Any, axis: Axis = None, dtype: Any = None, out: None = None, keepdims: Any = False,
    initial: Any = _NO_VALUE, where: Any = True,
) -> Any:  # fmt: skip
    """np.sum"""
    # The sum of small integers is a large one, unless a dtype is asked for.
    result = cast(_reduce("sum", _masked(cast(a, dtype), where, 0), axis, keepdims), dtype)
    return result if initial is _NO_VALUE or initial is None else result + initial


def prod(
    a: Any, axis: Axis = None, dtype: Any = None, out: None = None, keepdims: Any = False,
    initial: Any = _NO_VALUE, where: Any = True,
) -> Any:  # fmt: skip
    """np.prod"""
    result = cast(_reduce("prod", _masked(cast(a, dtype), where, 1), axis, keepdims), dtype)
    return result if initial is _NO_VALUE or initial is None else result * initial


def _extreme(operator: str, combine: Any, worst: float) -> Any:
    def reduce(
        a: Any, axis: Axis = None, out: None = None, keepdims: Any = False,
        initial: Any = _NO_VALUE, where: Any = True,
    ) -> Any:  # fmt: skip
        array = a
        if where is not _NO_VALUE and where is not True and where is not None:
            array = _masked(a, where, worst if initial is _NO_VALUE else initial)
        result = _reduce(operator, array, axis, keepdims)
        return result if initial is _NO_VALUE or initial is None else combine(result, initial)

    return reduce


max_ = _extreme("max", np.maximum, -np.inf)
min_ = _extreme("min", np.minimum, np.inf)


def mean(
    a: Any, axis: Axis = None, dtype: Any = None, out: None = None, keepdims: Any = False,
    *, where: Any = True,
) -> Any:  # fmt: skip
    """np.mean"""
    if where is not _NO_VALUE and where is not True and where is not None:
        found = sum_(a, axis, dtype, None, keepdims, where=where)
        return found / cast(_counted(a, axis, keepdims, where), found.dtype)
    return _reduce("mean", cast(a, dtype), axis, keepdims)


def root(variance: Any) -> Any:
    """Return a square root that has the derivative 0 at 0, as the record of std has."""
    none = variance == 0
    safe = apply("where", none, np.ones((), variance.dtype), variance)
    return apply("where", none, variance, apply("sqrt", safe))


def _counted(a: Any, axis: Axis, keepdims: Any, where: Any) -> Any:
    """Return how many elements a mask leaves of each that are reduced."""
    mask = where if isinstance(where, TracedValue) else np.asarray(where)
    return np.sum(np.broadcast_to(mask, a.shape), axis=axis, keepdims=keepdims is True)


def _spread(operator: str) -> Any:
    def reduce(
        a: Any, axis: Axis = None, dtype: Any = None, out: None = None, ddof: float = 0,
        keepdims: Any = False, *, where: Any = True, mean: Any = _NO_VALUE,
        correction: Any = _NO_VALUE,
    ) -> Any:  # fmt: skip
        ddof = ddof if correction is _NO_VALUE else correction
        a = cast(a, dtype)
        if (where is not True and where is not _NO_VALUE) or mean is not _NO_VALUE:
            where = True if where is _NO_VALUE else where
            found = _spread_of(a, axis, keepdims, ddof, where, mean)
            return root(found) if operator == "std" else found
        if a.dtype.kind == "c":
            return _complex_spread(operator, a, axis, keepdims, ddof)
        return _reduce(operator, a, axis, keepdims, ddof=ddof)

    return reduce


def _spread_of(a: Any, axis: Axis, keepdims: Any, ddof: float, where: Any, middle: Any) -> Any:
    """Return the variance of what a mask leaves, about a mean that may be given."""
    if middle is _NO_VALUE:
        middle = mean(a, axis, None, None, True, where=where)
    apart = a - middle
    square = apart * apart if a.dtype.kind != "c" else np.real(apart * np.conj(apart))
    total = sum_(square, axis, None, None, keepdims, where=where)
    count = np.maximum(_counted(a, axis, keepdims, where) - ddof, 0)
    return total / cast(count, total.dtype)


def _complex_spread(operator: str, a: Any, axis: Axis, keepdims: Any, ddof: float) -> Any:
    """Return the mean of |z − mean z|², or its root, as NumPy computes it."""
    axes = axes_of(a, axis)
    apart = a - _reduce("mean", a, axes, True)
    total = _reduce("sum", np.real(apart * np.conj(apart)), axes, keepdims)
    found = total / max(prod_of(a.shape[each] for each in axes) - ddof, 0)
    return root(found) if operator == "std" else found


var = _spread("var")
std = _spread("std")


def all_(
    a: Any, axis: Axis = None, dtype: Any = None, out: None = None, keepdims: Any = False, *,
    where: Any = True,
) -> Any:  # fmt: skip
    """np.all"""
    return _reduce("all", _masked(a, where, 1), axis, keepdims)


def any_(
    a: Any, axis: Axis = None, dtype: Any = None, out: None = None, keepdims: Any = False, *,
    where: Any = True,
) -> Any:  # fmt: skip
    """np.any"""
    return _reduce("any", _masked(a, where, 0), axis, keepdims)


def _place(operator: str) -> Any:
    def reduce(a: Any, axis: int | None = None, out: None = None, keepdims: Any = False) -> Any:
        if axis is not None:
            (axis,) = axes_of(a, axis)
        keep = keepdims is True
        return apply(operator, a, axis=axis, keepdims=keep)

    return reduce


argmax = _place("argmax")
argmin = _place("argmin")
