"""What integers need beyond one instruction: absolute values, mixed comparisons, powers."""

from __future__ import annotations

from wengert.base.errors import DtypeError
from wengert.native import llvm
from wengert.native.llvm import Builder, Value


def absolute(builder: Builder, x: Value) -> Value:
    """Return |x|; the most negative number stays as it is."""
    negative = builder.icmp_signed("<", x, llvm.constant(x.type, 0))
    return builder.select(negative, builder.neg(x), x)


def compare_mixed(builder: Builder, how: str, pair: tuple[Value, Value], first: bool) -> Value:
    """Compare a signed with an unsigned number by value; ``first`` says which is signed."""
    x, y = pair
    if how in ("==", "!="):
        signed = x if first else y
        negative = builder.icmp_signed("<", signed, llvm.constant(x.type, 0))
        same = builder.and_(builder.icmp_unsigned("==", x, y), builder.not_(negative))
        return same if how == "==" else builder.not_(same)
    signed = x if first else y
    negative = builder.icmp_signed("<", signed, llvm.constant(x.type, 0))
    # A negative number lies below every unsigned one.
    holds = how.startswith("<") if first else how.startswith(">")
    always = llvm.constant(negative.type, int(holds))
    return builder.select(negative, always, builder.icmp_unsigned(how, x, y))


def power(builder: Builder, x: Value, y: Value, signed: bool) -> Value:
    """Return x to the power y, modulo the width, by squaring."""
    if signed:
        raise DtypeError(
            "a signed integer to the power of a signed integer",
            expected="an exponent that cannot be negative, or real numbers",
            got="exponents that are known only when the program runs",
            remedy='x.astype("float64") ** p, or x * x',
        )
    one, zero = llvm.constant(x.type, 1), llvm.constant(x.type, 0)
    result = one
    width = llvm.element_of(x.type).width
    for bit in range(width):
        place = 1 << bit if bit < width - 1 else -(1 << bit)
        taken = builder.and_(y, llvm.constant(y.type, place))
        wanted = builder.icmp_unsigned("!=", taken, zero)
        result = builder.select(wanted, builder.mul(result, x), result)
        x = builder.mul(x, x)
    return result
