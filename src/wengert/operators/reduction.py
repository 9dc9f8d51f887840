"""Reductions over axes: sum, mean, var, std, max, min, prod, and those without derivative.

``axis`` is a sorted tuple of axes (argmax and argmin: one axis or None), never negative.
"""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from wengert.base import shapes
from wengert.base.dtypes import Dtype
from wengert.base.errors import DtypeError, ShapeError
from wengert.base.shapes import Shape
from wengert.operators.arithmetic import divide_or_zero
from wengert.operators.broadcasting import nbytes
from wengert.operators.dispatch import recordable
from wengert.operators.exclusive import exclusive_product
from wengert.operators.record import Cost, Operator, Rule, Type
from wengert.operators.samples import Case, away_from, cases, distinct, real, reduced

Axes = tuple[int, ...]


def _per_operand(x: Type, **_: Any) -> int:
    return shapes.size(x.shape)


_ADD = Cost(flops=1, passes=_per_operand)


@lru_cache(maxsize=1024)
def _reduced_dtype(name: str, dtype: Dtype) -> Dtype:
    try:
        return getattr(np, name)(np.ones(2, dtype)).dtype
    except TypeError as problem:
        raise DtypeError(f"{name} has no meaning for {dtype.name}", got=dtype.name) from problem


def count(shape: Shape, axis: Axes) -> int:
    """Return how many elements go into one element of the result."""
    return prod(shape[each] for each in axis)


def reduced_shape(name: str, x: Type, axis: Axes, keepdims: bool, *, empty: bool) -> Shape:
    """Return the shape of a reduction, refusing a reduction of nothing unless ``empty``."""
    if any(not 0 <= each < len(x.shape) for each in axis) or len(set(axis)) < len(axis):
        raise ShapeError(
            f"{name} over axis {axis} of an array of shape {x.shape}",
            expected=f"different axes of 0 … {len(x.shape) - 1}",
            got=f"axis {axis}",
        )
    shape = shapes.reduce(x.shape, axis, keepdims)
    if not empty and count(x.shape, axis) == 0 and shapes.size(shape) > 0:
        raise ShapeError(
            f"{name} of no elements",
            expected="at least one element along the reduced axes",
            got=f"shape {x.shape}, reduced over axis {axis}",
            remedy="leave empty batches out",
        )
    return shape


def _result(name: str, *, empty: bool = False) -> Rule:
    def result(x: Type, *, axis: Axes, keepdims: bool, **_: Any) -> Type:
        shape = reduced_shape(name, x, axis, keepdims, empty=empty)
        return Type(shape, _reduced_dtype(name, x.dtype))

    return result


def _meaning(name: str) -> Rule:
    function: Callable[..., Any] = getattr(np, name)

    def meaning(x: Any, *, axis: Axes, keepdims: bool, **options: Any) -> Any:
        x = np.asarray(x)
        shape = shapes.reduce(x.shape, axis, keepdims)
        out = np.empty(shape, _reduced_dtype(name, x.dtype))
        return function(x, axis=axis, keepdims=keepdims, out=out, **options)

    return meaning


def expand(g: Any, shape: Shape, axis: Axes, keepdims: bool) -> Any:
    """Return ``g`` in a shape that broadcasts along the reduced axes."""
    # Axes that are missing in front broadcast by themselves.
    if keepdims or axis == tuple(range(len(axis))):
        return g
    return np.reshape(g, shapes.reduce(shape, axis, True))


def spread(g: Any, shape: Shape, axis: Axes, keepdims: bool) -> Any:
    """Return ``g`` repeated along the reduced axes."""
    return np.broadcast_to(expand(g, shape, axis, keepdims), shape)


# -- Rules --------------------------------------------------------------------------------------


def _sum_rule(g: Any, y: Any, x: Any, *, axis: Axes, keepdims: bool) -> Any:
    return spread(g, x.shape, axis, keepdims)


def _mean_rule(g: Any, y: Any, x: Any, *, axis: Axes, keepdims: bool) -> Any:
    return spread(g / max(count(x.shape, axis), 1), x.shape, axis, keepdims)


def _centred(x: Any, axis: Axes) -> Any:
    return x - np.mean(x, axis=axis, keepdims=True)


def _var_rule(g: Any, y: Any, x: Any, *, axis: Axes, keepdims: bool, ddof: int) -> Any:
    n = count(x.shape, axis) - ddof
    return (2 / n) * expand(g, x.shape, axis, keepdims) * _centred(x, axis)


