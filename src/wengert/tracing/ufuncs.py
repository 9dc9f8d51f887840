"""NumPy's ufuncs on tracers: one row a ufunc, and what is done for each way of calling it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, NoReturn

import numpy as np

from wengert.base.errors import DtypeError, TraceError, UnsupportedError
from wengert.base.guards import is_tuple
from wengert.operators.registry import OPERATORS
from wengert.tracing import changing, facts, folding, frames, reductions, writing
from wengert.tracing.apply import apply
from wengert.tracing.refused import UFUNCS as REFUSED
from wengert.tracing.value import described

# A ufunc whose operator has its very name needs no other row.
_OTHER_NAMES: dict[Any, str] = {np.divide: "divide", np.absolute: "absolute"}

TABLE: dict[Any, Callable[..., Any]] = {}


def dispatch(ufunc: Any, method: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Carry out ``ufunc.method(*inputs, **options)`` where some input is traced."""
    if method == "at":
        changing.at(ufunc, *inputs)
        return None
    out = options.pop("out", None)
    if method == "__call__":
        result = _call(ufunc, inputs, options, out)
    elif ufunc not in TABLE:
        _refuse(ufunc)
    elif method == "reduce" and ufunc in _REDUCTIONS:
        result = _REDUCTIONS[ufunc](*inputs, **({"axis": 0} | options))
    elif method in folding.METHODS:
        result = folding.METHODS[method](ufunc, *inputs, **options)
    else:
        refuse(f"{_called(ufunc)}.{method}")
    return result if out is None else _write_all(result, out)


def _call(ufunc: Any, inputs: tuple[Any, ...], options: dict[str, Any], out: Any) -> Any:
    if ufunc not in TABLE:
        _refuse(ufunc)
    where = options.pop("where", True)
    wanted = options.pop("signature", options.pop("sig", options.pop("dtype", None)))
    casting = options.pop("casting", "same_kind")
    options.pop("order", None)
    options.pop("subok", None)
    if wanted is not None:
        inputs = in_loop(ufunc, inputs, wanted, casting)
    result = TABLE[ufunc](*inputs, **options)
    return result if where is True else _only_where(ufunc, where, result, out)


def in_loop(
    ufunc: Any, inputs: tuple[Any, ...], wanted: Any = None, casting: str = "same_kind"
) -> tuple[Any, ...]:
    """Return the operands in the dtypes of NumPy's own loop for them."""
    given = wanted if is_tuple(wanted) else (*(None,) * ufunc.nin, *(wanted,) * ufunc.nout)
    kinds = (*map(_kind, inputs), *(None,) * ufunc.nout)
    try:
        loop = ufunc.resolve_dtypes(kinds, signature=given, casting=casting)
    except TypeError as problem:
        raise DtypeError(
            f"{_called(ufunc)} of {'; '.join(map(described, inputs))}",
            expected="dtypes that NumPy has a loop for, and casts to without losing the kind",
            got=str(problem),
            where=frames.caller(),
        ) from None
    return tuple(reductions.cast(x, dtype) for x, dtype in zip(inputs, loop, strict=False))


def _kind(operand: Any) -> Any:
    """Return what promotion sees: the dtype of an array, the type of a Python number."""
    if hasattr(operand, "dtype"):
        return operand.dtype
    for kind in (bool, int, float, complex):
        if isinstance(operand, kind):
            return np.dtype(bool) if kind is bool else kind
    return np.asarray(operand).dtype


def _only_where(ufunc: Any, where: Any, result: Any, out: Any) -> Any:
    target: Any = out[0] if is_tuple(out) else out
    if target is None:
        raise TraceError(
            f"{_called(ufunc)} with where= and without out=",
            expected="an array for the places that the mask leaves out: without one they hold "
            "whatever lay in memory",
            remedy="np.where(mask, result, other), or out=",
            where=frames.caller(),
        )
    return apply("where", where, reductions.cast(result, target.dtype), target)


def _refuse(ufunc: Any) -> NoReturn:
    why = REFUSED.get(ufunc.__name__)
    if why is None or not _is_numpys(ufunc):
        refuse(_called(ufunc))
    refuse(_called(ufunc), why.instead, why.because)


def _is_numpys(ufunc: Any) -> bool:
    return any(getattr(room, ufunc.__name__, None) is ufunc for room in _ROOMS)


_UMATH: Any = import_module("numpy._core.umath")
_ROOMS: tuple[Any, ...] = (np, np.strings, _UMATH)


def _called(ufunc: Any) -> str:
    """Return the ufunc as the user writes it; those of other libraries have their own name."""
    name = ufunc.__name__
    return f"np.{name}" if getattr(np, name, None) is ufunc else f"the ufunc {name}"


def _write_all(result: Any, out: Any) -> Any:
    if not is_tuple(result):
        return writing.write(result, out)
    targets = out if is_tuple(out) else (out,)
    return tuple(map(writing.write, result, targets))


_POWERS: dict[float, str] = {2: "square", 0.5: "sqrt", -1: "reciprocal"}


