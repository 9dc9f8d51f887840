"""From a graph to kernels: steps that share an iteration space become one loop nest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

from wengert.graph.graph import Array, Graph
from wengert.graph.variable import Variable
from wengert.native.group import Group
from wengert.native.kernel import Kernel
from wengert.native.kernels.compact import compact
from wengert.native.kernels.gather import pick_kernel
from wengert.native.kernels.loops import Loops
from wengert.native.kernels.nest import Compute, Nest, Reduce
from wengert.native.kernels.product import product_kernel
from wengert.native.steps import Step, View, lower
from wengert.operators.registry import OPERATORS

# A step looks back this far for a kernel that reads what it reads.
_NEAR = 8


@dataclass(frozen=True, eq=False, slots=True)
class Fused:
    """The kernels of a graph in order, and where each of its variables lies."""

    graph: Graph
    kernels: tuple[Kernel, ...]
    views: Mapping[Variable, View]


def fuse(graph: Graph) -> Fused:
    """Return the kernels of a decomposed graph.

    Raises:
        UnsupportedError: an operator that no kernel computes, by name.
    """
    lowered = lower(graph)
    work = _Fusion(graph.constants)
    for step in lowered.steps:
        work.add(step)
    outputs = {lowered.views[variable].variable for variable in graph.outputs}
    return Fused(graph, tuple(work.kernels(outputs)), lowered.views)


@dataclass
class _Fusion:
    constants: Mapping[Variable, Array]
    items: list[Group | Step] = field(default_factory=list[Group | Step])
    made: dict[Variable, int] = field(default_factory=dict[Variable, int])
    readers: dict[Variable, set[int]] = field(default_factory=dict[Variable, set[int]])

    def add(self, step: Step) -> None:
        """Put a step into the kernel that makes its operands, or one near, or a new one."""
        if step.target.variable.size == 0:
            return
        if step.kind in ("product", "pick"):
            self._note(step, len(self.items))
            self.items.append(step)
            return
        group, axes = self._place(step)
        self._note(step, group.number)
        rest = group.add(step, axes)
        if rest is not None:
            self.made[rest.operands[0].variable] = group.number
            self.add(rest)

    def _note(self, step: Step, number: int) -> None:
        variable = step.target.variable
        self.made[variable] = max(number, self.made.get(variable, -1))
        for view in step.operands:
            self.readers.setdefault(view.variable, set()).add(number)

    def _place(self, step: Step) -> tuple[Group, tuple[int, ...]]:
        before = [view.variable for view in step.operands]
        earliest = max((self.made.get(v, -1) for v in before), default=-1)
        # What is written in parts is written in order.
        written = self.made.get(step.target.variable, -1)
        for number in self._candidates(step, earliest):
            item = self.items[number]
            if number <= written or not isinstance(item, Group):
                continue
            axes = item.fits(step)
            if axes is not None:
                return item, axes
        return self._new(step)

    def _candidates(self, step: Step, earliest: int) -> list[int]:
        found = [earliest] if earliest >= 0 else []
        near = {
            number
            for view in step.operands
            for number in self.readers.get(view.variable, ())
            if max(earliest, len(self.items) - _NEAR) <= number
        }
        return found + sorted(near - set(found), reverse=True)

    def _new(self, step: Step) -> tuple[Group, tuple[int, ...]]:
        """Open a kernel; its axes lie in the order of the memory that is read or written."""
        wide = [k for k, n in enumerate(step.shape) if n != 1]
        if step.kind == "reduce":
            strides = step.operands[0].strides
            if all(strides[k] for k in wide):
                wide.sort(key=lambda k: -abs(strides[k]))
        axes = [-1] * len(step.shape)
        for axis, k in enumerate(wide):
            axes[k] = axis
        sizes = tuple(step.shape[k] for k in wide)
        group = Group(len(self.items), sizes, self.constants)
        self.items.append(group)
        return group, tuple(axes)

    # -- The end ----------------------------------------------------------------------------------

    def kernels(self, outputs: set[Variable]) -> list[Kernel]:
        """Return the kernels; a variable that only its own kernel reads is never stored."""
        read_by: dict[Variable, set[int]] = {}
        for number, item in enumerate(self.items):
            for variable in _reads(item):
                read_by.setdefault(variable, set()).add(number)
        found: list[Kernel] = []
        for item in self.items:
            if isinstance(item, Group):
                made = _kernel(item, _needed(item, outputs, read_by))
                if made is not None:
                    found.append(made)
            else:
                found.append(whole_kernel(item))
        return found


def _reads(item: Group | Step) -> list[Variable]:
    if isinstance(item, Group):
        return [operand.variable for operand in item.operands]
    return [*(view.variable for view in item.operands), item.target.variable]


def _needed(
    group: Group, outputs: set[Variable], read_by: Mapping[Variable, set[int]]
) -> set[Variable]:
    written = {each.view.variable for each in group.written}
    parts = {each.view.variable for each in group.written if each.view.variable not in group.home}
    return {
        v for v in written
        if v in outputs or v in parts or read_by.get(v, set()) - {group.number}
    }  # fmt: skip


def _kernel(group: Group, needed: set[Variable]) -> Kernel | None:
    stores = group.stores(needed)
    if not stores:
        return None
    inner = group.inner or frozenset[int]()
    nest = Nest(
        group.sizes,
        tuple(axis in inner for axis in range(len(group.sizes))),
        tuple(group.values),
        tuple(stores),
        bool(group.parts),
        group.parts,
    )
    nest, operands = compact(nest, group.operands)
    operations = tuple(dict.fromkeys(group.operations))
    return Kernel(
        _name(nest), Loops(nest), operands, operations, _flops(nest), nest.sizes,
        tuple(group.checks),
    )  # fmt: skip


def _name(nest: Nest) -> str:
    said = [v.operator for v in nest.values if isinstance(v, Compute | Reduce)]
    return "+".join(dict.fromkeys(said)) or "copy"


def _flops(nest: Nest) -> int:
    total = 0.0
    size = prod(nest.sizes)
    for value in nest.values:
        if isinstance(value, Reduce):
            total += size
        elif isinstance(value, Compute) and value.operator in OPERATORS:
            cost = OPERATORS[value.operator].cost
            total += size * (cost.flops + cost.transcendental)
    return int(total)


def whole_kernel(step: Step) -> Kernel:
    """Return the kernel of a step that stands alone: a product, or places known at run time."""
    return product_kernel(step) if step.kind == "product" else pick_kernel(step)
