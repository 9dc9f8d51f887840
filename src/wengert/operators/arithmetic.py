"""Elementwise operators of two operands, and the choice between two values."""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.base.dtypes import Dtype
from wengert.operators.broadcasting import (
    broadcast_shape,
    elementwise_meaning,
    elementwise_result,
    ufunc_dtype,
)
from wengert.operators.dispatch import recordable
from wengert.operators.record import Cost, Operator, Rule, Samples, Type
from wengert.operators.samples import Case, away_from, binary, cases, distinct, real

_ONE = Cost(flops=1)
_NONZERO = away_from(real(-3, 3), 0.0, gap=0.3)
_ALL = ("x0", "x1")


def _operator(
    function: np.ufunc,
    vjp: tuple[Rule, Rule],
    latex: str,
    symbol: str,
    samples: Samples,
    *,
    scalar: Rule,
    saves: tuple[str, ...] = _ALL,
    cost: Cost = _ONE,
    linear_in: tuple[int, ...] = (),
) -> Operator:
    return Operator(
        function.__name__,
        "elementwise",
        numpy=elementwise_meaning(function),
        result=elementwise_result(function),
        vjp=vjp,
        latex=latex,
        cost=cost,
        samples=samples,
        saves=saves,
        linear_in=linear_in,
        symbol=symbol,
        inplace=(0, 1),
        scalar=scalar,
    )


# -- Products and quotients in which a zero gradient wins -----------------------------------
# A branch that np.where discards has the gradient 0; at a pole or an overflow of that branch
# 0 · ∞ would turn it into NaN. With finite operands these two never do.


def _multiply_or_zero(g: Any, d: Any) -> Any:
    g, d = np.asarray(g), np.asarray(d)
    shape = np.broadcast_shapes(g.shape, d.shape)
    out = np.zeros(shape, ufunc_dtype(np.multiply, g.dtype, d.dtype))
    return np.multiply(g, d, out=out, where=g != 0)


def _divide_or_zero(a: Any, b: Any) -> Any:
    a, b = np.asarray(a), np.asarray(b)
    shape = np.broadcast_shapes(a.shape, b.shape)
    out = np.zeros(shape, ufunc_dtype(np.divide, a.dtype, b.dtype))
    return np.divide(a, b, out=out, where=a != 0)


multiply_or_zero = recordable("multiply_or_zero", _multiply_or_zero)
divide_or_zero = recordable("divide_or_zero", _divide_or_zero)


def _or_zero(b: Any, result: Any, unless: Any) -> Any:
    """Return the scalar formula: the result, and zero where ``unless`` is zero."""
    return b.select(b.ne(unless, 0), result, b.constant(0, result.dtype))


def _mask(x0: Type, *_: Type) -> int:
    return int(np.prod(x0.shape))


_MULTIPLY_OR_ZERO = Operator(
    "multiply_or_zero",
    "elementwise",
    numpy=_multiply_or_zero,
    result=elementwise_result(np.multiply),
    vjp=(
        lambda g, y, x0, x1: multiply_or_zero(g, x1),
        lambda g, y, x0, x1: multiply_or_zero(g, x0),
    ),
    latex=r"{x0} \odot {x1}",
    cost=Cost(flops=2),
    samples=binary(_NONZERO, real(-3, 3), special=(0.0, 1.0), analytic=True),
    saves=_ALL,
    linear_in=(0, 1),
    symbol="⊙",
    inplace=(0, 1),
    workspace=_mask,
    scalar=lambda b, g, d: _or_zero(b, b.mul(g, d), g),
)
_DIVIDE_OR_ZERO = Operator(
    "divide_or_zero",
    "elementwise",
    numpy=_divide_or_zero,
    result=elementwise_result(np.divide),
    vjp=(
        lambda g, y, x0, x1: divide_or_zero(g, x1),
        lambda g, y, x0, x1: -divide_or_zero(multiply_or_zero(g, y), x1),
    ),
    latex=r"\frac{{{x0}}}{{{x1}}}",
    cost=Cost(flops=2),
    samples=binary(_NONZERO, _NONZERO, special=(1.0, -2.0), analytic=True),
    saves=("y", "x1"),
    linear_in=(0,),
    symbol="÷",
    inplace=(0, 1),
    workspace=_mask,
    scalar=lambda b, x0, x1: _or_zero(b, b.div(x0, x1), x0),
)

