"""Picking elements by places known at run time, and adding them back, each place checked."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from wengert.base import shapes
from wengert.base.errors import DataError
from wengert.base.guards import is_slice
from wengert.base.shapes import Shape
from wengert.native import llvm
from wengert.native.kernel import REFUSAL, Check, Kernel, Operand
from wengert.native.kernels import memory
from wengert.native.kernels.nest import CHUNK, Strides, cut
from wengert.native.kernels.refusal import refuse
from wengert.native.lanes import Lanes, Vector
from wengert.native.llvm import Builder, Module, Value, ir
from wengert.native.steps import Step, View
from wengert.operators.index import Template

_SIGNATURE = ir.FunctionType(llvm.VOID, [llvm.POINTER, llvm.I64, llvm.I64])
_INDEX = np.dtype(np.int64)


@dataclass(frozen=True, slots=True)
class Pick:
    """An array of places along one axis.

    Attributes:
        dtype: of the places.
        strides: of the array of places, along the axes of the loops.
        length: of the axis that it picks from; a place may count from its end.
        step: distance of neighbours on that axis.
    """

    dtype: str
    strides: Strides
    length: int
    step: int


@dataclass(frozen=True)
class Gather:
    """The body of a kernel: ``result[i] = data[place(i)]``, or what goes the other way.

    Scattered, elements are written (``data[place(i)] = result[i]``) or added, one after the other.

    Operands: data, result, the refusal, then the arrays of places.

    Attributes:
        sizes: lengths of the axes of the loops.
        dtype: of the elements.
        data: steps of the picked-from array along the axes that are not picked.
        result: steps of the other array.
        picks: the picked axes.
        scatter: whether elements go to ``data``.
        add: whether they are added to what is there.
    """

    sizes: tuple[int, ...]
    dtype: str
    data: Strides
    result: Strides
    picks: tuple[Pick, ...]
    scatter: bool
    add: bool = False

    @property
    def key(self) -> str:
        """All that the instructions depend on."""
        return repr(self)

    @property
    def lanes(self) -> int:
        """Elements copied at once: several where neighbours stay neighbours."""
        if not self.sizes or any(pick.strides[-1] for pick in self.picks):
            return 1
        full = 64 // max(np.dtype(self.dtype).itemsize, 4)
        near = self.data[-1] == self.result[-1] == 1
        return full if near and self.sizes[-1] >= full else 1

    @property
    def blocks(self) -> tuple[int, int]:
        """Return how many leading axes have one index in a chunk, and the block on the next.

        What is scattered comes in one order: a chunk owns a part of the last axis, or all.
        """
        if not self.sizes:
            return 0, 1
        if not self.scatter:
            fixed, block = cut(list(self.sizes), 1)
            if fixed == len(self.sizes) - 1:
                block = -(-block // self.lanes) * self.lanes
            return fixed, block
        rows = max(prod(self.sizes[:-1]), 1)
        owned = self.lanes > 1 and len(self.sizes) > 1
        block = max(CHUNK // rows // self.lanes, 1) * self.lanes
        last = len(self.sizes) - 1
        return last, block if owned else self.sizes[last]

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        if not self.sizes:
            return 1
        fixed, block = self.blocks
        blocks = -(-self.sizes[fixed] // max(block, 1))
        return blocks if self.scatter else prod(self.sizes[:fixed]) * blocks

    def define(self, module: Module, name: str) -> None:
        """Add the function to a module."""
        function = ir.Function(module, _SIGNATURE, name)
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        operands, begin, end = function.args
        pointers = [
            llvm.load(builder, llvm.address(builder, operands, llvm.POINTER, llvm.integer(k)),
                      llvm.POINTER, 8)
            for k in range(3 + len(self.picks))
        ]  # fmt: skip

        def chunk(number: Value) -> list[Value]:
            _Emitter(builder, self, pointers).chunk(number)
            return []

        llvm.loop(builder, (begin, end, llvm.integer(1)), chunk)
        builder.ret_void()


class _Emitter:
    def __init__(self, builder: Builder, body: Gather, pointers: list[Value]) -> None:
        self.builder, self.body, self.pointers = builder, body, pointers
        self.one = Lanes(builder, 1)
        self.index: dict[int, Value] = {}
        self.spans: dict[int, tuple[Value, Value]] = {}
        # For each pick, the axis whose loop is the first in which its place is known.
        self.depths = [
            max((axis for axis, s in enumerate(pick.strides) if s), default=-1)
            for pick in body.picks
        ]

    def chunk(self, number: Value) -> None:
        b, body = self.builder, self.body
        if body.sizes:
            fixed, block = body.blocks
            n = body.sizes[fixed]
            blocks = llvm.integer(max(-(-n // max(block, 1)), 1))
            begin = b.mul(b.urem(number, blocks), llvm.integer(block))
            end = b.add(begin, llvm.integer(block))
            least = b.icmp_signed("<", end, llvm.integer(n))
            self.spans[fixed] = begin, b.select(least, end, llvm.integer(n))
            rest = b.udiv(number, blocks)
            for axis in reversed(range(fixed if not body.scatter else 0)):
                size = llvm.integer(body.sizes[axis])
                self.index[axis], rest = b.urem(rest, size), b.udiv(rest, size)
        self._loops(0, llvm.integer(0), self._picked(-1))

    def _picked(self, depth: int) -> Value | None:
        """Return what the picks that are known at a depth add to the place in the data."""
        total: Value | None = None
        for number, pick in enumerate(self.body.picks):
            if self.depths[number] == depth:
                part = self.builder.mul(self._place(number, pick), llvm.integer(pick.step))
                total = part if total is None else self.builder.add(total, part)
        return total

    def _place(self, number: int, pick: Pick) -> Value:
        b = self.builder
        offset = self._offset(pick.strides)
        dtype = np.dtype(pick.dtype)
        address = llvm.address(b, self.pointers[3 + number], llvm.memory_type(dtype), offset)
        at = self.one.cast(self.one.load(address, dtype, dtype.itemsize), _INDEX).value
        length = llvm.integer(pick.length)
        wrapped = b.select(b.icmp_signed("<", at, llvm.integer(0)), b.add(at, length), at)
        inside = b.icmp_unsigned("<", wrapped, length)
        with b.if_then(b.not_(inside), likely=False):
            refuse(b, self.pointers[2], number + 1, offset, Vector(at, _INDEX))
        return b.select(inside, wrapped, llvm.integer(0))

    def _offset(self, strides: Strides) -> Value:
        index = [self.index.get(axis) for axis in range(len(strides))]
        return memory.offset(self.builder, strides, index)

    def _loops(self, axis: int, place: Value, more: Value | None) -> None:
        if more is not None:
            place = self.builder.add(place, more)
        body = self.body
        if axis == len(body.sizes):
            self._element(place, self.one, 1)
            return
        if axis in self.index and axis not in self.spans:
            self._loops(axis + 1, place, self._picked(axis))
            return
        begin, end = self.spans.get(axis, (llvm.integer(0), llvm.integer(body.sizes[axis])))
        if axis == len(body.sizes) - 1 and body.lanes > 1:
            self._row(axis, (begin, end), place)
            return
        self._loop(axis, (begin, end, 1), lambda: self._loops(axis + 1, place, self._picked(axis)))

    def _row(self, axis: int, span: tuple[Value, Value], place: Value) -> None:
        """Copy along the last axis: whole vectors, then the rest."""
        n, count = self.body.sizes[axis], self.body.lanes
        lanes = Lanes(self.builder, count)
        rest = n % count
        full = llvm.integer(n - rest)
        shorter = self.builder.icmp_signed("<", span[1], full)
        to = self.builder.select(shorter, span[1], full)
        self._loop(axis, (span[0], to, count), lambda: self._element(place, lanes, count))
        if rest:
            self._loop(axis, (full, span[1], count), lambda: self._element(place, lanes, rest))

    def _loop(self, axis: int, span: tuple[Value, Value, int], inside: object) -> None:
        begin, end, step = span

        def body(at: Value) -> list[Value]:
            assert callable(inside)
            self.index[axis] = at
            inside()
            del self.index[axis]
            return []

        llvm.loop(self.builder, (begin, end, llvm.integer(step)), body)

    def _element(self, place: Value, lanes: Lanes, active: int) -> None:
        b, body = self.builder, self.body
        dtype = np.dtype(body.dtype)
        element = llvm.memory_type(dtype)
        place = b.add(place, self._offset(body.data))
        data = llvm.address(b, self.pointers[0], element, place)
        result = llvm.address(b, self.pointers[1], element, self._offset(body.result))
        if not body.add:
            source, target = (result, data) if body.scatter else (data, result)
            memory.write(lanes, memory.read(lanes, source, dtype, 1, active), target, 1, active)
            return
        before = memory.read(lanes, data, dtype, 1, active)
        added = lanes.add(before, memory.read(lanes, result, dtype, 1, active))
        memory.write(lanes, lanes.cast(added, dtype), data, 1, active)


# -- From steps -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Places:
    """How an index expression walks an array: along the axes of the result, and by picks."""

    offset: int
    data: Strides
    picks: tuple[tuple[View, int, int], ...]


def pick_kernel(step: Step) -> Kernel:
    """Return the kernel of an operator that picks elements by places, or puts them there.

    Raises:
        DataError: places on an axis that has none.
    """
    add = step.operator in ("index_add", "add_along_axis", "add_at")
    scatter = add or step.operator == "index_update"
    whole = step.target if scatter else step.operands[0]
    other = step.operands[0] if scatter else step.target
    indices = step.operands[1:]
    if step.operator.endswith("along_axis"):
        places, shape = _along(whole, indices[0], step.attributes["axis"])
    else:
        places, shape = _indexed(whole, indices, step.attributes["template"])
    wide = [k for k, n in enumerate(shape) if n != 1]
    result = other.broadcast(shape)
    size = whole.variable.dtype.itemsize
    body = Gather(
        tuple(shape[k] for k in wide), whole.variable.dtype.name, _only(places.data, wide),
        _only(result.strides, wide),
        tuple(
            Pick(view.variable.dtype.name, _only(view.strides, wide), length, by)
            for view, length, by in places.picks
        ),
        scatter, add,
    )  # fmt: skip
    pointers = [
        Operand(whole.variable, places.offset * size, scatter),
        Operand(other.variable, other.offset * size, not scatter),
        Operand(REFUSAL, 0, True),
        *(Operand(view.variable, view.offset * view.variable.dtype.itemsize)
          for view, _, _ in places.picks),
    ]  # fmt: skip
    checks = tuple(_checks(step, places, prod(shape)))
    flops = prod(shape) if add else 0
    return Kernel(step.operator, body, tuple(pointers), (step.operation,), flops, shape, checks)


def _only(strides: Strides, axes: list[int]) -> Strides:
    return tuple(strides[k] for k in axes)


def _checks(step: Step, places: _Places, count: int) -> list[Check]:
    for _, length, _ in places.picks:
        if length == 0 and count:
            raise DataError(
                f"{step.operator} picks from an axis that has no elements",
                expected="at least one element", got="length 0", where=step.operation.location,
            )  # fmt: skip
    return [
        Check(step.operation, -length, length - 1, step.operator) for _, length, _ in places.picks
    ]


def _along(whole: View, indices: View, axis: int) -> tuple[_Places, Shape]:
    others = (*whole.shape[:axis], 1, *whole.shape[axis + 1 :])
    shape = shapes.broadcast(others, indices.shape)
    assert shape is not None
    data = tuple(
        0 if k == axis or n == 1 else s
        for k, (n, s) in enumerate(zip(whole.shape, whole.strides, strict=True))
    )
    pick = indices.broadcast(shape), whole.shape[axis], whole.strides[axis]
    return _Places(whole.offset, data, (pick,)), shape


def _indexed(whole: View, indices: tuple[View, ...], template: Template) -> tuple[_Places, Shape]:
    chosen = shapes.broadcast(*(view.shape for view in indices))
    assert chosen is not None
    offset, parts, picked = _walked(whole, template)
    advanced = [number for number, part in enumerate(parts) if part is None]
    together = advanced[-1] - advanced[0] + 1 == len(advanced)
    first = advanced[0] if together else 0
    before = [part for part in parts[:first] if part is not None]
    after = [part for part in parts[first:] if part is not None]
    walked = [*before, *((n, 0) for n in chosen), *after]
    shape = tuple(n for n, _ in walked)
    picks = tuple(
        (_inserted(indices[k].broadcast(chosen), len(before), len(after), shape), n, step)
        for k, n, step in picked
    )
    return _Places(offset, tuple(s for _, s in walked), picks), shape


_Walked = tuple[int, list[tuple[int, int] | None], list[tuple[int, int, int]]]


def _walked(whole: View, template: Template) -> _Walked:
    """Return the first place; (length, step) of each part, None where numbers pick; the picks.

    A pick is the number of its array, and length and step of the axis.
    """
    offset, axis = whole.offset, 0
    parts: list[tuple[int, int] | None] = []
    picked: list[tuple[int, int, int]] = []
    for part in template:
        if part is None:
            parts.append((1, 0))
            continue
        n, step = whole.shape[axis], whole.strides[axis]
        axis += 1
        if is_slice(part):
            start, stop, by = part.indices(n)
            count = len(range(start, stop, by))
            offset += start * step if count else 0
            parts.append((count, by * step))
            continue
        parts.append(None)
        if isinstance(part, str):
            picked.append((int(part[1:]), n, step))
        else:
            offset += (int(part) % n) * step
    parts += list(zip(whole.shape[axis:], whole.strides[axis:], strict=True))
    return offset, parts, picked


def _inserted(view: View, before: int, after: int, shape: Shape) -> View:
    """Return a view with axes around its own along which it stays the same."""
    strides = (*(0,) * before, *view.strides, *(0,) * after)
    return View(view.variable, view.offset, strides, shape)
