"""exp, exp2, expm1, sinh, cosh, tanh: one reduction and one pair of polynomials for all six.

x = n ln 2 + r with |r| ≤ ln 2 / 2, ln 2 in two words (Cody and Waite, Software Manual for the
Elementary Functions, 1980). cosh r − 1 = r²/2 + r⁴ C(r²) and sinh r − r = r³ S(r²), where C and S
are minimax polynomials found by Remez' exchange (Muller, Elementary Functions, chapter 3). Then

    eˣ          = 2ⁿ (cosh r + sinh r)
    eˣ − 1      = (2ⁿ − 1) + 2ⁿ (cosh r − 1 + sinh r)
    sinh, cosh x = D cosh r + P sinh r, P cosh r + D sinh r,  with P, D = 2ⁿ⁻¹ ± 2⁻ⁿ⁻¹

and nothing cancels: the leading terms are added exactly, the rest corrects them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import NamedTuple

from wengert.native.llvm import Value
from wengert.native.math.floats import Floats, Pair


@dataclass(frozen=True, slots=True)
class _Numbers:
    """What depends on the format; beyond the limits the results no longer change."""

    ln2: tuple[float, float]
    cosh: tuple[float, ...]
    sinh: tuple[float, ...]
    exp: tuple[float, float]
    expm1: tuple[float, float]
    tanh: float
    overflow: float


_SINGLE = _Numbers(
    ln2=(0.6931471824645996, -1.9046542121259336e-09),
    cosh=(0.04166646, 0.001393558),
    sinh=(0.16666667, 0.008333289, 0.000199052),
    exp=(-104.5, 89.0),
    expm1=(-25.0, 89.0),
    tanh=10.0,
    overflow=89.5,
)
_DOUBLE = _Numbers(
    ln2=(0.6931471805599453, 2.3190468138462996e-17),
    cosh=(
        0.041666666666666685, 0.0013888888888873223, 2.4801587349340878e-05,
        2.7557251689383606e-07, 2.0921813280988515e-09,
    ),
    sinh=(
        0.16666666666666677, 0.008333333333321445, 0.00019841269886661505,
        2.7557243611697876e-06, 2.5109263328170277e-08,
    ),
    exp=(-746.0, 710.0),
    expm1=(-50.0, 710.0),
    tanh=22.0,
    overflow=710.5,
)  # fmt: skip


def _numbers(f: Floats) -> _Numbers:
    return _SINGLE if f.single else _DOUBLE


class _Reduced(NamedTuple):
    """x = n ln 2 + (r.high + r.low)."""

    n: Value
    whole: Value
    r: Pair


def _reduce(f: Floats, x: Value) -> _Reduced:
    high, low = _numbers(f).ln2
    n, whole = f.nearest(f.mul(x, f.number(1 / log(2))))
    minus = f.neg(n)
    r = f.fma(minus, f.number(high), x)
    return _Reduced(n, whole, f.sum_in_order(r, f.mul(minus, f.number(low))))


def _beyond(f: Floats, r: Value) -> tuple[Value, Value]:
    """Return cosh r − 1 and sinh r − r."""
    square = f.mul(r, r)
    cosh = f.mul(square, f.polynomial(square, _numbers(f).cosh))
    cosh = f.mul(square, f.add(cosh, f.number(0.5)))
    return cosh, f.mul(f.mul(r, square), f.polynomial(square, _numbers(f).sinh))


def exp_of_pair(f: Floats, n: Value, r: Pair) -> Value:
    """Return 2ⁿ e^(r.high + r.low) for |r| ≤ ln 2 / 2."""
    cosh, sinh = _beyond(f, r.high)
    rest = f.add(f.add(cosh, sinh), r.low)
    return f.scaled(f.add(f.number(1.0), f.add(r.high, rest)), n)


def exp(f: Floats, x: Value) -> Value:
    """Return eˣ."""
    numbers = _numbers(f)
    x = f.at_most(f.at_least(x, numbers.exp[0]), numbers.exp[1])
    high, low = numbers.ln2
    n, whole = f.nearest(f.mul(x, f.number(1 / log(2))))
    minus = f.neg(n)
    r = f.fma(minus, f.number(low), f.fma(minus, f.number(high), x))
    cosh, sinh = _beyond(f, r)
    return f.scaled(f.add(f.number(1.0), f.add(r, f.add(cosh, sinh))), whole)


def exp2(f: Floats, x: Value) -> Value:
    """Return 2ˣ."""
    high, low = _numbers(f).ln2
    limit = f.format.bias + f.format.mantissa + 2.0
    x = f.at_most(f.at_least(x, -limit), limit)
    n, whole = f.nearest(x)
    part = f.sub(x, n)
    r = f.product_exactly(part, f.number(high))
    return exp_of_pair(f, whole, Pair(r.high, f.fma(part, f.number(low), r.low)))


def _less_one(f: Floats, power: Value, r: Pair) -> Pair:
    """Return power · e^r − 1 as a pair."""
    cosh, sinh = _beyond(f, r.high)
    rest = f.add(f.add(cosh, sinh), r.low)
    less = f.sub(power, f.number(1.0))
    high = f.fma(power, r.high, less)
    return Pair(high, f.fma(power, rest, f.fma(power, r.high, f.sub(less, high))))


def expm1(f: Floats, x: Value) -> Value:
    """Return eˣ − 1."""
    bottom, top = _numbers(f).expm1
    n, whole, r = _reduce(f, f.at_most(f.at_least(x, bottom), top))
    # 2ⁿ itself can overflow where the result does not: half of it, and twice the result.
    large = f.compare(n, ">", f.number(f.format.bias - 20.0))
    one = f.select(large, f.integer(1), f.integer(0))
    found = _less_one(f, f.power_of_two(f.builder.sub(whole, one)), r)
    total = f.add(found.high, found.low)
    return f.copysign(f.select(large, f.add(total, total), total), x)


def tanh(f: Floats, x: Value) -> Value:
    """Return t / (t + 2) with t = exp 2|x| − 1, and the sign of x."""
    held = f.at_most(f.abs(x), _numbers(f).tanh)
    _, whole, r = _reduce(f, f.add(held, held))
    t = f.sum_in_order(*_less_one(f, f.power_of_two(whole), r))
    below = f.sum_exactly(t.high, f.number(2.0))
    result = f.quotient(t, Pair(below.high, f.add(below.low, t.low)))
    return f.copysign(result, x)


class _Hyperbolic(NamedTuple):
    """sinh and cosh of |x| as pairs; where ``large`` holds, half of them."""

    sinh: Pair
    cosh: Pair
    large: Value


def _hyperbolic(f: Floats, x: Value) -> _Hyperbolic:
    n, whole, r = _reduce(f, x)
    large = f.compare(n, ">", f.number(f.format.bias - 20.0))
    up = f.builder.sub(whole, f.select(large, f.integer(2), f.integer(1)))
    down = f.builder.sub(f.integer(-1), f.select(large, f.integer(0), whole))
    growing, fading = f.power_of_two(up), f.power_of_two(down)
    p, d = f.sum_in_order(growing, fading), f.sum_in_order(growing, f.neg(fading))
    c, s = _beyond(f, r.high)
    s = f.add(s, r.low)

    def leading(a: Pair, b: Pair) -> Pair:
        """Return a cosh r + b sinh r."""
        high = f.fma(b.high, r.high, a.high)
        error = f.fma(b.high, r.high, f.sub(a.high, high))
        rest = f.fma(a.high, c, f.fma(b.high, s, f.add(error, a.low)))
        return f.sum_in_order(high, rest)

    return _Hyperbolic(leading(d, p), leading(p, d), large)


def _whole(f: Floats, half: Pair, large: Value) -> Value:
    return f.select(large, f.add(half.high, half.high), half.high)


def sinh(f: Floats, x: Value) -> Value:
    """Return (eˣ − e⁻ˣ) / 2."""
    found = _hyperbolic(f, f.at_most(f.abs(x), _numbers(f).overflow))
    return f.copysign(_whole(f, found.sinh, found.large), x)


def cosh(f: Floats, x: Value) -> Value:
    """Return (eˣ + e⁻ˣ) / 2."""
    found = _hyperbolic(f, f.at_most(f.abs(x), _numbers(f).overflow))
    return _whole(f, found.cosh, found.large)