# -- Powers -----------------------------------------------------------------------------------


def _power_derivative(x: Any, p: Any) -> Any:
    # Where p = 0 the answer is 0, also at x = 0, where x^(p−1) alone would be infinite.
    x, p = np.asarray(x), np.asarray(p)
    shape = np.broadcast_shapes(x.shape, p.shape)
    out = np.zeros(shape, ufunc_dtype(np.power, x.dtype, p.dtype))
    # An infinite slope is the answer, and may yet be masked away: no reason to warn.
    with np.errstate(divide="ignore"):
        np.power(x, p - 1, out=out, where=p != 0)
    return np.multiply(out, p, out=out)


power_derivative = recordable("power_derivative", _power_derivative)


def _safe_log(x: Any) -> Any:
    # y · log x tends to 0 as x does; the logarithm of the 1 that stands in for 0 is that limit.
    return np.log(np.where(x == 0, 1, x))


_POWER_DERIVATIVE = Operator(
    "power_derivative",
    "elementwise",
    numpy=_power_derivative,
    result=elementwise_result(np.power, "power_derivative"),
    vjp=(
        # Where p = 0 the slope is 0 all along, also at x = 0, where xᵖ⁻² is infinite.
        lambda g, y, x0, x1: multiply_or_zero(
            g, multiply_or_zero(x1, power_derivative(x0, x1 - 1))
        ),
        lambda g, y, x0, x1: multiply_or_zero(
            g, np.power(x0, x1 - 1) * (1 + x1 * _safe_log(x0))
        ),
    ),
    latex=r"{x1} {x0}^{{{x1} - 1}}",
    cost=Cost(flops=2, transcendental=1),
    samples=binary(real(0.3, 2), real(-2, 3), special=(0.5, 1.0, 2.0), analytic=True),
    saves=_ALL,
    symbol="pxᵖ⁻¹",
    inplace=(0, 1),
    workspace=lambda x0, x1: int(np.prod(x1.shape)) * (1 + x1.dtype.itemsize),
    scalar=lambda b, x, p: b.mul(_or_zero(b, b.pow(x, b.sub(p, 1)), p), p),
)  # fmt: skip

# -- Extrema: where two operands tie, each takes half of the gradient ---------------------------


def _share(g: Any, mine: Any, other: Any, wins: Any) -> Any:
    return np.where(mine == other, 0.5 * g, np.where(wins, g, 0))


def _arctan2_part(g: Any, part: Any, x0: Any, x1: Any) -> Any:
    return divide_or_zero(g * part, x0 * x0 + x1 * x1)


