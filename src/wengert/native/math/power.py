"""pow: exp(y log |x|), with a logarithm of twice the precision.

In binary64 the leading terms of 2 artanh s, s = f / (2 + f), are carried as pairs, so that even
|y log x| = 700 keeps its last digit; only the tail of the series is a plain polynomial. In binary32
the same formula in plain binary64 has digits to spare.
"""

from __future__ import annotations

from math import log

from wengert.native import llvm
from wengert.native.llvm import Value
from wengert.native.math.exponential import exp_of_pair
from wengert.native.math.floats import BINARY64, Floats, Pair
from wengert.native.math.logarithm import split

# For exponents beyond this the result is 0, 1 or infinite, and products stay finite.
_LARGE = 2.0**66
_LN2 = (0.6931471805599453, 2.3190468138462996e-17)
# The high word ends in zeros: times a whole number of 11 bits it is exact.
_LN2_CUT = (0.693147180559663, 2.8235290563031577e-13)
_TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)
# artanh behind its third power, and all of it for binary32; e^r behind its first power.
_TAIL = (
    0.4, 0.28571428571428575, 0.22222222222221252, 0.18181818182034798, 0.15384615355463863,
    0.13333335840571245, 0.1176456482650832, 0.10531479249242164, 0.09405665659726749,
    0.10215843500344403,
)  # fmt: skip
_SHORT = (
    0.6666666667596647, 0.39999995555129575, 0.28572117223696264, 0.22175815444375482,
    0.19589985152825276,
)  # fmt: skip
_EXP = (
    0.5000000078781056, 0.16666666865750587, 0.04166626693388339, 0.008333263296647813,
    0.0013946291010415064, 0.00019918925794818918,
)  # fmt: skip


# Powers that are products, rounded once: binary32 multiplies in binary64.
_PRODUCTS = {1.0: 1, 2.0: 2, 3.0: 3}


def _product(f: Floats, x: Value, times: int) -> Value:
    wide = Floats(f.builder, BINARY64, f.lanes) if times > 2 else f
    x = x if wide is f else f.builder.fpext(x, wide.type)
    found = x
    for _ in range(times - 1):
        found = wide.mul(found, x)
    return found if wide is f else f.builder.fptrunc(found, f.type)


def pow(f: Floats, x: Value, y: Value) -> Value:
    """Return x to the power y."""
    exponent = llvm.number(y)
    if exponent in _PRODUCTS and (f.single or exponent < 3):
        return _product(f, x, _PRODUCTS[exponent])
    size = f.abs(x)
    result = _single(f, size, y) if f.single else _double(f, size, y)
    return _at_the_ends(f, x, y, result)


def _single(f: Floats, x: Value, y: Value) -> Value:
    wide = Floats(f.builder, BINARY64, f.lanes)
    x, y = (f.builder.fpext(each, wide.type) for each in (x, y))
    y = wide.at_most(wide.at_least(y, -_LARGE), _LARGE)
    k, part, _ = split(wide, x)
    s = wide.div(part, wide.add(part, wide.number(2.0)))
    square = wide.mul(s, s)
    series = wide.fma(square, wide.polynomial(square, _SHORT), wide.number(2.0))
    product = wide.mul(y, wide.fma(k, wide.number(log(2)), wide.mul(s, series)))
    product = wide.at_most(wide.at_least(product, -200.0), 200.0)
    n, whole = wide.nearest(wide.mul(product, wide.number(1 / log(2))))
    r = wide.fma(wide.neg(n), wide.number(log(2)), product)
    rest = wide.fma(wide.mul(r, r), wide.polynomial(r, _EXP), r)
    power = wide.power_of_two(whole)
    return f.builder.fptrunc(wide.fma(power, rest, power), f.type)


def _double(f: Floats, x: Value, y: Value) -> Value:
    logarithm = _log(f, x)
    y = f.at_most(f.at_least(y, -_LARGE), _LARGE)
    high, low = f.product_exactly(y, logarithm.high)
    low = f.fma(y, logarithm.low, low)
    held = f.at_most(f.at_least(high, -746.0), 710.0)
    low = f.select(f.compare(held, "==", high), low, f.number(0.0))
    n, whole = f.nearest(f.mul(held, f.number(1 / log(2))))
    minus = f.neg(n)
    r = f.fma(minus, f.number(_LN2[0]), held)
    return exp_of_pair(f, whole, f.sum_in_order(r, f.fma(minus, f.number(_LN2[1]), low)))


def _times(f: Floats, x: Pair, y: Pair) -> Pair:
    high, low = f.product_exactly(x.high, y.high)
    return Pair(high, f.fma(x.high, y.low, f.fma(x.low, y.high, low)))


def _log(f: Floats, x: Value) -> Pair:
    """Return log x to about 65 bits, for positive x."""
    k, part, _ = split(f, x)
    under = f.sum_in_order(f.number(2.0), part)
    reciprocal = f.div(f.number(1.0), under.high)
    s_high = f.mul(part, reciprocal)
    rest = f.fma(f.neg(s_high), under.high, part)
    s = Pair(s_high, f.mul(f.fma(f.neg(s_high), under.low, rest), reciprocal))
    square = _times(f, s, s)
    tail = f.mul(square.high, f.polynomial(square.high, _TAIL))
    factor = f.sum_in_order(f.number(_TWO_THIRDS[0]), tail)
    factor = Pair(factor.high, f.add(factor.low, f.number(_TWO_THIRDS[1])))
    cubic = _times(f, _times(f, s, square), factor)
    main = f.sum_in_order(f.add(s.high, s.high), cubic.high)
    low = f.add(main.low, f.fma(f.number(2.0), s.low, cubic.low))
    total = f.sum_in_order(f.mul(k, f.number(_LN2_CUT[0])), main.high)
    low = f.add(total.low, f.fma(k, f.number(_LN2_CUT[1]), low))
    return f.sum_in_order(total.high, low)


def _at_the_ends(f: Floats, x: Value, y: Value, result: Value) -> Value:
    """Put in what IEEE 754 says of zeros, infinities, NaN and negative bases."""
    zero, one, infinite, nan = (f.number(c) for c in (0.0, 1.0, float("inf"), float("nan")))
    size = f.abs(x)
    falls = f.compare(y, "<", zero)
    empty, endless = f.compare(size, "==", zero), f.compare(size, "==", infinite)
    result = f.select(empty, f.select(falls, infinite, zero), result)
    result = f.select(endless, f.select(falls, zero, infinite), result)
    whole, odd = _whole_and_odd(f, y)
    negative = f.builder.icmp_signed("<", f.bits(x), f.integer(0))
    result = f.select(f.builder.and_(negative, odd), f.neg(result), result)
    inner = f.builder.and_(f.compare(x, "<", zero), f.builder.not_(endless))
    result = f.select(f.builder.and_(inner, f.builder.not_(whole)), nan, result)
    result = f.select(f.builder.fcmp_unordered("uno", x, y), nan, result)
    certain = f.builder.or_(f.compare(x, "==", one), f.compare(y, "==", zero))
    return f.select(certain, one, result)


def _whole_and_odd(f: Floats, y: Value) -> tuple[Value, Value]:
    name = f"llvm.floor.{llvm.suffix(f.type)}"
    half = f.mul(y, f.number(0.5))
    down, down_half = (llvm.intrinsic(f.builder, name, f.type, [e]) for e in (y, half))
    whole = f.compare(down, "==", y)
    even = f.compare(down_half, "==", half)
    return whole, f.builder.and_(whole, f.builder.not_(even))
