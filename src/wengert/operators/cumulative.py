"""Running sums, products and extremes along an axis, and the recurrence of their derivatives."""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from wengert.base import shapes
from wengert.base.dtypes import Dtype
from wengert.base.errors import DtypeError, ShapeError
from wengert.base.shapes import Shape
from wengert.operators.broadcasting import nbytes, ufunc_dtype
from wengert.operators.dispatch import recordable
from wengert.operators.index import add_along_axis
from wengert.operators.record import Cost, Operator, Rule, Type
from wengert.operators.samples import Case, Samples, away_from, cases, distinct, real


def _per_element(x: Type, *_: Type, **__: Any) -> int:
    return shapes.size(x.shape)


_ONE = Cost(flops=1, passes=_per_element)

# -- Types and meanings ---------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _running_dtype(function: np.ufunc, dtype: Dtype) -> Dtype:
    try:
        return function.accumulate(np.ones(1, dtype)).dtype
    except TypeError as problem:
        raise DtypeError(
            f"{function.__name__}.accumulate has no meaning for {dtype.name}", got=dtype.name
        ) from problem


def _check_axis(name: str, shape: Shape, axis: int) -> None:
    if not 0 <= axis < len(shape):
        raise ShapeError(
            f"{name} along axis {axis} of an array of shape {shape}",
            expected=f"an axis of 0 … {len(shape) - 1}",
            got=f"axis {axis}",
        )


def _result(name: str, function: np.ufunc) -> Rule:
    def result(x: Type, *, axis: int) -> Type:
        _check_axis(name, x.shape, axis)
        return Type(x.shape, _running_dtype(function, x.dtype))

    return result


def _meaning(function: np.ufunc) -> Rule:
    def meaning(x: Any, *, axis: int) -> Any:
        x = np.asarray(x)
        out = np.empty(x.shape, _running_dtype(function, x.dtype))
        return function.accumulate(x, axis=axis, out=out)

    return meaning


def _recurrence(a: Any, b: Any, *, axis: int) -> Any:
    a, b = np.asarray(a), np.asarray(b)
    out = np.empty(a.shape, ufunc_dtype(np.multiply, a.dtype, b.dtype))
    rows, factors, terms = (np.moveaxis(each, axis, 0) for each in (out, a, b))
    for i in range(len(rows)):
        rows[i] = terms[i] if i == 0 else factors[i] * rows[i - 1] + terms[i]
    return out


def _recurrence_result(a: Type, b: Type, *, axis: int) -> Type:
    _check_axis("recurrence", a.shape, axis)
    if a.shape != b.shape:
        raise ShapeError("recurrence", expected=f"shape {a.shape}", got=f"shape {b.shape}")
    return Type(a.shape, ufunc_dtype(np.multiply, a.dtype, b.dtype))


recurrence = recordable("recurrence", _recurrence)
cumsum = recordable("cumsum", _meaning(np.add))
running_max = recordable("running_max", _meaning(np.maximum))

# -- Rules ----------------------------------------------------------------------------------------


def _reversed(x: Any, axis: int) -> Any:
    return x[(*(slice(None),) * axis, slice(None, None, -1))]


def _moved(x: Any, axis: int, first: Any) -> Any:
    """Return x one place later along an axis, with ``first`` in front."""
    ahead = (slice(None),) * axis
    return np.concatenate([first, x[(*ahead, slice(None, -1))]], axis=axis)


def _first_like(x: Any, axis: int, value: float) -> Any:
    shape = tuple(min(n, 1) if k == axis else n for k, n in enumerate(x.shape))
    return np.full(shape, value, x.dtype)


def _cumsum_rule(g: Any, y: Any, x: Any, *, axis: int) -> Any:
    return _reversed(cumsum(_reversed(g, axis), axis=axis), axis)


def _from_behind(factors: Any, terms: Any, axis: int) -> Any:
    """Return s with sᵢ = termsᵢ + factorsᵢ₊₁ sᵢ₊₁."""
    back = _reversed(factors, axis)
    later = _moved(back, axis, _first_like(back, axis, 0))
    return _reversed(recurrence(later, _reversed(terms, axis), axis=axis), axis)