def _std_rule(g: Any, y: Any, x: Any, *, axis: Axes, keepdims: bool, ddof: int) -> Any:
    # All elements equal: y = 0 and the rule gives 0, the subgradient of least norm.
    n = count(x.shape, axis) - ddof
    wide = expand(y, x.shape, axis, keepdims)
    return expand(g, x.shape, axis, keepdims) * divide_or_zero(_centred(x, axis), n * wide)


def _extreme_rule(g: Any, y: Any, x: Any, *, axis: Axes, keepdims: bool) -> Any:
    # Elements that tie for the extremum share its gradient equally.
    ties = to_dtype(x == expand(y, x.shape, axis, keepdims), dtype=y.dtype.name)
    shared = ties * expand(g, x.shape, axis, keepdims)
    return divide_or_zero(shared, np.sum(ties, axis=axis, keepdims=True))


def _prod_rule(g: Any, y: Any, x: Any, *, axis: Axes, keepdims: bool) -> Any:
    return expand(g, x.shape, axis, keepdims) * exclusive_product(x, axis=axis)


def _cast(x: Any, *, dtype: str) -> Any:
    return np.array(x, dtype=dtype, order="C")


to_dtype = recordable("cast", _cast)

# -- Decompositions -------------------------------------------------------------------------------


def _mean_parts(x: Any, *, axis: Axes, keepdims: bool) -> Any:
    dtype = _reduced_dtype("mean", x.dtype)
    x = x if x.dtype == dtype else to_dtype(x, dtype=dtype.name)
    return np.sum(x, axis=axis, keepdims=keepdims) / count(x.shape, axis)


def _var_parts(x: Any, *, axis: Axes, keepdims: bool, ddof: int) -> Any:
    apart = x - _mean_parts(x, axis=axis, keepdims=True)
    total = np.sum(np.square(apart), axis=axis, keepdims=keepdims)
    return total / max(count(x.shape, axis) - ddof, 0)


def _std_parts(x: Any, *, axis: Axes, keepdims: bool, ddof: int) -> Any:
    return np.sqrt(_var_parts(x, axis=axis, keepdims=keepdims, ddof=ddof))


def _places(x: Any, wins: Any, *, axis: int | None, keepdims: bool) -> Any:
    """Return the first place along an axis where ``wins`` holds or x is NaN."""
    n = shapes.size(x.shape) if axis is None else x.shape[axis]
    own = x.shape if axis is None else tuple(m if k == axis else 1 for k, m in enumerate(x.shape))
    there = wins if x.dtype.kind != "f" else np.logical_or(wins, np.isnan(x))
    places = np.where(there, np.arange(n).reshape(own), n)
    return np.min(places, axis=axis, keepdims=keepdims)


def _argmax_parts(x: Any, *, axis: int | None, keepdims: bool) -> Any:
    wins = x == np.max(x, axis=axis, keepdims=True)
    return _places(x, wins, axis=axis, keepdims=keepdims)


def _argmin_parts(x: Any, *, axis: int | None, keepdims: bool) -> Any:
    wins = x == np.min(x, axis=axis, keepdims=True)
    return _places(x, wins, axis=axis, keepdims=keepdims)


# -- Records ------------------------------------------------------------------------------------


def _spread_bytes(x: Type, *, axis: Axes, keepdims: bool, **_: Any) -> int:
    """Return the bytes of the centred copy and of the mean that var and std hold."""
    dtype = _reduced_dtype("var", x.dtype)
    mean = Type(shapes.reduce(x.shape, axis, True), dtype)
    return nbytes(Type(x.shape, dtype)) + nbytes(mean)


def _var_cases(rng: np.random.Generator) -> list[Case]:
    options: tuple[tuple[Shape, Axes, int], ...] = (
        ((4,), (0,), 0), ((2, 3), (1,), 1), ((2, 3), (0, 1), 0), ((2, 3, 4), (0, 2), 1),
        ((3, 0, 2), (0,), 0),
    )  # fmt: skip
    return [
        ((distinct(rng, shape),), {"axis": axis, "keepdims": keepdims, "ddof": ddof})
        for shape, axis, ddof in options
        for keepdims in (False, True)
    ]


_EXTREME = reduced(distinct)

