"""Plain arithmetic on vectors of one binary floating-point format, on raw LLVM values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import frexp
from typing import NamedTuple

from wengert.native import llvm
from wengert.native.llvm import Builder, Type, Value


@dataclass(frozen=True, slots=True)
class Format:
    """A binary format: how its bits lie, and constants that depend on it."""

    element: Type
    whole: Type
    mantissa: int
    bias: int

    @property
    def sign(self) -> int:
        """Return the bit of the sign."""
        return 1 << (self.whole.width - 1)

    @property
    def tiny(self) -> float:
        """Return the least normal number."""
        return 2.0 ** (1 - self.bias)


BINARY32 = Format(llvm.F32, llvm.I32, 23, 127)
BINARY64 = Format(llvm.F64, llvm.I64, 52, 1023)


class Pair(NamedTuple):
    """A number as the unrounded sum of two: the second corrects the first."""

    high: Value
    low: Value


class Floats:
    """Arithmetic on vectors of one format. Integers beside them are as wide as the floats."""

    def __init__(self, builder: Builder, format: Format, lanes: int) -> None:
        self.builder, self.format, self.lanes = builder, format, lanes
        self.type = llvm.vector(format.element, lanes)
        self.whole = llvm.vector(format.whole, lanes)
        self.single = format is BINARY32

    # -- Constants --------------------------------------------------------------------------------

    def number(self, value: float) -> Value:
        """Return a floating-point constant."""
        return llvm.constant(self.type, value)

    def integer(self, value: int) -> Value:
        """Return an integer constant; its bits are what counts."""
        limit = self.format.sign
        return llvm.constant(self.whole, value - 2 * limit if value >= limit else value)

    # -- Arithmetic -------------------------------------------------------------------------------

    def add(self, x: Value, y: Value) -> Value:
        """Return x + y."""
        return self.builder.fadd(x, y)

    def sub(self, x: Value, y: Value) -> Value:
        """Return x − y."""
        return self.builder.fsub(x, y)

    def mul(self, x: Value, y: Value) -> Value:
        """Return x · y."""
        return self.builder.fmul(x, y)

    def div(self, x: Value, y: Value) -> Value:
        """Return x / y."""
        return self.builder.fdiv(x, y)

    def fma(self, x: Value, y: Value, z: Value) -> Value:
        """Return x · y + z with one rounding."""
        return self._intrinsic("fma", x, y, z)

    def neg(self, x: Value) -> Value:
        """Return −x."""
        return self.builder.fneg(x)

    def abs(self, x: Value) -> Value:
        """Return |x|."""
        return self._intrinsic("fabs", x)

    def copysign(self, x: Value, sign: Value) -> Value:
        """Return |x| with the sign of the other."""
        return self._intrinsic("copysign", x, sign)

    def _intrinsic(self, name: str, *arguments: Value) -> Value:
        called = f"llvm.{name}.{llvm.suffix(self.type)}"
        return llvm.intrinsic(self.builder, called, self.type, arguments)

    def polynomial(self, x: Value, coefficients: Sequence[float]) -> Value:
        """Return c₀ + c₁x + c₂x² + …, even and odd powers apart: half the latency."""
        numbers = [self.number(c) for c in coefficients]
        if len(numbers) < 4:
            return self._horner(x, numbers)
        square = self.mul(x, x)
        odd = self._horner(square, numbers[1::2])
        return self.fma(x, odd, self._horner(square, numbers[::2]))

    def _horner(self, x: Value, numbers: Sequence[Value]) -> Value:
        result = numbers[-1]
        for number in reversed(numbers[:-1]):
            result = self.fma(result, x, number)
        return result

    # -- Choice -----------------------------------------------------------------------------------

    def compare(self, x: Value, how: str, y: Value) -> Value:
        """Return where an ordered comparison holds (never where one is NaN)."""
        return self.builder.fcmp_ordered(how, x, y)

    def select(self, condition: Value, x: Value, y: Value) -> Value:
        """Return x where the condition holds, y elsewhere."""
        return self.builder.select(condition, x, y)

    def at_most(self, x: Value, limit: float) -> Value:
        """Return x, but no more than the limit; NaN stays."""
        top = self.number(limit)
        return self.select(self.compare(x, ">", top), top, x)

    def at_least(self, x: Value, limit: float) -> Value:
        """Return x, but no less than the limit; NaN stays."""
        bottom = self.number(limit)
        return self.select(self.compare(x, "<", bottom), bottom, x)

    # -- Bits -------------------------------------------------------------------------------------

    def bits(self, x: Value) -> Value:
        """Return the bits of floats as integers."""
        return self.builder.bitcast(x, self.whole)

    def from_bits(self, x: Value) -> Value:
        """Return the floats of these bits."""
        return self.builder.bitcast(x, self.type)

    def shifted_left(self, x: Value, by: int) -> Value:
        """Return integers times 2^by."""
        return self.builder.shl(x, self.integer(by))

    def shifted_right(self, x: Value, by: int) -> Value:
        """Return integers, not negative, divided by 2^by."""
        return self.builder.lshr(x, self.integer(by))

    def nearest(self, x: Value) -> tuple[Value, Value]:
        """Return the nearest whole number as float and as integer, for |x| < 2^(mantissa − 2)."""
        # Beside 1.5 · 2^mantissa the last place is worth one.
        magic = self.number(1.5 * 2.0**self.format.mantissa)
        shifted = self.add(x, magic)
        whole = self.builder.sub(self.bits(shifted), self.bits_of(1.5 * 2.0**self.format.mantissa))
        return self.sub(shifted, magic), whole

    def bits_of(self, value: float) -> Value:
        """Return the bits of a power of two, or of one and a half of it, as a constant."""
        part, exponent = frexp(value)
        field = self.format.bias + exponent - 1
        fraction = 0 if part == 0.5 else 1 << (self.format.mantissa - 1)
        return self.integer((field << self.format.mantissa) | fraction)

    def power_of_two(self, exponent: Value) -> Value:
        """Return 2^n for integers in the range of normal numbers."""
        biased = self.builder.add(exponent, self.integer(self.format.bias))
        return self.from_bits(self.shifted_left(biased, self.format.mantissa))

    def scaled(self, x: Value, exponent: Value) -> Value:
        """Return x · 2^n, rounded once, also where the result is subnormal or infinite."""
        both = self.builder.add(exponent, self.integer(2 * self.format.bias))
        first = self.shifted_right(both, 1)
        second = self.builder.sub(both, first)
        for half in (first, second):
            x = self.mul(x, self.from_bits(self.shifted_left(half, self.format.mantissa)))
        return x

    # -- Pairs ------------------------------------------------------------------------------------

    def sum_in_order(self, big: Value, small: Value) -> Pair:
        """Return big + small exactly, where |big| ≥ |small| or big is zero (Dekker's Fast2Sum)."""
        high = self.add(big, small)
        return Pair(high, self.add(self.sub(big, high), small))

    def sum_exactly(self, x: Value, y: Value) -> Pair:
        """Return x + y exactly, whichever is larger (Knuth's 2Sum)."""
        high = self.add(x, y)
        part = self.sub(high, x)
        return Pair(high, self.add(self.sub(x, self.sub(high, part)), self.sub(y, part)))

    def product_exactly(self, x: Value, y: Value) -> Pair:
        """Return x · y exactly."""
        high = self.mul(x, y)
        return Pair(high, self.fma(x, y, self.neg(high)))

    def quotient(self, over: Pair, under: Pair) -> Value:
        """Return a quotient of pairs, rounded once or nearly so."""
        reciprocal = self.div(self.number(1.0), under.high)
        first = self.mul(over.high, reciprocal)
        rest = self.fma(self.neg(first), under.high, over.high)
        rest = self.add(rest, self.fma(self.neg(first), under.low, over.low))
        return self.fma(rest, reciprocal, first)
