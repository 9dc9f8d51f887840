"""The one door to llvmlite: its untyped modules, and the few helpers every emitter shares.

llvmlite carries no types. Here its two modules become values of type Any, and the aliases say in
signatures what is meant, so that the rest of this floor is checked strictly.
"""

# pyright: reportMissingTypeStubs=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, cast

import llvmlite
import llvmlite.binding
import llvmlite.ir

from wengert.base.dtypes import Dtype

ir: Any = cast(Any, llvmlite.ir)
binding: Any = cast(Any, llvmlite.binding)
VERSION = f"{llvmlite.__version__} {binding.llvm_version_info}"

Type = Any
Value = Any
Block = Any
Builder = Any
Function = Any
Module = Any

VOID: Type = ir.VoidType()
BIT: Type = ir.IntType(1)
I8: Type = ir.IntType(8)
I32: Type = ir.IntType(32)
I64: Type = ir.IntType(64)
F32: Type = ir.FloatType()
F64: Type = ir.DoubleType()
POINTER: Type = ir.PointerType()


@cache
def memory_type(dtype: Dtype) -> Type | None:
    """Return the type of an element in memory (a bool is a byte), None where there is none."""
    if dtype.kind == "b":
        return I8
    if dtype.kind in "iu":
        return ir.IntType(8 * dtype.itemsize)
    return {2: ir.HalfType(), 4: F32, 8: F64}.get(dtype.itemsize) if dtype.kind == "f" else None


def vector(element: Type, lanes: int) -> Type:
    """Return the type of ``lanes`` elements in a register; one lane is a plain scalar."""
    return element if lanes == 1 else ir.VectorType(element, lanes)


def with_element(like: Type, element: Type) -> Type:
    """Return the type of as many lanes as ``like`` has, of another element."""
    return ir.VectorType(element, like.count) if is_vector(like) else element


def is_vector(type: Type) -> bool:
    """Return whether a type has several lanes."""
    return isinstance(type, ir.VectorType)


def element_of(type: Type) -> Type:
    """Return the type of one lane."""
    return type.element if is_vector(type) else type


class _Short(ir.Constant):
    """A constant in LLVM's own short form: texts stay short to write and to read again."""

    def __init__(self, type: Type, text: str, number: float | None = None) -> None:
        # The builder looks through the elements of masks, of which none is told here.
        self.type, self.constant, self._text, self.number = type, (), text, number

    def _to_string(self) -> str:
        return f"{self.type} {self._text}"

    def _get_reference(self) -> str:
        return self._text


def zero(type: Type) -> Value:
    """Return a constant of nothing but zeros."""
    return _Short(type, "zeroinitializer")


def undefined(type: Type) -> Value:
    """Return a value that nobody reads."""
    return _Short(type, "undef")


def first_lanes(lanes: int, active: int) -> Value:
    """Return the bits of the first ``active`` lanes."""
    # Masks are written out: code generation does not look through a constant expression.
    bits = ", ".join(f"i1 {int(lane < active)}" for lane in range(lanes))
    return _Short(vector(BIT, lanes), f"<{bits}>") if lanes > 1 else ir.Constant(BIT, active)


def constant(type: Type, value: float) -> Value:
    """Return a constant, the same in every lane."""
    if not is_vector(type):
        return ir.Constant(type, value)
    one = ir.Constant(type.element, value).get_reference()
    return _Short(type, f"splat ({type.element} {one})", value)


def is_constant(value: Value) -> bool:
    """Return whether a value is known when the kernel is made."""
    return isinstance(value, ir.Constant)


def number(value: Value) -> float | None:
    """Return the number that a constant is in every lane, None where it is not known.

    >>> number(integer(3))
    3
    """
    if isinstance(value, _Short):
        return value.number
    known = value.constant if is_constant(value) else None
    return known if isinstance(known, int | float) else None


def integer(value: int) -> Value:
    """Return a 64-bit constant: offsets, counts, chunk numbers."""
    return ir.Constant(I64, value)


def intrinsic(builder: Builder, name: str, result: Type, arguments: Sequence[Value]) -> Value:
    """Call an LLVM intrinsic by its full name, declaring it on first use."""
    return builder.call(declared(builder.module, name, result, [a.type for a in arguments]),
                        arguments)  # fmt: skip


def declared(module: Module, name: str, result: Type, arguments: Sequence[Type]) -> Function:
    """Return the function of this name, declared on first use."""
    found = module.globals.get(name)
    return found or ir.Function(module, ir.FunctionType(result, arguments), name)


def suffix(type: Type) -> str:
    """Return how a type is written in the name of an intrinsic: f64, v16f32, v8i1."""
    element = element_of(type)
    width = {"half": "f16", "float": "f32", "double": "f64"}.get(str(element), str(element))
    return f"v{type.count}{width}" if is_vector(type) else width


def address(builder: Builder, pointer: Value, element: Type, index: Value) -> Value:
    """Return the address of an element."""
    return builder.gep(pointer, [index], source_etype=element)


def load(builder: Builder, pointer: Value, type: Type, align: int) -> Value:
    """Read a value; ``align`` is what is known of the address, in bytes."""
    return builder.load(pointer, align=align, typ=type)


def store(builder: Builder, value: Value, pointer: Value, align: int) -> None:
    """Write a value; ``align`` is what is known of the address, in bytes."""
    builder.store(value, pointer, align=align)


def splat(builder: Builder, value: Value, lanes: int) -> Value:
    """Return a scalar repeated in every lane."""
    if lanes == 1:
        return value
    wide = ir.VectorType(value.type, lanes)
    first = builder.insert_element(undefined(wide), value, ir.Constant(I32, 0))
    return builder.shuffle_vector(first, undefined(wide), zero(ir.VectorType(I32, lanes)))


def loop(
    builder: Builder,
    span: tuple[Value, Value, Value],
    body: Callable[..., Sequence[Value]],
    carried: Sequence[Value] = (),
) -> list[Value]:
    """Emit ``for i in range(*span)`` and return what it carried to its end.

    ``span`` is begin, end and step, 64 bits wide. ``body(i, *carried)`` emits one round and
    returns the next values of what is carried; it may open blocks of its own. Nothing is done
    where the span is empty.
    """
    begin, end, step = span
    before: Block = builder.block
    head: Block = builder.append_basic_block("loop")
    after: Block = builder.append_basic_block("done")
    builder.cbranch(builder.icmp_signed("<", begin, end), head, after)
    builder.position_at_end(head)
    i = builder.phi(I64)
    i.add_incoming(begin, before)
    now = [builder.phi(value.type) for value in carried]
    for phi, value in zip(now, carried, strict=True):
        phi.add_incoming(value, before)
    then = list(body(i, *now))
    following = builder.add(i, step)
    last: Block = builder.block
    i.add_incoming(following, last)
    for phi, value in zip(now, then, strict=True):
        phi.add_incoming(value, last)
    builder.cbranch(builder.icmp_signed("<", following, end), head, after)
    builder.position_at_end(after)
    results = [builder.phi(value.type) for value in carried]
    for phi, first, value in zip(results, carried, then, strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(value, last)
    return results
