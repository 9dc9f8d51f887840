"""The tile of a product: rows × vectors of C kept in registers while k runs.

`rows * vectors` accumulators are phis of the loop over k; a round loads the vectors of B, repeats
each row's number of A in all lanes, and multiplies and adds. A tile with few accumulators keeps
several sets of them (`sets`), so that the additions of one round do not wait for the last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from wengert.base.dtypes import Dtype
from wengert.native.kernels.ahead import fetch
from wengert.native.kernels.edges import (
    load_vector,
    multiply_add,
    offset,
    store_vector,
    sums,
)
from wengert.native.kernels.epilogue import Epilogue, Finish, Place, Rooms, Walk
from wengert.native.lanes import Lanes
from wengert.native.llvm import (
    BIT,
    I64,
    POINTER,
    VOID,
    Builder,
    Function,
    Module,
    Type,
    Value,
    constant,
    integer,
    ir,
    loop,
    memory_type,
    vector,
)

# Bytes from the beginning of one row to that of the next handled, at least: two vectors.
_APART = 128


@dataclass(frozen=True, slots=True)
class Tile:
    """The shape of a tile and the strides it walks, in elements.

    Attributes:
        dtype: float32 or float64.
        lanes: elements of a vector.
        rows, vectors: accumulators; ``valid`` lanes of the last vector exist.
        sets: accumulators of each place, one for each k modulo ``sets``.
        a: strides of A along rows and k.   b: stride of B along k (along columns it is 1).
        walked: strides along rows and columns of C, then of each other operand of the epilogue.
        dot: lanes run along k in A and B instead (both of stride 1): ``vectors`` counts columns,
            ``b`` is the stride from column to column, and k comes in whole and one cut vector.
        levels: outer levels of k: how many, and the strides of A and B from one to the next.
        short: numbers of the last level where they are so few that no loop goes over them; else 0.
        sums: where k comes in parts, the strides of the memory that holds the sum so far; else
            None.
        ahead: whether it fetches a part of the next block of B.
    """

    dtype: Dtype
    lanes: int
    rows: int
    vectors: int
    valid: int
    sets: int
    a: tuple[int, int]
    b: int
    walked: tuple[tuple[int, int], ...]
    dot: bool = False
    levels: tuple[tuple[int, int, int], ...] = ()
    short: int = 0
    sums: tuple[int, int] | None = None
    ahead: bool = False

    @property
    def element(self) -> Type:
        """The type of a number in memory."""
        return memory_type(self.dtype)

    @property
    def type(self) -> Type:
        """The type of a vector."""
        return vector(self.element, self.lanes)


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a tile function is given.

    Attributes:
        a, b: corners of the operands.
        sums: corner of the sums so far, where k comes in parts.
        count: numbers to sum over.
        first, last: the place among the parts.
        room: of the reductions of the chunk.
        away: how many bytes from B it fetches ahead.
        operands: corners of C and the others.
    """

    a: Value
    b: Value
    sums: Value
    count: Value
    first: Value
    last: Value
    room: Value
    away: Value
    operands: tuple[Value, ...]


def define_tile(module: Module, name: str, tile: Tile, epilogue: Epilogue) -> Function:
    """Add the function that computes one tile; its parameters are those of ``Arguments``."""
    pointers = [POINTER] * len(tile.walked)
    types = [POINTER, POINTER, POINTER, I64, BIT, BIT, POINTER, I64, *pointers]
    function = ir.Function(module, ir.FunctionType(VOID, types), name)
    function.linkage = "internal"
    builder: Builder = ir.IRBuilder(function.append_basic_block())
    a, b, sums, count, first, last, room, away, *operands = function.args
    arguments = Arguments(a, b, sums, count, first, last, room, away, tuple(operands))
    found = (dot_places if tile.dot else places)(builder, tile, arguments)
    _finish(builder, tile, epilogue, arguments, found)
    builder.ret_void()
    return function


# -- the sum over k -------------------------------------------------------------------------------

Body = Callable[..., list[Value]]


