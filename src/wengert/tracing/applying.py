"""NumPy's functions that call the user's functions, and ranges with traced ends, on tracers."""

# NumPy's signatures have no types for arrays that record.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.base.errors import ShapeError
from wengert.tracing import frames, ufuncs
from wengert.tracing.arrays import array, known
from wengert.tracing.reductions import axes_of, cast


def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    """np.apply_along_axis; each call is recorded"""
    values = array(arr)
    (place,) = axes_of(values, axis)
    moved = np.moveaxis(values, place, -1)
    around = moved.shape[:-1]
    rows = [array(func1d(moved[each], *args, **kwargs)) for each in np.ndindex(*around)]
    if not rows:
        raise ShapeError(
            "np.apply_along_axis over no rows", expected="one or more", where=frames.caller()
        )
    shape = tuple(rows[0].shape)
    found = np.reshape(np.stack(rows), (*around, *shape))
    rank = len(shape)
    behind = range(len(around), len(around) + rank)
    return np.moveaxis(found, tuple(behind), tuple(range(place, place + rank))) if rank else found


def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """np.apply_over_axes"""
    found = array(a)
    for axis in np.atleast_1d(known(axes, "the axes")):
        (place,) = axes_of(found, int(axis))
        made = func(found, place)
        found = made if made.ndim == found.ndim else np.expand_dims(made, place)
    return found


# -- Ranges ---------------------------------------------------------------------------------------


def linspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, retstep: bool = False,
    dtype: Any = None, axis: int = 0, **_: Any,
) -> Any:  # fmt: skip
    """np.linspace"""
    count = int(known(num, "the number of places"))
    low, high = array(start) * 1.0, array(stop) * 1.0
    parts = count - 1 if endpoint else count
    span = high - low
    rank = np.ndim(span)
    places = np.reshape(np.arange(count, dtype=float), (-1,) + (1,) * rank)
    places = places.astype(span.dtype)
    step: Any = np.nan
    if parts > 0:
        step = span / parts
        found = places * step + low
    else:
        found = places * span + low
    if endpoint and count > 1:
        last = np.broadcast_to(high, found.shape[1:])[None]
        found = np.concatenate([found[:-1], last], axis=0)
    if axis != 0:
        found = np.moveaxis(found, 0, axis)
    if dtype is not None:
        whole = np.dtype(dtype).kind in "iu"
        found = cast(np.floor(found) if whole else found, dtype)
    return (found, step) if retstep else found


def logspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, base: Any = 10.0,
    dtype: Any = None, axis: int = 0,
) -> Any:  # fmt: skip
    """np.logspace"""
    if np.ndim(base):
        ufuncs.refuse("np.logspace with several bases", "base ** np.linspace(start, stop)")
    found = np.power(base, linspace(start, stop, num, endpoint, axis=axis))
    return found if dtype is None else cast(found, dtype)


def geomspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    """np.geomspace, of ends of one sign"""
    low, high = array(start) * 1.0, array(stop) * 1.0
    sign = np.sign(low)
    ends = np.log10(low * sign), np.log10(high * sign)
    found = sign * logspace(*ends, num=num, endpoint=endpoint, axis=0)
    first = [np.broadcast_to(low, found.shape[1:])[None]] if found.shape[0] else []
    last = [np.broadcast_to(high, found.shape[1:])[None]] if endpoint and found.shape[0] > 1 else []
    stop_at = found.shape[0] - len(last)
    found = np.concatenate([*first, found[len(first) : stop_at], *last], axis=0)
    found = np.moveaxis(found, 0, axis) if axis else found
    return found if dtype is None else cast(found, dtype)


DIFFERENTIABLE: dict[str, Callable[..., Any]] = {
    "apply_along_axis": apply_along_axis, "apply_over_axes": apply_over_axes,
    "linspace": linspace, "logspace": logspace, "geomspace": geomspace,
}  # fmt: skip
CONSTANT: dict[str, Callable[..., Any]] = {}
