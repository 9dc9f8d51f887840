"""How a product is cut: which axis the lanes run along, the tile, the blocks of k, the chunks.

Data only. Every choice follows from shapes, strides and the processor, never from the number of
threads, so that a result has the same bits whoever computes which chunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod

from wengert.base.dtypes import Dtype
from wengert.native.kernels.contraction import Axis, Contraction, merge
from wengert.native.target import Target

# Bytes of stack that a chunk may use for a panel.
PANEL_BYTES = 64 * 2**10
# Cycles worth a chunk of its own, and the most chunks.
_CHUNK_CYCLES, _MOST_CHUNKS = 8_000, 64


@dataclass(frozen=True, slots=True)
class Cut:
    """A length in equal parts, the last one shorter: ``parts`` of ``size``, the last ``rest``."""

    length: int
    size: int

    @property
    def parts(self) -> int:
        """Number of parts, the shorter one included."""
        return -(-self.length // self.size)

    @property
    def full(self) -> int:
        """Number of parts of full size."""
        return self.length // self.size

    @property
    def rest(self) -> int:
        """Size of the shorter part, 0 where there is none."""
        return self.length % self.size


@dataclass(frozen=True, slots=True)
class Schedule:
    """One way to compute a product.

    Attributes:
        dtype, lanes: of a vector.
        swapped: whether A and B (and with them rows and columns) are exchanged.
        outer: axes walked outside of the tiles; ``m``, ``n``, ``k``: the axes of the tiles; every
            level of k but the last is walked block by block, like ``depth``.
        dot: whether the lanes run along k rather than along n.
        rows, columns: how m and n are cut into tiles.
        sets: sets of accumulators.
        depth: how the last level of k is cut into blocks.
        packed: whether B is copied into panels.
        row_blocks, column_blocks: how tiles are grouped into chunks.
        cycles: the cost that was estimated.
    """

    dtype: Dtype
    lanes: int
    swapped: bool
    outer: tuple[Axis, ...]
    m: Axis
    n: Axis
    k: tuple[Axis, ...]
    dot: bool
    rows: Cut
    columns: Cut
    sets: int
    depth: Cut
    packed: bool
    row_blocks: Cut
    column_blocks: Cut
    cycles: float

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        each = self.row_blocks.parts * self.column_blocks.parts
        return each * prod(axis.size for axis in self.outer)

    @property
    def blocks(self) -> int:
        """Number of blocks that the sum over k is made of."""
        return self.depth.parts * prod(axis.size for axis in self.k[:-1])


@dataclass(frozen=True, slots=True)
class _Roles:
    outer: tuple[Axis, ...]
    m: Axis
    n: Axis
    k: tuple[Axis, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    swapped: bool
    roles: _Roles
    dot: bool
    rows: Cut
    columns: Cut
    sets: int
    packed: bool
    cycles: float


@lru_cache(maxsize=1024)
def schedule(contraction: Contraction, target: Target) -> Schedule:
    """Return the fastest way found to compute a product."""
    swapped = replace(contraction, axes=tuple(axis.swapped for axis in contraction.axes))
    choices = [
        choice
        for each, exchanged in ((contraction, False), (swapped, True))
        for roles in _roles(each)
        for choice in _choices(each.dtype, roles, exchanged, target)
    ]
    best = min(choices, key=lambda choice: choice.cycles)
    return _complete(contraction.dtype, best, target)


# -- which axis does what -------------------------------------------------------------------------


def _roles(contraction: Contraction) -> Iterator[_Roles]:
    axes = merge(contraction.axes)
    of = {kind: [axis for axis in axes if axis.kind == kind] for kind in "mnko"}
    none = Axis(1, 0, 0, 0, tuple(0 for _ in _extras(contraction)))
    for n in of["n"] or [none]:
        m = max(of["m"], key=lambda axis: axis.size, default=none)
        outer = [axis for axis in axes if axis.kind != "k" and axis not in (m, n)]
        k = sorted(of["k"], key=lambda axis: (axis.b == 1 or axis.a == 1, axis.size))
        yield _Roles(tuple(outer), m, n, tuple(k) or (none,))


def _extras(contraction: Contraction) -> tuple[int, ...]:
    return contraction.axes[0].extras if contraction.axes else ()


# -- what a tile costs, in cycles of a core that multiplies two vectors and loads two each ---------


def _choices(dtype: Dtype, roles: _Roles, swapped: bool, target: Target) -> Iterator[_Choice]:
    lanes = target.lanes(dtype)
    registers = 32 if target.vector_bytes == 64 or "neon" in target.features else 16
    few = prod(axis.size for axis in roles.outer)
    width = -(-roles.n.size // lanes)
    for packed in (False, True):
        if packed or roles.n.b == 1 or roles.n.size == 1:
            for vectors in range(1, min(width, registers - 2) + 1):
                columns = Cut(roles.n.size, lanes * _even(width, vectors))
                rows = _rows(roles.m.size, columns.size // lanes, registers)
                yield _tile(dtype, roles, (swapped, packed, False), (rows, columns, lanes), few)
        if roles.k[-1].a == 1 and (packed or roles.k[-1].b == 1):
            for count in range(1, min(roles.n.size, registers - 2) + 1):
                columns = Cut(roles.n.size, _even(roles.n.size, count))
                rows = _rows(roles.m.size, columns.size, registers)
                if not packed or _panel_fits(dtype, roles, columns.size, lanes):
                    yield _tile(dtype, roles, (swapped, packed, True), (rows, columns, lanes), few)


def _even(length: int, most: int) -> int:
    # 7 in parts of at most 6 is 4 and 3, not 6 and 1.
    return -(-length // -(-length // most))


def _rows(length: int, vectors: int, registers: int) -> Cut:
    return Cut(length, _even(length, max((registers - 1 - vectors) // vectors, 1)))


def _panel_fits(dtype: Dtype, roles: _Roles, columns: int, lanes: int) -> bool:
    depth, columns = (-(-n // lanes) * lanes for n in (roles.k[-1].size, columns))
    return depth * columns * dtype.itemsize <= PANEL_BYTES


def _tile(
    dtype: Dtype,
    roles: _Roles,
    how: tuple[bool, bool, bool],
    cut: tuple[Cut, Cut, int],
    repeats: int,
) -> _Choice:
    swapped, packed, dot = how
    rows, columns, lanes = cut
    k = prod(axis.size for axis in roles.k)
    wide = columns.size if dot else columns.size // lanes
    total = roles.n.size if dot else -(-roles.n.size // lanes)
    sets = 1 if dot else _sets(rows.size * wide, k)
    rounds = k / lanes if dot else k
    inner = 0.0
    for r, times in ((rows.size, rows.full), (rows.rest, 1)):
        for w, again in ((wide, total // wide), (total % wide, 1)):
            inner += times * again * _cycles(r, w, sets) * rounds
    tiles = rows.parts * columns.parts
    ends = tiles * 12 + roles.m.size * total * _store_cost(roles, dot, lanes)
    pack = _pack_cost(roles, lanes, dot) * k * total if packed else 0.0
    # Chunks of rows pack again: about one in eight thousand cycles.
    pack *= max(1.0, min(rows.parts, inner / (columns.parts * _CHUNK_CYCLES * 8)))
    cycles = repeats * (inner + ends + pack)
    few = min(4, cycles / _CHUNK_CYCLES) / min(repeats * tiles, 4)
    cycles *= max(1.0, few**0.5)
    return _Choice(swapped, roles, dot, rows, columns, sets, packed, cycles)


def _sets(accumulators: int, k: int) -> int:
    sets = 1
    while sets * accumulators < 8 and 4 * sets <= k:
        sets *= 2
    return sets


def _cycles(rows: int, vectors: int, sets: int) -> float:
    if not rows or not vectors:
        return 0.0
    loads = rows + vectors
    return max(rows * vectors / 2, loads / 2, 4 / sets, 0.25 * (rows * vectors + loads) + 0.25)


def _store_cost(roles: _Roles, dot: bool, lanes: int) -> float:
    if dot:
        # Sums across lanes: a tree of shuffles for each vector.
        return 5.0 if roles.n.c == 1 else 7.0
    return 1.0 if roles.n.c == 1 else 1.5 * lanes


def _pack_cost(roles: _Roles, lanes: int, dot: bool) -> float:
    """Return the cycles for what one k of one vector of a panel takes."""
    k, n = roles.k[-1].b, roles.n.b
    plain = 1 if dot else lanes
    if 1 not in (k, n):
        return 3.0 * plain
    straight = (k == 1) == dot
    return (2.0 if straight else 6.0) * plain / lanes


# -- blocks and chunks ----------------------------------------------------------------------------


def _complete(dtype: Dtype, choice: _Choice, target: Target) -> Schedule:
    roles, rows, columns = choice.roles, choice.rows, choice.columns
    depth = _depth(dtype, choice, target)
    wanted = max(1, min(int(choice.cycles / _CHUNK_CYCLES), _MOST_CHUNKS))
    wanted = -(-wanted // prod(axis.size for axis in roles.outer))
    across = min(columns.parts, wanted)
    down = min(rows.parts, -(-wanted // across))
    return Schedule(
        dtype=dtype,
        lanes=target.lanes(dtype),
        swapped=choice.swapped,
        outer=roles.outer,
        m=roles.m,
        n=roles.n,
        k=roles.k,
        dot=choice.dot,
        rows=rows,
        columns=columns,
        sets=choice.sets,
        depth=depth,
        packed=choice.packed,
        row_blocks=Cut(rows.parts, -(-rows.parts // down)),
        column_blocks=Cut(columns.parts, -(-columns.parts // across)),
        cycles=choice.cycles,
    )


def _depth(dtype: Dtype, choice: _Choice, target: Target) -> Cut:
    """Return the blocks of k: a block of B stays near while all rows of a chunk use it."""
    length = max(choice.roles.k[-1].size, 1)
    if choice.dot or (not choice.packed and choice.rows.parts == 1):
        return Cut(length, length)
    lanes = target.lanes(dtype)
    width = -(-choice.columns.size // lanes) * lanes * dtype.itemsize
    fits = max(PANEL_BYTES // width // lanes * lanes, lanes)
    return Cut(length, length if length <= fits else fits)
