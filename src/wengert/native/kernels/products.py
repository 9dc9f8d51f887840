"""A product as a kernel: chunks of tiles over panels, written from a schedule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from wengert.native.kernels.ahead import line_of, lines_ahead
from wengert.native.kernels.contraction import Axis
from wengert.native.kernels.edges import offset
from wengert.native.kernels.epilogue import Epilogue, Rooms
from wengert.native.kernels.panel import Panel, define_panel
from wengert.native.kernels.schedule import PANEL_BYTES, Cut, Schedule
from wengert.native.kernels.tile import Tile, define_tile
from wengert.native.llvm import (
    I8,
    I64,
    POINTER,
    VOID,
    Builder,
    Function,
    Module,
    Value,
    address,
    integer,
    ir,
    load,
    loop,
    memory_type,
)

# Multiplications that are written one after the other.
_IN_LINE = 160


@dataclass(frozen=True, slots=True)
class _Pointers:
    """Corners of A, B, the sums so far, C and the other operands, at the place reached.

    ``following`` is how far away the next block of B is, in bytes, where it is fetched ahead.
    """

    a: Value
    b: Value
    sums: Value
    operands: tuple[Value, ...]
    following: Value | None = None


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
    sums: Value | None
    rooms: Rooms
    sizes: tuple[int, ...]
    lines: int


def define_product(module: Module, name: str, schedule: Schedule, epilogue: Epilogue) -> None:
    """Add the kernel ``name(operands, begin, end)``; operands are A, B, C and the others."""
    function = ir.Function(module, ir.FunctionType(VOID, [POINTER, I64, I64]), name)
    builder: Builder = ir.IRBuilder(function.append_basic_block())
    room = _stack(builder, Rooms.nbytes(epilogue, schedule.lanes))
    kernel = _Kernel(
        builder=builder,
        schedule=schedule,
        tiles=_tiles_of(module, name, schedule, epilogue),
        panel=_packing(module, builder, f"{name}.panel", schedule),
        sums=_own_sums(builder, schedule, epilogue),
        rooms=Rooms(builder, epilogue, schedule.lanes, room),
        sizes=epilogue.itemsizes(1 + len(schedule.n.extras)),
        lines=lines_ahead(schedule),
    )
    operands, begin, end = function.args
    corners = _corners(kernel, operands)

    def chunk(number: Value) -> list[Value]:
        kernel.rooms.begin()
        _chunk(kernel, number, corners)
        kernel.rooms.end(number, corners.operands)
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
    return _Pointers(a, b, kernel.sums or found[2], tuple(found[2:]))


def _stack(builder: Builder, nbytes: int) -> Value:
    """Return room on the stack, on a cache line of its own."""
    room = builder.alloca(ir.ArrayType(I8, nbytes))
    room.align = 64
    # The builder types this one pointer by what it points to; all others are plain.
    return builder.inttoptr(builder.ptrtoint(room, I64), POINTER)


# -- the shapes of tiles and panels: whole ones and those at the edge -----------------------------


def _tiles_of(
    module: Module, name: str, schedule: Schedule, epilogue: Epilogue
) -> dict[tuple[bool, bool], Function]:
    edges = [(r, c) for r in _variants(schedule.rows) for c in _variants(schedule.columns)]
    return {
        (row, column): define_tile(
            module,
            f"{name}.tile{row:d}{column:d}",
            _tile(schedule, epilogue, row, column),
            epilogue,
        )
        for row, column in edges
    }


def _packing(module: Module, builder: Builder, name: str, schedule: Schedule) -> _Packing | None:
    if not schedule.packed:
        return None
    size = _panel_bytes(schedule)
    assert size <= PANEL_BYTES
    return _Packing(define_panel(module, name, _panel(schedule)), _stack(builder, size))


def _variants(cut: Cut) -> list[bool]:
    return [edge for edge, there in ((False, cut.full), (True, cut.rest)) if there]


def _has_own_sums(schedule: Schedule, epilogue: Epilogue) -> bool:
    """Return whether the sums so far cannot lie where the product will."""
    return schedule.blocks > 1 and not epilogue.is_plain


def _own_sums(builder: Builder, schedule: Schedule, epilogue: Epilogue) -> Value | None:
    """Return room for the sums so far of a chunk, where they need some of their own."""
    if not _has_own_sums(schedule, epilogue):
        return None
    across = schedule.column_blocks.size * schedule.columns.size
    count = schedule.row_blocks.size * schedule.rows.size * across
    return _stack(builder, count * schedule.dtype.itemsize)


def _tile(schedule: Schedule, epilogue: Epilogue, row_edge: bool, column_edge: bool) -> Tile:
    rows = schedule.rows.rest if row_edge else schedule.rows.size
    columns = schedule.columns.rest if column_edge else schedule.columns.size
    lanes, k = schedule.lanes, schedule.k[-1]
    vectors = columns if schedule.dot else -(-columns // lanes)
    valid = k.size % lanes if schedule.dot else columns - (vectors - 1) * lanes
    across = _leading(schedule) if schedule.packed else schedule.n.b if schedule.dot else k.b
    c = schedule.m.c, schedule.n.c
    sums = _sums_strides(schedule) if _has_own_sums(schedule, epilogue) else c
    return Tile(
        dtype=schedule.dtype,
        lanes=lanes,
        rows=rows,
        vectors=vectors,
        valid=valid,
        sets=schedule.sets,
        a=(schedule.m.a, k.a),
        b=across,
        walked=(c, *zip(schedule.m.extras, schedule.n.extras, strict=True)),
        dot=schedule.dot,
        short=k.size if schedule.within and k.size * rows * vectors <= _IN_LINE else 0,
        levels=tuple((axis.size, axis.a, axis.b) for axis in schedule.within),
        sums=sums if schedule.blocks > 1 else None,
        ahead=bool(lines_ahead(schedule)),
    )


def _sums_strides(schedule: Schedule) -> tuple[int, int]:
    return schedule.column_blocks.size * schedule.columns.size, 1


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

    def move(pointer: Value, stride: int, size: int = kernel.schedule.dtype.itemsize) -> Value:
        if not stride:
            return pointer
        return address(builder, pointer, I8, builder.mul(index, integer(stride * size)))

    strides = (axis.c, *axis.extras)
    operands = tuple(map(move, at.operands, strides, kernel.sizes))
    sums = operands[0] if kernel.sums is None else at.sums
    return _Pointers(move(at.a, axis.a), move(at.b, axis.b), sums, operands)


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
    for axis in () if schedule.within else reversed(schedule.k[:-1]):
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
        if kernel.sums is not None:
            behind = builder.mul(builder.sub(column, spans[1][0]), integer(schedule.columns.size))
            there = replace(there, sums=_beyond(kernel, kernel.sums, behind))
        if kernel.lines:
            there = replace(there, following=_following(kernel, corners, here, (column, last)))
        _tiles(kernel, there, spans[0], edge, (count, first, last))

    _each(builder, schedule.columns, spans[1], panel)


def _following(
    kernel: _Kernel, corners: _Pointers, here: _Pointers, at: tuple[Value, Value]
) -> Value:
    """Return how many bytes away the next block is: further along k, after the last along n."""
    builder, schedule = kernel.builder, kernel.schedule
    (column, last), size = at, integer(schedule.columns.size)
    start = builder.mul(column, size)
    same = _moved(kernel, here, schedule.n, start).b
    further = integer(schedule.depth.size * schedule.k[-1].b * schedule.dtype.itemsize)
    beside = _moved(kernel, corners, schedule.n, builder.add(start, size)).b
    away = builder.sub(builder.ptrtoint(beside, I64), builder.ptrtoint(same, I64))
    return builder.select(last, away, further)


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
        if kernel.sums is not None:
            step = schedule.rows.size * _sums_strides(schedule)[0]
            behind = builder.mul(builder.sub(row, span[0]), integer(step))
            at = replace(at, sums=_beyond(kernel, corners.sums, behind))
        away = integer(0)
        if corners.following is not None:
            line = line_of(builder, kernel.lines, builder.sub(row, span[0]))
            away = builder.add(corners.following, line)
        given = [at.a, at.b, at.sums, *part, kernel.rooms.pointer, away, *at.operands]
        builder.call(kernel.tiles[edge, column_edge], given)

    _each(builder, schedule.rows, span, tile)


def _beyond(kernel: _Kernel, sums: Value, index: Value) -> Value:
    return address(kernel.builder, sums, memory_type(kernel.schedule.dtype), index)


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
