"""Panels: a block of B copied so that a tile reads it in order, transposed where it must be.

A panel has room for whole vectors along both axes; what lies beyond the block is never used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from wengert.base.dtypes import Dtype
from wengert.native.kernels.edges import load_some, load_vector, offset, store_vector, transposed
from wengert.native.llvm import (
    I64,
    POINTER,
    VOID,
    Builder,
    Function,
    Module,
    Type,
    Value,
    address,
    integer,
    ir,
    load,
    loop,
    memory_type,
    store,
    vector,
)


@dataclass(frozen=True, slots=True)
class Panel:
    """A block of B, and how it is written.

    Attributes:
        dtype: float32 or float64.
        lanes: elements of a vector.
        k, n: strides of B along k and along columns.
        to_k, to_n: strides of the panel; one of them is 1, the other a multiple of the lanes.
    """

    dtype: Dtype
    lanes: int
    k: int
    n: int
    to_k: int
    to_n: int

    @property
    def element(self) -> Type:
        """The type of a number in memory."""
        return memory_type(self.dtype)

    @property
    def type(self) -> Type:
        """The type of a vector."""
        return vector(self.element, self.lanes)

    @property
    def way(self) -> Literal["rows", "squares", "numbers"]:
        """How it is copied: row by row, by squares in registers, or number by number."""
        if self.n == 1 and self.to_n == 1:
            return "rows"
        return "squares" if self.n == 1 or (self.k == 1 and self.to_n == 1) else "numbers"


def define_panel(module: Module, name: str, panel: Panel) -> Function:
    """Add the function that packs a panel: (B, panel, count of k, columns)."""
    function, builder = _function(module, name, [POINTER, POINTER, I64, I64])
    if panel.way == "rows":
        _rows(builder, panel, function.args)
    elif panel.way == "squares":
        _squares(builder, panel, function.args, _square(module, panel, name))
    else:
        _numbers(builder, panel, function.args)
    builder.ret_void()
    return function


def _function(module: Module, name: str, types: Sequence[Type]) -> tuple[Function, Builder]:
    function = ir.Function(module, ir.FunctionType(VOID, types), name)
    function.linkage = "internal"
    return function, ir.IRBuilder(function.append_basic_block())


def _count(builder: Builder, end: Value, step: int, body: Callable[[Value], None]) -> None:
    def once(at: Value) -> list[Value]:
        body(at)
        return []

    loop(builder, (integer(0), end, integer(step)), once)


def _at(
    builder: Builder,
    panel: Panel,
    pointer: Value,
    at: tuple[Value, Value],
    strides: tuple[int, int],
) -> Value:
    steps = (builder.mul(x, integer(s)) for x, s in zip(at, strides, strict=True))
    return address(builder, pointer, panel.element, builder.add(*steps))


def _numbers(builder: Builder, panel: Panel, given: Sequence[Value]) -> None:
    source, target, count, columns = given
    align = panel.dtype.itemsize

    def column(n: Value) -> None:
        def number(k: Value) -> None:
            here = _at(builder, panel, source, (k, n), (panel.k, panel.n))
            there = _at(builder, panel, target, (k, n), (panel.to_k, panel.to_n))
            store(builder, load(builder, here, panel.element, align), there, align)

        _count(builder, count, 1, number)

    _count(builder, columns, 1, column)


def _rows(builder: Builder, panel: Panel, given: Sequence[Value]) -> None:
    source, target, count, columns = given

    whole = builder.and_(columns, integer(-panel.lanes))
    left = builder.sub(columns, whole)

    def row(k: Value) -> None:
        def vector_at(n: Value) -> None:
            here = _at(builder, panel, source, (k, n), (panel.k, 1))
            there = _at(builder, panel, target, (k, n), (panel.to_k, 1))
            value = load_vector(builder, here, panel.type, panel.lanes, 1)
            store_vector(builder, value, there, panel.lanes, 1)

        _count(builder, whole, panel.lanes, vector_at)
        with builder.if_then(builder.icmp_signed("<", integer(0), left)):
            here = _at(builder, panel, source, (k, whole), (panel.k, 1))
            there = _at(builder, panel, target, (k, whole), (panel.to_k, 1))
            value = load_some(builder, here, panel.type, left)
            store_vector(builder, value, there, panel.lanes, 1)

    _count(builder, count, 1, row)


def _squares(builder: Builder, panel: Panel, given: Sequence[Value], square: Function) -> None:
    source, target, count, columns = given

    def across(n: Value) -> None:
        def down(k: Value) -> None:
            here = _at(builder, panel, source, (k, n), (panel.k, panel.n))
            there = _at(builder, panel, target, (k, n), (panel.to_k, panel.to_n))
            left = (builder.sub(count, k), builder.sub(columns, n))
            builder.call(square, [here, there, *left])

        _count(builder, count, panel.lanes, down)

    _count(builder, columns, panel.lanes, across)


def _square(module: Module, panel: Panel, name: str) -> Function:
    """Add the function that transposes a square: (B, panel, k left, columns left)."""
    function, builder = _function(module, f"{name}.square", [POINTER, POINTER, I64, I64])
    source, target, *left = function.args
    along, rows = left if panel.n != 1 else reversed(left)
    stride = panel.n if panel.n != 1 else panel.k
    last = builder.sub(rows, integer(1))
    read: list[Value] = []
    for row in range(panel.lanes):
        # A row that does not exist is read as the last one: its column is not used.
        there = builder.icmp_signed("<", integer(row), rows)
        index = builder.mul(builder.select(there, integer(row), last), integer(stride))
        here = address(builder, source, panel.element, index)
        read.append(load_some(builder, here, panel.type, along))
    to = panel.to_k if panel.to_n == 1 else panel.to_n
    for row, value in enumerate(transposed(builder, read)):
        here = offset(builder, target, panel.element, row * to)
        store_vector(builder, value, here, panel.lanes, 1)
    builder.ret_void()
    return function
