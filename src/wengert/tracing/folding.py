"""The methods of ufuncs of two operands: reduce, accumulate, reduceat and outer."""

# NumPy's signatures have no types for arrays that record.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.base.errors import ShapeError, TraceError
from wengert.tracing import frames
from wengert.tracing.apply import apply
from wengert.tracing.reductions import axes_of, cast
from wengert.tracing.value import TracedValue, described

_NO_VALUE: Any = np._NoValue  # type: ignore[attr-defined]
_RUNNING: dict[Any, str] = {
    np.add: "cumsum",
    np.multiply: "cumprod",
    np.maximum: "running_max",
    np.minimum: "running_min",
}


def _rows(array: Any, axis: int) -> list[Any]:
    ahead = (slice(None),) * axis
    return [array[(*ahead, i)] for i in range(array.shape[axis])]


def reduce(
    ufunc: Any, array: Any, axis: Any = 0, dtype: Any = None, keepdims: Any = False,
    initial: Any = _NO_VALUE, where: Any = True,
) -> Any:  # fmt: skip
    """``ufunc.reduce``: each operation of the fold is recorded."""
    found = cast(array, dtype)
    start = ufunc.identity if initial is _NO_VALUE else initial
    if where is not True:
        if start is None:
            raise TraceError(
                f"{ufunc.__name__}.reduce with where= and no value for the places left out",
                remedy="initial=",
                where=frames.caller(),
            )
        found = np.where(where, found, np.asarray(start).astype(found.dtype))
    kept = axes_of(found, axis)
    for each in reversed(kept):
        found = _fold(ufunc, found, each, None if initial is _NO_VALUE else initial)
        initial = _NO_VALUE
    return np.expand_dims(found, kept) if keepdims is True else found


def _fold(ufunc: Any, array: Any, axis: int, start: Any) -> Any:
    rows = _rows(array, axis)
    start = ufunc.identity if start is None and not rows else start
    if start is None and not rows:
        raise ShapeError(
            f"{ufunc.__name__}.reduce of {described(array)} over axis {axis}",
            expected="at least one element, or initial=",
            where=frames.caller(),
        )
    if not rows:
        shape = (*array.shape[:axis], *array.shape[axis + 1 :])
        return np.full(shape, start, array.dtype)
    found = rows[0] if start is None else ufunc(start, rows[0])
    for row in rows[1:]:
        found = ufunc(found, row)
    return found


def accumulate(ufunc: Any, array: Any, axis: int = 0, dtype: Any = None) -> Any:
    """``ufunc.accumulate``"""
    found = cast(array, dtype)
    (place,) = axes_of(found, axis)
    if ufunc in _RUNNING:
        return apply(_RUNNING[ufunc], found, axis=place)
    rows = _rows(found, place)
    for i in range(1, len(rows)):
        rows[i] = ufunc(rows[i - 1], rows[i])
    return np.stack(rows, axis=place) if rows else found


def reduceat(
    ufunc: Any, array: Any, indices: Sequence[int], axis: int = 0, dtype: Any = None
) -> Any:
    """``ufunc.reduceat``: the ranges must be known while tracing."""
    if isinstance(indices, TracedValue):
        raise TraceError(
            f"{ufunc.__name__}.reduceat with the traced indices {described(indices)}",
            expected="integers that are known while tracing",
            remedy="np.add.at with a row number for each element",
            where=frames.caller(),
        )
    (place,) = axes_of(array, axis)
    ahead = (slice(None),) * place
    starts = [int(i) for i in indices]
    parts: list[Any] = []
    for start, stop in zip(starts, [*starts[1:], array.shape[place]], strict=True):
        if not 0 <= start < array.shape[place]:
            raise ShapeError(
                f"{ufunc.__name__}.reduceat of {described(array)} from {start}",
                expected=f"indices of 0 … {array.shape[place] - 1}",
                where=frames.caller(),
            )
        part = array[(*ahead, slice(start, max(stop, start + 1)))]
        parts.append(ufunc.reduce(part, axis=place, dtype=dtype))
    return np.stack(parts, axis=place)


def outer(ufunc: Any, left: Any, right: Any, **options: Any) -> Any:
    """``ufunc.outer``"""
    wide = np.reshape(left, np.shape(left) + (1,) * len(np.shape(right)))
    return ufunc(wide, right, **options)


METHODS: dict[str, Callable[..., Any]] = {
    "reduce": reduce,
    "accumulate": accumulate,
    "reduceat": reduceat,
    "outer": outer,
}