def power(base: Any, exponent: Any) -> Any:
    """Carry out ``base ** exponent`` with the short cuts that ``ndarray.__pow__`` takes."""
    is_plain = isinstance(exponent, int | float) and not isinstance(exponent, bool | np.generic)
    if is_plain and base.dtype.kind in "fc" and exponent in _POWERS:
        return apply(_POWERS[exponent], base)
    return apply("power", base, exponent)


def refuse(what: str, nearest: str | None = None, because: str | None = None) -> NoReturn:
    """Raise the designed error for something outside the supported surface."""
    raise UnsupportedError(
        f"{what} cannot be traced",
        expected="a function from the supported list (docs/numpy.md)",
        got=because,
        remedy=nearest,
        where=frames.caller(),
    )


# -- Rows -----------------------------------------------------------------------------------------

# On booleans NumPy's bitwise operators (&, |, ^, ~) are the logical ones.
_MASKS: dict[Any, str] = {
    np.bitwise_and: "logical_and",
    np.bitwise_or: "logical_or",
    np.bitwise_xor: "not_equal",
    np.invert: "logical_not",
}


def _of_masks(ufunc: Any, logical: str, *operands: Any) -> Any:
    masks = all(_kind(each) == np.bool_ for each in operands)
    return apply(logical if masks else ufunc.__name__, *operands)


def _in_own_dtype(ufunc: Any, operator: str) -> Callable[..., Any]:
    """Return a row for a ufunc that is an operator after its own conversion of the operands."""
    return lambda *operands: apply(operator, *in_loop(ufunc, operands))


def _scaled(ufunc: Any) -> Callable[[Any], Any]:
    """Return a row for a conversion of angles: a factor, in single precision for halves."""

    def convert(x: Any) -> Any:
        (operand,) = in_loop(ufunc, (x,))
        dtype = operand.dtype
        work = np.dtype(np.float32) if dtype.itemsize == 2 else dtype
        return reductions.cast(reductions.cast(operand, work) * ufunc(work.type(1)), dtype)

    return convert


def _clip(x: Any, low: Any, high: Any) -> Any:
    return np.minimum(np.maximum(x, low), high)


def _modf(x: Any) -> tuple[Any, Any]:
    (operand,) = in_loop(np.modf, (x,))
    return apply("fraction", operand), np.trunc(operand)


def _divmod(x: Any, y: Any) -> tuple[Any, Any]:
    return np.floor_divide(x, y), np.remainder(x, y)


def _frexp(x: Any) -> tuple[Any, Any]:
    return apply("mantissa", x), apply("exponent", x)


def _ldexp(x: Any, exponent: Any) -> Any:
    return apply("ldexp", *in_loop(np.ldexp, (x, exponent)))


def _vecdot(x: Any, y: Any, axis: int = -1, keepdims: bool = False) -> Any:
    if axis != -1:
        x, y = np.moveaxis(x, axis, -1), np.moveaxis(y, axis, -1)
    left, right = np.expand_dims(np.conj(x), -2), np.expand_dims(y, -1)
    found = np.matmul(left, right)
    return found if keepdims else found[..., 0, 0]


def _matvec(matrix: Any, vector: Any) -> Any:
    return np.matmul(matrix, np.expand_dims(vector, -1))[..., 0]


def _vecmat(vector: Any, matrix: Any) -> Any:
    return np.matmul(np.expand_dims(np.conj(vector), -2), matrix)[..., 0, :]


def _ones_like(x: Any) -> Any:
    return np.ones(x.shape, x.dtype)


def _fill_table() -> None:
    for name in OPERATORS:
        ufunc = getattr(np, name, None)
        if isinstance(ufunc, np.ufunc):
            TABLE[ufunc] = partial(apply, name)
    for ufunc, name in _OTHER_NAMES.items():
        TABLE[ufunc] = partial(apply, name)
    TABLE[np.positive] = facts.copied
    TABLE[np.conjugate] = facts.conjugate
    TABLE[np.fabs] = _in_own_dtype(np.fabs, "absolute")
    TABLE[np.float_power] = _in_own_dtype(np.float_power, "power")
    TABLE.update({ufunc: partial(_of_masks, ufunc, name) for ufunc, name in _MASKS.items()})
    TABLE.update({each: _scaled(each) for each in (np.degrees, np.rad2deg)})
    TABLE.update({each: _scaled(each) for each in (np.radians, np.deg2rad)})
    TABLE.update(
        {np.modf: _modf, np.divmod: _divmod, np.frexp: _frexp, np.ldexp: _ldexp, np.vecdot: _vecdot}
    )
    TABLE.update({_UMATH.clip: _clip, _UMATH._ones_like: _ones_like})
    newer = {"matvec": _matvec, "vecmat": _vecmat}
    TABLE.update({getattr(np, name): row for name, row in newer.items() if hasattr(np, name)})


_fill_table()
_REDUCTIONS: dict[Any, Callable[..., Any]] = {
    np.add: reductions.sum_,
    np.multiply: reductions.prod,
    np.maximum: reductions.max_,
    np.minimum: reductions.min_,
    np.logical_and: reductions.all_,
    np.logical_or: reductions.any_,
}
