"""The tile of a product: rows × vectors of C kept in registers while k runs.

`rows * vectors` accumulators are phis of the loop over k; a round loads the vectors of B, repeats
each row's number of A in all lanes, and multiplies and adds. A tile with few accumulators keeps
several sets of them (`sets`), so that the additions of one round do not wait for the last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from wengert.base.dtypes import Dtype
from wengert.native.kernels.edges import (
    load_vector,
    multiply_add,
    offset,
    store_vector,
    sums,
)
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

Formula = Callable[[Builder, Sequence[Value]], Value]


@dataclass(frozen=True, slots=True)
class Epilogue:
    """What happens to the product before it is stored.

    C = beta·C + alpha·AB, or ``formula([AB, *extras])`` where a formula is given (``key`` tells
    formulas apart). Extras are operands of the same dtype that broadcast against C.
    """

    alpha: float = 1.0
    beta: float = 0.0
    formula: Formula | None = field(default=None, compare=False)
    key: str = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """The shape of a tile and the strides it walks, in elements.

    Attributes:
        dtype: float32 or float64.
        lanes: elements of a vector.
        rows, vectors: accumulators; ``valid`` lanes of the last vector exist.
        sets: accumulators of each place, one for each k modulo ``sets``.
        a: strides of A along rows and k.   b: stride of B along k (along columns it is 1).
        c: strides of C along rows and columns; ``extras``: those of each extra operand.
        dot: lanes run along k in A and B instead (both of stride 1): ``vectors`` counts columns,
            ``b`` is the stride from column to column, and k comes in whole and one cut vector.
        parts: whether C holds the sum of the k before, and keeps that of those to come.
    """

    dtype: Dtype
    lanes: int
    rows: int
    vectors: int
    valid: int
    sets: int
    a: tuple[int, int]
    b: int
    c: tuple[int, int]
    extras: tuple[tuple[int, int], ...] = ()
    dot: bool = False
    parts: bool = False

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
    """What a tile function is given: pointers to the corners, k, and the place among the parts."""

    a: Value
    b: Value
    c: Value
    count: Value
    first: Value
    last: Value
    extras: tuple[Value, ...]


def define_tile(module: Module, name: str, tile: Tile, epilogue: Epilogue) -> Function:
    """Add the function that computes one tile: (A, B, C, count of k, first, last, extras…)."""
    pointers = [POINTER] * len(tile.extras)
    types = [POINTER, POINTER, POINTER, I64, BIT, BIT, *pointers]
    function = ir.Function(module, ir.FunctionType(VOID, types), name)
    function.linkage = "internal"
    builder: Builder = ir.IRBuilder(function.append_basic_block())
    given = function.args
    a, b, c, count, first, last = given[:6]
    arguments = Arguments(a, b, c, count, first, last, tuple(given[6:]))
    if tile.dot:
        _finish(builder, tile, epilogue, arguments, dot_places(builder, tile, arguments))
    else:
        _finish(builder, tile, epilogue, arguments, places(builder, tile, arguments))
    builder.ret_void()
    return function


# -- the sum over k -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """A vector of the product: its row and first column in the tile, and how many lanes exist."""

    row: int
    column: int
    valid: int
    value: Value


def places(builder: Builder, tile: Tile, given: Arguments) -> list[Place]:
    """Emit the loop over k with the lanes along n; return the vectors of the product."""
    zero = constant(tile.type, 0.0)
    single = [zero] * (tile.rows * tile.vectors)

    def moved(pointers: Sequence[Value], k: int) -> list[Value]:
        pairs = zip(pointers, (tile.a[1], tile.b), strict=True)
        return [offset(builder, pointer, tile.element, k * stride) for pointer, stride in pairs]

    def rounds(count: int) -> Callable[..., list[Value]]:
        def body(_: Value, a: Value, b: Value, *sums: Value) -> list[Value]:
            found: list[Value] = []
            for k in range(count):
                part = sums[k * len(single) : (k + 1) * len(single)]
                found += _round(builder, tile, moved((a, b), k), part)
            return [*moved((a, b), count), *found]

        return body

    whole = builder.and_(given.count, integer(-tile.sets))
    carried = [given.a, given.b, *single * tile.sets]
    carried = loop(builder, (integer(0), whole, integer(tile.sets)), rounds(tile.sets), carried)
    if tile.sets > 1:
        joined = [*carried[:2], *_join(builder, carried[2:], tile.sets)]
        carried = loop(builder, (whole, given.count, integer(1)), rounds(1), joined)
    return [
        Place(row, j * tile.lanes, _valid(tile, j), carried[2 + row * tile.vectors + j])
        for row in range(tile.rows)
        for j in range(tile.vectors)
    ]


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
    carried = [given.a, given.b, *[zero] * (tile.rows * tile.vectors)]
    a, b, *found = loop(builder, (integer(0), whole, integer(tile.lanes)), body, carried)
    if tile.valid:
        found = _dot_round(builder, tile, (a, b), found, tile.valid)
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
    for place in found:
        here = offset(builder, given.c, tile.element, _at(place, tile.c))
        if epilogue.formula is None:
            value = _update(builder, tile, epilogue, given, (place, here))
        else:
            value = _apply(builder, tile, epilogue, given, (place, here))
        store_vector(builder, value, here, place.valid, tile.c[1])


def _at(place: Place, strides: tuple[int, int]) -> int:
    return place.row * strides[0] + place.column * strides[1]


def _update(
    builder: Builder,
    tile: Tile,
    epilogue: Epilogue,
    given: Arguments,
    at: tuple[Place, Value],
) -> Value:
    place, here = at
    alpha, beta = (constant(tile.type, x) for x in (epilogue.alpha, epilogue.beta))
    value = place.value
    if not tile.parts and epilogue.beta == 0.0:
        return value if epilogue.alpha == 1.0 else builder.fmul(alpha, value)
    before = load_vector(builder, here, tile.type, place.valid, tile.c[1])
    if not tile.parts:
        return multiply_add(builder, alpha, value, builder.fmul(beta, before))
    # The first part of k meets the old C, the others the sum so far.
    zero = constant(tile.type, 0.0)
    old = builder.fmul(beta, before) if epilogue.beta else zero
    base = builder.select(given.first, old, before)
    return multiply_add(builder, alpha, value, base)


def _apply(
    builder: Builder,
    tile: Tile,
    epilogue: Epilogue,
    given: Arguments,
    at: tuple[Place, Value],
) -> Value:
    assert epilogue.formula is not None
    place, here = at
    value = place.value
    if tile.parts:
        before = load_vector(builder, here, tile.type, place.valid, tile.c[1])
        value = builder.fadd(builder.select(given.first, constant(tile.type, 0.0), before), value)
    others = [
        load_vector(
            builder,
            offset(builder, pointer, tile.element, _at(place, strides)),
            tile.type,
            place.valid,
            strides[1],
        )
        for pointer, strides in zip(given.extras, tile.extras, strict=True)
    ]
    result = epilogue.formula(builder, [value, *others])
    return builder.select(given.last, result, value) if tile.parts else result
