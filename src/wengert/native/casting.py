"""Conversion between dtypes in registers, as NumPy does it on x86.

A float beyond the range of an integer becomes what the processor's own conversion gives: the most
negative number of 32 or 64 bits, cut to the width asked for.
"""

from __future__ import annotations

from wengert.base.dtypes import Dtype
from wengert.base.errors import DtypeError
from wengert.native import llvm
from wengert.native.llvm import Builder, Type, Value


def register_type(dtype: Dtype, lanes: int) -> Type:
    """Return the type of a value in registers: a bool is one bit a lane."""
    element = llvm.BIT if dtype.kind == "b" else llvm.memory_type(dtype)
    if element is None:
        raise DtypeError(
            f"native code cannot compute with {dtype.name}",
            expected="bool, integers, float16, float32 or float64",
            got=dtype.name,
            remedy="leave this function to the interpreter, or compute with real numbers",
        )
    return llvm.vector(element, lanes)


def convert(builder: Builder, value: Value, source: Dtype, target: Dtype, lanes: int) -> Value:
    """Return a value of one dtype as another."""
    if source == target:
        return value
    to = register_type(target, lanes)
    if target.kind == "b":
        return is_true(builder, value, source)
    if source.kind == "f":
        if target.kind == "f":
            return _float_to_float(builder, value, source, target, to)
        return _float_to_integer(builder, value, source, target, to)
    if target.kind == "f":
        return _integer_to_float(builder, value, source, target, lanes)
    if source.itemsize >= target.itemsize and source.kind != "b":
        return builder.trunc(value, to) if source.itemsize > target.itemsize else value
    return builder.sext(value, to) if source.kind == "i" else builder.zext(value, to)


def is_true(builder: Builder, value: Value, dtype: Dtype) -> Value:
    """Return where a value is not zero; NaN is not zero."""
    if dtype.kind == "b":
        return value
    zero = llvm.constant(value.type, 0)
    if dtype.kind == "f":
        return builder.fcmp_unordered("!=", value, zero)
    return builder.icmp_unsigned("!=", value, zero)


def _float_to_float(b: Builder, value: Value, source: Dtype, target: Dtype, to: Type) -> Value:
    if target.itemsize > source.itemsize:
        return b.fpext(value, to)
    if source.itemsize == 8 and target.itemsize == 2:
        value = _to_odd(b, value, to)
    return b.fptrunc(value, to)


def _to_odd(b: Builder, value: Value, to: Type) -> Value:
    """Return doubles as singles, rounded to odd: rounding again to half is then rounding once."""
    single = b.fptrunc(value, llvm.with_element(to, llvm.F32))
    back = b.fpext(single, value.type)
    bits = b.bitcast(single, llvm.with_element(to, llvm.I32))
    size = f"llvm.fabs.{llvm.suffix(value.type)}"
    beyond = b.fcmp_ordered(
        ">",
        llvm.intrinsic(b, size, value.type, [back]),
        llvm.intrinsic(b, size, value.type, [value]),
    )
    towards_zero = b.select(beyond, b.sub(bits, llvm.constant(bits.type, 1)), bits)
    odd = b.or_(towards_zero, llvm.constant(bits.type, 1))
    inexact = b.fcmp_ordered("!=", back, value)
    return b.bitcast(b.select(inexact, odd, bits), single.type)


def _integer_to_float(b: Builder, value: Value, source: Dtype, target: Dtype, lanes: int) -> Value:
    # NumPy goes to half by way of single.
    through = llvm.F32 if target.itemsize == 2 else llvm.memory_type(target)
    wide = llvm.vector(through, lanes)
    made = b.sitofp(value, wide) if source.kind == "i" else b.uitofp(value, wide)
    return b.fptrunc(made, register_type(target, lanes)) if target.itemsize == 2 else made


def _float_to_integer(b: Builder, value: Value, source: Dtype, target: Dtype, to: Type) -> Value:
    if source.itemsize == 2:
        value = b.fpext(value, llvm.with_element(to, llvm.F32))
    if target.itemsize == 8 and target.kind == "u":
        return _unsigned(b, value, to)
    # 32 bits without sign are cut from 64 with one.
    through = llvm.I64 if target.itemsize == 8 or target.name == "uint32" else llvm.I32
    made = _signed(b, value, llvm.with_element(to, through))
    return made if made.type == to else b.trunc(made, to)


def _signed(b: Builder, value: Value, to: Type) -> Value:
    """Return the whole part; the most negative number where it does not fit, or for NaN."""
    limit = 2.0 ** (llvm.element_of(to).width - 1)
    low, high = (llvm.constant(value.type, each) for each in (-limit, limit))
    fits = b.and_(b.fcmp_ordered(">=", value, low), b.fcmp_ordered("<", value, high))
    safe = b.select(fits, value, llvm.constant(value.type, 0.0))
    return b.select(fits, b.fptosi(safe, to), llvm.constant(to, -int(limit)))


def _unsigned(b: Builder, value: Value, to: Type) -> Value:
    """Return the whole part as 64 bits without sign, the way compilers do it for x86."""
    half = llvm.constant(value.type, 2.0**63)
    small = b.fcmp_unordered("<", value, half)
    upper = b.xor(_signed(b, b.fsub(value, half), to), llvm.constant(to, -(2**63)))
    return b.select(small, _signed(b, value, to), upper)