def places(builder: Builder, tile: Tile, given: Arguments) -> list[Place]:
    """Emit the loop over k with the lanes along n; return the vectors of the product."""
    single = tile.rows * tile.vectors
    none = [constant(tile.type, 0.0)] * (single * tile.sets)
    whole = builder.and_(given.count, integer(-tile.sets))

    def innermost(corners: Sequence[Value], sums: Sequence[Value]) -> Sequence[Value]:
        if tile.short:
            return _in_line(builder, tile, corners, sums)
        span, rounds = (integer(0), whole, integer(tile.sets)), _rounds(builder, tile, given.away)
        carried = loop(builder, span, rounds(tile.sets), [*corners, *sums])
        if tile.sets == 1:
            return carried[2:]
        # Sets stay apart while there are levels around, for which the first one takes the rest.
        sums = carried[2:] if tile.levels else _join(builder, carried[2:], tile.sets)
        first = [*carried[:2], *sums[:single]]
        first = loop(builder, (whole, given.count, integer(1)), rounds(1), first)
        return [*first[2:], *sums[single:]]

    found = _levels(builder, tile, (given.a, given.b), none, innermost)
    if tile.levels:
        found = _join(builder, list(found), tile.sets)
    return [
        Place(row, j * tile.lanes, _valid(tile, j), found[row * tile.vectors + j])
        for row in range(tile.rows)
        for j in range(tile.vectors)
    ]


def _rounds(builder: Builder, tile: Tile, away: Value) -> Callable[[int], Body]:
    """Return bodies of loops that go some steps of k, with a set of sums for each."""
    single = tile.rows * tile.vectors

    def rounds(count: int) -> Body:
        def body(_: Value, a: Value, b: Value, *sums: Value) -> list[Value]:
            found: list[Value] = []
            for k in range(count):
                corners = _moved(builder, tile, (a, b), k)
                if tile.ahead:
                    fetch(builder, corners[1], away)
                found += _round(builder, tile, corners, sums[k * single : (k + 1) * single])
            return [*_moved(builder, tile, (a, b), count), *found]

        return body

    return rounds


def _moved(builder: Builder, tile: Tile, corners: Sequence[Value], k: int) -> list[Value]:
    pairs = zip(corners, (tile.a[1], tile.b), strict=True)
    return [offset(builder, pointer, tile.element, k * stride) for pointer, stride in pairs]


def _in_line(
    builder: Builder, tile: Tile, corners: Sequence[Value], sums: Sequence[Value]
) -> Sequence[Value]:
    """Emit the steps of a short k one after the other."""
    single, found = tile.rows * tile.vectors, list(sums)
    for k in range(tile.short):
        own = slice(k % tile.sets * single, (k % tile.sets + 1) * single)
        found[own] = _round(builder, tile, _moved(builder, tile, corners, k), found[own])
    return found


Innermost = Callable[[Sequence[Value], Sequence[Value]], Sequence[Value]]


def _levels(
    builder: Builder, tile: Tile, corners: Sequence[Value], sums: Sequence[Value], inside: Innermost
) -> Sequence[Value]:
    """Emit the loops over the outer levels of k around that over the last one."""
    if not tile.levels:
        return inside(corners, sums)
    (count, *strides), inner = tile.levels[0], replace(tile, levels=tile.levels[1:])

    def body(_: Value, a: Value, b: Value, *sums: Value) -> list[Value]:
        found = _levels(builder, inner, (a, b), sums, inside)
        pairs = zip((a, b), strides, strict=True)
        return [*(offset(builder, x, tile.element, stride) for x, stride in pairs), *found]

    return loop(builder, (integer(0), integer(count), integer(1)), body, [*corners, *sums])[2:]


def _valid(tile: Tile, j: int) -> int:
    return tile.valid if j == tile.vectors - 1 else tile.lanes


def _round(
    builder: Builder, tile: Tile, corners: Sequence[Value], sums: Sequence[Value]
) -> list[Value]:
    a, b = corners
    columns = [
        load_vector(
            builder, offset(builder, b, tile.element, j * tile.lanes), tile.type, _valid(tile, j), 1
        )
        for j in range(tile.vectors)
    ]
    found: list[Value] = []
    for row in range(tile.rows):
        here = offset(builder, a, tile.element, row * tile.a[0])
        x = load_vector(builder, here, tile.type, tile.lanes, 0)
        for j, column in enumerate(columns):
            found.append(multiply_add(builder, x, column, sums[row * tile.vectors + j]))
    return found


def _join(builder: Builder, sums: list[Value], sets: int) -> list[Value]:
    size = len(sums) // sets
    now = [sums[at * size : (at + 1) * size] for at in range(sets)]
    while len(now) > 1:
        now = [
            [builder.fadd(x, y) for x, y in zip(left, right, strict=True)]
            for left, right in zip(now[::2], now[1::2], strict=True)
        ]
    return now[0]


