"""The remainder of a large angle by π/2 (Payne and Hanek, SIGNUM Newsletter 18, 1983).

x = M 2ᵉ with a whole M of 53 bits. Of 2/π only the bits matter that M 2ᵉ moves to the last two
places before the point and behind it; 192 of them leave more than 130 good bits behind the point.
"""

from __future__ import annotations

from wengert.native import llvm
from wengert.native.llvm import Builder, Function, Module, Value, ir

_NAME = "wengert.remainder"
_TABLE = "wengert.two_over_pi"
_I128 = ir.IntType(128)
_RESULT = ir.LiteralStructType([llvm.I64, llvm.F64, llvm.F64])
_LEAST = 1075 - 62
_HALF_PI = (1.5707963267948966, 6.123233995736766e-17)

# 64 zeros, then the bits of 2/π.
_BITS = (
    0x0000000000000000, 0xA2F9836E4E441529, 0xFC2757D1F534DDC0, 0xDB6295993C439041,
    0xFE5163ABDEBBC561, 0xB7246E3A424DD2E0, 0x06492EEA09D1921C, 0xFE1DEB1CB129A73E,
    0xE88235F52EBB4484, 0xE99C7026B45F7E41, 0x3991D639835339F4, 0x9C845F8BBDF9283B,
    0x1FF897FFDE05980F, 0xEF2F118B5A0A6D1F, 0x6D367ECF27CB09B7, 0x4F463F669E5FEA2D,
    0x7527BAC7EBE5F17B, 0x3D0739F78A5292EA, 0x6BFB5FB11F8D5D08, 0x56033046FC7B6BAB,
    0xF0CFBC209AF4361D,
)  # fmt: skip


def remainder(module: Module) -> Function:
    """Return the function x → (quarter, high, low) of this module, made on first use.

    x = quarter · π/2 + (high + low) with |high| ≤ π/4, for |x| ≥ 2⁻¹⁰; NaN where x is not finite.
    """
    found = module.globals.get(_NAME)
    if found is not None:
        return found
    function = ir.Function(module, ir.FunctionType(_RESULT, [llvm.F64]), _NAME)
    function.linkage = "internal"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block())
    x = function.args[0]
    bits = builder.bitcast(x, llvm.I64)
    field = builder.and_(builder.lshr(bits, _i64(52)), _i64(0x7FF))
    finite = builder.icmp_signed("<", field, _i64(0x7FF))
    # Neighbouring lanes may be anything; what comes of them is not used.
    usable = builder.and_(finite, builder.icmp_signed(">=", field, _i64(_LEAST)))
    high, low = _product(builder, bits, builder.select(usable, field, _i64(_LEAST)))
    quarter, fraction, rest = _parted(builder, high, low)
    results = _radians(builder, fraction, rest, builder.and_(bits, _i64(-(2**63))))
    negative = builder.icmp_signed("<", bits, _i64(0))
    quarter = builder.select(negative, builder.neg(quarter), quarter)
    nan = ir.Constant(llvm.F64, float("nan"))
    results = [builder.select(finite, each, nan) for each in results]
    builder.ret(_struct(builder, [quarter, *results]))
    return function


def _i64(value: int) -> Value:
    return ir.Constant(llvm.I64, value - 2**64 if value >= 2**63 else value)


def _struct(builder: Builder, parts: list[Value]) -> Value:
    result = ir.Constant(_RESULT, ir.Undefined)
    for place, part in enumerate(parts):
        result = builder.insert_value(result, part, place)
    return result


def _table(module: Module) -> Value:
    table = ir.GlobalVariable(module, ir.ArrayType(llvm.I64, len(_BITS)), _TABLE)
    table.linkage, table.global_constant = "internal", True
    table.initializer = ir.Constant(table.value_type, [_i64(word) for word in _BITS])
    return table


def _product(builder: Builder, bits: Value, field: Value) -> tuple[Value, Value]:
    """Return M · 2ᵉ · 2/π modulo 4 in 192 bits, two of them before the point: 64 and 128."""
    mantissa = builder.or_(builder.and_(bits, _i64(2**52 - 1)), _i64(2**52))
    # Bit i of the table is worth 2^(63 − i); those worth 4 or more after scaling are left out.
    start = builder.sub(field, _i64(_LEAST))
    place, shift = builder.lshr(start, _i64(6)), builder.and_(start, _i64(63))
    table = _table(builder.module)
    words = [
        llvm.load(builder, llvm.address(builder, table, llvm.I64, builder.add(place, _i64(k))),
                  llvm.I64, 8)
        for k in range(4)
    ]  # fmt: skip
    top, middle, last = (
        llvm.intrinsic(builder, "llvm.fshl.i64", llvm.I64, [words[k], words[k + 1], shift])
        for k in range(3)
    )
    wide = builder.zext(mantissa, _I128)
    low = builder.mul(wide, builder.zext(last, _I128))
    carry = builder.lshr(low, ir.Constant(_I128, 64))
    upper = builder.add(builder.mul(wide, builder.zext(middle, _I128)), carry)
    shifted = builder.shl(builder.zext(builder.mul(mantissa, top), _I128), ir.Constant(_I128, 64))
    return builder.add(upper, shifted), builder.trunc(low, llvm.I64)


def _parted(builder: Builder, high: Value, low: Value) -> tuple[Value, Value, Value]:
    """Return the nearest whole number, and the fraction's 128 bits as magnitude and sign bit."""
    under = builder.zext(builder.lshr(low, _i64(62)), _I128)
    fraction = builder.or_(builder.shl(high, ir.Constant(_I128, 2)), under)
    whole = builder.trunc(builder.lshr(high, ir.Constant(_I128, 126)), llvm.I64)
    above = builder.icmp_signed("<", fraction, ir.Constant(_I128, 0))
    whole = builder.add(whole, builder.zext(above, llvm.I64))
    size = builder.select(above, builder.neg(fraction), fraction)
    sign = builder.select(above, _i64(-(2**63)), _i64(0))
    return whole, size, sign


def _radians(builder: Builder, fraction: Value, sign: Value, flip: Value) -> list[Value]:
    """Return the fraction of π/2 as two doubles."""
    zeros = llvm.intrinsic(
        builder, "llvm.ctlz.i128", _I128, [fraction, ir.Constant(llvm.BIT, 0)]
    )  # fmt: skip
    normal = builder.shl(fraction, zeros)
    top = builder.trunc(builder.lshr(normal, ir.Constant(_I128, 75)), llvm.I64)
    next_ = builder.trunc(builder.lshr(normal, ir.Constant(_I128, 22)), llvm.I64)
    next_ = builder.and_(next_, _i64(2**53 - 1))
    lowered = builder.sub(_i64(1023), builder.trunc(zeros, llvm.I64))
    scale = builder.or_(builder.shl(lowered, _i64(52)), builder.xor(sign, flip))
    unit = builder.bitcast(scale, llvm.F64)
    high = builder.fmul(builder.fmul(builder.uitofp(top, llvm.F64), _f64(2.0**-53)), unit)
    low = builder.fmul(builder.fmul(builder.uitofp(next_, llvm.F64), _f64(2.0**-106)), unit)
    first, second = _f64(_HALF_PI[0]), _f64(_HALF_PI[1])
    main = builder.fmul(high, first)

    def fma(*numbers: Value) -> Value:
        return llvm.intrinsic(builder, "llvm.fma.f64", llvm.F64, numbers)

    rest = fma(high, first, builder.fneg(main))
    return [main, fma(low, first, fma(high, second, rest))]


def _f64(value: float) -> Value:
    return ir.Constant(llvm.F64, value)
