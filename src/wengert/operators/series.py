"""sinc and the modified Bessel functions, each with all its derivatives."""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from math import cos, factorial, pi
from typing import Any

import numpy as np

from wengert.operators.activation import floating
from wengert.operators.arithmetic import multiply_or_zero
from wengert.operators.dispatch import recordable
from wengert.operators.record import Cost, Operator, Rule, Samples
from wengert.operators.samples import Case, real

# Up to here the power series of sinc loses fewer than two digits; beyond, the recurrence does.
_NEAR_SINC = 1.2
_SINC_TERMS = 24
# Up to here 60 terms of the power series of I are enough; beyond, sums over a circle converge.
_NEAR_BESSEL, _BESSEL_TERMS = 20.0, 60
_CIRCLE = 256
_BLOCK = 1024


def _in_blocks(function: Rule, x: Any, order: int) -> Any:
    """Return a function of every element, so that its dozen arrays are those of one block only."""
    x = np.asarray(x)
    flat, out = x.reshape(-1), np.empty(x.size, x.dtype)
    for start in range(0, x.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        out[part] = function(flat[part], order)
    return out.reshape(x.shape)


def _sinc(x: Any, *, order: int) -> Any:
    return _in_blocks(_sinc_block, x, order)


def _sinc_block(x: Any, order: int) -> Any:
    if order == 0:
        return np.sinc(x)
    wide = x.astype(np.float64)
    near = np.abs(wide) < _NEAR_SINC
    return np.where(
        near, _sinc_near(np.where(near, wide, 0), order), _sinc_far(np.where(near, 1, wide), order)
    )


def _sinc_near(x: Any, order: int) -> Any:
    """Sum (−1)ᵏ π²ᵏ (2k)! / ((2k − n)! (2k + 1)!) x²ᵏ⁻ⁿ."""
    found = np.zeros(x.shape)
    for k in range((order + 1) // 2, (order + 1) // 2 + _SINC_TERMS):
        weight = (-1) ** k * pi ** (2 * k) / (2 * k + 1) / factorial(2 * k - order)
        found += weight * x ** (2 * k - order)
    return found


def _sinc_far(x: Any, order: int) -> Any:
    """Differentiate x sinc(x) = sin(πx)/π: x fₙ + n fₙ₋₁ = πⁿ⁻¹ sin(πx + nπ/2)."""
    found = np.sinc(x)
    for n in range(1, order + 1):
        found = (pi ** (n - 1) * np.sin(pi * x + n * pi / 2) - n * found) / x
    return found


def _bessel(x: Any, *, order: int) -> Any:
    return _in_blocks(_bessel_block, x, order)


def _bessel_block(x: Any, order: int) -> Any:
    if order == 0:
        return np.i0(x)
    wide = x.astype(np.float64)
    near = np.abs(wide) < _NEAR_BESSEL
    return np.where(
        near,
        _bessel_near(np.where(near, wide, 0), order),
        _bessel_far(np.where(near, 0, wide), order),
    )


def _bessel_near(x: Any, order: int) -> Any:
    """Sum (x/2)²ᵏ⁺ⁿ / (k! (k + n)!)."""
    half = x / 2
    term = half**order / factorial(order)
    found = np.array(term)
    for k in range(1, _BESSEL_TERMS):
        term = term * half * half / (k * (k + order))
        found += term
    return found


def _bessel_far(x: Any, order: int) -> Any:
    """Average exp(x cos θ) cos(nθ) over a circle: the trapezoid rule converges exponentially."""
    found = np.zeros(x.shape)
    for k in range(_CIRCLE):
        angle = 2 * pi * k / _CIRCLE
        found += np.exp(x * cos(angle)) * (cos(order * angle) / _CIRCLE)
    return found


sinc = recordable("sinc", _sinc)
bessel = recordable("bessel", _bessel)


def _bessel_rule(g: Any, y: Any, x: Any, *, order: int) -> Any:
    if order == 0:
        return multiply_or_zero(g, bessel(x, order=1))
    both = bessel(x, order=order - 1) + bessel(x, order=order + 1)
    return multiply_or_zero(g, 0.5 * both)


def _result(name: str) -> Rule:
    return lambda x, **_: floating(name, x)


def _cases(rng: np.random.Generator) -> list[Case]:
    return [
        ((real(-3, 3)(rng, shape),), {"order": order})
        for shape, order in (((), 0), ((3,), 0), ((2, 3), 1), ((4,), 2), ((2, 0), 1))
    ]


SERIES: tuple[Operator, ...] = (
    # The n-th derivative of sin(πx) / (πx), whose derivative is the next one.
    Operator(
        "sinc", "elementwise", _sinc, _result("sinc"),
        (lambda g, y, x, *, order: multiply_or_zero(g, sinc(x, order=order + 1)),),
        latex=r"\operatorname{{sinc}}^{{({order})}}({x})", cost=Cost(flops=4, transcendental=1),
        samples=Samples(_cases, (0.0, 1.0, -2.5)), saves=("x0",), symbol="sinc",
    ),
    Operator(
        "bessel", "elementwise", _bessel, _result("bessel"), (_bessel_rule,),
        latex="I_{{{order}}}({x})", cost=Cost(flops=60, transcendental=1),
        samples=Samples(_cases, (0.0, 1.0, -2.5)), saves=("x0",), symbol="I",
    ),
)  # fmt: skip
