"""sin, cos, tan: the nearest multiple of π/2 taken off, then two polynomials.

π/2 stands in three words, and with fma the first difference is exact and the second is kept with
its error (Cody and Waite, 1980). Arguments too large for that go one by one through
``remainder.py``. The polynomials on [−π/4, π/4] are minimax, by Remez' exchange.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi
from typing import NamedTuple

from wengert.native import llvm
from wengert.native.llvm import Value
from wengert.native.math.floats import Floats, Pair
from wengert.native.math.remainder import remainder


@dataclass(frozen=True, slots=True)
class _Numbers:
    """What depends on the format; up to ``limit`` three words of π/2 are enough."""

    half_pi: tuple[float, float, float]
    limit: float
    sin: tuple[float, ...]
    cos: tuple[float, ...]


_SINGLE = _Numbers(
    half_pi=(1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15),
    limit=2.0**17,
    sin=(-0.16666655, 0.00833217, -0.00019516032),
    cos=(0.041666646, -0.0013887356, 2.4437075e-05),
)
_DOUBLE = _Numbers(
    half_pi=(1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33),
    limit=2.0**30,
    sin=(
        -0.16666666666666632, 0.008333333333322228, -0.00019841269829645462,
        2.7557313631569252e-06, -2.5050748118306183e-08, 1.5896188362088947e-10,
    ),
    cos=(
        0.041666666666666595, -0.0013888888888873852, 2.4801587289301783e-05,
        -2.7557314297645623e-07, 2.087571552205319e-09, -1.135923136880309e-11,
    ),
)  # fmt: skip


def _numbers(f: Floats) -> _Numbers:
    return _SINGLE if f.single else _DOUBLE


class _Angle(NamedTuple):
    """x = quarter · π/2 + (r.high + r.low); of the quarter, only its last two bits count."""

    quarter: Value
    r: Pair


def _reduce(f: Floats, x: Value) -> _Angle:
    numbers = _numbers(f)
    first, second, third = (f.number(word) for word in numbers.half_pi)
    n, quarter = f.nearest(f.mul(x, f.number(2 / pi)))
    minus = f.neg(n)
    near, next_ = f.fma(minus, first, x), f.product_exactly(n, second)
    high, low = f.sum_in_order(near, f.neg(next_.high))
    low = f.fma(minus, third, f.sub(low, next_.low))
    far = f.compare(f.abs(x), ">", f.number(numbers.limit))
    return _far(f, x, far, _Angle(quarter, Pair(high, low)))


def _far(f: Floats, x: Value, far: Value, angle: _Angle) -> _Angle:
    """Put the exact remainder in the lanes that are far out, if there are any."""
    builder = f.builder
    start, near = builder.block, (angle.quarter, *angle.r)
    with builder.if_then(_any(f, far), likely=False):
        exact = _far_lanes(f, x, near)
        end = builder.block
    merged = [builder.phi(value.type) for value in near]
    for phi, old, new in zip(merged, near, exact, strict=True):
        phi.add_incoming(old, start)
        phi.add_incoming(new, end)
    return _Angle(merged[0], Pair(merged[1], merged[2]))


def _far_lanes(f: Floats, x: Value, near: tuple[Value, ...]) -> Sequence[Value]:
    builder, limit = f.builder, llvm.ir.Constant(f.format.element, _numbers(f).limit)
    one = Floats(builder, f.format, 1)
    if f.lanes == 1:
        return _exact(one, x)

    def body(lane: Value, *now: Value) -> list[Value]:
        old = [builder.extract_element(value, lane) for value in now]
        alone = builder.extract_element(x, lane)
        far = one.compare(one.abs(alone), ">", limit)
        new = [one.select(far, a, b) for a, b in zip(_exact(one, alone), old, strict=True)]
        return [builder.insert_element(v, a, lane) for v, a in zip(now, new, strict=True)]

    span = (llvm.integer(0), llvm.integer(f.lanes), llvm.integer(1))
    return llvm.loop(builder, span, body, near)


def _exact(f: Floats, x: Value) -> Sequence[Value]:
    """Return quarter, high and low of a single large angle."""
    builder = f.builder
    wide = builder.fpext(x, llvm.F64) if f.single else x
    found = builder.call(remainder(builder.module), [wide])
    quarter, high, low = (builder.extract_value(found, part) for part in range(3))
    if not f.single:
        return quarter, high, low
    near = builder.fptrunc(high, llvm.F32)
    rest = builder.fptrunc(builder.fsub(high, builder.fpext(near, llvm.F64)), llvm.F32)
    return builder.trunc(quarter, llvm.I32), near, rest


def _any(f: Floats, condition: Value) -> Value:
    if f.lanes == 1:
        return condition
    name = f"llvm.vector.reduce.or.{llvm.suffix(condition.type)}"
    return llvm.intrinsic(f.builder, name, llvm.BIT, [condition])


def _both(f: Floats, r: Pair) -> tuple[Pair, Pair]:
    """Return sine and cosine of a reduced angle."""
    square = f.mul(r.high, r.high)
    half = f.mul(f.number(0.5), square)
    main = f.sub(f.number(1.0), half)
    error = f.sub(f.sub(f.number(1.0), main), half)
    cube = f.mul(f.mul(r.high, square), f.polynomial(square, _numbers(f).sin))
    sine = Pair(r.high, f.fma(r.low, main, cube))
    fourth = f.mul(f.mul(square, square), f.polynomial(square, _numbers(f).cos))
    cosine = Pair(main, f.fma(f.neg(r.high), r.low, f.add(error, fourth)))
    return sine, cosine


def _bit(f: Floats, quarter: Value) -> Value:
    odd = f.builder.and_(quarter, f.integer(1))
    return f.builder.icmp_signed("!=", odd, f.integer(0))


def _turned(f: Floats, x: Value, quarter: Value) -> Value:
    """Return x, its sign changed where the second bit of the quarter is set."""
    bit = f.builder.and_(quarter, f.integer(2))
    sign = f.shifted_left(bit, f.format.whole.width - 2)
    return f.from_bits(f.builder.xor(f.bits(x), sign))


def _wave(f: Floats, quarter: Value, r: Pair) -> Value:
    sine, cosine = _both(f, r)
    odd = _bit(f, quarter)
    high = f.select(odd, cosine.high, sine.high)
    return _turned(f, f.add(high, f.select(odd, cosine.low, sine.low)), quarter)


def sin(f: Floats, x: Value) -> Value:
    """Return the sine."""
    quarter, r = _reduce(f, x)
    # A zero keeps its sign, which the corrections would lose.
    return f.select(f.compare(x, "==", f.number(0.0)), x, _wave(f, quarter, r))


def cos(f: Floats, x: Value) -> Value:
    """Return the cosine."""
    quarter, r = _reduce(f, x)
    return _wave(f, f.builder.add(quarter, f.integer(1)), r)


def tan(f: Floats, x: Value) -> Value:
    """Return the tangent."""
    quarter, r = _reduce(f, x)
    sine, cosine = (f.sum_in_order(*part) for part in _both(f, r))
    odd = _bit(f, quarter)
    over = Pair(*(f.select(odd, c, s) for s, c in zip(sine, cosine, strict=True)))
    under = Pair(*(f.select(odd, s, c) for s, c in zip(sine, cosine, strict=True)))
    result = f.quotient(over, under)
    result = f.select(odd, f.neg(result), result)
    return f.select(f.compare(x, "==", f.number(0.0)), x, result)