BINARY: tuple[Operator, ...] = (
    _operator(
        np.add, (lambda g, y, x0, x1: g, lambda g, y, x0, x1: g), "{x0} + {x1}", "+",
        binary(real(-3, 3), real(-3, 3), special=(0.0, 1e300), analytic=True),
        scalar=lambda b, x0, x1: b.add(x0, x1), saves=(), linear_in=(0, 1),
    ),
    _operator(
        np.subtract, (lambda g, y, x0, x1: g, lambda g, y, x0, x1: -g), "{x0} - {x1}", "−",
        binary(real(-3, 3), real(-3, 3), special=(0.0, 1e300), analytic=True),
        scalar=lambda b, x0, x1: b.sub(x0, x1), saves=(), linear_in=(0, 1),
    ),
    _operator(
        np.multiply, (lambda g, y, x0, x1: g * x1, lambda g, y, x0, x1: g * x0),
        r"{x0} \odot {x1}", "×",
        binary(real(-3, 3), real(-3, 3), special=(0.0, 1e150), analytic=True),
        scalar=lambda b, x0, x1: b.mul(x0, x1), linear_in=(0, 1),
    ),
    _operator(
        np.divide,
        (
            lambda g, y, x0, x1: divide_or_zero(g, x1),
            lambda g, y, x0, x1: -divide_or_zero(multiply_or_zero(g, y), x1),
        ),
        r"\frac{{{x0}}}{{{x1}}}", "÷",
        binary(real(-3, 3), _NONZERO, special=(1.0, -2.0, 1e150), analytic=True),
        scalar=lambda b, x0, x1: b.div(x0, x1), saves=("y", "x1"), linear_in=(0,),
    ),
    _operator(
        np.power,
        (
            lambda g, y, x0, x1: multiply_or_zero(g, power_derivative(x0, x1)),
            lambda g, y, x0, x1: multiply_or_zero(g, y * _safe_log(x0)),
        ),
        "{x0}^{{{x1}}}", "xᵖ",
        binary(real(0.3, 2), real(-2, 3), special=(1.0, 2.0, 3.0), analytic=True),
        scalar=lambda b, x0, x1: b.pow(x0, x1),
        saves=("y", "x0", "x1"), cost=Cost(transcendental=1),
    ),
    _operator(
        np.maximum,
        (
            lambda g, y, x0, x1: _share(g, x0, x1, x0 > x1),
            lambda g, y, x0, x1: _share(g, x1, x0, x1 > x0),
        ),
        r"\max({x0}, {x1})", "max",
        binary(away_from(real(-3, 3), 0.0, gap=0.3), lambda rng, s: 0.1 * real(-1, 1)(rng, s),
               special=(0.0, 1e300)),
        scalar=lambda b, x0, x1: b.max(x0, x1),
    ),
    _operator(
        np.minimum,
        (
            lambda g, y, x0, x1: _share(g, x0, x1, x0 < x1),
            lambda g, y, x0, x1: _share(g, x1, x0, x1 < x0),
        ),
        r"\min({x0}, {x1})", "min",
        binary(away_from(real(-3, 3), 0.0, gap=0.3), lambda rng, s: 0.1 * real(-1, 1)(rng, s),
               special=(0.0, 1e300)),
        scalar=lambda b, x0, x1: b.min(x0, x1),
    ),
    # At the origin, where no derivative exists, the rule gives 0.
    _operator(
        np.arctan2,
        (
            lambda g, y, x0, x1: _arctan2_part(g, x1, x0, x1),
            lambda g, y, x0, x1: -_arctan2_part(g, x0, x0, x1),
        ),
        r"\operatorname{{atan2}}({x0}, {x1})", "atan2",
        binary(_NONZERO, real(0.3, 3), special=(0.0, 1.0)),
        scalar=lambda b, x0, x1: b.arctan2(x0, x1), cost=_ONE,
    ),
    _MULTIPLY_OR_ZERO,
    _DIVIDE_OR_ZERO,
    _POWER_DERIVATIVE,
)  # fmt: skip

# -- Choice -----------------------------------------------------------------------------------


def _where(condition: Any, a: Any, b: Any) -> Any:
    condition, a, b = np.asarray(condition), np.asarray(a), np.asarray(b)
    shape = np.broadcast_shapes(condition.shape, a.shape, b.shape)
    out = np.empty(shape, _choice_dtype(a.dtype, b.dtype))
    np.copyto(out, b)
    np.copyto(out, a, where=condition.astype(bool, copy=False))
    return out


def _choice_dtype(a: Dtype, b: Dtype) -> Dtype:
    return np.result_type(a, b)


def _where_result(condition: Type, a: Type, b: Type) -> Type:
    shape = broadcast_shape("where", condition.shape, a.shape, b.shape)
    return Type(shape, _choice_dtype(a.dtype, b.dtype))


def _where_cases(rng: np.random.Generator) -> list[Case]:
    combinations = (((), (), ()), ((3,), (2, 3), ()), ((2, 1), (3,), (2, 3)), ((0,), (0,), ()))
    return [
        ((np.asarray(rng.random(c) < 0.5), distinct(rng, a), distinct(rng, b)), {})
        for c, a, b in combinations
    ]


WHERE = Operator(
    "where",
    "elementwise",
    numpy=_where,
    result=_where_result,
    vjp=(
        None,
        lambda g, y, c, a, b: np.where(c, g, 0),
        lambda g, y, c, a, b: np.where(c, 0, g),
    ),
    latex=r"\begin{{cases}} {x1} & {x0} \\ {x2} & \text{{otherwise}} \end{{cases}}",
    cost=_ONE,
    samples=cases(_where_cases, analytic=True),
    saves=("x0",),
    linear_in=(1, 2),
    symbol="where",
    inplace=(1, 2),
    workspace=lambda c, a, b: 0 if c.dtype == bool else int(np.prod(c.shape)),
    scalar=lambda b, condition, x, y: b.select(condition, x, y),
)

CHOICE: tuple[Operator, ...] = (WHERE,)
