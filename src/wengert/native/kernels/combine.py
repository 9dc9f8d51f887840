"""How a reduction starts, goes on and ends: in an order that only shapes decide."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from wengert.base.dtypes import Dtype
from wengert.native import llvm
from wengert.native.kernels.memory import mask
from wengert.native.lanes import Lanes, Vector
from wengert.native.llvm import Value, ir

_COMBINE: dict[str, Callable[[Lanes, Vector, Vector], Vector]] = {
    "sum": lambda b, x, y: b.add(x, y),
    "prod": lambda b, x, y: b.mul(x, y),
    "max": lambda b, x, y: b.max(x, y),
    "min": lambda b, x, y: b.min(x, y),
    "any": lambda b, x, y: b.or_(x, y),
    "all": lambda b, x, y: b.and_(x, y),
}


def neutral(operator: str, dtype: Dtype) -> float:
    """Return the number that changes nothing when it is combined with another."""
    if operator in ("sum", "any"):
        return 0
    if operator in ("prod", "all"):
        return 1
    lowest = operator == "max"
    if dtype.kind == "f":
        return -np.inf if lowest else np.inf
    if dtype.kind == "b":
        return not lowest
    limits = np.iinfo(dtype)
    return int(limits.min if lowest else limits.max)


def start(operator: str, lanes: Lanes, dtype: Dtype) -> Vector:
    """Return the neutral number in every lane."""
    return lanes.constant(neutral(operator, dtype), dtype)


def combined(operator: str, lanes: Lanes, x: Vector, y: Vector) -> Vector:
    """Return two values combined."""
    return lanes.cast(_COMBINE[operator](lanes, x, y), x.dtype)


def only(operator: str, lanes: Lanes, x: Vector, active: int) -> Vector:
    """Return a vector with the neutral number in all but the first lanes."""
    if active == lanes.count:
        return x
    other = start(operator, lanes, x.dtype).value
    return Vector(lanes.builder.select(mask(lanes, active), x.value, other), x.dtype)


def folded(operator: str, lanes: Lanes, x: Vector) -> Vector:
    """Return all lanes combined into one, halves at a time."""
    count = lanes.count
    while count > 1:
        count //= 2
        parts = [Vector(_half(lanes, x, begin, count), x.dtype) for begin in (0, count)]
        x = combined(operator, Lanes(lanes.builder, count), *parts)
    return x


def _half(lanes: Lanes, x: Vector, begin: int, count: int) -> Value:
    if count == 1:
        return lanes.builder.extract_element(x.value, ir.Constant(llvm.I32, begin))
    which = ir.Constant(llvm.vector(llvm.I32, count), list(range(begin, begin + count)))
    undefined = ir.Constant(x.value.type, ir.Undefined)
    return lanes.builder.shuffle_vector(x.value, undefined, which)
