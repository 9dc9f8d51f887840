"""Vectors to and from memory: neighbours at once, others one by one, a part of a vector masked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wengert.base.dtypes import Dtype
from wengert.native import llvm
from wengert.native.casting import register_type
from wengert.native.lanes import Lanes, Vector
from wengert.native.llvm import Builder, Value, ir


def read(lanes: Lanes, pointer: Value, dtype: Dtype, stride: int, active: int) -> Vector:
    """Return ``active`` elements that lie ``stride`` apart; what the other lanes hold is 0."""
    register_type(dtype, lanes.count)
    if lanes.count == 1:
        return lanes.load(pointer, dtype, dtype.itemsize)
    if stride != 1:
        return _gathered(lanes, pointer, dtype, stride, active)
    if active == lanes.count:
        return lanes.load(pointer, dtype, dtype.itemsize)
    element = llvm.vector(llvm.memory_type(dtype), lanes.count)
    nothing = llvm.zero(element)
    arguments = [pointer, ir.Constant(llvm.I32, dtype.itemsize), mask(lanes, active), nothing]
    name = f"llvm.masked.load.{llvm.suffix(element)}.p0"
    return lanes.from_memory(llvm.intrinsic(lanes.builder, name, element, arguments), dtype)


def write(lanes: Lanes, x: Vector, pointer: Value, stride: int, active: int) -> None:
    """Write the first ``active`` lanes, ``stride`` elements apart."""
    align = x.dtype.itemsize
    if lanes.count == 1 or (stride == 1 and active == lanes.count):
        lanes.store(x, pointer, align)
        return
    value = lanes.to_memory(x)
    if stride == 1:
        arguments = [value, pointer, ir.Constant(llvm.I32, align), mask(lanes, active)]
        name = f"llvm.masked.store.{llvm.suffix(value.type)}.p0"
        llvm.intrinsic(lanes.builder, name, llvm.VOID, arguments)
        return
    for lane in range(active):
        one = lanes.builder.extract_element(value, ir.Constant(llvm.I32, lane))
        place = _moved(lanes.builder, pointer, value.type.element, lane * stride)
        llvm.store(lanes.builder, one, place, align)


def _gathered(lanes: Lanes, pointer: Value, dtype: Dtype, stride: int, active: int) -> Vector:
    element = llvm.memory_type(dtype)
    value = llvm.zero(llvm.vector(element, lanes.count))
    for lane in range(active):
        place = _moved(lanes.builder, pointer, element, lane * stride)
        one = llvm.load(lanes.builder, place, element, dtype.itemsize)
        value = lanes.builder.insert_element(value, one, ir.Constant(llvm.I32, lane))
    return lanes.from_memory(value, dtype)


def _moved(builder: Builder, pointer: Value, element: llvm.Type, count: int) -> Value:
    return llvm.address(builder, pointer, element, llvm.integer(count)) if count else pointer


def mask(lanes: Lanes, active: int) -> Value:
    """Return the bits of the first ``active`` lanes."""
    return llvm.first_lanes(lanes.count, active)


def element_address(
    builder: Builder,
    pointer: Value,
    dtype: Dtype,
    strides: Sequence[int],
    index: Sequence[Value | None],
) -> Value:
    """Return the address of the element at an index; an axis without index counts as 0."""
    return llvm.address(builder, pointer, llvm.memory_type(dtype), offset(builder, strides, index))


def offset(builder: Builder, strides: Sequence[int], index: Sequence[Value | None]) -> Value:
    """Return Σ index · stride."""
    total: Value | None = None
    for stride, at in zip(strides, index, strict=True):
        if stride and at is not None:
            part = at if stride == 1 else builder.mul(at, llvm.integer(stride))
            total = part if total is None else builder.add(total, part)
    return llvm.integer(0) if total is None else total


def iota(lanes: Lanes, start: Value, step: int) -> Vector:
    """Return start, start + step, … as 64-bit integers."""
    dtype = np.dtype(np.int64)
    first = Vector(start, dtype)
    if lanes.count == 1:
        return first
    wide = llvm.vector(llvm.I64, lanes.count)
    steps = ir.Constant(wide, [lane * step for lane in range(lanes.count)])
    return Vector(lanes.builder.add(lanes.splat(first).value, steps), dtype)
