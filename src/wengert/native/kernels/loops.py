"""Code of a loop nest: explicit vectors along the last axis, everything as far out as it can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from wengert.native import llvm
from wengert.native.kernels import combine, memory
from wengert.native.kernels.formulas import formula
from wengert.native.kernels.nest import Compute, Load, Nest, Number, Ramp, Reduce, Store
from wengert.native.kernels.order import Order
from wengert.native.kernels.refusal import refuse_lanes
from wengert.native.lanes import Lanes, Vector
from wengert.native.llvm import Builder, Module, Value, ir

Carried = Sequence[Value]
Inside = Callable[["Scope", Carried], Carried]
_SIGNATURE = ir.FunctionType(llvm.VOID, [llvm.POINTER, llvm.I64, llvm.I64])


@dataclass(frozen=True)
class Loops:
    """The body of a kernel that is a loop nest."""

    nest: Nest

    @property
    def key(self) -> str:
        """All that the instructions depend on."""
        return repr(self.nest)

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return self.nest.grid.count

    @cached_property
    def order(self) -> Order:
        """When and how wide each value is made."""
        return Order(self.nest)

    def define(self, module: Module, name: str) -> None:
        """Add the function to a module."""
        function = ir.Function(module, _SIGNATURE, name)
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        operands, begin, end = function.args
        pointers = pointers_of(builder, operands, self.nest)
        order = self.order
        rooms = {number: _room(builder, order, number) for number in sorted(order.spilled)}

        def chunk(number: Value) -> Carried:
            _Emitter(builder, order, pointers, rooms, number).chunk()
            return ()

        llvm.loop(builder, (begin, end, llvm.integer(1)), chunk)
        builder.ret_void()


def pointers_of(builder: Builder, operands: Value, nest: Nest) -> dict[int, Value]:
    """Load the pointers that a nest uses."""
    used = {v.operand for v in (*nest.values, *nest.stores) if isinstance(v, Load | Store)}
    used |= {dict(v.attributes)["operand"] for v in nest.values
             if isinstance(v, Compute) and v.operator == "check"}  # fmt: skip
    found: dict[int, Value] = {}
    for number in sorted(used):
        place = llvm.address(builder, operands, llvm.POINTER, llvm.integer(number))
        found[number] = llvm.load(builder, place, llvm.POINTER, 8)
    return found


def _room(builder: Builder, order: Order, number: int) -> Value:
    """Return room on the stack for one value at every inner point."""
    made = order.nest.values[number]
    element = llvm.memory_type(np.dtype(made.dtype))
    room = builder.alloca(element, llvm.integer(order.room))
    # The builder types this one pointer by what it points to; all others are plain.
    return builder.inttoptr(builder.ptrtoint(room, llvm.I64), llvm.POINTER)


def _constant(lanes: Lanes, number: Number) -> Vector:
    dtype = np.dtype(number.dtype)
    return lanes.constant((float if dtype.kind == "f" else int)(number.text), dtype)


@dataclass
class Scope:
    """What is known at a place in the loops: indices, values made there or further out."""

    index: dict[int, Value] = field(default_factory=dict[int, Value])
    made: dict[int, Vector] = field(default_factory=dict[int, Vector])
    wide: dict[int, Vector] = field(default_factory=dict[int, Vector])
    active: int = 0

    def inner(self, axis: int, at: Value, active: int | None = None) -> Scope:
        """Return the scope inside a loop."""
        return Scope(
            {**self.index, axis: at}, dict(self.made), dict(self.wide),
            self.active if active is None else active,
        )  # fmt: skip


class _Emitter:
    """Emits one chunk."""

    def __init__(
        self,
        builder: Builder,
        order: Order,
        pointers: dict[int, Value],
        rooms: dict[int, Value],
        number: Value,
    ) -> None:
        self.builder, self.order, self.nest = builder, order, order.nest
        self.pointers, self.rooms, self.number = pointers, rooms, number
        self.stage, nest = 0, order.nest
        self.one, self.many = Lanes(builder, 1), Lanes(builder, nest.lanes)
        self.fixed: dict[int, Value] = {}
        self.spans: dict[int, tuple[Value, Value]] = {}

    # -- Chunks -----------------------------------------------------------------------------------

    def chunk(self) -> None:
        """Emit the work of the chunk with this number."""
        self._decode()
        scope = Scope()
        self._make(scope, self.order.outer_at(0, -1))
        self._outer(0, scope)

    def _decode(self) -> None:
        """Find the indices of the fixed axes, and the block, from the chunk's number."""
        b, grid, sizes = self.builder, self.nest.grid, self.nest.sizes
        if not grid.axes:
            return
        blocked = grid.axes[grid.fixed]
        n = sizes[blocked]
        blocks = max(-(-n // max(grid.block, 1)), 1)
        rest = b.udiv(self.number, llvm.integer(blocks))
        begin = b.mul(b.urem(self.number, llvm.integer(blocks)), llvm.integer(grid.block))
        end = self._least(b.add(begin, llvm.integer(grid.block)), llvm.integer(n))
        for axis in reversed(grid.axes[: grid.fixed]):
            self.fixed[axis] = b.urem(rest, llvm.integer(max(sizes[axis], 1)))
            rest = b.udiv(rest, llvm.integer(max(sizes[axis], 1)))
        if self.nest.split:
            # There may be more chunks than blocks; those have nothing to add.
            end = b.select(b.icmp_unsigned("==", rest, llvm.integer(0)), end, begin)
        self.spans[blocked] = (begin, end)

    def _least(self, x: Value, y: Value) -> Value:
        return self.builder.select(self.builder.icmp_signed("<", x, y), x, y)

    # -- Loops ------------------------------------------------------------------------------------

    def _outer(self, depth: int, scope: Scope) -> None:
        axes = self.nest.outer_axes
        if depth == len(axes):
            self._body(scope)
            return

        def inside(within: Scope, carried: Carried) -> Carried:
            self._make(within, self.order.outer_at(0, depth))
            self._outer(depth + 1, within)
            return carried

        self._each(axes[depth], scope, (), inside)

    def _each(self, axis: int, scope: Scope, carried: Carried, inside: Inside) -> Carried:
        """Emit a loop along an axis: whole vectors and the rest where vectors lie along it."""
        if axis in self.fixed:
            return inside(scope.inner(axis, self.fixed[axis]), carried)
        n = self.nest.sizes[axis]
        begin, end = self.spans.get(axis, (llvm.integer(0), llvm.integer(n)))
        if axis != self.nest.vector:
            return self._loop((axis, 1, None), scope, (begin, end), carried, inside)
        count = self.many.count
        rest = n % count
        full = n - rest
        if full:
            to = self._least(end, llvm.integer(full)) if rest and axis in self.spans else end
            to = to if axis in self.spans else llvm.integer(full)
            carried = self._loop((axis, count, count), scope, (begin, to), carried, inside)
        if rest and axis in self.spans:
            span = llvm.integer(full), end
            return self._loop((axis, count, rest), scope, span, carried, inside)
        if rest:
            return inside(scope.inner(axis, llvm.integer(full), rest), carried)
        return carried

    def _loop(
        self,
        how: tuple[int, int, int | None],
        scope: Scope,
        span: tuple[Value, Value],
        carried: Carried,
        inside: Inside,
    ) -> Carried:
        axis, step, active = how

        def body(at: Value, *now: Value) -> Carried:
            return inside(scope.inner(axis, at, active), now)

        return llvm.loop(self.builder, (*span, llvm.integer(step)), body, carried)

    # -- Stages -----------------------------------------------------------------------------------

    def _body(self, scope: Scope) -> None:
        for stage in range(self.order.stages):
            if stage:
                self._make(scope, self.order.outer_stage(stage))
            if self.order.has_inner(stage):
                self._stage(stage, scope)
        for store in self.order.outer_stores:
            self._store(store, scope)

    def _stage(self, stage: int, scope: Scope) -> None:
        """Emit the inner loops of a stage, and the end of its reductions."""
        self.stage = stage
        reductions = self.order.reductions(stage)
        starts = [self._start(number).value for number in reductions]
        ends = self._inner(stage, 0, scope, starts)
        for number, value in zip(reductions, ends, strict=True):
            reduce = self._reduce(number)
            made = Vector(value, np.dtype(reduce.dtype))
            if self.order.folds:
                made = combine.folded(reduce.operator, self.many, made)
            scope.made[number] = made

    def _inner(self, stage: int, depth: int, scope: Scope, carried: Carried) -> Carried:
        axes = self.nest.inner_axes

        def inside(within: Scope, now: Carried) -> Carried:
            self._make(within, self.order.inner_at(stage, depth))
            if depth + 1 < len(axes):
                return self._inner(stage, depth + 1, within, now)
            for store in self.order.inner_stores(stage):
                self._store(store, within)
            numbers = self.order.reductions(stage)
            return [self._step(n, x, within) for n, x in zip(numbers, now, strict=True)]

        return self._each(axes[depth], scope, carried, inside)

    def _reduce(self, number: int) -> Reduce:
        found = self.nest.values[number]
        assert isinstance(found, Reduce)
        return found

    def _start(self, number: int) -> Vector:
        reduce = self._reduce(number)
        return combine.start(reduce.operator, self.many, np.dtype(reduce.dtype))

    def _step(self, number: int, so_far: Value, scope: Scope) -> Value:
        reduce = self._reduce(number)
        dtype = np.dtype(reduce.dtype)
        x = self.many.cast(self._get(reduce.input, scope, self.many), dtype)
        if self.order.folds:
            x = combine.only(reduce.operator, self.many, x, scope.active or self.many.count)
        return combine.combined(reduce.operator, self.many, Vector(so_far, dtype), x).value

    # -- Values -----------------------------------------------------------------------------------

    def _make(self, scope: Scope, numbers: Sequence[int]) -> None:
        for number in numbers:
            self._value(number, scope)

    def _value(self, number: int, scope: Scope) -> Vector:
        if number not in scope.made:
            scope.made[number] = self._kept(number, scope) or self._emit(number, scope)
        return scope.made[number]

    def _kept(self, number: int, scope: Scope) -> Vector | None:
        """Return a value from the stack, or make it and leave it there."""
        if number not in self.rooms:
            return None
        order, b = self.order, self.builder
        index = [scope.index.get(axis) for axis in range(len(self.nest.sizes))]
        offset = memory.offset(b, order.room_strides, index)
        made = self.nest.values[number]
        dtype = np.dtype(made.dtype)
        place = llvm.address(b, self.rooms[number], llvm.memory_type(dtype), offset)
        active = scope.active if order.folds else self.many.count
        if self.stage > order.stage(number):
            return memory.read(self.many, place, dtype, 1, active)
        x = self._emit(number, scope)
        memory.write(self.many, x, place, 1, active)
        return x

    def _get(self, number: int, scope: Scope, lanes: Lanes) -> Vector:
        """Return a value in as many lanes as are asked for."""
        value = self.nest.values[number]
        if isinstance(value, Number):
            return _constant(lanes, value)
        made = self._value(number, scope)
        if lanes.count == 1 or llvm.is_vector(made.value.type):
            return made
        if number not in scope.wide:
            scope.wide[number] = lanes.splat(made)
        return scope.wide[number]

    def _emit(self, number: int, scope: Scope) -> Vector:
        value = self.nest.values[number]
        lanes = self.many if self.order.is_wide(number) else self.one
        match value:
            case Load():
                return self._load(value, scope, lanes)
            case Ramp():
                start = self.builder.add(
                    llvm.integer(value.start), self._offset(value.strides, scope)
                )
                step = value.strides[-1] if value.strides else 0
                return lanes.cast(memory.iota(lanes, start, step), np.dtype(value.dtype))
            case Compute():
                xs = [self._get(each, scope, lanes) for each in value.inputs]
                if value.operator == "check":
                    self._check(value, xs[0], scope, lanes)
                    return xs[0]
                return lanes.cast(formula(lanes, value, xs), np.dtype(value.dtype))
            case _:
                return self._get(number, scope, lanes)

    def _load(self, load: Load, scope: Scope, lanes: Lanes) -> Vector:
        dtype = np.dtype(load.dtype)
        place = llvm.address(
            self.builder, self.pointers[load.operand], llvm.memory_type(dtype),
            self._offset(load.strides, scope),
        )  # fmt: skip
        stride = load.strides[-1] if load.strides else 0
        return memory.read(lanes, place, dtype, stride, scope.active or lanes.count)

    def _offset(self, strides: Sequence[int], scope: Scope) -> Value:
        index = [scope.index.get(axis) for axis in range(len(strides))]
        return memory.offset(self.builder, strides, index)

    def _store(self, store: Store, scope: Scope) -> None:
        wide = self.order.stores_wide(store)
        lanes = self.many if wide else self.one
        x = self._get(store.value, scope, lanes)
        offset = self._offset(store.strides, scope)
        if store.chunk:
            moved = self.builder.mul(self.number, llvm.integer(store.chunk))
            offset = self.builder.add(offset, moved)
        element = llvm.memory_type(x.dtype)
        place = llvm.address(self.builder, self.pointers[store.operand], element, offset)
        stride = store.strides[-1] if store.strides else 0
        memory.write(lanes, x, place, stride, scope.active or lanes.count)

    def _check(self, check: Compute, x: Vector, scope: Scope, lanes: Lanes) -> None:
        """Tell of a number outside its bounds, and go on."""
        said = dict(check.attributes)
        inside = lanes.and_(lanes.ge(x, said["low"]), lanes.le(x, said["high"]))
        outside = lanes.not_(inside).value
        if lanes.count > 1:
            part = memory.mask(lanes, scope.active or lanes.count)
            outside = self.builder.and_(outside, part)
        strides: tuple[int, ...] = said["strides"]
        step = strides[-1] if strides else 0

        def place(lane: Value) -> Value:
            moved = self.builder.mul(lane, llvm.integer(step))
            return self.builder.add(self._offset(strides, scope), moved)

        told = self.pointers[said["operand"]], said["code"]
        refuse_lanes(lanes, x, outside, told, place)
