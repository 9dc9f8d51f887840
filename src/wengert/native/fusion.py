"""From a graph to kernels: steps that share an iteration space become one loop nest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import prod

from wengert.graph.graph import Array, Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.native.again import compute_again
from wengert.native.bodies import Builder, loop_kernel
from wengert.native.epilogues import with_epilogues
from wengert.native.group import Group
from wengert.native.host import host_kernel
from wengert.native.images import batch_innermost
from wengert.native.kernel import Kernel
from wengert.native.kernels.compact import compact
from wengert.native.kernels.gather import pick_kernel
from wengert.native.kernels.loops import Loops
from wengert.native.kernels.nest import Nest
from wengert.native.kernels.product import product_kernel
from wengert.native.riding import with_riders
from wengert.native.steps import Step, View, lower
from wengert.native.windows import lower_window
from wengert.rewriting.decompose import decompose
from wengert.rewriting.rewrite import simplify
from wengert.rewriting.share import repeats

# A step looks back this far for a kernel that reads what it reads.
_NEAR = 8
# What is so much smaller than what it is made of is made early, and held instead.
_SMALL = 4


@dataclass(frozen=True, eq=False, slots=True)
class Fused:
    """The kernels of a graph in order, and where each of its variables lies."""

    graph: Graph
    kernels: tuple[Kernel, ...]
    views: Mapping[Variable, View]


def fuse(graph: Graph) -> Fused:
    """Return the kernels of a decomposed graph."""
    images = batch_innermost(graph)
    lowered = lower(graph, partial(lower_window, images=images), images, _lower_loop)
    graph = replace(graph, constants=lowered.constants)
    work = _Fusion(lowered.constants, repeats(graph))
    for step in lowered.steps:
        work.add(step)
    outputs = {lowered.views[variable].variable for variable in graph.outputs}
    kernels = compute_again(work.kernels(outputs), outputs)
    kernels = with_riders(with_epilogues(kernels, outputs), outputs)
    return Fused(graph, tuple(kernels), lowered.views)


def _lower_loop(
    operation: Operation, views: Sequence[View]
) -> tuple[Step, Mapping[Variable, Array]]:
    return Builder(operation, views, lambda body: fuse(decompose(simplify(body)))).step()


@dataclass
class _Fusion:
    """Kernels so far, by number; one whose steps have moved to a later kernel leaves None.

    ``again`` are operations that compute what was computed before; ``settled`` counts the kernels
    that there were when the last other step came, ``after_whole`` those up to the last product.
    """

    constants: Mapping[Variable, Array]
    again: frozenset[Operation] = frozenset()
    items: list[Group | Step | None] = field(default_factory=list["Group | Step | None"])
    made: dict[Variable, int] = field(default_factory=dict[Variable, int])
    readers: dict[Variable, set[int]] = field(default_factory=dict[Variable, set[int]])
    settled: int = 0
    after_whole: int = 0

    def add(self, step: Step) -> None:
        """Put a step into the kernel that makes its operands, or one near, or a new one."""
        if not any(view.variable.size for view in step.targets):
            return
        if step.kind in ("product", "pick", "host", "loop"):
            self._note(step, len(self.items))
            self.items.append(step)
            self.after_whole = len(self.items)
            if step.operation not in self.again:
                self.settled = len(self.items)
            return
        group = self._place(step)
        if step.operation not in self.again:
            self.settled = len(self.items)
        self._note(step, group.number)
        if group.rest is not None:
            rest, group.rest = group.rest, None
            self.made[rest.operands[0].variable] = group.number
            self.add(rest)

    def _note(self, step: Step, number: int) -> None:
        for target in step.targets:
            variable = target.variable
            self.made[variable] = max(number, self.made.get(variable, -1))
        for view in step.operands:
            self.readers.setdefault(view.variable, set()).add(number)

    def _place(self, step: Step) -> Group:
        moving = self._movable(step)
        for number in self._candidates(step, moving):
            item = self.items[number]
            if isinstance(item, Group):
                before = [each for each in moving if each.number < number]
                late = [each for each in moving if each.number > number]
                if not late and self._joined(item, before, step):
                    return item
        for absorbed in (moving, []) if moving else ([],):
            group = self._new(step)
            if self._joined(group, absorbed, step):
                self.items.append(group)
                return group
        raise AssertionError(step)  # pragma: no cover

    def _movable(self, step: Step) -> list[Group]:
        """Return the elementwise kernels that only this step reads: they may be done with it."""
        found: list[Group] = []
        for view in step.operands:
            number = self.made.get(view.variable, -1)
            item = self.items[number] if number >= 0 else None
            if isinstance(item, Group) and item not in found and self._is_unread(item):
                found.append(item)
        return found

    def _is_unread(self, group: Group) -> bool:
        return group.inner is None and all(
            each.view.variable in group.home
            and self.readers.get(each.view.variable, set()) <= {group.number}
            for each in group.written
        )

    def _candidates(self, step: Step, moving: list[Group]) -> list[int]:
        """Return the kernels that a step may join, the latest first."""
        numbers = {group.number for group in moving}
        before = [self.made.get(view.variable, -1) for view in step.operands]
        earliest = max((number for number in before if number not in numbers), default=-1)
        # What is written in parts is written in order.
        earliest = max(earliest, self.made.get(step.target.variable, -1) + 1, self._late(step))
        near = {
            number
            for view in step.operands
            for number in self.readers.get(view.variable, ())
            # One number, or one row, repeated for all elements is no reason to stand together.
            if number >= len(self.items) - _NEAR and view.variable.size >= prod(step.shape)
        }
        return sorted((n for n in {*near, *before} if n >= earliest and n >= 0), reverse=True)

    def _late(self, step: Step) -> int:
        """Return the first kernel that a step of backward may join.

        What is made again joins none of those that were there before. What else forward's results
        alone decide would wait for its reader, ahead of a product and beside what it is made of;
        but a mask may: it is so much smaller than that, and held instead.
        """
        if step.operation in self.again:
            return self.settled
        target = step.target.variable
        largest = max((view.variable.nbytes for view in step.operands), default=0)
        if step.operation.origin is None or _SMALL * target.nbytes <= largest:
            return 0
        return self.after_whole

    def _joined(self, group: Group, moving: list[Group], step: Step) -> bool:
        """Let a group take in a step, with the kernels before it that move; or change nothing."""
        if all(other is group for other in moving):
            axes = group.fits(step)
            if axes is not None:
                group.add(step, axes)
            return axes is not None
        trial = group.copy()
        moved = [each for other in moving if other is not group for each in other.steps]
        for each in (*moved, step):
            axes = trial.fits(each, hoisted=each is not step)
            if axes is None:
                return False
            trial.add(each, axes)
        group.become(trial)
        for other in moving:
            if other is not group:
                self.items[other.number] = None
                self._renumber(other.number, group.number)
        return True

    def _renumber(self, old: int, new: int) -> None:
        for variable, number in self.made.items():
            if number == old:
                self.made[variable] = new
        for numbers in self.readers.values():
            if old in numbers:
                numbers.remove(old)
                numbers.add(new)

    def _new(self, step: Step) -> Group:
        """Return a kernel whose axes lie in the order of the memory that is read or written."""
        wide = [k for k in step.in_memory if step.shape[k] != 1]
        axes = [-1] * len(step.shape)
        for axis, k in enumerate(wide):
            axes[k] = axis
        sizes = tuple(step.shape[k] for k in wide)
        return Group(len(self.items), sizes, self.constants, first=(step, tuple(axes)))

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
            elif item is not None:
                found.append(whole_kernel(item))
        return found


def _reads(item: Group | Step | None) -> list[Variable]:
    if isinstance(item, Group):
        return [operand.variable for operand in item.operands]
    if item is None:
        return []
    return [view.variable for view in (*item.operands, *item.targets)]


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
    if not stores and not group.checks:
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
    operations = tuple(dict.fromkeys(step.operation for step in group.steps))
    return Kernel(
        nest.name, Loops(nest), operands, operations, nest.flops, nest.sizes,
        tuple(group.checks),
    )  # fmt: skip


def whole_kernel(step: Step) -> Kernel:
    """Return the kernel of a step that stands alone: a product, places known at run time, NumPy."""
    if step.kind == "host":
        return host_kernel(step)
    if step.kind == "loop":
        return loop_kernel(step)
    return product_kernel(step) if step.kind == "product" else pick_kernel(step)