def dot_places(builder: Builder, tile: Tile, given: Arguments) -> list[Place]:
    """Emit the loop over k with the lanes along k; return the rows of the product."""
    zero = constant(tile.type, 0.0)

    def body(_: Value, a: Value, b: Value, *sums: Value) -> list[Value]:
        found = _dot_round(builder, tile, (a, b), list(sums), tile.lanes)
        moved = [offset(builder, p, tile.element, tile.lanes) for p in (a, b)]
        return [*moved, *found]

    whole = builder.and_(given.count, integer(-tile.lanes))

    def innermost(corners: Sequence[Value], sums: Sequence[Value]) -> Sequence[Value]:
        step = integer(tile.lanes)
        a, b, *found = loop(builder, (integer(0), whole, step), body, [*corners, *sums])
        return _dot_round(builder, tile, (a, b), found, tile.valid) if tile.valid else found

    none = [zero] * (tile.rows * tile.vectors)
    found = _levels(builder, tile, (given.a, given.b), none, innermost)
    rows = [found[at : at + tile.vectors] for at in range(0, len(found), tile.vectors)]
    return [
        Place(
            row, at, min(tile.lanes, tile.vectors - at), sums(builder, line[at : at + tile.lanes])
        )
        for row, line in enumerate(rows)
        for at in range(0, tile.vectors, tile.lanes)
    ]


def _dot_round(
    builder: Builder, tile: Tile, corner: tuple[Value, Value], sums: list[Value], valid: int
) -> list[Value]:
    a, b = corner
    rows = [
        load_vector(builder, offset(builder, a, tile.element, row * tile.a[0]), tile.type, valid, 1)
        for row in range(tile.rows)
    ]
    found = list(sums)
    for j in range(tile.vectors):
        here = offset(builder, b, tile.element, j * tile.b)
        column = load_vector(builder, here, tile.type, valid, 1)
        for row, x in enumerate(rows):
            at = row * tile.vectors + j
            found[at] = multiply_add(builder, x, column, sums[at])
    return found


# -- what is stored -------------------------------------------------------------------------------


def _finish(
    builder: Builder, tile: Tile, epilogue: Epilogue, given: Arguments, found: list[Place]
) -> None:
    if tile.sums is None:
        _end(builder, tile, epilogue, given, found)
        return
    totals = [_total(builder, tile, given, place) for place in found]
    if epilogue.is_plain:
        # The sum so far lies where the product will.
        _end(builder, tile, epilogue, given, totals)
        return
    with builder.if_else(given.last) as (then, otherwise):
        with then:
            _end(builder, tile, epilogue, given, totals)
        with otherwise:
            for place in totals:
                here = _here(builder, tile, given, place)
                store_vector(builder, place.value, here, place.valid, tile.sums[1])


def _end(
    builder: Builder, tile: Tile, epilogue: Epilogue, given: Arguments, found: list[Place]
) -> None:
    walks = [
        Walk(pointer, *strides)
        for pointer, strides in zip(given.operands, tile.walked, strict=True)
    ]
    lanes = Lanes(builder, tile.lanes)
    rooms = Rooms(builder, epilogue, tile.lanes, given.room)
    Finish(builder, epilogue, lanes, tile.dtype, walks, rooms).emit(_apart(tile, found))


def _apart(tile: Tile, found: list[Place]) -> list[Place]:
    """Return places in an order in which no vector overlaps the one before, where rows are short.

    What is read just after a part of it was written has to wait until that is in the cache.
    """
    step = abs(tile.walked[0][0]) * tile.dtype.itemsize
    apart = -(-_APART // step) if 0 < step < _APART else 1
    return sorted(found, key=lambda place: (place.row % apart, place.row, place.column))


def _total(builder: Builder, tile: Tile, given: Arguments, place: Place) -> Place:
    """Return the sum so far with that of this part of k."""
    assert tile.sums is not None
    here = _here(builder, tile, given, place)
    before = load_vector(builder, here, tile.type, place.valid, tile.sums[1])
    before = builder.select(given.first, constant(tile.type, 0.0), before)
    return replace(place, value=builder.fadd(before, place.value))


def _here(builder: Builder, tile: Tile, given: Arguments, place: Place) -> Value:
    assert tile.sums is not None
    moved = place.row * tile.sums[0] + place.column * tile.sums[1]
    return offset(builder, given.sums, tile.element, moved)
