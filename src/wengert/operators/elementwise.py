"""Elementwise operators of one operand.

Rules read ``y`` where the derivative is a formula in the result, so that the operand need not be
kept. ``multiply_or_zero`` and ``divide_or_zero`` stand where the derivative itself can be infinite
at a finite operand: a gradient that is exactly zero (a masked branch) stays zero there.
"""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import Any

import numpy as np

from wengert.operators.arithmetic import divide_or_zero, multiply_or_zero
from wengert.operators.broadcasting import elementwise_meaning, elementwise_result
from wengert.operators.record import Cost, Operator, Rule, Samples
from wengert.operators.samples import away_from, real, unary

_LOG2, _LOG10 = log(2), log(10)
_ANY = unary(real(-3, 3), analytic=True)
_ALGEBRA, _FUNCTION = Cost(flops=1), Cost(transcendental=1)


def _operator(
    function: np.ufunc,
    rule: Rule,
    latex: str,
    samples: Samples,
    scalar: Rule,
    *,
    saves: tuple[str, ...],
    cost: Cost = _FUNCTION,
    kinks: Sequence[float] = (),
    symbol: str = "",
    linear: bool = False,
    complex: bool = False,
) -> Operator:
    return Operator(
        function.__name__,
        "elementwise",
        numpy=elementwise_meaning(function),
        result=elementwise_result(function),
        vjp=(rule,),
        latex=latex,
        cost=cost,
        samples=samples,
        saves=saves,
        linear_in=(0,) if linear else (),
        symbol=symbol or function.__name__,
        kinks=tuple(kinks),
        inplace=(0,),
        scalar=scalar,
        complex=complex,
    )


_X, _Y = ("x0",), ("y",)


def _absolute_rule(g: Any, y: Any, x: Any) -> Any:
    if x.dtype.kind != "c":
        return g * np.sign(x)
    return g * divide_or_zero(np.conjugate(x), np.absolute(x))


UNARY: tuple[Operator, ...] = (
    _operator(
        np.negative, lambda g, y, x: -g, "-{x}", _ANY, lambda b, x: b.neg(x),
        saves=(), cost=_ALGEBRA, symbol="−", linear=True,
    ),
    # The derivative at 0 is 0, the subgradient of least norm.
    _operator(
        np.absolute, _absolute_rule, r"\lvert {x} \rvert",
        unary(away_from(real(-3, 3), 0.0), special=(0.0, -800.0, 800.0)), lambda b, x: b.abs(x),
        saves=_X, cost=_ALGEBRA, kinks=(0.0,), symbol="|·|", complex=True,
    ),
    _operator(
        np.exp, lambda g, y, x: multiply_or_zero(g, y), r"\exp({x})",
        unary(real(-3, 3), special=(0.0, -800.0, 700.0), analytic=True),
        lambda b, x: b.exp(x), saves=_Y,
    ),
    _operator(
        np.log, lambda g, y, x: divide_or_zero(g, x), r"\log({x})",
        unary(real(0.2, 4), special=(1e-300, 1.0, 1e300), analytic=True),
        lambda b, x: b.log(x), saves=_X,
    ),
    _operator(
        np.log1p, lambda g, y, x: divide_or_zero(g, 1 + x), r"\log(1 + {x})",
        unary(real(-0.7, 3), special=(0.0, 1e-300, 1e300), analytic=True),
        lambda b, x: b.log1p(x), saves=_X,
    ),
    # exp(x) and not y + 1: at −40 the latter has lost every digit.
    _operator(
        np.expm1, lambda g, y, x: multiply_or_zero(g, np.exp(x)), r"\exp({x}) - 1",
        unary(real(-3, 3), special=(0.0, -800.0, 700.0), analytic=True),
        lambda b, x: b.expm1(x), saves=_X,
    ),
    _operator(
        np.tanh, lambda g, y, x: g * (1 - y * y), r"\tanh({x})",
        unary(real(-3, 3), special=(0.0, 20.0, -800.0, 800.0), analytic=True),
        lambda b, x: b.tanh(x), saves=_Y,
    ),
    # Infinite at 0, as the mathematics is; only a gradient of zero stays zero there.
    _operator(
        np.sqrt, lambda g, y, x: divide_or_zero(g, 2 * y), r"\sqrt{{{x}}}",
        unary(real(0.2, 4), special=(1e-300, 1.0, 1e300), analytic=True), lambda b, x: b.sqrt(x),
        saves=_Y, cost=_ALGEBRA, symbol="√",
    ),
    _operator(
        np.square, lambda g, y, x: (2 * g) * x, "{x}^{{2}}",
        unary(real(-3, 3), special=(0.0, 1e150, -1e150), analytic=True), lambda b, x: b.square(x),
        saves=_X, cost=_ALGEBRA, symbol="²",
    ),
    _operator(
        np.sin, lambda g, y, x: g * np.cos(x), r"\sin({x})", _ANY,
        lambda b, x: b.sin(x), saves=_X,
    ),
    _operator(
        np.cos, lambda g, y, x: -(g * np.sin(x)), r"\cos({x})", _ANY,
        lambda b, x: b.cos(x), saves=_X,
    ),
    _operator(
        np.tan, lambda g, y, x: g * (1 + y * y), r"\tan({x})",
        unary(real(-1.2, 1.2), special=(0.0, 1.0, -1.5), analytic=True),
        lambda b, x: b.tan(x), saves=_Y,
    ),
    # With x and not −g·y²: y² overflows where the quotient of the gradient need not.
    _operator(
        np.reciprocal, lambda g, y, x: -divide_or_zero(divide_or_zero(g, x), x), "{x}^{{-1}}",
        unary(real(0.3, 3), special=(1.0, -2.0, 1e150), analytic=True),
        lambda b, x: b.reciprocal(x),
        saves=_X, cost=_ALGEBRA, symbol="1/x",
    ),
    _operator(
        np.log2, lambda g, y, x: divide_or_zero(g, _LOG2 * x), r"\log_2({x})",
        unary(real(0.2, 4), special=(1e-300, 1.0, 1e300)), lambda b, x: b.log2(x), saves=_X,
        complex=True,
    ),
    _operator(
        np.log10, lambda g, y, x: divide_or_zero(g, _LOG10 * x), r"\log_{{10}}({x})",
        unary(real(0.2, 4), special=(1e-300, 1.0, 1e300)), lambda b, x: b.log10(x), saves=_X,
        complex=True,
    ),
    _operator(
        np.exp2, lambda g, y, x: multiply_or_zero(g, _LOG2 * y), "2^{{{x}}}",
        unary(real(-3, 3), special=(0.0, -2000.0, 1000.0)), lambda b, x: b.exp2(x), saves=_Y,
        complex=True,
    ),
    _operator(
        np.arctan, lambda g, y, x: g / (1 + x * x), r"\arctan({x})",
        unary(real(-3, 3), special=(0.0, 1e150, -1e150), analytic=True),
        lambda b, x: b.arctan(x), saves=_X,
    ),
    _operator(
        np.sinh, lambda g, y, x: multiply_or_zero(g, np.cosh(x)), r"\sinh({x})",
        unary(real(-3, 3), special=(0.0, 700.0, -700.0), analytic=True),
        lambda b, x: b.sinh(x), saves=_X,
    ),
    _operator(
        np.cosh, lambda g, y, x: multiply_or_zero(g, np.sinh(x)), r"\cosh({x})",
        unary(real(-3, 3), special=(0.0, 700.0, -700.0), analytic=True),
        lambda b, x: b.cosh(x), saves=_X,
    ),
)  # fmt: skip
