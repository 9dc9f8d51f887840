"""How a kernel tells of a number that it refuses; it goes on, and the program raises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from wengert.native import llvm
from wengert.native.lanes import Lanes, Vector
from wengert.native.llvm import Builder, Value, ir

Place = Callable[[Value], Value]


def refuse(builder: Builder, pointer: Value, code: int, place: Value, number: Vector) -> None:
    """Write down which check failed, where, and the number (as a double) that failed it."""
    value = Lanes(builder, 1).cast(number, np.dtype(np.float64)).value
    row = [llvm.integer(1), llvm.integer(code), place, builder.bitcast(value, llvm.I64)]
    for k, word in enumerate(row):
        at = llvm.address(builder, pointer, llvm.I64, llvm.integer(k))
        llvm.store(builder, word, at, 8)


def refuse_lanes(
    lanes: Lanes, x: Vector, outside: Value, told: tuple[Value, int], place: Place
) -> None:
    """Refuse the first lane of ``x`` that lies outside.

    ``told`` is where to write it down and the number of the check; ``place`` tells where a lane
    is from.
    """
    pointer, code = told
    b = lanes.builder
    if lanes.count == 1:
        with b.if_then(outside, likely=False):
            refuse(b, pointer, code, place(llvm.integer(0)), x)
        return
    bits = b.bitcast(outside, ir.IntType(lanes.count))
    wrong = b.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))
    with b.if_then(wrong, likely=False):
        name = f"llvm.cttz.i{lanes.count}"
        lane = llvm.intrinsic(b, name, bits.type, [bits, ir.Constant(llvm.BIT, 0)])
        lane = b.zext(lane, llvm.I64) if lanes.count < 64 else lane
        number = Vector(b.extract_element(x.value, lane), x.dtype)
        refuse(b, pointer, code, place(lane), number)
