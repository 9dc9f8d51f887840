"""NumPy's ufuncs on tracers: one row a ufunc, and what is done for each way of calling it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import numpy as np

from wengert.base.errors import TraceError, UnsupportedError
from wengert.base.guards import is_tuple
from wengert.operators.registry import OPERATORS
from wengert.tracing import frames, reductions
from wengert.tracing.apply import apply
from wengert.tracing.value import TracedValue, described

# A ufunc whose operator has its very name needs no other row.
_OTHER_NAMES: dict[Any, str] = {np.divide: "divide", np.absolute: "absolute", np.fabs: "absolute"}

TABLE: dict[Any, Callable[..., Any]] = {}


def dispatch(ufunc: Any, method: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Carry out ``ufunc.method(*inputs, **options)`` where some input is traced."""
    out = options.pop("out", None)
    if method == "__call__":
        result = _call(ufunc, inputs, options)
    elif method == "reduce" and ufunc in _REDUCTIONS:
        result = _reduce(ufunc, inputs, options)
    elif method == "outer" and ufunc in TABLE:
        result = _outer(ufunc, inputs)
    else:
        refuse(f"np.{ufunc.__name__}.{method}" if method != "__call__" else f"np.{ufunc.__name__}")
    return result if out is None else write(result, out)


def _call(ufunc: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    where = options.pop("where", True)
    dtype = options.pop("dtype", None)
    if where is not True or options:
        extra = ", ".join(["where"] * (where is not True) + list(options))
        refuse(f"np.{ufunc.__name__} with {extra}=", "np.where(mask, result, other)")
    if ufunc not in TABLE:
        refuse(f"np.{ufunc.__name__}")
    if dtype is not None:
        inputs = tuple(reductions.cast(value, dtype) for value in inputs)
    return TABLE[ufunc](*inputs)


def _reduce(ufunc: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    (array,) = inputs
    options = {"axis": 0} | options
    return _REDUCTIONS[ufunc](array, **options)


def _outer(ufunc: Any, inputs: tuple[Any, ...]) -> Any:
    left, right = inputs
    left_shape, right_shape = np.shape(left), np.shape(right)
    return TABLE[ufunc](np.reshape(left, left_shape + (1,) * len(right_shape)), right)


def write(result: Any, out: Any) -> Any:
    """Carry out ``out=``: the handle of a traced array takes the new value."""
    target: Any = out[0] if is_tuple(out) else out
    if not isinstance(target, TracedValue):
        raise TraceError(
            f"a traced result is written into {described(target)}, which is no traced array",
            expected="an expression that makes a new array",
            remedy="a = a + b instead of a += b or out=a, or build the array with np.stack",
            where=frames.caller(),
        )
    if target.shares_storage or target.variable.role in ("input", "parameter"):
        why = "has views" if target.shares_storage else "is an argument, which would change"
        raise TraceError(
            f"{described(target)} is changed in place, but it {why}",
            expected="an expression that makes a new array",
            remedy="a = a + b instead of a += b",
            where=frames.caller(),
        )
    if result.shape != target.shape:
        raise TraceError(
            f"a result of shape {result.shape} does not fit into {described(target)}",
            where=frames.caller(),
        )
    if not np.can_cast(result.dtype, target.dtype, "same_kind"):
        raise TraceError(
            f"a {result.dtype.name} result cannot be written into {described(target)}",
            where=frames.caller(),
        )
    target.variable = reductions.cast(result, target.dtype).variable
    return target


_POWERS: dict[float, str] = {2: "square", 0.5: "sqrt", -1: "reciprocal"}


def power(base: Any, exponent: Any) -> Any:
    """Carry out ``base ** exponent`` with the short cuts that ``ndarray.__pow__`` takes."""
    is_number = isinstance(exponent, int | float) and not isinstance(exponent, bool | np.generic)
    if is_number and base.dtype.kind in "fc" and exponent in _POWERS:
        return apply(_POWERS[exponent], base)
    return apply("power", base, exponent)


def _identity(value: Any) -> Any:
    return value


def refuse(what: str, nearest: str | None = None) -> NoReturn:
    """Raise the designed error for something outside the supported surface."""
    raise UnsupportedError(
        f"{what} cannot be traced",
        expected="a function from the supported list",
        remedy=nearest,
        where=frames.caller(),
    )


def _fill_table() -> None:
    for name in OPERATORS:
        ufunc = getattr(np, name, None)
        if isinstance(ufunc, np.ufunc):
            TABLE[ufunc] = partial(apply, name)
    for ufunc, name in _OTHER_NAMES.items():
        TABLE[ufunc] = partial(apply, name)
    TABLE[np.positive] = _identity
    TABLE[np.conjugate] = _identity


_fill_table()
_REDUCTIONS: dict[Any, Callable[..., Any]] = {
    np.add: reductions.sum_,
    np.multiply: reductions.prod,
    np.maximum: reductions.max_,
    np.minimum: reductions.min_,
    np.logical_and: reductions.all_,
    np.logical_or: reductions.any_,
}
