"""A kernel that grows: steps join it as long as they fit its loops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from math import prod
from typing import Any

import numpy as np

from wengert.graph.graph import Array
from wengert.graph.variable import Variable
from wengert.native.kernel import REFUSAL, Check, Operand
from wengert.native.kernels.nest import (
    Compute,
    Load,
    Number,
    Ramp,
    Reduce,
    Store,
    Strides,
    Value,
    parts_of,
)
from wengert.native.steps import Step, View, dense, ramp, uniform
from wengert.rewriting.decompose import CHECK

_MOST_VALUES = 64


@dataclass(frozen=True, slots=True)
class Written:
    """A variable that a group computes: its value, and where its elements lie along the axes."""

    value: int
    view: View
    strides: Strides
    chunk: int = 0


@dataclass(eq=False)
class Group:
    """Steps over one iteration space.

    Attributes:
        number: its place in the order of kernels.
        sizes: lengths of its axes; axes of length 1 are left out.
        constants: the graph's constants, small ones of which become part of the code.
        inner: the axes that reductions run over, None while there is none.
        parts: number of partial results of its reductions, 0 where they are whole.
        written: what it computes, by variable (a variable may be written in several parts).
        home: the values of variables that lie in C order along the axes, and their strides.
        first: the step that the group was opened for, and its axes.
        rest: the step that combines partial results, once there are any.
        steps: what has joined.
    """

    number: int
    sizes: tuple[int, ...]
    constants: Mapping[Variable, Array]
    inner: frozenset[int] | None = None
    parts: int = 0
    values: list[Value] = field(default_factory=list[Value])
    operands: list[Operand] = field(default_factory=list[Operand])
    written: list[Written] = field(default_factory=list[Written])
    home: dict[Variable, tuple[int, Strides]] = field(
        default_factory=dict[Variable, tuple[int, Strides]]
    )
    first: tuple[Step, tuple[int, ...]] | None = None
    rest: Step | None = None
    steps: list[Step] = field(default_factory=list[Step])
    checks: list[Check] = field(default_factory=list[Check])
    known: dict[Any, int] = field(default_factory=dict[Any, int])

    # -- Whether a step fits ----------------------------------------------------------------------

    def fits(self, step: Step, *, hoisted: bool = False) -> tuple[int, ...] | None:
        """Return the axis of the group for each axis of a step's space, None where it cannot join.

        Axes of length 1 have the axis -1. A ``hoisted`` step may lack the last axes.
        """
        if self.first is not None and self.first[0] is step:
            return self.first[1] if self._agrees(step, self.first[1]) else None
        if step.kind not in ("map", "reduce") or len(self.values) > _MOST_VALUES:
            return None
        axes = self._axes(step)
        if axes is None or not self._agrees(step, axes) or 0 in step.shape:
            return None
        image = {axis for axis in axes if axis >= 0}
        if step.kind == "map":
            everything = image == set(range(len(self.sizes)))
            outer = self.inner is not None and not image & self.inner and not self.parts
            whole = outer and len(image) == len(self.sizes) - len(self.inner or ())
            early = hoisted and self.inner is None and len(self.sizes) - 1 not in image
            return axes if everything or whole or early else None
        reduced = frozenset(axes[k] for k in step.reduced)
        if image != set(range(len(self.sizes))) or self.inner not in (None, reduced):
            return None
        return axes

    def _axes(self, step: Step) -> tuple[int, ...] | None:
        """Match the axes of a step's space by the steps in memory of values that both know."""
        axes = [-1] * len(step.shape)
        for view in step.operands:
            there = self._strides_here(view)
            if there is None:
                continue
            for k, (n, stride) in enumerate(zip(step.shape, view.strides, strict=True)):
                if n == 1 or stride == 0 or axes[k] >= 0:
                    continue
                found = [a for a, s in enumerate(there) if s == stride and self.sizes[a] == n]
                if len(found) != 1 or found[0] in axes:
                    return None
                axes[k] = found[0]
        free = [a for a in range(len(self.sizes)) if a not in axes]
        order = step.in_memory
        for k in order:
            n = step.shape[k]
            if n == 1 or axes[k] >= 0:
                continue
            while free and self.sizes[free[0]] != n:
                free.pop(0)
            if not free:
                return None
            axes[k] = free.pop(0)
        wanted = [axes[k] for k in order if axes[k] >= 0]
        return tuple(axes) if wanted == sorted(wanted) else None

    def _strides_here(self, view: View) -> Strides | None:
        """Return how a variable lies along the group's axes, None where it is not known here."""
        found = self.home.get(view.variable)
        if found is not None:
            return found[1] if view.offset == 0 else None
        return next(
            (
                value.strides
                for value in self.values
                if isinstance(value, Load)
                and self.operands[value.operand].variable is view.variable
                and self.operands[value.operand].offset
                == view.offset * view.variable.dtype.itemsize
            ),
            None,
        )

    def _agrees(self, step: Step, axes: tuple[int, ...]) -> bool:
        """Return whether everything that the group makes is read just where it is made."""
        mine = {each.view.variable for each in self.written}
        if step.target.variable in mine:
            return False
        for view in step.operands:
            if view.variable not in mine:
                continue
            found = self.home.get(view.variable)
            if found is None or view.offset or found[1] != self.placed(view.strides, axes):
                return False
        return True

    def placed(self, strides: Strides, axes: tuple[int, ...]) -> Strides:
        """Return strides along a step's axes as strides along the group's."""
        found = [0] * len(self.sizes)
        for axis, stride in zip(axes, strides, strict=True):
            if axis >= 0:
                found[axis] = stride
        return tuple(found)

    def _parts(self, reduced: frozenset[int]) -> int:
        return parts_of(dict(enumerate(self.sizes)), reduced)

    # -- Growing ----------------------------------------------------------------------------------

    def copy(self) -> Group:
        """Return a group that can grow without this one."""
        return replace(
            self, values=list(self.values), operands=list(self.operands),
            written=list(self.written), home=dict(self.home), steps=list(self.steps),
            checks=list(self.checks), known=dict(self.known),
        )  # fmt: skip

    def become(self, other: Group) -> None:
        """Take over everything from a copy that has grown."""
        for each in fields(self):
            setattr(self, each.name, getattr(other, each.name))

    def add(self, step: Step, axes: tuple[int, ...]) -> None:
        """Add a step that fits."""
        self.steps.append(step)
        inputs = tuple(self._operand(view, axes) for view in step.operands)
        target = step.target
        strides = self.placed(target.strides, axes)
        dtype = target.variable.dtype.name
        if step.kind == "map":
            value = self._value(self._compute(step, inputs, strides, dtype))
            self._write(Written(value, target, strides))
            return
        if self.inner is None:
            self.inner = frozenset(axes[k] for k in step.reduced)
            self.parts = self._parts(self.inner)
        value = self._value(Reduce(step.operator, inputs[0], dtype))
        if self.parts:
            self.rest = self._partial(step, value, axes)
        else:
            self._write(Written(value, target, strides))

    def _write(self, written: Written) -> None:
        self.written.append(written)
        view = written.view
        if view.offset == 0 and prod(view.shape) >= view.variable.size:
            self.home[view.variable] = written.value, written.strides

    def _partial(self, step: Step, value: int, axes: tuple[int, ...]) -> Step:
        """Store one partial result a chunk, and return the step that combines them in order."""
        kept = [k for k in range(len(axes)) if k not in step.reduced and step.shape[k] != 1]
        outer = tuple(step.shape[k] for k in kept)
        scratch = Variable((self.parts, *outer), step.target.variable.dtype, "intermediate")
        whole = dense(scratch)
        steps = [0] * len(axes)
        for k, stride in zip(kept, whole.strides[1:], strict=True):
            steps[k] = stride
        strides = self.placed(tuple(steps), axes)
        self.written.append(Written(value, whole, strides, prod(outer)))
        target = View(
            step.target.variable, step.target.offset,
            (0, *(step.target.strides[k] for k in kept)), scratch.shape,
        )  # fmt: skip
        return Step("reduce", step.operation, step.operator, scratch.shape, (whole,), target, (0,))

    # -- Values -----------------------------------------------------------------------------------

    def _value(self, value: Value) -> int:
        if value not in self.known:
            self.known[value] = len(self.values)
            self.values.append(value)
        return self.known[value]

    def _operand(self, view: View, axes: tuple[int, ...]) -> int:
        found = self.home.get(view.variable)
        if found is not None:
            return found[0]
        strides = self.placed(view.strides, axes)
        dtype = view.variable.dtype
        constant = self.constants.get(view.variable)
        if constant is not None:
            made = _inline(constant, view, strides)
            if made is not None:
                return self._value(made)
        operand = self._pointer(Operand(view.variable, view.offset * dtype.itemsize))
        return self._value(Load(operand, dtype.name, strides))

    def _pointer(self, operand: Operand) -> int:
        if operand not in self.operands:
            self.operands.append(operand)
        return self.operands.index(operand)

    def _compute(
        self, step: Step, inputs: tuple[int, ...], strides: Strides, dtype: str
    ) -> Compute:
        attributes = dict(step.attributes)
        if step.operator in ("copy", "fill"):
            attributes = {}
        elif step.operator == CHECK:
            said = step.attributes
            self.checks.append(Check(step.operation, said["low"], said["high"], said["operator"]))
            attributes = {
                "low": said["low"], "high": said["high"], "strides": strides,
                "operand": self._pointer(Operand(REFUSAL, 0, True)), "code": len(self.checks),
            }  # fmt: skip
        return Compute(step.operator, inputs, tuple(sorted(attributes.items())), dtype)

    def stores(self, needed: set[Variable]) -> list[Store]:
        """Return what is written: variables that others read."""
        found: list[Store] = []
        for each in self.written:
            variable = each.view.variable
            if variable in needed:
                offset = each.view.offset * variable.dtype.itemsize
                operand = self._pointer(Operand(variable, offset, True))
                found.append(Store(each.value, operand, each.strides, each.chunk))
        return found


def _inline(constant: Array, view: View, strides: Strides) -> Value | None:
    """Return a constant as part of the code: one number, or integers that grow evenly."""
    dtype = constant.dtype
    if uniform(constant):
        number = np.ascontiguousarray(constant).reshape(-1)[0]
        return Number(_text(number), dtype.name)
    found = ramp(constant)
    if found is None:
        return None
    start, steps = found
    moved = dense(view.variable).strides
    per = {m: s for m, s, n in zip(moved, steps, constant.shape, strict=True) if n > 1}
    if view.offset or any(s and s not in per for s in strides):
        return None
    return Ramp(start, tuple(per[s] if s else 0 for s in strides), dtype.name)


def _text(number: Any) -> str:
    return repr(float(number)) if number.dtype.kind == "f" else str(int(number))
