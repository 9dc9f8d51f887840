"""Where in a loop nest each value is made: as far out as its operands allow."""

from __future__ import annotations

from functools import cached_property
from math import prod

from wengert.native.kernels.nest import Compute, Load, Nest, Number, Ramp, Reduce, Store, Value
from wengert.operators.registry import OPERATORS

# What is kept from stage to stage lies on the stack.
_KEPT_BYTES, _WIDEST = 1 << 16, 8


class Order:
    """Depth and stage of the values of a nest, and which of them are needed where."""

    def __init__(self, nest: Nest) -> None:
        self.nest = nest
        self._axes: list[frozenset[int]] = []
        self._stage: list[int] = []
        outer = frozenset(nest.outer_axes)
        for value in nest.values:
            match value:
                case Load() | Ramp():
                    axes = frozenset(a for a, s in enumerate(value.strides) if s)
                    stage = 0
                case Number():
                    axes, stage = frozenset[int](), 0
                case Compute():
                    axes = frozenset[int]().union(*(self._axes[i] for i in value.inputs))
                    stage = max((self._stage[i] for i in value.inputs), default=0)
                case Reduce():
                    axes, stage = outer, self._stage[value.input] + 1
            self._axes.append(axes)
            self._stage.append(stage)

    @cached_property
    def room_strides(self) -> tuple[int, ...]:
        """How values that are kept from stage to stage lie: inner axes in order, then lanes."""
        found = [0] * len(self.nest.sizes)
        step = 1 if self.folds else self.nest.lanes
        for axis in reversed(self.nest.inner_axes):
            found[axis] = step
            step *= self.nest.sizes[axis]
        return tuple(found)

    @property
    def room(self) -> int:
        """Elements that a kept value takes, with the lanes that hang over its end."""
        length = prod(self.nest.sizes[axis] for axis in self.nest.inner_axes)
        return length * (1 if self.folds else self.nest.lanes) + self.nest.lanes

    def stage(self, number: int) -> int:
        """Return the stage in which a value can first be made."""
        return self._stage[number]

    @cached_property
    def spilled(self) -> frozenset[int]:
        """Functions of inner elements that several stages need: kept from stage to stage."""
        nest = self.nest
        if not nest.inner_axes or self.room * _WIDEST > _KEPT_BYTES:
            return frozenset()
        return frozenset(
            number
            for stage in range(1, self.stages)
            for number in self._cone(stage, frozenset())
            if self._stage[number] < stage and self._is_inner(number) and self.is_wide(number)
            # What its own stage does not need is not made there, and could not be read later.
            and number in self._cone(self._stage[number], frozenset())
            and _is_costly(nest.values[number])
        )  # fmt: skip

    @property
    def stages(self) -> int:
        """Number of stages."""
        return 1 + max(self._stage, default=0)

    @property
    def folds(self) -> bool:
        """Whether the lanes of a vector are elements of one sum."""
        return self.nest.vector is not None and self.nest.inner[self.nest.vector]

    def is_wide(self, number: int) -> bool:
        """Return whether a value differs from lane to lane."""
        return self.nest.vector in self._axes[number]

    def stores_wide(self, store: Store) -> bool:
        """Return whether a store writes a vector."""
        return bool(store.strides) and store.strides[-1] != 0

    def _is_inner(self, number: int) -> bool:
        return any(self.nest.inner[axis] for axis in self._axes[number])

    def _depth(self, number: int, axes: tuple[int, ...]) -> int:
        return max((axes.index(axis) for axis in self._axes[number] if axis in axes), default=-1)

    @cached_property
    def _computed(self) -> list[int]:
        skipped = Number | Reduce
        return [n for n, value in enumerate(self.nest.values) if not isinstance(value, skipped)]

    def outer_at(self, stage: int, depth: int) -> list[int]:
        """Return the values to make on entering an outer loop (-1: before all of them)."""
        axes = self.nest.outer_axes
        return [
            n for n in self._computed
            if self._stage[n] == stage and not self._is_inner(n) and self._depth(n, axes) == depth
        ]  # fmt: skip

    def outer_stage(self, stage: int) -> list[int]:
        """Return the values to make of a stage's reductions, at the innermost outer loop."""
        return [n for n in self._computed if self._stage[n] == stage and not self._is_inner(n)]

    def inner_at(self, stage: int, depth: int) -> list[int]:
        """Return the values to make on entering an inner loop of a stage."""
        needed = self._needed(stage)
        axes = self.nest.inner_axes
        return [
            n for n in self._computed
            if n in needed and self._is_inner(n) and self._depth(n, axes) == depth
        ]  # fmt: skip

    def _needed(self, stage: int) -> set[int]:
        """Return what the stage's stores and reductions are computed from."""
        return self._cone(stage, self.spilled)

    def _cone(self, stage: int, kept: frozenset[int]) -> set[int]:
        roots = [store.value for store in self.inner_stores(stage)]
        roots += [self._input(number) for number in self.reductions(stage)]
        roots += self.inner_checks(stage)
        found: set[int] = set()
        while roots:
            number = roots.pop()
            if number not in found:
                found.add(number)
                if number in kept and self._stage[number] < stage:
                    continue
                value = self.nest.values[number]
                roots += value.inputs if isinstance(value, Compute) else ()
        return found

    def _input(self, number: int) -> int:
        value = self.nest.values[number]
        assert isinstance(value, Reduce)
        return value.input

    def reductions(self, stage: int) -> list[int]:
        """Return the reductions that a stage ends in."""
        return [
            n for n, value in enumerate(self.nest.values)
            if isinstance(value, Reduce) and self._stage[n] == stage + 1
        ]  # fmt: skip

    def inner_stores(self, stage: int) -> list[Store]:
        """Return what the inner loops of a stage write."""
        return [
            each for each in self.nest.stores
            if self._writes_inner(each) and self._stage[each.value] == stage
        ]  # fmt: skip

    def has_inner(self, stage: int) -> bool:
        """Return whether a stage has inner loops."""
        return bool(self.reductions(stage) or self.inner_stores(stage) or self.inner_checks(stage))

    def inner_checks(self, stage: int) -> list[int]:
        """Return the checks of inner elements that a stage makes, whoever else reads them."""
        return [
            n for n, value in enumerate(self.nest.values)
            if isinstance(value, Compute) and value.operator == "check"
            and self._is_inner(n) and self._stage[n] == stage
        ]  # fmt: skip

    @cached_property
    def outer_stores(self) -> list[Store]:
        """What is written once for each point of the outer axes."""
        return [each for each in self.nest.stores if not self._writes_inner(each)]

    def _writes_inner(self, store: Store) -> bool:
        inner = self.nest.inner
        return any(s and is_inner for s, is_inner in zip(store.strides, inner, strict=True))


def _is_costly(value: Value) -> bool:
    if not isinstance(value, Compute) or value.operator not in OPERATORS:
        return False
    return OPERATORS[value.operator].cost.transcendental > 0
