"""NumPy's functions that choose, compare and round, on tracers."""

# NumPy's signatures have no types for arrays that record.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.base.errors import ShapeError
from wengert.base.guards import is_sequence
from wengert.tracing import facts, frames
from wengert.tracing.apply import apply
from wengert.tracing.arrays import array, at, floating, known
from wengert.tracing.reductions import axes_of, cast
from wengert.tracing.value import TracedValue


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """np.select"""
    if len(condlist) != len(choicelist) or not condlist:
        raise ShapeError(
            "np.select",
            expected="as many choices as conditions, and at least one",
            got=f"{len(condlist)} conditions, {len(choicelist)} choices",
            where=frames.caller(),
        )
    kinds = [_kind(each) for each in (*choicelist, default)]
    dtype = np.result_type(*kinds)
    shape = np.broadcast_shapes(*(np.shape(each) for each in (*condlist, *choicelist)))
    found = _as(default, dtype)
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        found = np.where(condition, _as(choice, dtype), found)
    return np.broadcast_to(found, shape)


def _kind(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | complex) else array(value).dtype


def _as(value: Any, dtype: Any) -> Any:
    return cast(value, dtype) if isinstance(value, TracedValue) else np.asarray(value, dtype)


def choose(a: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    """np.choose; with mode="raise" a place out of range takes the last choice"""
    rows = list(choices)
    count = len(rows)
    index = array(a)
    if mode == "wrap":
        index = np.remainder(index, count)
    elif mode == "clip":
        index = np.clip(index, 0, count - 1)
    dtype = np.result_type(*(_kind(each) for each in rows))
    found = _as(rows[-1], dtype)
    for place in range(count - 2, -1, -1):
        found = np.where(index == place, _as(rows[place], dtype), found)
    return found


def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    """np.piecewise; the functions see all of x, and must work elementwise"""
    rows = list(condlist) if is_sequence(condlist) or np.ndim(condlist) > x.ndim else [condlist]
    conditions = rows if rows and np.ndim(rows[0]) else [array(condlist)]
    pieces = [piece(x, *args, **kw) if callable(piece) else piece for piece in funclist]
    found: Any = np.zeros(x.shape, x.dtype)
    if len(pieces) == len(conditions) + 1:
        found = _as(pieces.pop(), x.dtype)
    for condition, piece in zip(conditions, pieces, strict=True):
        found = np.where(condition, _as(piece, x.dtype), found)
    return np.broadcast_to(found, x.shape)


def compress(condition: Any, a: Any, axis: int | None = None, out: None = None) -> Any:
    """np.compress"""
    places = np.flatnonzero(known(condition, "the condition of np.compress"))
    return np.take(np.ravel(a), places) if axis is None else a[at(axes_of(a, axis)[0], places)]


def extract(condition: Any, arr: Any) -> Any:
    """np.extract"""
    mask = np.ravel(known(condition, "the condition of np.extract"))
    return np.ravel(arr)[np.flatnonzero(mask)]


def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None,
         dtype: Any = None, **_: Any) -> Any:  # fmt: skip
    """np.clip"""
    low = min if a_min is None else a_min
    high = max if a_max is None else a_max
    found = a if dtype is None else cast(array(a), dtype)
    if low is None and high is None:
        return facts.copied(found)
    found = found if low is None else np.maximum(found, low)
    return found if high is None else np.minimum(found, high)


def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """np.nan_to_num; a place that is replaced passes no gradient on"""
    if x.dtype.kind != "f":
        return facts.copied(x)
    ends = np.finfo(x.dtype)
    found = np.where(np.isnan(x), _as(nan, x.dtype), x)
    high, low = (ends.max if posinf is None else posinf), (ends.min if neginf is None else neginf)
    found = np.where(x == np.inf, _as(high, x.dtype), found)
    return np.where(x == -np.inf, _as(low, x.dtype), found)


# -- Questions with answers of truth --------------------------------------------------------------


def isclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    """np.isclose"""
    x, y = array(a), array(b)
    y = cast(y, np.float64) if y.dtype.kind in "iub" else y
    near = np.less_equal(np.abs(x - y), atol + rtol * np.abs(y))
    found = np.logical_or(np.logical_and(near, np.isfinite(y)), x == y)
    if equal_nan:
        found = np.logical_or(found, np.logical_and(np.isnan(x), np.isnan(y)))
    return found


def allclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    """np.allclose, as a traced truth value"""
    return np.all(isclose(a, b, rtol, atol, equal_nan))


def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    """np.array_equal, as a traced truth value"""
    x, y = array(a1), array(a2)
    if tuple(x.shape) != tuple(y.shape):
        return False
    same = x == y
    if equal_nan:
        same = np.logical_or(same, np.logical_and(np.isnan(x), np.isnan(y)))
    return np.all(same)


def array_equiv(a1: Any, a2: Any) -> Any:
    """np.array_equiv, as a traced truth value"""
    x, y = array(a1), array(a2)
    try:
        np.broadcast_shapes(tuple(x.shape), tuple(y.shape))
    except ValueError:
        return False
    return np.all(x == y)


def isin(
    element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *,
    kind: Any = None,
) -> Any:  # fmt: skip
    """np.isin"""
    x, tests = array(element), np.ravel(array(test_elements))
    found = np.any(np.expand_dims(x, -1) == tests, axis=-1)
    return np.logical_not(found) if invert else found


def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """np.count_nonzero"""
    return np.sum(a != 0, axis=axis, keepdims=keepdims, dtype=np.intp)


def isposinf(x: Any, out: None = None) -> Any:
    """np.isposinf"""
    return np.logical_and(np.isinf(x), np.logical_not(np.signbit(x)))


def isneginf(x: Any, out: None = None) -> Any:
    """np.isneginf"""
    return np.logical_and(np.isinf(x), np.signbit(x))


# -- Rounding, and two functions that NumPy has beside its ufuncs ---------------------------------


def round_(a: Any, decimals: int = 0, out: None = None) -> Any:
    """np.round"""
    if a.dtype.kind in "biu":
        if decimals >= 0:
            return facts.copied(a)
        factor = 10**-decimals
        return cast(np.rint(a / factor) * factor, a.dtype)
    if decimals == 0:
        return np.rint(a)
    factor = float(10 ** abs(decimals))
    if decimals > 0:
        return np.rint(a * factor) / factor
    return np.rint(a / factor) * factor


def fix(x: Any, out: None = None) -> Any:
    """np.fix"""
    return np.trunc(floating(x) if x.dtype.kind == "b" else x)


def sinc(x: Any) -> Any:
    """np.sinc"""
    return apply("sinc", floating(x), order=0)


def i0(x: Any) -> Any:
    """np.i0"""
    return apply("bessel", floating(x), order=0)


DIFFERENTIABLE: dict[str, Callable[..., Any]] = {
    "select": select, "choose": choose, "piecewise": piecewise, "compress": compress,
    "extract": extract, "clip": clip, "nan_to_num": nan_to_num, "sinc": sinc, "i0": i0,
}  # fmt: skip
CONSTANT: dict[str, Callable[..., Any]] = {
    "isclose": isclose, "allclose": allclose, "array_equal": array_equal,
    "array_equiv": array_equiv, "isin": isin, "count_nonzero": count_nonzero,
    "isposinf": isposinf, "isneginf": isneginf, 
    "round": round_, "around": round_, "fix": fix,
}  # fmt: skip
