"""Elementwise functions beyond the common ones: inverses, roots, lengths, sums of logarithms."""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Sequence
from math import inf, log, nan
from typing import Any

import numpy as np

from wengert.operators.arithmetic import divide_or_zero, multiply_or_zero
from wengert.operators.broadcasting import elementwise_meaning, elementwise_result, ufunc_dtype
from wengert.operators.record import Cost, Operator, Rule, Samples
from wengert.operators.samples import away_from, binary, real, unary

_FUNCTION, _ALGEBRA = Cost(transcendental=1), Cost(flops=1)
_LOG2 = log(2)
# From here on 1 + x² and x² are the same number.
_LARGE = 1e8


def _operator(
    function: np.ufunc,
    vjp: tuple[Rule | None, ...],
    latex: str,
    samples: Samples,
    scalar: Rule | None,
    *,
    saves: Sequence[str],
    cost: Cost = _FUNCTION,
    kinks: Sequence[float] = (),
    symbol: str = "",
    inplace: Sequence[int] = (0,),
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
        saves=tuple(saves),
        symbol=symbol or function.__name__,
        kinks=tuple(kinks),
        inplace=tuple(inplace),
        scalar=None if scalar is None else _in_one_dtype(function, scalar),
    )


def _in_one_dtype(function: np.ufunc, formula: Rule) -> Rule:
    """Return a formula whose steps are all in the dtype of the result; for halves, in single."""

    def scalar(b: Any, *x: Any) -> Any:
        result = ufunc_dtype(function, *(each.dtype for each in x))
        dtype = np.dtype(np.float32) if result == np.float16 else result
        found = formula(b, *(b.cast(each, dtype.name) for each in x))
        return b.cast(found, result.name)

    return scalar


# -- Scalar formulas ------------------------------------------------------------------------------


def _arcsin(b: Any, x: Any) -> Any:
    return b.arctan2(x, b.sqrt(b.mul(b.sub(1, x), b.add(x, 1))))


def _arccos(b: Any, x: Any) -> Any:
    return b.mul(b.arctan2(b.sqrt(b.sub(1, x)), b.sqrt(b.add(x, 1))), 2)


def _arcsinh(b: Any, x: Any) -> Any:
    a = b.abs(x)
    root = b.sqrt(b.add(b.mul(a, a), 1))
    near = b.log1p(b.add(a, b.mul(a, b.div(a, b.add(root, 1)))))
    return b.copysign(b.select(b.gt(a, _LARGE), b.add(b.log(a), _LOG2), near), x)


def _arccosh(b: Any, x: Any) -> Any:
    t = b.sub(x, 1)
    # Two roots and not the root of the product, which is positive again far below −1.
    near = b.log1p(b.add(t, b.mul(b.sqrt(t), b.sqrt(b.add(t, 2)))))
    return b.select(b.gt(x, _LARGE), b.add(b.log(x), _LOG2), near)


def _arctanh(b: Any, x: Any) -> Any:
    a = b.abs(x)
    return b.copysign(b.mul(b.log1p(b.div(b.add(a, a), b.sub(1, a))), 0.5), x)


def _cbrt(b: Any, x: Any) -> Any:
    a = b.abs(x)
    guess = b.pow(a, 1 / 3)
    better = b.add(guess, b.div(b.sub(b.div(a, b.mul(guess, guess)), guess), 3))
    whole = b.and_(b.isfinite(a), b.ne(a, 0))
    return b.copysign(b.select(whole, better, a), x)


def _hypot(b: Any, x: Any, y: Any) -> Any:
    x, y = b.abs(x), b.abs(y)
    long, short = b.max(x, y), b.min(x, y)
    ratio = b.div(short, b.select(b.eq(long, 0), 1, long))
    length = b.mul(long, b.sqrt(b.add(b.mul(ratio, ratio), 1)))
    return b.select(b.or_(b.eq(x, inf), b.eq(y, inf)), inf, length)


def _logaddexp(b: Any, x: Any, y: Any) -> Any:
    apart = b.log1p(b.exp(b.neg(b.abs(b.sub(x, y)))))
    return b.select(b.eq(x, y), b.add(x, _LOG2), b.add(b.max(x, y), apart))


def _logaddexp2(b: Any, x: Any, y: Any) -> Any:
    apart = b.mul(b.log1p(b.exp2(b.neg(b.abs(b.sub(x, y))))), 1 / _LOG2)
    return b.select(b.eq(x, y), b.add(x, 1), b.add(b.max(x, y), apart))


