"""log, log1p, log2, log10 by one series in s = f / (2 + f).

x = 2ᵏ m with √½ ≤ m < √2 and f = m − 1, which is exact. log m = 2 artanh s = f − (h − s (h + R))
with h = f²/2 and R = s² L(s²), L a minimax polynomial (the scheme of Sun's fdlibm, 1993; the
polynomials are our own, by Remez' exchange).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from wengert.native.llvm import Value
from wengert.native.math.floats import Floats, Pair


@dataclass(frozen=True, slots=True)
class _Numbers:
    """What depends on the format. High words end in zeros: k times them is exact."""

    series: tuple[float, ...]
    root_half: int
    ln2: tuple[float, float]
    log10_2: tuple[float, float]
    per_ln2: tuple[float, float]
    per_ln10: tuple[float, float]


_SINGLE = _Numbers(
    series=(0.66666776, 0.39977366, 0.29876998),
    root_half=0x3F3504F3,
    ln2=(0.693145751953125, 1.428606765330187e-06),
    log10_2=(0.301025390625, 4.605039066518657e-06),
    per_ln2=(1.4426950216293335, 1.925963033500011e-08),
    per_ln10=(0.4342944920063019, -1.0103049952192578e-08),
)
_DOUBLE = _Numbers(
    series=(
        0.6666666666666736, 0.39999999999400637, 0.2857142874583018, 0.22222198189845524,
        0.1818358571330946, 0.15313467887186596, 0.14802117877465193,
    ),
    root_half=0x3FE6A09E667F3BCD,
    ln2=(0.693147180559663, 2.8235290563031577e-13),
    log10_2=(0.30102999566383914, 1.42050232272661e-13),
    per_ln2=(1.4426950408889634, 2.0355273740931033e-17),
    per_ln10=(0.4342944819032518, 1.098319650216765e-17),
)  # fmt: skip


def _numbers(f: Floats) -> _Numbers:
    return _SINGLE if f.single else _DOUBLE


class Split(NamedTuple):
    """x = 2ᵏ (1 + f); ``biased`` is k plus the format's bias, as an integer."""

    k: Value
    f: Value
    biased: Value


def split(f: Floats, x: Value) -> Split:
    """Split positive numbers, subnormal ones among them; what else comes in means nothing."""
    form = f.format
    small = f.compare(x, "<", f.number(form.tiny))
    lifted = form.mantissa + 2
    x = f.select(small, f.mul(x, f.number(2.0**lifted)), x)
    bias = form.bias << form.mantissa
    bits = f.bits(x)
    biased = f.shifted_right(
        f.builder.add(bits, f.integer(bias - _numbers(f).root_half)), form.mantissa
    )
    exponent = f.builder.sub(f.shifted_left(biased, form.mantissa), f.integer(bias))
    part = f.sub(f.from_bits(f.builder.sub(bits, exponent)), f.number(1.0))
    # An integer in the last places of 2^mantissa is that much more.
    unit = 2.0**form.mantissa
    shown = f.from_bits(f.builder.or_(biased, f.bits_of(unit)))
    off = f.select(small, f.number(unit + form.bias + lifted), f.number(unit + form.bias))
    return Split(f.sub(shown, off), part, biased)


def _series(f: Floats, part: Value) -> tuple[Value, Value, Value]:
    """Return h, s and h + R, of which log(1 + f) = f − (h − s (h + R))."""
    half = f.mul(f.mul(f.number(0.5), part), part)
    s = f.div(part, f.add(part, f.number(2.0)))
    square = f.mul(s, s)
    return half, s, f.fma(square, f.polynomial(square, _numbers(f).series), half)


def _together(f: Floats, k: Value, part: Value, below: Value) -> Value:
    """Return k ln 2 + (f − below), where below is small beside f and k ln 2."""
    high = f.mul(k, f.number(_numbers(f).ln2[0]))
    total = f.sum_in_order(high, part)
    return f.add(total.high, f.sub(total.low, below))


def _at_the_ends(f: Floats, x: Value, result: Value, zero: float) -> Value:
    """Return the result for x above ``zero``, −∞ there, NaN below, and ∞ and NaN as they are."""
    limit = f.number(zero)
    pole = f.compare(x, "==", limit)
    bad = f.select(pole, f.number(float("-inf")), f.number(float("nan")))
    result = f.select(f.compare(x, ">", limit), result, bad)
    return f.select(f.compare(x, "==", f.number(float("inf"))), x, result)


def log(f: Floats, x: Value) -> Value:
    """Return the natural logarithm."""
    k, part, _ = split(f, x)
    half, s, sum_ = _series(f, part)
    low = f.mul(k, f.number(_numbers(f).ln2[1]))
    below = f.sub(half, f.fma(s, sum_, low))
    return _at_the_ends(f, x, _together(f, k, part, below), 0.0)


def log1p(f: Floats, x: Value) -> Value:
    """Return log(1 + x): what 1 + x lost is put back through the slope of the logarithm."""
    one = f.number(1.0)
    u = f.sum_exactly(one, x)
    k, part, biased = split(f, u.high)
    # 2¹⁻ᵏ, which is zero where k is so large that nothing was lost.
    inverse = f.builder.sub(f.integer(2 * f.format.bias + 1), biased)
    lost = f.mul(f.number(0.5), f.from_bits(f.shifted_left(inverse, f.format.mantissa)))
    lost = f.mul(u.low, lost)
    half, s, sum_ = _series(f, part)
    # 1 / (1 + f) = 1 − 2s + 2s² − …; a few digits are enough.
    slope = f.fma(f.fma(s, s, f.neg(s)), f.number(2.0), one)
    low = f.fma(lost, slope, f.mul(k, f.number(_numbers(f).ln2[1])))
    below = f.sub(half, f.fma(s, sum_, low))
    result = f.copysign(_together(f, k, part, below), x)
    return _at_the_ends(f, x, result, -1.0)


def log_pair(f: Floats, part: Value) -> Pair:
    """Return log(1 + f) as a pair."""
    half, s, sum_ = _series(f, part)
    high = f.sub(part, half)
    low = f.sub(f.sub(part, high), half)
    return Pair(high, f.fma(s, sum_, low))


def _scaled(f: Floats, x: Value, unit: tuple[float, float], two: tuple[float, float]) -> Value:
    """Return k · two + log(1 + f) · unit, each constant in two words."""
    k, part, _ = split(f, x)
    high, low = log_pair(f, part)
    main = f.product_exactly(high, f.number(unit[0]))
    rest = f.fma(low, f.number(unit[0]), main.low)
    rest = f.fma(f.add(high, low), f.number(unit[1]), rest)
    total = f.sum_in_order(f.mul(k, f.number(two[0])), main.high)
    rest = f.add(f.fma(k, f.number(two[1]), total.low), rest)
    return _at_the_ends(f, x, f.add(total.high, rest), 0.0)


def log2(f: Floats, x: Value) -> Value:
    """Return the logarithm to the base 2."""
    return _scaled(f, x, _numbers(f).per_ln2, (1.0, 0.0))


def log10(f: Floats, x: Value) -> Value:
    """Return the logarithm to the base 10."""
    return _scaled(f, x, _numbers(f).per_ln10, _numbers(f).log10_2)
