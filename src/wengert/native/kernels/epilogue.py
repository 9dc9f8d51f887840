"""What happens to a product between the sum over k and memory: formulas, stores, reductions.

An epilogue is a list of values over the elements of C, as in a loop nest. It meets each element
once, while it is still in a register: the product itself need not be stored at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from wengert.base.dtypes import Dtype
from wengert.native import llvm
from wengert.native.kernels import combine, memory
from wengert.native.kernels.edges import multiply_add
from wengert.native.kernels.formulas import formula
from wengert.native.kernels.nest import Compute, Load, Number, Reduce, Store
from wengert.native.kernels.refusal import refuse
from wengert.native.lanes import Lanes, Vector
from wengert.native.llvm import Builder, Value


@dataclass(frozen=True, slots=True)
class Made:
    """The element of the product itself."""

    dtype: str


# Bytes of the widest number that is reduced.
_WIDEST = 8
# Sums of a tile that grow in turn.
_SUMS = 4

Part = Made | Load | Number | Compute | Reduce


@dataclass(frozen=True, slots=True)
class Epilogue:
    """Values over the elements of C.

    Operands are numbered: 0 is C, the others follow. Loads and stores have no strides of their
    own, for each operand is walked in one way, which the axes of the product tell. Reductions run
    over all elements of a chunk, and are stored at the chunk's number.

    Attributes:
        values: in an order in which they can be computed; the first one is the product.
        stores: what is written.
    """

    values: tuple[Part, ...]
    stores: tuple[Store, ...]

    @property
    def is_plain(self) -> bool:
        """Whether the product is stored as it is, and nothing else done."""
        return len(self.values) == 1 and self.stores == (Store(0, 0, ()),)

    @property
    def reductions(self) -> tuple[int, ...]:
        """The values that are reduced."""
        return tuple(n for n, value in enumerate(self.values) if isinstance(value, Reduce))

    def itemsizes(self, operands: int) -> tuple[int, ...]:
        """Return the bytes of an element of each operand (1 where none is walked)."""
        found = [1] * operands
        for value in self.values:
            if isinstance(value, Load):
                found[value.operand] = np.dtype(value.dtype).itemsize
        for store in self.stores:
            found[store.operand] = np.dtype(self.values[store.value].dtype).itemsize
        return tuple(found)


def plain(dtype: Dtype) -> Epilogue:
    """Return the epilogue that stores the product."""
    return Epilogue((Made(dtype.name),), (Store(0, 0, ()),))


@dataclass(frozen=True, slots=True)
class Place:
    """A vector of the product: its row and first column in the tile, and how many lanes exist."""

    row: int
    column: int
    valid: int
    value: Value


@dataclass(frozen=True, slots=True)
class Walk:
    """An operand in a tile: its corner, and its strides along rows and columns."""

    pointer: Value
    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class Rooms:
    """Where the reductions of a chunk keep a vector each, on the stack.

    Attributes:
        lanes: elements of a vector.
        pointer: to as much room as ``nbytes`` says.
    """

    builder: Builder
    epilogue: Epilogue
    lanes: int
    pointer: Value

    @staticmethod
    def nbytes(epilogue: Epilogue, lanes: int) -> int:
        """Return the bytes that all of them take."""
        return len(epilogue.reductions) * lanes * _WIDEST

    def begin(self) -> None:
        """Emit what stands at the beginning of a chunk: neutral numbers."""
        many = Lanes(self.builder, self.lanes)
        for number in self.epilogue.reductions:
            reduce = self._reduce(number)
            start = combine.start(reduce.operator, many, np.dtype(reduce.dtype))
            many.store(start, self.of(number), 8)

    def end(self, chunk: Value, operands: Sequence[Value]) -> None:
        """Emit what stands at its end: all lanes combined into one number, and that stored."""
        many, one = Lanes(self.builder, self.lanes), Lanes(self.builder, 1)
        for store in self.epilogue.stores:
            if not store.chunk:
                continue
            reduce = self._reduce(store.value)
            dtype = np.dtype(reduce.dtype)
            vector = many.load(self.of(store.value), dtype, 8)
            total = combine.folded(reduce.operator, many, vector)
            element = llvm.memory_type(dtype)
            there = llvm.address(self.builder, operands[store.operand], element, chunk)
            one.store(total, there, dtype.itemsize)

    def of(self, number: int) -> Value:
        """Return the place of a reduction."""
        moved = self.epilogue.reductions.index(number) * self.lanes * _WIDEST
        return llvm.address(self.builder, self.pointer, llvm.I8, llvm.integer(moved))

    def _reduce(self, number: int) -> Reduce:
        found = self.epilogue.values[number]
        assert isinstance(found, Reduce)
        return found


@dataclass(eq=False)
class Finish:
    """Emits an epilogue for the places of one tile.

    Attributes:
        operands: C and the others.
        rooms: of the reductions.
    """

    builder: Builder
    epilogue: Epilogue
    lanes: Lanes
    dtype: Dtype
    operands: Sequence[Walk]
    rooms: Rooms
    kept: dict[tuple[int, int, int, int], Vector] = field(
        default_factory=dict[tuple[int, int, int, int], Vector]
    )
    spoiled: dict[int, Value] = field(default_factory=dict[int, Value])
    sums: dict[int, list[Vector]] = field(default_factory=dict[int, list[Vector]])

    def emit(self, places: Sequence[Place]) -> None:
        """Emit everything."""
        reductions = self.epilogue.reductions
        for number in reductions:
            dtype = np.dtype(self.epilogue.values[number].dtype)
            self.sums[number] = [self.lanes.load(self.rooms.of(number), dtype, 8)]
        for place in places:
            self._place(place)
        for number in reductions:
            self.lanes.store(self._total(number), self.rooms.of(number), 8)
        for number, spoiled in self.spoiled.items():
            self._refuse(number, spoiled)

    def _place(self, place: Place) -> None:
        found: list[Vector] = []
        for number, value in enumerate(self.epilogue.values):
            found.append(self._value(number, value, place, found))
        for store in self.epilogue.stores:
            if not store.chunk:
                walk = self.operands[store.operand]
                memory.write(
                    self.lanes, found[store.value], self._at(walk, place, found[store.value].dtype),
                    walk.columns, place.valid,
                )  # fmt: skip

    def _value(self, number: int, value: Part, place: Place, found: list[Vector]) -> Vector:
        match value:
            case Made():
                return Vector(place.value, self.dtype)
            case Number():
                dtype = np.dtype(value.dtype)
                return self.lanes.constant((float if dtype.kind == "f" else int)(value.text), dtype)
            case Load():
                return self._load(value, place)
            case Reduce():
                return self._reduce(number, value, place, found)
            case Compute():
                xs = [found[each] for each in value.inputs]
                if value.operator == "check":
                    self._check(number, xs[0], place)
                    return xs[0]
                return self.lanes.cast(formula(self.lanes, value, xs), np.dtype(value.dtype))

    def _reduce(self, number: int, reduce: Reduce, place: Place, found: list[Vector]) -> Vector:
        """Combine a vector with one of several sums, so that none waits for the one before."""
        sums, source = self.sums[number], self.epilogue.values[reduce.input]
        x = self.lanes.cast(found[reduce.input], np.dtype(reduce.dtype))
        x = combine.only(reduce.operator, self.lanes, x, place.valid)
        if len(sums) < _SUMS:
            sums.append(x)
            return x
        before = sums.pop(0)
        whole = place.valid == self.lanes.count and reduce.operator == "sum"
        if whole and isinstance(source, Compute) and source.operator == "square":
            root = found[source.inputs[0]].value
            made = Vector(multiply_add(self.builder, root, root, before.value), x.dtype)
        else:
            made = combine.combined(reduce.operator, self.lanes, before, x)
        sums.append(made)
        return made

    def _total(self, number: int) -> Vector:
        reduce, sums = self.epilogue.values[number], self.sums[number]
        assert isinstance(reduce, Reduce)
        while len(sums) > 1:
            sums.append(combine.combined(reduce.operator, self.lanes, sums.pop(0), sums.pop(0)))
        return sums[0]

    # -- Memory -----------------------------------------------------------------------------------

    def _load(self, load: Load, place: Place) -> Vector:
        walk, dtype = self.operands[load.operand], np.dtype(load.dtype)
        # A bias is the same in every row, or in every column: it is read once a tile.
        row, column = place.row if walk.rows else 0, place.column if walk.columns else 0
        key = (load.operand, row, column, place.valid if walk.columns else 0)
        if key not in self.kept:
            pointer = self._at(walk, place, dtype)
            if walk.columns:
                x = memory.read(self.lanes, pointer, dtype, walk.columns, place.valid)
            else:
                one = memory.read(Lanes(self.builder, 1), pointer, dtype, 1, 1)
                x = self.lanes.splat(one)
            if walk.rows and walk.columns:
                return x
            self.kept[key] = x
        return self.kept[key]

    def _at(self, walk: Walk, place: Place, dtype: Dtype) -> Value:
        moved = place.row * walk.rows + place.column * walk.columns
        if not moved:
            return walk.pointer
        element = llvm.memory_type(dtype)
        return llvm.address(self.builder, walk.pointer, element, llvm.integer(moved))

    # -- Refusals ---------------------------------------------------------------------------------

    def _check(self, number: int, x: Vector, place: Place) -> None:
        """Add 0 · x: what is not finite leaves NaN behind, at the price of one instruction."""
        value = x.value
        zero = llvm.constant(value.type, 0.0)
        if place.valid < self.lanes.count:
            value = self.builder.select(memory.mask(self.lanes, place.valid), value, zero)
        before = self.spoiled.get(number)
        if before is None:
            self.spoiled[number] = self.builder.fmul(value, zero)
        else:
            self.spoiled[number] = multiply_add(self.builder, value, zero, before)

    def _refuse(self, number: int, spoiled: Value) -> None:
        """Tell that a number of the tile is refused; which one is not known any more."""
        check, b = self.epilogue.values[number], self.builder
        assert isinstance(check, Compute)
        said = dict(check.attributes)
        outside = b.fcmp_unordered("uno", spoiled, spoiled)
        bits = b.bitcast(outside, llvm.ir.IntType(self.lanes.count))
        wrong = b.icmp_unsigned("!=", bits, llvm.ir.Constant(bits.type, 0))
        with b.if_then(wrong, likely=False):
            operand: int = said["operand"]
            unknown = Lanes(b, 1).constant(np.nan, np.dtype(np.float64))
            refuse(b, self.operands[operand].pointer, said["code"], llvm.integer(0), unknown)
