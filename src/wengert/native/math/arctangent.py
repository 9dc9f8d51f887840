"""arctan and arctan2 by one quotient and a polynomial on [0, tan π/8].

With t = |y| / |x| the angle is base + arctan z, where base and z are 0 and t, or π/4 and
(t − 1) / (t + 1), or π/2 and −1/t (the intervals of Moshier's Cephes; the polynomial is our own,
minimax, by Remez' exchange). Numerator and denominator keep their rounding errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import NamedTuple

from wengert.native.llvm import Value
from wengert.native.math.floats import Floats, Pair


@dataclass(frozen=True, slots=True)
class _Numbers:
    """What depends on the format; ``pi_low`` is what π in this format lacks."""

    pi_high: float
    pi_low: float
    series: tuple[float, ...]


_SINGLE = _Numbers(
    pi_high=3.1415927410125732,
    pi_low=-8.742277657347586e-08,
    series=(-0.33333316, 0.19998468, -0.14243425, 0.10592656, -0.060744796),
)
_DOUBLE = _Numbers(
    pi_high=pi,
    pi_low=1.2246467991473532e-16,
    series=(
        -0.3333333333333319, 0.1999999999995238, -0.14285714280068304, 0.11111110776744278,
        -0.09090897556535214, 0.0769205650117039, -0.06663060380876286, 0.058475614783877077,
        -0.05037784238276431, 0.038024881511098424, -0.01786266246461475,
    ),
)  # fmt: skip
_NARROW, _WIDE = 2.0**0.5 - 1, 2.0**0.5 + 1


def _numbers(f: Floats) -> _Numbers:
    return _SINGLE if f.single else _DOUBLE


class _Parts(NamedTuple):
    """The quotient z, what rounding took from it, and the base in units of π/4."""

    z: Value
    lost: Value
    base: Value


def _quotient(f: Floats, y: Value, x: Value) -> _Parts:
    """Choose the interval for y, x ≥ 0 and divide."""
    middle = f.compare(y, ">", f.mul(f.number(_NARROW), x))
    steep = f.compare(y, ">", f.mul(f.number(_WIDE), x))
    zero = f.number(0.0)
    over, under = f.sum_exactly(y, f.neg(x)), f.sum_exactly(x, y)

    def chosen(low: Value, mid: Value, high: Value) -> Value:
        return f.select(steep, high, f.select(middle, mid, low))

    top = Pair(chosen(y, over.high, f.neg(x)), chosen(zero, over.low, zero))
    bottom = Pair(chosen(x, under.high, y), chosen(zero, under.low, zero))
    z = f.div(top.high, bottom.high)
    rest = f.fma(f.neg(z), bottom.high, top.high)
    rest = f.add(rest, f.fma(f.neg(z), bottom.low, top.low))
    base = chosen(zero, f.number(1.0), f.number(2.0))
    return _Parts(z, f.div(rest, bottom.high), base)


def _series(f: Floats, z: Value) -> Value:
    """Return arctan z − z."""
    square = f.mul(z, z)
    return f.mul(f.mul(z, square), f.polynomial(square, _numbers(f).series))


def arctan(f: Floats, x: Value) -> Value:
    """Return the arc tangent."""
    # Beyond, the result is π/2 and no longer changes; an infinite quotient is kept out.
    y = f.at_most(f.abs(x), 2.0 ** (f.format.mantissa + 5))
    steep = f.compare(y, ">", f.number(_WIDE))
    middle = f.compare(y, ">", f.number(_NARROW))
    one = f.number(1.0)

    def chosen(low: Value, mid: Value, high: Value) -> Value:
        return f.select(steep, high, f.select(middle, mid, low))

    zero, more = f.number(0.0), f.add(y, one)
    over = chosen(y, f.sub(y, one), f.number(-1.0))
    under = Pair(chosen(one, more, y), chosen(zero, f.sub(y, f.sub(more, one)), zero))
    reciprocal = f.div(one, under.high)
    z = f.mul(over, reciprocal)
    rest = f.fma(f.neg(z), under.high, over)
    lost = f.mul(f.fma(f.neg(z), under.low, rest), reciprocal)
    base = chosen(zero, f.number(0.25), f.number(0.5))
    high = f.mul(base, f.number(_numbers(f).pi_high))
    rest = f.fma(base, f.number(_numbers(f).pi_low), f.add(_series(f, z), lost))
    return f.copysign(_sum(f, high, z, rest), x)


def _sum(f: Floats, base: Value, z: Value, rest: Value) -> Value:
    total = f.sum_in_order(base, z)
    return f.add(total.high, f.add(total.low, rest))


def arctan2(f: Floats, y: Value, x: Value) -> Value:
    """Return the angle of the point (x, y)."""
    up, along = _in_range(f, f.abs(y), f.abs(x))
    result = _placed(f, y, x, _quotient(f, up, along))
    return f.select(f.builder.fcmp_unordered("uno", x, y), f.add(x, y), result)


def _in_range(f: Floats, up: Value, along: Value) -> tuple[Value, Value]:
    """Return coordinates of the same direction that neither overflow nor lose their errors."""
    both = (up, along)
    zero, one, infinite = (f.number(c) for c in (0.0, 1.0, float("inf")))
    far = [f.compare(each, "==", infinite) for each in both]
    near = [f.select(f.builder.or_(*far), f.select(each, one, zero), old)
            for each, old in zip(far, both, strict=True)]  # fmt: skip
    top = f.number(2.0 ** (f.format.bias - 2))
    bottom = f.number(f.format.tiny * 2.0 ** (2 * f.format.mantissa))
    large = f.builder.or_(*(f.compare(each, ">", top) for each in near))
    small = f.builder.and_(*(f.compare(each, "<", bottom) for each in near))
    factor = f.select(large, f.number(0.125), one)
    factor = f.select(small, f.number(2.0 ** (2 * f.format.mantissa)), factor)
    up, along = (f.mul(each, factor) for each in near)
    origin = f.builder.and_(f.compare(up, "==", zero), f.compare(along, "==", zero))
    return up, f.select(origin, one, along)


def _placed(f: Floats, y: Value, x: Value, parts: _Parts) -> Value:
    """Return the angle in the right quadrant: base ± arctan z, with the sign of y."""
    left = f.builder.icmp_signed("<", f.bits(x), f.integer(0))
    turn = f.select(left, f.sub(f.number(4.0), parts.base), parts.base)
    quarter = f.mul(turn, f.number(0.25))
    rest = f.add(_series(f, parts.z), parts.lost)
    z = f.select(left, f.neg(parts.z), parts.z)
    rest = f.select(left, f.neg(rest), rest)
    rest = f.fma(quarter, f.number(_numbers(f).pi_low), rest)
    high = f.mul(quarter, f.number(_numbers(f).pi_high))
    return f.copysign(_sum(f, high, z, rest), y)