REDUCTIONS: tuple[Operator, ...] = (
    Operator(
        "sum", "reduction", _meaning("sum"), _result("sum", empty=True), (_sum_rule,),
        latex=r"\sum {x}", cost=_ADD, samples=reduced(real(-3, 3), analytic=True),
        linear_in=(0,), symbol="Σ",
    ),
    Operator(
        "mean", "reduction", _meaning("mean"), _result("mean"), (_mean_rule,),
        latex=r"\operatorname{{mean}}({x})", cost=_ADD,
        samples=reduced(real(-3, 3), analytic=True), linear_in=(0,), symbol="mean",
        decomposition=_mean_parts,
    ),
    Operator(
        "var", "reduction", _meaning("var"), _result("var"), (_var_rule,),
        latex=r"\operatorname{{var}}({x})", cost=Cost(flops=4, passes=_per_operand),
        samples=cases(_var_cases), saves=("x0",), symbol="var", workspace=_spread_bytes,
        decomposition=_var_parts,
    ),
    Operator(
        "std", "reduction", _meaning("std"), _result("std"), (_std_rule,),
        latex=r"\operatorname{{std}}({x})", cost=Cost(flops=4, passes=_per_operand),
        samples=cases(_var_cases), saves=("y", "x0"), symbol="std", workspace=_spread_bytes,
        decomposition=_std_parts,
    ),
    Operator(
        "max", "reduction", _meaning("max"), _result("max"), (_extreme_rule,),
        latex=r"\max {x}", cost=_ADD, samples=_EXTREME, saves=("y", "x0"), symbol="max",
    ),
    Operator(
        "min", "reduction", _meaning("min"), _result("min"), (_extreme_rule,),
        latex=r"\min {x}", cost=_ADD, samples=_EXTREME, saves=("y", "x0"), symbol="min",
    ),
    Operator(
        "prod", "reduction", _meaning("prod"), _result("prod", empty=True), (_prod_rule,),
        latex=r"\prod {x}", cost=_ADD, saves=("x0",), symbol="Π",
        samples=reduced(away_from(real(-2, 2), 0.0), analytic=True),
    ),
)  # fmt: skip


# -- Constant by nature -------------------------------------------------------------------------


def _arg_result(name: str) -> Rule:
    def result(x: Type, *, axis: int | None, keepdims: bool) -> Type:
        axes = tuple(range(len(x.shape))) if axis is None else (axis,)
        shape = reduced_shape(name, x, axes, keepdims, empty=False)
        return Type(shape, np.dtype(np.intp))

    return result


def _arg_meaning(name: str) -> Rule:
    function: Callable[..., Any] = getattr(np, name)

    def meaning(x: Any, *, axis: int | None, keepdims: bool) -> Any:
        return np.array(function(x, axis=axis, keepdims=keepdims), order="C", copy=None)

    return meaning


def _arg_bytes(x: Type, *, axis: int | None, keepdims: bool) -> int:
    """Return the bytes of the copy in which NumPy puts the axis last."""
    is_last = axis is None or x.shape[axis] == 1 or set(x.shape[axis + 1 :]) <= {1}
    return 0 if is_last else nbytes(x)


def _arg_cases(rng: np.random.Generator) -> list[Case]:
    options: tuple[tuple[Shape, int | None], ...] = (
        ((4,), 0), ((2, 3), 1), ((2, 3), None), ((2, 3, 4), 1), ((3, 0), 0),
    )  # fmt: skip
    return [
        ((distinct(rng, shape),), {"axis": axis, "keepdims": keepdims})
        for shape, axis in options
        for keepdims in (False, True)
    ]


def _constant(name: str, latex: str, parts: Rule | None = None) -> Operator:
    argument = parts is not None
    return Operator(
        name,
        "reduction",
        numpy=_arg_meaning(name) if argument else _meaning(name),
        result=_arg_result(name) if argument else _result(name, empty=True),
        vjp=None,
        latex=latex,
        cost=_ADD,
        samples=cases(_arg_cases) if argument else reduced(real(-3, 3)),
        workspace=_arg_bytes if argument else None,
        symbol=name,
        decomposition=parts,
    )


CONSTANT: tuple[Operator, ...] = (
    _constant("argmax", r"\operatorname{{argmax}} {x}", _argmax_parts),
    _constant("argmin", r"\operatorname{{argmin}} {x}", _argmin_parts),
    _constant("any", r"\bigvee {x}"),
    _constant("all", r"\bigwedge {x}"),
)
