"""A loop nest as pure data: an iteration space, values over it, what is stored, how it is cut.

Axes are *outer* (independent of one another) or *inner* (a reduction runs over all of them). A
nest without reductions has outer axes only. For each point of the outer axes, stages follow one
another: the inner loops of a stage end in its reductions, whose results the next stage may use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from wengert.operators.registry import OPERATORS

Strides = tuple[int, ...]

# A chunk is about this many elements: 16 to 64 kB, a small part of a second-level cache.
CHUNK = 8192
# Reductions to few results are cut along the reduced axes where they are longer than this.
_LONG = 8 * CHUNK
_PARTIALS = 256
_VECTOR_BYTES = 64
_TILE = 64


@dataclass(frozen=True, slots=True)
class Load:
    """An element of an operand; strides count elements along each axis."""

    operand: int
    dtype: str
    strides: Strides


@dataclass(frozen=True, slots=True)
class Number:
    """A constant; ``text`` is exact, so that equal values are equal bits."""

    text: str
    dtype: str


@dataclass(frozen=True, slots=True)
class Ramp:
    """The integer start + Σ index · step."""

    start: int
    strides: Strides
    dtype: str


@dataclass(frozen=True, slots=True)
class Compute:
    """A scalar formula of values made before it."""

    operator: str
    inputs: tuple[int, ...]
    attributes: tuple[tuple[str, Any], ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Reduce:
    """A value combined along all inner axes."""

    operator: str
    input: int
    dtype: str


Value = Load | Number | Ramp | Compute | Reduce


@dataclass(frozen=True, slots=True)
class Store:
    """A value written to an operand; ``chunk`` is added to the place once a chunk."""

    value: int
    operand: int
    strides: Strides
    chunk: int = 0


@dataclass(frozen=True, slots=True)
class Grid:
    """How a nest is cut: the axes before ``axis`` are fixed in a chunk, that one is in blocks.

    Attributes:
        axes: the axes that are cut, in the order of their loops.
        fixed: how many of them have one index in a chunk.
        block: length of a block on the next one.
        count: number of chunks; those beyond the space are empty.
    """

    axes: tuple[int, ...]
    fixed: int
    block: int
    count: int


@dataclass(frozen=True)
class Nest:
    """A loop nest.

    Attributes:
        sizes: lengths of the axes.
        inner: which axes are reduced.
        values: in an order in which they can be computed.
        stores: what is written.
        split: whether reductions end in one partial result a chunk.
        parts: number of chunks of a split nest.
    """

    sizes: tuple[int, ...]
    inner: tuple[bool, ...]
    values: tuple[Value, ...]
    stores: tuple[Store, ...]
    split: bool = False
    parts: int = 0

    # -- What it does -----------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """What it does, for people."""
        said = [v.operator for v in self.values if isinstance(v, Compute | Reduce)]
        return "+".join(dict.fromkeys(said)) or "copy"

    @property
    def flops(self) -> int:
        """Additions, multiplications, comparisons, functions."""
        total = 0.0
        for value in self.values:
            if isinstance(value, Reduce):
                total += 1
            elif isinstance(value, Compute) and value.operator in OPERATORS:
                cost = OPERATORS[value.operator].cost
                total += cost.flops + cost.transcendental
        return int(total * prod(self.sizes))

    # -- Order of the loops ----------------------------------------------------------------------

    @cached_property
    def vector(self) -> int | None:
        """The axis along which vectors lie: the last, where elements are neighbours."""
        return len(self.sizes) - 1 if self.sizes else None

    @cached_property
    def outer_axes(self) -> tuple[int, ...]:
        """Outer axes in the order of their loops."""
        return tuple(axis for axis, is_inner in enumerate(self.inner) if not is_inner)

    @cached_property
    def inner_axes(self) -> tuple[int, ...]:
        """Inner axes in the order of their loops."""
        return tuple(axis for axis, is_inner in enumerate(self.inner) if is_inner)

    @cached_property
    def lanes(self) -> int:
        """Elements of a vector: the same on every machine, so that sums have the same bits."""
        if self.vector is None:
            return 1
        widest = max(_itemsize(value.dtype) for value in self.values)
        lanes = _VECTOR_BYTES // max(widest, 4)
        n = self.sizes[self.vector]
        if self._is_light and n >= 4 * lanes:
            return 4 * lanes
        return min(lanes, _power_of_two(max(n, 1)))

    @property
    def _is_light(self) -> bool:
        """Whether several vectors at once pay: sums wait for one another, functions do not."""
        light = {"add", "subtract", "multiply", "square", "copy", "absolute", "maximum", "minimum"}
        strided = (
            value.strides[-1] not in (0, 1) for value in self.values if isinstance(value, Load)
        )
        return (
            any(self.inner)
            and all(v.operator in light for v in self.values if isinstance(v, Compute))
            and len(self.values) <= 8
            and not any(strided)
        )

    @cached_property
    def weight(self) -> int:
        """How many plain elements a point of the nest is worth: functions take their time."""
        computed = [v.operator for v in self.values if isinstance(v, Compute)]
        costs = [OPERATORS[name].cost for name in computed if name in OPERATORS]
        work = sum(cost.flops + 10 * cost.transcendental for cost in costs)
        return max(min(int(work / 8), 16), 1)

    # -- Chunks -----------------------------------------------------------------------------------

    @cached_property
    def grid(self) -> Grid:
        """How the nest is cut into chunks."""
        if self.split:
            axes = self.inner_axes
            fixed, block = _cut_into([self.sizes[a] for a in axes], self.parts)
            return Grid(axes, fixed, self._whole(axes, fixed, block), self.parts)
        axes = self.outer_axes
        sizes = [self.sizes[axis] for axis in axes]
        if not axes:
            return Grid((), 0, 0, 1)
        turned = self._turned
        if turned is not None:
            axes = tuple(axis for axis in axes if axis != turned)
            fixed, block = len(axes) - 1, -(-_TILE // self.lanes) * self.lanes
            count = prod(self.sizes[axis] for axis in axes[:-1])
            return Grid(axes, fixed, block, count * -(-self.sizes[axes[-1]] // block))
        within = max(prod(self.sizes[axis] for axis in self.inner_axes), 1) * self.weight
        fixed, block = cut(sizes, within)
        block = self._whole(axes, fixed, block)
        return Grid(axes, fixed, block, prod(sizes[:fixed]) * -(-sizes[fixed] // max(block, 1)))

    @property
    def _turned(self) -> int | None:
        """The axis along which a transposed operand lies in order, where that matters.

        A chunk is then a strip along it: what one vector fetches, the next ones use.
        """
        last = len(self.sizes) - 1
        for value in self.values:
            if isinstance(value, Load) and value.strides and value.strides[-1] not in (0, 1):
                axis = value.strides.index(1) if 1 in value.strides else last
                large = self.sizes[axis] * self.sizes[last] > CHUNK
                if large and axis != last and not any(self.inner):
                    return axis
        return None

    def _whole(self, axes: tuple[int, ...], fixed: int, block: int) -> int:
        """Round a block along the vector axis up to whole vectors."""
        if axes[fixed] != self.vector:
            return block
        return -(-block // self.lanes) * self.lanes


def cut(sizes: list[int], within: int) -> tuple[int, int]:
    """Return how many leading axes are fixed, and the block on the next, for a chunk's size.

    >>> cut([1000, 64], 1), cut([100000], 1), cut([4, 3], 1)
    ((0, 128), (0, 8192), (0, 4))
    """
    fixed, rest = 0, prod(sizes[1:]) * within
    while rest > CHUNK and fixed < len(sizes) - 1:
        fixed += 1
        rest = prod(sizes[fixed + 1 :]) * within
    block = max(CHUNK // max(rest, 1), 1)
    return fixed, max(min(block, sizes[fixed]), 1)


def parts_of(sizes: Mapping[int, int], inner: frozenset[int]) -> int:
    """Return into how many partial sums a reduction is cut, 0 where it need not be."""
    total = prod(sizes.values())
    outer = [n for axis, n in sorted(sizes.items()) if axis not in inner]
    length = prod(n for axis, n in sizes.items() if axis in inner)
    if total < _LONG:
        return 0
    fixed, block = cut(outer, length) if outer else (0, 1)
    chunks = prod(outer[:fixed]) * -(-outer[fixed] // block) if outer else 1
    if outer and max(sizes) not in inner:
        chunks = min(chunks, -(-prod(outer) // (_VECTOR_BYTES // 4)))
    return 0 if chunks >= 4 else min(-(-total // (2 * CHUNK)), _PARTIALS, length)


def _cut_into(sizes: list[int], parts: int) -> tuple[int, int]:
    """Return fixed axes and block that make at most ``parts`` chunks, near to it."""
    fixed, lead = 0, 1
    while fixed < len(sizes) - 1 and lead * sizes[fixed] < parts:
        lead *= sizes[fixed]
        fixed += 1
    return fixed, -(-sizes[fixed] // max(parts // lead, 1))


def _power_of_two(n: int) -> int:
    return 1 << (n - 1).bit_length()


def _itemsize(dtype: str) -> int:
    return {"bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "float16": 2, "int32": 4,
            "uint32": 4, "float32": 4}.get(dtype, 8)  # fmt: skip
