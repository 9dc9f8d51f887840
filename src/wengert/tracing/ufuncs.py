"""NumPy's ufuncs on tracers: one row a ufunc, and what is done for each way of calling it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import numpy as np

from wengert.base.errors import TraceError, UnsupportedError
from wengert.base.guards import is_tuple
from wengert.operators.registry import OPERATORS
from wengert.tracing import facts, frames, reductions
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
        refuse(f"{_called(ufunc)}.{method}" if method != "__call__" else _called(ufunc))
    return result if out is None else write(result, out)


def _call(ufunc: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    where = options.pop("where", True)
    dtype = options.pop("dtype", None)
    if where is not True or options:
        extra = ", ".join(["where"] * (where is not True) + list(options))
        refuse(f"{_called(ufunc)} with {extra}=", "np.where(mask, result, other)")
    if ufunc not in TABLE:
        refuse(_called(ufunc), _NEAREST.get(ufunc.__name__))
    if dtype is not None:
        inputs = tuple(reductions.cast(value, dtype) for value in inputs)
    return TABLE[ufunc](*inputs)


_NEAREST = {
    "floor_divide": "np.floor(a / b), which has no gradient",
    "remainder": "a - b * np.floor(a / b)",
    "fmod": "a - b * np.floor(a / b)",
    "hypot": "np.sqrt(a**2 + b**2)",
    "logaddexp": "wg.nn.functional.logsumexp of np.stack([a, b])",
    "erf": "wg.nn.functional.gelu, or np.tanh",
    "expit": "wg.nn.functional.sigmoid",
}


def _called(ufunc: Any) -> str:
    """Return the ufunc as the user writes it; those of other libraries have their own name."""
    name = ufunc.__name__
    return f"np.{name}" if getattr(np, name, None) is ufunc else f"the ufunc {name}"


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
    is_argument = target.variable.role in ("input", "parameter") and not target.is_copy
    if target.is_scalar or target.shares_storage or is_argument:
        why = "is a scalar, which cannot change" if target.is_scalar else "has views"
        why = "is an argument, which would change" if is_argument else why
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


def refuse(what: str, nearest: str | None = None) -> NoReturn:
    """Raise the designed error for something outside the supported surface."""
    raise UnsupportedError(
        f"{what} cannot be traced",
        expected="a function from the supported list",
        remedy=nearest,
        where=frames.caller(),
    )


# On booleans NumPy's bitwise operators (&, |, ^, ~) are the logical ones.
_MASKS: dict[Any, str] = {
    np.bitwise_and: "logical_and",
    np.bitwise_or: "logical_or",
    np.bitwise_xor: "not_equal",
    np.invert: "logical_not",
}


def _of_masks(ufunc: Any, operator: str, *operands: Any) -> Any:
    kinds = (each if hasattr(each, "dtype") else np.asarray(each) for each in operands)
    if any(each.dtype != np.bool_ for each in kinds):
        refuse(f"np.{ufunc.__name__} of numbers", "np.where with comparisons; & | ~ of masks")
    return apply(operator, *operands)


def _fill_table() -> None:
    for name in OPERATORS:
        ufunc = getattr(np, name, None)
        if isinstance(ufunc, np.ufunc):
            TABLE[ufunc] = partial(apply, name)
    for ufunc, name in _OTHER_NAMES.items():
        TABLE[ufunc] = partial(apply, name)
    TABLE[np.positive] = facts.copied
    TABLE[np.conjugate] = facts.conjugate
    TABLE.update({ufunc: partial(_of_masks, ufunc, name) for ufunc, name in _MASKS.items()})


_fill_table()
_REDUCTIONS: dict[Any, Callable[..., Any]] = {
    np.add: reductions.sum_,
    np.multiply: reductions.prod,
    np.maximum: reductions.max_,
    np.minimum: reductions.min_,
    np.logical_and: reductions.all_,
    np.logical_or: reductions.any_,
}