def _present(b: Any, combine: Any, x: Any, y: Any) -> Any:
    return b.select(b.isnan(x), y, b.select(b.isnan(y), x, combine(x, y)))


def _heaviside(b: Any, x: Any, at_zero: Any) -> Any:
    step = b.select(b.lt(x, 0), 0.0, b.select(b.eq(x, 0), at_zero, 1.0))
    return b.select(b.isnan(x), nan, step)


# -- Rules ----------------------------------------------------------------------------------------


def _share(g: Any, mine: Any, other: Any, wins: Any) -> Any:
    # Where two tie each takes half; where one is NaN the other has it all.
    whole = np.logical_or(wins, np.isnan(other))
    return np.where(mine == other, 0.5 * g, np.where(whole, g, 0))


def _turned(g: Any, x: Any, like: Any) -> Any:
    return np.where(np.signbit(x) == np.signbit(like), g, -g)


_UNIT = real(-0.9, 0.9)
_APART = away_from(real(-3, 3), 0.0, gap=0.3)


def _near(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    return 0.1 * real(-1, 1)(rng, shape)


UNARY: tuple[Operator, ...] = (
    _operator(
        np.arcsin, (lambda g, y, x: divide_or_zero(g, np.sqrt((1 - x) * (1 + x))),),
        r"\arcsin({x})", unary(_UNIT, special=(0.0, 0.5, -0.5), analytic=True), _arcsin,
        saves=("x0",),
    ),
    _operator(
        np.arccos, (lambda g, y, x: -divide_or_zero(g, np.sqrt((1 - x) * (1 + x))),),
        r"\arccos({x})", unary(_UNIT, special=(0.0, 0.5, -0.5), analytic=True), _arccos,
        saves=("x0",),
    ),
    # hypot and not the root of 1 + x²: the square overflows where the derivative does not.
    _operator(
        np.arcsinh, (lambda g, y, x: g / np.hypot(1, x),),
        r"\operatorname{{arsinh}}({x})",
        unary(real(-3, 3), special=(0.0, 1e-300, 1e300, -1e300), analytic=True), _arcsinh,
        saves=("x0",), symbol="arsinh",
    ),
    _operator(
        np.arccosh, (lambda g, y, x: divide_or_zero(g, np.sqrt(x - 1) * np.sqrt(x + 1)),),
        r"\operatorname{{arcosh}}({x})",
        unary(real(1.2, 4), special=(1.5, 2.0, 1e300), analytic=True), _arccosh,
        saves=("x0",), symbol="arcosh",
    ),
    _operator(
        np.arctanh, (lambda g, y, x: divide_or_zero(g, (1 - x) * (1 + x)),),
        r"\operatorname{{artanh}}({x})",
        unary(real(-0.8, 0.8), special=(0.0, 1e-300, 0.5), analytic=True), _arctanh,
        saves=("x0",), symbol="artanh",
    ),
    # Infinite at 0, as the mathematics is; only a gradient of zero stays zero there.
    _operator(
        np.cbrt, (lambda g, y, x: divide_or_zero(g, 3 * y * y),),
        r"\sqrt[3]{{{x}}}", unary(away_from(real(-3, 3), 0.0, gap=0.3), special=(1.0, -8.0, 1e300)),
        _cbrt, saves=("y",), symbol="∛",
    ),
)  # fmt: skip

BINARY: tuple[Operator, ...] = (
    # At the origin, where no derivative exists, the rule gives 0.
    _operator(
        np.hypot,
        (
            lambda g, y, x0, x1: g * divide_or_zero(x0, y),
            lambda g, y, x0, x1: g * divide_or_zero(x1, y),
        ),
        r"\sqrt{{{x0}^2 + {x1}^2}}", binary(_APART, real(-3, 3), special=(0.0, 1.0, 1e200)),
        _hypot, saves=("y", "x0", "x1"), inplace=(0, 1),
    ),
    _operator(
        np.logaddexp,
        (
            lambda g, y, x0, x1: multiply_or_zero(g, np.exp(x0 - y)),
            lambda g, y, x0, x1: multiply_or_zero(g, np.exp(x1 - y)),
        ),
        r"\log(\exp({x0}) + \exp({x1}))",
        binary(real(-3, 3), real(-3, 3), special=(0.0, -800.0, 800.0)),
        _logaddexp, saves=("y", "x0", "x1"), cost=Cost(flops=3, transcendental=2), inplace=(0, 1),
    ),
    _operator(
        np.logaddexp2,
        (
            lambda g, y, x0, x1: multiply_or_zero(g, np.exp2(x0 - y)),
            lambda g, y, x0, x1: multiply_or_zero(g, np.exp2(x1 - y)),
        ),
        r"\log_2(2^{{{x0}}} + 2^{{{x1}}})",
        binary(real(-3, 3), real(-3, 3), special=(0.0, -800.0, 800.0)),
        _logaddexp2, saves=("y", "x0", "x1"), cost=Cost(flops=3, transcendental=2), inplace=(0, 1),
    ),
    _operator(
        np.fmax,
        (
            lambda g, y, x0, x1: _share(g, x0, x1, x0 > x1),
            lambda g, y, x0, x1: _share(g, x1, x0, x1 > x0),
        ),
        r"\max({x0}, {x1})", binary(_APART, _near, special=(0.0, 1e300)),
        lambda b, x0, x1: _present(b, b.max, x0, x1),
        saves=("x0", "x1"), cost=_ALGEBRA, inplace=(0, 1),
    ),
    _operator(
        np.fmin,
        (
            lambda g, y, x0, x1: _share(g, x0, x1, x0 < x1),
            lambda g, y, x0, x1: _share(g, x1, x0, x1 < x0),
        ),
        r"\min({x0}, {x1})", binary(_APART, _near, special=(0.0, 1e300)),
        lambda b, x0, x1: _present(b, b.min, x0, x1),
        saves=("x0", "x1"), cost=_ALGEBRA, inplace=(0, 1),
    ),
    # The step itself has the derivative 0; its value at 0 is a number like others.
    _operator(
        np.heaviside, (None, lambda g, y, x0, x1: np.where(x0 == 0, g, 0)),
        "H_{{{x1}}}({x0})",
        binary(lambda rng, s: np.round(real(-1, 1)(rng, s)), real(-3, 3), special=(0.0, 1.0, -2.0)),
        _heaviside, saves=("x0",), cost=_ALGEBRA, symbol="H", inplace=(0, 1),
    ),
    _operator(
        np.copysign, (lambda g, y, x0, x1: _turned(g, x0, x1), None),
        r"\lvert {x0} \rvert \operatorname{{sign}}({x1})",
        binary(_APART, _APART, special=(0.0, 1.0, -2.0)), lambda b, x0, x1: b.copysign(x0, x1),
        saves=("x0", "x1"), cost=_ALGEBRA, inplace=(0, 1),
    ),
    # a − b⌊a/b⌋ and a − b·trunc(a/b): the whole quotients have the derivative 0.
    _operator(
        np.remainder,
        (
            lambda g, y, x0, x1: g,
            lambda g, y, x0, x1: -multiply_or_zero(g, np.floor_divide(x0, x1)),
        ),
        r"{x0} \bmod {x1}",
        binary(lambda rng, s: real(0.2, 0.8)(rng, s) + np.round(real(-3, 3)(rng, s)),
               lambda rng, s: 1 + 0.01 * real(-1, 1)(rng, s), special=(1.0, -2.0)), None,
        saves=("x0", "x1"), cost=_ALGEBRA, symbol="mod",
    ),
    _operator(
        np.fmod,
        (
            lambda g, y, x0, x1: g,
            lambda g, y, x0, x1: -multiply_or_zero(g, np.trunc(x0 / x1)),
        ),
        r"{x0} \bmod_0 {x1}",
        binary(lambda rng, s: real(0.2, 0.8)(rng, s) + np.round(real(0, 3)(rng, s)),
               lambda rng, s: 1 + 0.01 * real(-1, 1)(rng, s), special=(1.0, -2.0)), None,
        saves=("x0", "x1"), cost=_ALGEBRA,
    ),
    # The next number is so near that its derivative is that of the number itself.
    _operator(
        np.nextafter, (lambda g, y, x0, x1: g, None),
        r"\operatorname{{next}}({x0} \to {x1})",
        binary(real(-3, 3), real(-3, 3), special=(0.0, 1.0, -2.0)), None,
        saves=(), cost=_ALGEBRA, symbol="next",
    ),
)  # fmt: skip
