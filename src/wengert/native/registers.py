"""What a value in registers is, and how an operation on such values is made.

Which dtype an operation computes in is asked of NumPy's own ufunc, so that promotion is NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from wengert.base.dtypes import Dtype
from wengert.base.errors import DtypeError
from wengert.native import llvm
from wengert.native.casting import convert, register_type
from wengert.native.llvm import Builder, Value
from wengert.native.math.floats import BINARY32, BINARY64, Floats

_HALF, _SINGLE = np.dtype("float16"), np.dtype("float32")


@dataclass(frozen=True, slots=True)
class Vector:
    """A value in registers: some lanes of one dtype; a bool is one bit a lane."""

    value: Value
    dtype: Dtype


Operand = Vector | bool | int | float
Emit = Callable[..., Value]
Compute = Callable[..., Value]


@lru_cache(maxsize=4096)
def resolved(function: np.ufunc, *kinds: Any) -> tuple[Dtype, ...]:
    """Return the dtypes of the operands and of the result in NumPy's own loop."""
    try:
        return function.resolve_dtypes((*kinds, *(None,) * function.nout))
    except TypeError as problem:
        names = " and ".join(getattr(kind, "name", str(kind)) for kind in kinds)
        raise DtypeError(
            f"{function.__name__} has no meaning for {names}",
            expected="a dtype that NumPy computes it for",
            got=names,
            remedy='convert first: x.astype("float32")',
        ) from problem


def kind(x: Operand) -> Any:
    """Return what promotion sees of an operand: its dtype, or the type of a Python number."""
    return x.dtype if isinstance(x, Vector) else type(x)


class Registers:
    """Moves values in and out of registers and emits operations on ``count`` lanes."""

    def __init__(self, builder: Builder, count: int) -> None:
        self.builder, self.count = builder, count

    # -- In and out of registers ------------------------------------------------------------------

    def load(self, pointer: Value, dtype: Dtype, align: int = 1) -> Vector:
        """Read consecutive elements."""
        register_type(dtype, self.count)
        element = llvm.memory_type(dtype)
        value = llvm.load(self.builder, pointer, llvm.vector(element, self.count), align)
        return self.from_memory(value, dtype)

    def from_memory(self, value: Value, dtype: Dtype) -> Vector:
        """Return what was read from memory as a vector: any byte but 0 is true."""
        if dtype.kind == "b":
            value = self.builder.icmp_unsigned("!=", value, llvm.constant(value.type, 0))
        return Vector(value, dtype)

    def store(self, x: Vector, pointer: Value, align: int = 1) -> None:
        """Write consecutive elements."""
        llvm.store(self.builder, self.to_memory(x), pointer, align)

    def to_memory(self, x: Vector) -> Value:
        """Return a vector as it is written to memory."""
        if x.dtype.kind != "b":
            return x.value
        return self.builder.zext(x.value, llvm.vector(llvm.I8, self.count))

    def splat(self, x: Vector) -> Vector:
        """Return a single lane repeated in all of them."""
        return Vector(llvm.splat(self.builder, x.value, self.count), x.dtype)

    def constant(self, value: float, dtype: Dtype) -> Vector:
        """Return a number in every lane; one that the dtype cannot hold is refused."""
        held: Any = np.array(value).astype(dtype) if dtype.kind == "f" else np.array(value, dtype)
        return Vector(llvm.constant(register_type(dtype, self.count), held.item()), dtype)

    def cast(self, x: Operand, dtype: Dtype | str) -> Vector:
        """Return a value in another dtype."""
        to = np.dtype(dtype)
        if not isinstance(x, Vector):
            return self.constant(x, to)
        return Vector(convert(self.builder, x.value, x.dtype, to, self.count), to)

    # -- How every operation is made --------------------------------------------------------------

    def apply(self, function: np.ufunc, emit: Emit, *operands: Operand) -> Vector:
        """Emit an operation: ``emit(dtype, *values)`` in the dtype that NumPy's loop has."""
        *inputs, output = resolved(function, *map(kind, operands))
        # Half precision is computed in single and rounded, as NumPy does.
        wide = [_SINGLE if dtype == _HALF else dtype for dtype in inputs]
        values = [
            self.cast(self.cast(x, loop), dtype).value
            for x, loop, dtype in zip(operands, inputs, wide, strict=True)
        ]
        made = Vector(emit(wide[0], *values), _SINGLE if output == _HALF else output)
        return self.cast(made, output)

    def floats(self, dtype: Dtype) -> Floats:
        """Return plain arithmetic in the format of a dtype."""
        return Floats(self.builder, BINARY32 if dtype.itemsize == 4 else BINARY64, self.count)

    def function(self, function: np.ufunc, emit: Compute, *operands: Operand) -> Vector:
        """Emit a function of real numbers: ``emit(floats, *values)``."""

        def emitted(dtype: Dtype, *values: Value) -> Value:
            return emit(self.floats(dtype), *values)

        return self.apply(function, emitted, *operands)

    def instruction(self, function: np.ufunc, names: dict[str, str], *operands: Operand) -> Vector:
        """Emit one instruction, chosen by the kind of the dtype."""

        def emit(dtype: Dtype, *values: Value) -> Value:
            known = [llvm.number(value) for value in values]
            if dtype.kind == "f" and None not in known:
                # Known now: what reads it may know more to do with a number.
                with np.errstate(all="ignore"):
                    result = function(*(dtype.type(each) for each in known))
                return llvm.constant(values[0].type, float(result))
            return getattr(self.builder, names[dtype.kind])(*values)

        return self.apply(function, emit, *operands)

    def intrinsic(self, name: str, value: Value) -> Value:
        """Emit LLVM's own function of one operand."""
        called = f"llvm.{name}.{llvm.suffix(value.type)}"
        return llvm.intrinsic(self.builder, called, value.type, [value])
