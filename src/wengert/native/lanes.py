"""The builder that scalar formulas use: NumPy's elementwise arithmetic on vectors of lanes.

A record says ``scalar=lambda b, x: b.tanh(x)``; ``b`` is a ``Lanes``. Operands are vectors in
registers, or Python numbers, which take the dtype of what they meet as they do in NumPy.
"""

from __future__ import annotations

import numpy as np

from wengert.base.dtypes import Dtype
from wengert.native import integers, llvm
from wengert.native.casting import convert, is_true, register_type
from wengert.native.llvm import Value
from wengert.native.math import arctangent, circular, error, exponential, logarithm, power
from wengert.native.math.floats import Floats
from wengert.native.registers import Operand, Registers, Vector, kind, resolved

_HALF, _DOUBLE, _BOOL = np.dtype("float16"), np.dtype("float64"), np.dtype(bool)


class Lanes(Registers):
    """Emits elementwise arithmetic for ``count`` lanes at the place of an LLVM builder.

    Each method is NumPy's function of the same meaning, promotion included: ``add`` of an
    int64 and a float32 is computed in float64. Algebra has NumPy's bits; transcendental
    functions stay within ``math.bounds.ULP``.
    """

    # -- Arithmetic -------------------------------------------------------------------------------

    def add(self, x: Operand, y: Operand) -> Vector:
        """Return x + y."""
        return self.instruction(np.add, {"f": "fadd", "i": "add", "u": "add", "b": "or_"}, x, y)

    def sub(self, x: Operand, y: Operand) -> Vector:
        """Return x − y."""
        return self.instruction(np.subtract, {"f": "fsub", "i": "sub", "u": "sub"}, x, y)

    def mul(self, x: Operand, y: Operand) -> Vector:
        """Return x · y."""
        return self.instruction(
            np.multiply, {"f": "fmul", "i": "mul", "u": "mul", "b": "and_"}, x, y
        )

    def div(self, x: Operand, y: Operand) -> Vector:
        """Return x / y, a float also for integers."""
        return self.instruction(np.divide, {"f": "fdiv"}, x, y)

    def neg(self, x: Operand) -> Vector:
        """Return −x."""
        return self.instruction(np.negative, {"f": "fneg", "i": "neg", "u": "neg"}, x)

    def fma(self, x: Operand, y: Operand, z: Operand) -> Vector:
        """Return x · y + z with one rounding, in the dtype of the multiplication."""
        product = resolved(np.multiply, kind(x), kind(y))[-1]
        if product.kind != "f" or product == _HALF:
            return self.add(self.mul(x, y), z)
        values = [self.cast(each, product).value for each in (x, y, z)]
        return Vector(self.floats(product).fma(*values), product)

    def square(self, x: Operand) -> Vector:
        """Return x²."""

        def emit(dtype: Dtype, value: Value) -> Value:
            multiply = self.builder.fmul if dtype.kind == "f" else self.builder.mul
            return multiply(value, value)

        return self.apply(np.square, emit, x)

    def reciprocal(self, x: Operand) -> Vector:
        """Return 1 / x; of an integer its whole part."""

        def emit(dtype: Dtype, value: Value) -> Value:
            through = dtype if dtype.kind == "f" else _DOUBLE
            wide = convert(self.builder, value, dtype, through, self.count)
            result = self.builder.fdiv(llvm.constant(wide.type, 1.0), wide)
            return convert(self.builder, result, through, dtype, self.count)

        return self.apply(np.reciprocal, emit, x)

    def sqrt(self, x: Operand) -> Vector:
        """Return the square root, rounded once."""

        def emit(f: Floats, value: Value) -> Value:
            return self.intrinsic("sqrt", value)

        return self.function(np.sqrt, emit, x)

    def abs(self, x: Operand) -> Vector:
        """Return |x|."""

        def emit(dtype: Dtype, value: Value) -> Value:
            if dtype.kind == "f":
                return self.intrinsic("fabs", value)
            return integers.absolute(self.builder, value) if dtype.kind == "i" else value

        return self.apply(np.absolute, emit, x)

    def floor(self, x: Operand) -> Vector:
        """Return the greatest whole number that is not above x."""
        return self._rounded(np.floor, "floor", x)

    def ceil(self, x: Operand) -> Vector:
        """Return the least whole number that is not below x."""
        return self._rounded(np.ceil, "ceil", x)

    def trunc(self, x: Operand) -> Vector:
        """Return x without its fraction."""
        return self._rounded(np.trunc, "trunc", x)

    def rint(self, x: Operand) -> Vector:
        """Return the nearest whole number, of two the even one."""
        return self._rounded(np.rint, "rint", x)

    def copysign(self, x: Operand, y: Operand) -> Vector:
        """Return the size of x with the sign of y."""
        return self.function(np.copysign, Floats.copysign, x, y)

    def _rounded(self, function: np.ufunc, name: str, x: Operand) -> Vector:
        def emit(dtype: Dtype, value: Value) -> Value:
            return self.intrinsic(name, value) if dtype.kind == "f" else value

        return self.apply(function, emit, x)

    def sign(self, x: Operand) -> Vector:
        """Return −1, 0 or 1; NaN stays."""

        def emit(dtype: Dtype, value: Value) -> Value:
            zero, one = (llvm.constant(value.type, c) for c in (0, 1))
            above = self._ordered(dtype, ">", value, zero)
            if dtype.kind == "u":
                return self.builder.select(above, one, zero)
            below = self._ordered(dtype, "<", value, zero)
            level = zero
            if dtype.kind == "f":
                level = self.builder.select(
                    self.builder.fcmp_ordered("==", value, zero), zero, value
                )
            level = self.builder.select(below, llvm.constant(value.type, -1), level)
            return self.builder.select(above, one, level)

        return self.apply(np.sign, emit, x)

    def _intrinsic(self, name: str, value: Value) -> Value:
        called = f"llvm.{name}.{llvm.suffix(value.type)}"
        return llvm.intrinsic(self.builder, called, value.type, [value])

    # -- Extremes and choice ----------------------------------------------------------------------

    def max(self, x: Operand, y: Operand) -> Vector:
        """Return the larger; NaN where one is NaN."""
        return self._extreme(np.maximum, ">", x, y)

    def min(self, x: Operand, y: Operand) -> Vector:
        """Return the smaller; NaN where one is NaN."""
        return self._extreme(np.minimum, "<", x, y)

    def _extreme(self, function: np.ufunc, wins: str, x: Operand, y: Operand) -> Vector:
        def emit(dtype: Dtype, x: Value, y: Value) -> Value:
            if dtype.kind == "b":
                return self.builder.or_(x, y) if wins == ">" else self.builder.and_(x, y)
            # The second of two wins a comparison with NaN: a constant is no NaN and goes first.
            if llvm.is_constant(y):
                x, y = y, x
            best = self.builder.select(self._ordered(dtype, wins, x, y), x, y)
            if dtype.kind != "f" or llvm.is_constant(x):
                return best
            return self.builder.select(self.builder.fcmp_unordered("uno", x, x), x, best)

        return self.apply(function, emit, x, y)

    def select(self, condition: Operand, x: Operand, y: Operand) -> Vector:
        """Return x where the condition is not zero, y elsewhere."""
        kinds = [e.dtype if isinstance(e, Vector) else e for e in (x, y)]
        dtype = np.result_type(*kinds)
        a, b = (self.cast(each, dtype).value for each in (x, y))
        return Vector(self.builder.select(self._truth(condition), a, b), dtype)

    def _truth(self, x: Operand) -> Value:
        vector = x if isinstance(x, Vector) else self.constant(bool(x), _BOOL)
        return is_true(self.builder, vector.value, vector.dtype)

    # -- Comparison and logic ---------------------------------------------------------------------

    def lt(self, x: Operand, y: Operand) -> Vector:
        """Return where x < y."""
        return self._compare(np.less, "<", x, y)

    def le(self, x: Operand, y: Operand) -> Vector:
        """Return where x ≤ y."""
        return self._compare(np.less_equal, "<=", x, y)

    def gt(self, x: Operand, y: Operand) -> Vector:
        """Return where x > y."""
        return self._compare(np.greater, ">", x, y)

    def ge(self, x: Operand, y: Operand) -> Vector:
        """Return where x ≥ y."""
        return self._compare(np.greater_equal, ">=", x, y)

    def eq(self, x: Operand, y: Operand) -> Vector:
        """Return where x = y."""
        return self._compare(np.equal, "==", x, y)

    def ne(self, x: Operand, y: Operand) -> Vector:
        """Return where x ≠ y; NaN differs from everything."""
        return self._compare(np.not_equal, "!=", x, y)

    def _compare(self, function: np.ufunc, how: str, x: Operand, y: Operand) -> Vector:
        first, second, _ = resolved(function, kind(x), kind(y))
        if {first.kind, second.kind} == {"i", "u"}:
            a, b = self.cast(x, first).value, self.cast(y, second).value
            found = integers.compare_mixed(self.builder, how, (a, b), first.kind == "i")
            return Vector(found, _BOOL)

        def emit(dtype: Dtype, a: Value, b: Value) -> Value:
            return self._ordered(dtype, how, a, b)

        return self.apply(function, emit, x, y)

    def _ordered(self, dtype: Dtype, how: str, x: Value, y: Value) -> Value:
        if dtype.kind == "f":
            unequal = how == "!="
            return (self.builder.fcmp_unordered if unequal else self.builder.fcmp_ordered)(
                how, x, y
            )
        signed = dtype.kind == "i"
        return (self.builder.icmp_signed if signed else self.builder.icmp_unsigned)(how, x, y)

    def and_(self, x: Operand, y: Operand) -> Vector:
        """Return where both are not zero."""
        return Vector(self.builder.and_(self._truth(x), self._truth(y)), _BOOL)

    def or_(self, x: Operand, y: Operand) -> Vector:
        """Return where at least one is not zero."""
        return Vector(self.builder.or_(self._truth(x), self._truth(y)), _BOOL)

    def not_(self, x: Operand) -> Vector:
        """Return where x is zero."""
        return Vector(self.builder.not_(self._truth(x)), _BOOL)

    def isnan(self, x: Operand) -> Vector:
        """Return where x is not a number."""

        def emit(dtype: Dtype, value: Value) -> Value:
            if dtype.kind != "f":
                return llvm.constant(register_type(_BOOL, self.count), 0)
            return self.builder.fcmp_unordered("uno", value, value)

        return self.apply(np.isnan, emit, x)

    def isinf(self, x: Operand) -> Vector:
        """Return where x is infinite."""
        return self.eq(self.abs(x), float("inf"))

    def signbit(self, x: Operand) -> Vector:
        """Return where the sign of x is negative, also of zero."""
        return self.lt(self.copysign(1.0, x), 0)

    def isfinite(self, x: Operand) -> Vector:
        """Return where x is neither infinite nor NaN."""

        def emit(dtype: Dtype, value: Value) -> Value:
            if dtype.kind != "f":
                return llvm.constant(register_type(_BOOL, self.count), 1)
            infinite = llvm.constant(value.type, float("inf"))
            return self.builder.fcmp_ordered("<", self.intrinsic("fabs", value), infinite)

        return self.apply(np.isfinite, emit, x)

    # -- Bits -------------------------------------------------------------------------------------

    def bit_and(self, x: Operand, y: Operand) -> Vector:
        """Return the bits that stand in both integers."""
        return self.instruction(np.bitwise_and, {"i": "and_", "u": "and_", "b": "and_"}, x, y)

    def bit_not(self, x: Operand) -> Vector:
        """Return the bits that an integer lacks."""
        return self.instruction(np.invert, {"i": "not_", "u": "not_", "b": "not_"}, x)

    def bit_xor(self, x: Operand, y: Operand) -> Vector:
        """Return the bits in which two integers differ."""
        return self.instruction(np.bitwise_xor, {"i": "xor", "u": "xor", "b": "xor"}, x, y)

    def bit_or(self, x: Operand, y: Operand) -> Vector:
        """Return the bits that stand in one integer or the other."""
        return self.instruction(np.bitwise_or, {"i": "or_", "u": "or_", "b": "or_"}, x, y)

    def shift_left(self, x: Operand, by: int) -> Vector:
        """Return an integer with its bits moved up by less than its width."""
        return self.instruction(np.left_shift, {"i": "shl", "u": "shl"}, x, by)

    def shift_right(self, x: Operand, by: int) -> Vector:
        """Return an integer with its bits moved down by less than its width."""
        return self.instruction(np.right_shift, {"i": "ashr", "u": "lshr"}, x, by)

    def rotate_left(self, x: Vector, by: int) -> Vector:
        """Return an unsigned integer with its bits moved round."""
        width = 8 * x.dtype.itemsize
        return self.bit_or(self.shift_left(x, by), self.shift_right(x, width - by))

    # -- Functions --------------------------------------------------------------------------------

    def exp(self, x: Operand) -> Vector:
        """Return eˣ."""
        return self.function(np.exp, exponential.exp, x)

    def exp2(self, x: Operand) -> Vector:
        """Return 2ˣ."""
        return self.function(np.exp2, exponential.exp2, x)

    def expm1(self, x: Operand) -> Vector:
        """Return eˣ − 1."""
        return self.function(np.expm1, exponential.expm1, x)

    def sinh(self, x: Operand) -> Vector:
        """Return the hyperbolic sine."""
        return self.function(np.sinh, exponential.sinh, x)

    def cosh(self, x: Operand) -> Vector:
        """Return the hyperbolic cosine."""
        return self.function(np.cosh, exponential.cosh, x)

    def tanh(self, x: Operand) -> Vector:
        """Return the hyperbolic tangent."""
        return self.function(np.tanh, exponential.tanh, x)

    def log(self, x: Operand) -> Vector:
        """Return the natural logarithm."""
        return self.function(np.log, logarithm.log, x)

    def log1p(self, x: Operand) -> Vector:
        """Return log(1 + x)."""
        return self.function(np.log1p, logarithm.log1p, x)

    def log2(self, x: Operand) -> Vector:
        """Return the logarithm to the base 2."""
        return self.function(np.log2, logarithm.log2, x)

    def log10(self, x: Operand) -> Vector:
        """Return the logarithm to the base 10."""
        return self.function(np.log10, logarithm.log10, x)

    def sin(self, x: Operand) -> Vector:
        """Return the sine."""
        return self.function(np.sin, circular.sin, x)

    def cos(self, x: Operand) -> Vector:
        """Return the cosine."""
        return self.function(np.cos, circular.cos, x)

    def tan(self, x: Operand) -> Vector:
        """Return the tangent."""
        return self.function(np.tan, circular.tan, x)

    def arctan(self, x: Operand) -> Vector:
        """Return the arc tangent."""
        return self.function(np.arctan, arctangent.arctan, x)

    def arctan2(self, y: Operand, x: Operand) -> Vector:
        """Return the angle of the point (x, y)."""
        return self.function(np.arctan2, arctangent.arctan2, y, x)

    def erf(self, x: Operand) -> Vector:
        """Return the error function."""
        return self.function(np.tanh, error.erf, x)

    def pow(self, x: Operand, y: Operand) -> Vector:
        """Return x to the power y; a whole power of integers must be known not to be negative."""

        def emit(dtype: Dtype, x: Value, y: Value) -> Value:
            if dtype.kind == "f":
                return power.pow(self.floats(dtype), x, y)
            return integers.power(self.builder, x, y, dtype.kind == "i")

        return self.apply(np.power, emit, x, y)
