"""Vectors to and from memory: whole, cut short at an edge, or with a stride between lanes."""

from __future__ import annotations

from collections.abc import Sequence

from wengert.native.llvm import (
    I32,
    I64,
    VOID,
    Builder,
    Type,
    Value,
    address,
    constant,
    element_of,
    first_lanes,
    integer,
    intrinsic,
    ir,
    is_vector,
    load,
    splat,
    store,
    suffix,
)
from wengert.native.target import host

_BYTES = {"half": 2, "float": 4, "double": 8}


def bytes_of(type: Type) -> int:
    """Return the bytes of one element of a floating type."""
    return _BYTES[str(element_of(type))]


def lanes_of(type: Type) -> int:
    """Return how many lanes a type has."""
    return type.count if is_vector(type) else 1


def offset(builder: Builder, pointer: Value, element: Type, elements: int) -> Value:
    """Return a pointer moved by a fixed number of elements."""
    return address(builder, pointer, element, integer(elements)) if elements else pointer


def load_vector(builder: Builder, pointer: Value, type: Type, valid: int, stride: int) -> Value:
    """Read ``valid`` lanes that lie ``stride`` elements apart; the others are 0."""
    element, lanes = element_of(type), lanes_of(type)
    align = bytes_of(type)
    if lanes == 1:
        return load(builder, pointer, element, align)
    if stride == 0:
        return splat(builder, load(builder, pointer, element, align), lanes)
    if stride == 1 and valid == lanes:
        return load(builder, pointer, type, align)
    if stride == 1:
        name = f"llvm.masked.load.{suffix(type)}.p0"
        rest = [ir.Constant(I32, align), _mask(valid, lanes), constant(type, 0.0)]
        return intrinsic(builder, name, type, [pointer, *rest])
    found = constant(type, 0.0)
    for lane in range(valid):
        here = offset(builder, pointer, element, lane * stride)
        number = load(builder, here, element, align)
        found = builder.insert_element(found, number, ir.Constant(I32, lane))
    return found


def load_some(builder: Builder, pointer: Value, type: Type, count: Value) -> Value:
    """Read the first ``count`` lanes, a number known when the kernel runs; the others are 0."""
    lanes = lanes_of(type)
    places = ir.Constant(ir.VectorType(I64, lanes), list(range(lanes)))
    mask = builder.icmp_signed("<", places, splat(builder, count, lanes))
    name = f"llvm.masked.load.{suffix(type)}.p0"
    rest = [ir.Constant(I32, bytes_of(type)), mask, constant(type, 0.0)]
    return intrinsic(builder, name, type, [pointer, *rest])


def store_vector(builder: Builder, value: Value, pointer: Value, valid: int, stride: int) -> None:
    """Write the first ``valid`` lanes, ``stride`` elements apart."""
    element, lanes = element_of(value.type), lanes_of(value.type)
    align = bytes_of(value.type)
    if lanes == 1 or (stride == 1 and valid == lanes):
        store(builder, value, pointer, align)
    elif stride == 1:
        name = f"llvm.masked.store.{suffix(value.type)}.p0"
        rest = [ir.Constant(I32, align), _mask(valid, lanes)]
        intrinsic(builder, name, VOID, [value, pointer, *rest])
    else:
        for lane in range(valid):
            number = builder.extract_element(value, ir.Constant(I32, lane))
            store(builder, number, offset(builder, pointer, element, lane * stride), align)


def _mask(valid: int, lanes: int) -> Value:
    return first_lanes(lanes, valid)


def multiply_add(builder: Builder, x: Value, y: Value, z: Value) -> Value:
    """Return x·y + z, rounded once where the machine can, twice where it cannot."""
    if not host().fma:
        return builder.fadd(builder.fmul(x, y), z)
    return intrinsic(builder, f"llvm.fma.{suffix(x.type)}", x.type, [x, y, z])


def shuffle(builder: Builder, x: Value, y: Value, lanes: Sequence[int]) -> Value:
    """Return lanes picked from two vectors laid side by side."""
    picked = ir.Constant(ir.VectorType(I32, len(lanes)), list(lanes))
    return builder.shuffle_vector(x, y, picked)


def sums(builder: Builder, vectors: Sequence[Value]) -> Value:
    """Return a vector whose lane j is the sum of the lanes of vector j, by halves.

    At most as many vectors as lanes; the lanes beyond them repeat the last one.
    """
    lanes = lanes_of(vectors[0].type)
    even, odd = range(0, 2 * lanes, 2), range(1, 2 * lanes, 2)
    now = list(vectors)
    for _ in range(lanes.bit_length() - 1):
        pairs = [(now[at], now[min(at + 1, len(now) - 1)]) for at in range(0, len(now), 2)]
        now = [
            builder.fadd(shuffle(builder, x, y, even), shuffle(builder, x, y, odd))
            for x, y in pairs
        ]
    return now[0]


def transposed(builder: Builder, rows: Sequence[Value]) -> list[Value]:
    """Return the columns of a square of numbers: as many vectors as lanes."""
    lanes = len(rows)
    now = list(rows)
    step = lanes // 2
    while step:
        now = _exchange(builder, now, step)
        step //= 2
    return now


def _exchange(builder: Builder, rows: list[Value], step: int) -> list[Value]:
    # Rows `step` apart exchange the blocks of `step` lanes off the diagonal.
    lanes = len(rows)
    low = [at if not at & step else lanes + at - step for at in range(lanes)]
    high = [at + step if not at & step else lanes + at for at in range(lanes)]
    found = list(rows)
    for at in range(lanes):
        if not at & step:
            x, y = rows[at], rows[at + step]
            found[at] = shuffle(builder, x, y, low)
            found[at + step] = shuffle(builder, x, y, high)
    return found
