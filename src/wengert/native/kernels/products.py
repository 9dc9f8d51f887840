"""A product as a kernel: chunks of tiles over panels, written from a schedule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from wengert.native.kernels.contraction import Axis
from wengert.native.kernels.edges import offset
from wengert.native.kernels.panel import Panel, define_panel
from wengert.native.kernels.schedule import PANEL_BYTES, Cut, Schedule
from wengert.native.kernels.tile import Epilogue, Tile, define_tile
from wengert.native.llvm import (
    I8,
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
)


@dataclass(frozen=True, slots=True)
class _Pointers:
    """Corners of A, B, C and the extras, at the place reached."""

    a: Value
    b: Value
    c: Value
    extras: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class _Packing:
    """The function that copies, and the room that it copies to."""

    function: Function
    room: Value


@dataclass(frozen=True, slots=True)
class _Kernel:
    builder: Builder
    schedule: Schedule
    tiles: dict[tuple[bool, bool], Function]
    panel: _Packing | None

    @property
    def element(self) -> Type:
        return memory_type(self.schedule.dtype)


def define_product(module: Module, name: str, schedule: Schedule, epilogue: Epilogue) -> None:
    """Add the kernel ``name(operands, begin, end)``; operands are A, B, C and the extras."""
    function = ir.Function(module, ir.FunctionType(VOID, [POINTER, I64, I64]), name)
    builder: Builder = ir.IRBuilder(function.append_basic_block())
    kernel = _Kernel(
        builder, schedule, _tiles_of(module, name, schedule, epilogue),
        _packing(module, builder, f"{name}.panel", schedule),
    )  # fmt: skip
    operands, begin, end = function.args
    corners = _corners(kernel, operands)

    def chunk(number: Value) -> list[Value]:
        _chunk(kernel, number, corners)
        return []

    loop(builder, (begin, end, integer(1)), chunk)
    builder.ret_void()


def _corners(kernel: _Kernel, operands: Value) -> _Pointers:
    count = 3 + len(kernel.schedule.n.extras)
    found = [
        load(kernel.builder, offset(kernel.builder, operands, POINTER, at), POINTER, 8)
        for at in range(count)
    ]
    a, b = (found[1], found[0]) if kernel.schedule.swapped else found[:2]
    return _Pointers(a, b, found[2], tuple(found[3:]))


# -- the shapes of tiles and panels: whole ones and those at the edge -----------------------------


def _tiles_of(
    module: Module, name: str, schedule: Schedule, epilogue: Epilogue
) -> dict[tuple[bool, bool], Function]:
    edges = [(r, c) for r in _variants(schedule.rows) for c in _variants(schedule.columns)]
    return {
        (row, column): define_tile(
            module, f"{name}.tile{row:d}{column:d}", _tile(schedule, row, column), epilogue
        )
        for row, column in edges
    }


def _packing(module: Module, builder: Builder, name: str, schedule: Schedule) -> _Packing | None:
    if not schedule.packed:
        return None
    size = _panel_bytes(schedule)
    assert size <= PANEL_BYTES
    room = builder.alloca(ir.ArrayType(I8, size))
    room.align = 64
    return _Packing(define_panel(module, name, _panel(schedule)), room)


def _variants(cut: Cut) -> list[bool]:
    return [edge for edge, there in ((False, cut.full), (True, cut.rest)) if there]


def _tile(schedule: Schedule, row_edge: bool, column_edge: bool) -> Tile:
    rows = schedule.rows.rest if row_edge else schedule.rows.size
    columns = schedule.columns.rest if column_edge else schedule.columns.size
    lanes, k = schedule.lanes, schedule.k[-1]
    vectors = columns if schedule.dot else -(-columns // lanes)
    valid = k.size % lanes if schedule.dot else columns - (vectors - 1) * lanes
    across = _leading(schedule) if schedule.packed else schedule.n.b if schedule.dot else k.b
    return Tile(
        dtype=schedule.dtype,
        lanes=lanes,
        rows=rows,
        vectors=vectors,
        valid=valid,
        sets=schedule.sets,
        a=(schedule.m.a, k.a),
        b=across,
        c=(schedule.m.c, schedule.n.c),
        extras=tuple(zip(schedule.m.extras, schedule.n.extras, strict=True)),
        dot=schedule.dot,
        parts=schedule.blocks > 1,
    )


def _leading(schedule: Schedule) -> int:
    """Return the stride of a panel that is not 1."""
    return _whole(schedule.depth.size if schedule.dot else schedule.columns.size, schedule)


def _whole(length: int, schedule: Schedule) -> int:
    return -(-length // schedule.lanes) * schedule.lanes


def _panel(schedule: Schedule) -> Panel:
    k, n, leading = schedule.k[-1].b, schedule.n.b, _leading(schedule)
    to = (1, leading) if schedule.dot else (leading, 1)
    return Panel(schedule.dtype, schedule.lanes, k, n, *to)


def _panel_bytes(schedule: Schedule) -> int:
    across = schedule.columns.size if schedule.dot else schedule.depth.size
    return _leading(schedule) * _whole(across, schedule) * schedule.dtype.itemsize


# -- loops ----------------------------------------------------------------------------------------


def _chunk(kernel: _Kernel, number: Value, corners: _Pointers) -> None:
    builder, schedule = kernel.builder, kernel.schedule
    rest, column_block = _divide(builder, number, schedule.column_blocks.parts)
    rest, row_block = _divide(builder, rest, schedule.row_blocks.parts)
    here = corners
    for axis in reversed(schedule.outer):
        rest, index = _divide(builder, rest, axis.size)
        here = _moved(kernel, here, axis, index)
    rows = _span(builder, schedule.row_blocks, row_block)
    columns = _span(builder, schedule.column_blocks, column_block)

    def block(part: Value) -> list[Value]:
        _block(kernel, part, here, (rows, columns))
        return []

    if schedule.blocks == 1:
        block(integer(0))
    else:
        loop(builder, (integer(0), integer(schedule.blocks), integer(1)), block)


def _divide(builder: Builder, number: Value, by: int) -> tuple[Value, Value]:
    if by == 1:
        return number, integer(0)
    return builder.udiv(number, integer(by)), builder.urem(number, integer(by))


def _span(builder: Builder, blocks: Cut, number: Value) -> tuple[Value, Value]:
    if blocks.parts == 1:
        return integer(0), integer(blocks.length)
    begin = builder.mul(number, integer(blocks.size))
    end = builder.add(begin, integer(blocks.size))
    short = builder.icmp_signed("<", end, integer(blocks.length))
    return begin, builder.select(short, end, integer(blocks.length))


def _moved(kernel: _Kernel, at: _Pointers, axis: Axis, index: Value) -> _Pointers:
    builder = kernel.builder

    def move(pointer: Value, stride: int) -> Value:
        if not stride:
            return pointer
        return address(builder, pointer, kernel.element, builder.mul(index, integer(stride)))

    extras = tuple(move(p, s) for p, s in zip(at.extras, axis.extras, strict=True))
    return _Pointers(move(at.a, axis.a), move(at.b, axis.b), move(at.c, axis.c), extras)


def _block(
    kernel: _Kernel,
    part: Value,
    corners: _Pointers,
    spans: tuple[tuple[Value, Value], tuple[Value, Value]],
) -> None:
    """Emit one block of k: panels, and in each the tiles of all rows."""
    builder, schedule = kernel.builder, kernel.schedule
    rest, step = _divide(builder, part, schedule.depth.parts)
    begin = builder.mul(step, integer(schedule.depth.size))
    here = _moved(kernel, corners, schedule.k[-1], begin)
    for axis in reversed(schedule.k[:-1]):
        rest, index = _divide(builder, rest, axis.size)
        here = _moved(kernel, here, axis, index)
    left = builder.sub(integer(schedule.k[-1].size), begin)
    whole = builder.icmp_signed("<", integer(schedule.depth.size), left)
    count = builder.select(whole, integer(schedule.depth.size), left)
    first = builder.icmp_signed("==", part, integer(0))
    last = builder.icmp_signed("==", part, integer(schedule.blocks - 1))

    def panel(column: Value, edge: bool) -> None:
        start = builder.mul(column, integer(schedule.columns.size))
        there = _moved(kernel, here, schedule.n, start)
        if kernel.panel is not None:
            columns = integer(schedule.columns.rest if edge else schedule.columns.size)
            builder.call(kernel.panel.function, [there.b, kernel.panel.room, count, columns])
            there = replace(there, b=kernel.panel.room)
        _tiles(kernel, there, spans[0], edge, (count, first, last))

    _each(builder, schedule.columns, spans[1], panel)


def _tiles(
    kernel: _Kernel,
    corners: _Pointers,
    span: tuple[Value, Value],
    column_edge: bool,
    part: tuple[Value, Value, Value],
) -> None:
    builder, schedule = kernel.builder, kernel.schedule

    def tile(row: Value, edge: bool) -> None:
        at = _moved(kernel, corners, schedule.m, builder.mul(row, integer(schedule.rows.size)))
        given = [at.a, at.b, at.c, *part, *at.extras]
        builder.call(kernel.tiles[edge, column_edge], given)

    _each(builder, schedule.rows, span, tile)


def _each(
    builder: Builder, cut: Cut, span: tuple[Value, Value], body: Callable[[Value, bool], None]
) -> None:
    """Emit ``body(number, is it the short one)`` for the parts of a span."""
    begin, end = span

    def whole(number: Value) -> list[Value]:
        body(number, False)
        return []

    if cut.full:
        short = builder.icmp_signed("<", end, integer(cut.full))
        loop(builder, (begin, builder.select(short, end, integer(cut.full)), integer(1)), whole)
    if cut.rest:
        with builder.if_then(builder.icmp_signed("<", integer(cut.full), end)):
            body(integer(cut.full), True)
