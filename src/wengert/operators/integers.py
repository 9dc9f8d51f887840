"""Operators of whole numbers and of the bits of numbers."""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.base.shapes import Shape
from wengert.graph.graph import Array
from wengert.operators.broadcasting import (
    broadcast_shape,
    elementwise_meaning,
    elementwise_result,
    nbytes,
    ufunc_dtype,
    ufunc_dtypes,
)
from wengert.operators.record import Cost, Operator, Rule, Type
from wengert.operators.samples import binary, real, unary

_ONE = Cost(flops=1)


def _whole(low: int, high: int) -> Any:
    def draw(rng: np.random.Generator, shape: Shape) -> Array:
        return np.asarray(rng.integers(low, high, shape))

    return draw


def _constant(function: np.ufunc, latex: str, symbol: str, scalar: Rule | None) -> Operator:
    two = function.nin == 2
    draw = _whole(0, 12)
    return Operator(
        function.__name__,
        "elementwise",
        numpy=elementwise_meaning(function),
        result=elementwise_result(function),
        vjp=None,
        latex=latex,
        cost=_ONE,
        samples=binary(draw, draw, special=(0.0, 1.0)) if two else unary(draw, special=(0.0, 5.0)),
        symbol=symbol,
        scalar=scalar,
    )


# -- The parts of a floating-point number: x = mantissa · 2^exponent = fraction + trunc(x) --------


def _part(name: str, function: np.ufunc, place: int) -> tuple[Rule, Rule, Rule]:
    def meaning(x: Any) -> Any:
        return np.asarray(function(x, order="C")[place])

    def result(x: Type) -> Type:
        return Type(x.shape, ufunc_dtypes(function, x.dtype)[place])

    def other(x: Type) -> int:
        return nbytes(Type(x.shape, ufunc_dtypes(function, x.dtype)[1 - place]))

    meaning.__name__ = name
    return meaning, result, other


def _ldexp_result(x: Type, exponent: Type) -> Type:
    shape = broadcast_shape("ldexp", x.shape, exponent.shape)
    return Type(shape, ufunc_dtype(np.ldexp, x.dtype, exponent.dtype))


_PARTED = real(2.2, 3.8)
_mantissa, _mantissa_result, _mantissa_bytes = _part("mantissa", np.frexp, 0)
_exponent, _exponent_result, _exponent_bytes = _part("exponent", np.frexp, 1)
_fraction, _fraction_result, _fraction_bytes = _part("fraction", np.modf, 0)

PARTS: tuple[Operator, ...] = (
    Operator(
        "mantissa", "elementwise", _mantissa, _mantissa_result,
        (lambda g, y, x: np.ldexp(g, -np.frexp(x)[1]),),
        latex=r"\operatorname{{mantissa}}({x})", cost=_ONE,
        samples=unary(_PARTED, special=(0.0, 1.0, -2.0)), saves=("x0",), symbol="mantissa",
        workspace=_mantissa_bytes,
    ),
    Operator(
        "exponent", "elementwise", _exponent, _exponent_result, None,
        latex=r"\operatorname{{exponent}}({x})", cost=_ONE,
        samples=unary(_PARTED, special=(0.0, 1.0, -2.0)), symbol="exponent",
        workspace=_exponent_bytes,
    ),
    Operator(
        "fraction", "elementwise", _fraction, _fraction_result, (lambda g, y, x: g,),
        latex=r"\operatorname{{fraction}}({x})", cost=_ONE,
        samples=unary(_PARTED, special=(0.0, 1.0, -2.5)), symbol="fraction",
        workspace=_fraction_bytes,
    ),
    Operator(
        "ldexp", "elementwise", elementwise_meaning(np.ldexp), _ldexp_result,
        (lambda g, y, x, n: np.ldexp(g, n), None),
        latex=r"{x0} \cdot 2^{{{x1}}}", cost=_ONE, linear_in=(0,),
        samples=binary(real(-3, 3), _whole(-3, 4), special=(0.0, 1.0)), saves=("x1",),
        symbol="·2ⁿ",
    ),
)  # fmt: skip

CONSTANT: tuple[Operator, ...] = (
    _constant(np.bitwise_and, r"{x0} \mathbin{{\&}} {x1}", "&", lambda b, x, y: b.bit_and(x, y)),
    _constant(np.bitwise_or, r"{x0} \mathbin{{|}} {x1}", "|", lambda b, x, y: b.bit_or(x, y)),
    _constant(
        np.bitwise_xor, r"{x0} \mathbin{{\wedge}} {x1}", "^", lambda b, x, y: b.bit_xor(x, y)
    ),
    _constant(np.invert, r"\mathord{{\sim}} {x}", "~", lambda b, x: b.bit_not(x)),
    _constant(np.left_shift, r"{x0} \ll {x1}", "≪", None),
    _constant(np.right_shift, r"{x0} \gg {x1}", "≫", None),
    _constant(np.bitwise_count, r"\operatorname{{bits}}({x})", "bits", None),
    _constant(np.gcd, r"\gcd({x0}, {x1})", "gcd", None),
    _constant(np.lcm, r"\operatorname{{lcm}}({x0}, {x1})", "lcm", None),
)