def _recurrence_rule(g: Any, y: Any, a: Any, *, axis: int) -> tuple[Any, Any]:
    whole = _from_behind(a, g, axis)
    return whole * _moved(y, axis, _first_like(y, axis, 0)), whole


def _cumprod_rule(g: Any, y: Any, x: Any, *, axis: int) -> Any:
    # yᵢ = yₖ₋₁ xₖ (xₖ₊₁ … xᵢ): no division, so that zeros need no care.
    return _moved(y, axis, _first_like(y, axis, 1)) * _from_behind(x, g, axis)


def _extreme_rule(g: Any, y: Any, x: Any, *, axis: int) -> Any:
    # Each place has the gradients of the places that it is the extreme of; of equals the last.
    own = tuple(x.shape[axis] if k == axis else 1 for k in range(len(x.shape)))
    places = np.where(x == y, np.reshape(np.arange(x.shape[axis]), own), 0)
    return add_along_axis(g, running_max(places, axis=axis), axis=axis, shape=tuple(x.shape))


# -- Records --------------------------------------------------------------------------------------

_PLACES: tuple[tuple[Shape, int], ...] = (
    ((4,), 0), ((2, 3), 0), ((2, 3), 1), ((2, 3, 2), 1), ((3, 0), 0), ((0,), 0), ((1,), 0),
)  # fmt: skip


def _along(draw: Any, *, analytic: bool = False) -> Samples:
    def drawn(rng: np.random.Generator) -> list[Case]:
        return [((draw(rng, shape),), {"axis": axis}) for shape, axis in _PLACES]

    return cases(drawn, analytic=analytic)


def _recurrence_cases(rng: np.random.Generator) -> list[Case]:
    draw = real(-2, 2)
    return [((draw(rng, shape), draw(rng, shape)), {"axis": axis}) for shape, axis in _PLACES]


def _running(name: str, function: np.ufunc, latex: str, symbol: str) -> Operator:
    return Operator(
        name, "other", _meaning(function), _result(name, function), (_extreme_rule,),
        latex=latex, cost=_ONE, samples=_along(distinct), saves=("y", "x0"), symbol=symbol,
    )  # fmt: skip


def _row_bytes(a: Type, b: Type, *, axis: int) -> int:
    """Return the bytes of one product, which the meaning holds beside its result."""
    dtype = ufunc_dtype(np.multiply, a.dtype, b.dtype)
    n = a.shape[axis]
    return 0 if n < 2 else nbytes(Type(a.shape, dtype)) // n * 2


CUMULATIVE: tuple[Operator, ...] = (
    Operator(
        "cumsum", "other", _meaning(np.add), _result("cumsum", np.add), (_cumsum_rule,),
        latex=r"\operatorname{{cumsum}}({x})", cost=_ONE,
        samples=_along(real(-3, 3), analytic=True), linear_in=(0,), symbol="Σ≤",
    ),
    Operator(
        "cumprod", "other", _meaning(np.multiply), _result("cumprod", np.multiply),
        (_cumprod_rule,),
        latex=r"\operatorname{{cumprod}}({x})", cost=_ONE,
        samples=_along(away_from(real(-2, 2), 0.0), analytic=True), saves=("y", "x0"),
        symbol="Π≤",
    ),
    _running("running_max", np.maximum, r"\operatorname{{cummax}}({x})", "max≤"),
    _running("running_min", np.minimum, r"\operatorname{{cummin}}({x})", "min≤"),
    # sᵢ = aᵢ sᵢ₋₁ + bᵢ, and s₀ = b₀.
    Operator(
        "recurrence", "other", _recurrence, _recurrence_result,
        (
            lambda g, y, a, b, *, axis: _recurrence_rule(g, y, a, axis=axis)[0],
            lambda g, y, a, b, *, axis: _recurrence_rule(g, y, a, axis=axis)[1],
        ),
        latex=r"\operatorname{{recurrence}}({x0}, {x1})", cost=Cost(flops=2, passes=_per_element),
        samples=cases(_recurrence_cases, analytic=True), saves=("y", "x0"), linear_in=(1,),
        symbol="sᵢ", workspace=_row_bytes,
    ),
)  # fmt: skip
