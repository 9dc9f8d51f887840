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
# Bytes of stack for the sums so far of a chunk, where they cannot lie in C.
_SUMS_BYTES = 64 * 2**10
# Bytes of B that stay in the first cache while the rows of a chunk pass.
_NEAR_BYTES = 24 * 2**10
# Rows of a chunk that make a panel worth packing, and worth reading where it lies.
_PACKED_ROWS, _ROWS = 112, 24
# Cycles worth a chunk of its own, and the most chunks.
_CHUNK_CYCLES, _MOST_CHUNKS = 16_000, 64


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
    def within(self) -> tuple[Axis, ...]:
        """The levels of k that a tile walks itself, its sums in registers all the while."""
        return () if self.packed or self.depth.parts > 1 else self.k[:-1]

    @property
    def blocks(self) -> int:
        """Number of blocks that the sum over k is made of."""
        return 1 if self.within else self.depth.parts * prod(axis.size for axis in self.k[:-1])


@dataclass(frozen=True, slots=True)
class _Roles:
    outer: tuple[Axis, ...]
    m: Axis
    n: Axis
    k: tuple[Axis, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    form: _Form
    sets: int
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
    return _complete(best, best.cycles / max(best.form.repeats, 1))


def with_room(plan: Schedule) -> Schedule:
    """Return a schedule whose chunks are small enough to keep the sums so far on the stack."""
    if plan.blocks == 1:
        return plan
    most = _SUMS_BYTES // plan.dtype.itemsize
    wide = max(most // (plan.rows.size * plan.columns.size), 1)
    across = min(plan.column_blocks.size, wide)
    down = min(plan.row_blocks.size, max(wide // across, 1))
    return replace(
        plan,
        row_blocks=Cut(plan.rows.parts, down),
        column_blocks=Cut(plan.columns.parts, across),
    )


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
    most = 30 if target.vector_bytes == 64 or "neon" in target.features else 14
    width = -(-roles.n.size // lanes)
    for packed in (False, True):
        if packed or roles.n.b == 1 or roles.n.size == 1:
            for vectors in _widths(width, most):
                columns = Cut(roles.n.size, lanes * vectors)
                rows = _rows(roles.m.size, vectors, most)
                yield _tile(_Form(dtype, roles, swapped, packed, False, rows, columns, lanes))
        if roles.k[-1].a == 1 and (packed or roles.k[-1].b == 1):
            for count in _widths(roles.n.size, most):
                columns = Cut(roles.n.size, count)
                rows = _rows(roles.m.size, count, most)
                if not packed or _panel_fits(dtype, roles, count, lanes):
                    yield _tile(_Form(dtype, roles, swapped, packed, True, rows, columns, lanes))


def _widths(length: int, most: int) -> list[int]:
    # 7 in parts of at most 6 is 4 and 3, not 6 and 1.
    return sorted({_even(length, count) for count in (*range(1, min(length, 8, most) + 1), most)})


def _even(length: int, most: int) -> int:
    return max(-(-length // -(-length // most)), 1) if length else 1


def _rows(length: int, vectors: int, most: int) -> Cut:
    return Cut(length, _even(length, max((most + 1 - vectors) // vectors, 1)))


def _panel_fits(dtype: Dtype, roles: _Roles, columns: int, lanes: int) -> bool:
    depth, columns = (-(-n // lanes) * lanes for n in (roles.k[-1].size, columns))
    return depth * columns * dtype.itemsize <= PANEL_BYTES


@dataclass(frozen=True, slots=True)
class _Form:
    dtype: Dtype
    roles: _Roles
    swapped: bool
    packed: bool
    dot: bool
    rows: Cut
    columns: Cut
    lanes: int

    @property
    def total(self) -> int:
        """Accumulators along a row of C."""
        return self.roles.n.size if self.dot else -(-self.roles.n.size // self.lanes)

    @property
    def wide(self) -> int:
        """Accumulators along a row of a tile."""
        return self.columns.size if self.dot else self.columns.size // self.lanes

    @property
    def repeats(self) -> int:
        """How often the outer axes repeat all of it."""
        return prod(axis.size for axis in self.roles.outer)


def _tile(form: _Form) -> _Choice:
    roles, rows, columns = form.roles, form.rows, form.columns
    k = prod(axis.size for axis in roles.k)
    sets = 1 if form.dot else _sets(rows.size * form.wide, k)
    cycles = _sum_cost(form, sets) * (k / form.lanes if form.dot else k)
    variants = (1 + (rows.rest > 0)) * (1 + (columns.rest > 0))
    cycles *= 1.0 + 0.01 * (variants - 1)
    cycles += _tile_cost(form) + _store_cost(form)
    down, across = _grid(form, cycles)
    if form.packed:
        cycles += down * _pack_cost(form) * k
    # Work that could be shared by four threads should be.
    few = min(4, 2 * form.repeats * cycles / _CHUNK_CYCLES) / min(form.repeats * down * across, 4)
    cycles *= form.repeats * max(1.0, few**0.5)
    return _Choice(form, sets, cycles)


def _sets(accumulators: int, k: int) -> int:
    sets = 1
    while sets * accumulators < 8 and 4 * sets <= k:
        sets *= 2
    return sets


def _sum_cost(form: _Form, sets: int) -> float:
    rows, wide = form.rows, form.wide
    found = 0.0
    for r, times in ((rows.size, rows.full), (rows.rest, 1)):
        for w, again in ((wide, form.total // wide), (form.total % wide, 1)):
            if r and w and times:
                found += times * again * _round_cost(form, r, w, sets)
    # Rows of B a large power of two apart share few places in the caches.
    k = form.roles.k[-1]
    if k.size > 32 and rows.parts > 3 and not form.packed:
        found *= 1.1 if rows.length >= _PACKED_ROWS else 1.0
        found *= 1.15 if k.b * form.dtype.itemsize % 2048 == 0 else 1.0
    return found


def _round_cost(form: _Form, rows: int, vectors: int, sets: int) -> float:
    loads, nearby = rows + vectors, 0.25 * vectors + 0.08 * rows
    if form.roles.k[-1].a != 1:
        # Every k is on a line of its own.
        nearby += 0.12 * rows
    if form.roles.m.a * form.dtype.itemsize % 4096 == 0:
        nearby += 0.2 * max(rows - 6, 0)
    # What is large comes from the second cache at half a vector a cycle.
    k, m, n = form.roles.k[-1].size, form.roles.m.size, form.roles.n.size
    far = max(1.75 * vectors * (k * n > 8192), 1.75 * rows * (k * m > 8192) * form.dot)
    return max(rows * vectors / 2 + nearby, loads / 2, 4 / sets, far)


def _tile_cost(form: _Form) -> float:
    """Return the cycles that beginning tiles takes, and going from row to row of a large C."""
    large = form.roles.m.size * form.roles.n.size > 8192
    return form.columns.parts * (12.0 * form.rows.parts + 6.0 * form.roles.m.size * large)


def _store_cost(form: _Form) -> float:
    """Return the cycles that it takes to store C, and to walk what the epilogue walks beside it."""
    n = form.roles.n
    straight = [stride in (0, 1) for stride in (n.c, *n.extras)]
    if not form.dot:
        each = sum(1.0 if so else 1.5 * form.lanes for so in straight)
        return form.roles.m.size * form.total * each
    # Sums across lanes: a tree of shuffles for the columns of each row.
    left, row = form.wide, sum(3.0 if so else 2.0 * form.wide for so in straight)
    for _ in range(form.lanes.bit_length() - 1):
        left = -(-left // 2)
        row += 2.0 * left
    return form.roles.m.size * form.columns.parts * row


def _pack_cost(form: _Form) -> float:
    """Return the cycles that copying one k of all columns takes."""
    k, n = form.roles.k[-1].b, form.roles.n.b
    if n != 1 and (k != 1 or form.dot):
        return 3.0 * form.roles.n.size
    if n == 1 and not form.dot:
        return 2.5 * form.total
    # Squares in registers, whole ones even where the panel is narrow.
    return 8.0 * form.columns.parts * -(-form.columns.size // form.lanes)


# -- blocks and chunks ----------------------------------------------------------------------------


def _grid(form: _Form, cycles: float) -> tuple[int, int]:
    """Return into how many blocks the rows and the columns of tiles are cut."""
    work = form.repeats * cycles / _CHUNK_CYCLES
    wanted = max(1, min(max(min(int(2 * work), 4), int(work)), _MOST_CHUNKS))
    wanted = -(-wanted // max(form.repeats, 1))
    # A block of rows reads all of B, or packs it.
    rows = max(form.roles.m.size // (_PACKED_ROWS if form.packed else _ROWS), 1)
    most = min(form.rows.parts, rows)
    if form.packed:
        down = max(min(most, wanted), 1)
        return down, max(min(form.columns.parts, -(-wanted // down)), 1)
    across = max(min(form.columns.parts, wanted), 1)
    return max(min(most, -(-wanted // across)), 1), across


def _complete(choice: _Choice, single: float) -> Schedule:
    form = choice.form
    rows, columns = form.rows, form.columns
    down, across = _grid(form, single)
    blocks = Cut(rows.parts, -(-rows.parts // down))
    depth = _depth(form, blocks.size)
    return Schedule(
        dtype=form.dtype,
        lanes=form.lanes,
        swapped=form.swapped,
        outer=form.roles.outer,
        m=form.roles.m,
        n=form.roles.n,
        k=form.roles.k,
        dot=form.dot,
        rows=rows,
        columns=columns,
        sets=choice.sets,
        depth=depth,
        packed=form.packed,
        row_blocks=blocks,
        column_blocks=Cut(columns.parts, -(-columns.parts // across)),
        cycles=choice.cycles,
    )


def _depth(form: _Form, tiles: int) -> Cut:
    """Return the blocks of k: a block of B stays near while all rows of a chunk use it."""
    length = max(form.roles.k[-1].size, 1)
    if form.dot or (not form.packed and tiles < 4):
        return Cut(length, length)
    width = form.columns.size * form.dtype.itemsize
    fits = max((PANEL_BYTES if tiles < 4 else _NEAR_BYTES) // width // form.lanes, 1) * form.lanes
    return Cut(length, min(length, fits))
