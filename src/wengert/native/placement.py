"""The arena of a program: its kernels as stages of a plan, and where that puts each storage."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from wengert.base.errors import GraphError
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.native.kernel import REFUSAL, Kernel, Operand
from wengert.native.kernels.loops import Loops
from wengert.native.kernels.nest import Load, Store
from wengert.native.kernels.tiled import Tiled
from wengert.planning.arena import ALIGNMENT
from wengert.planning.cost_graph import CostGraph, Stage
from wengert.planning.layout import Arranged, Layout, arranged
from wengert.planning.lifetime import Pass, passes
from wengert.planning.order import Work, work_on

NO_HOMES: Mapping[Variable, Variable] = {}


@dataclass(frozen=True, eq=False)
class Placement:
    """Kernels in the order in which they run, and the one block for what they make.

    Attributes:
        kernels: the kernels.
        storages: what lies in the block; numbers in ``plan`` count these.
        plan: the order, what each kernel reads and makes, lifetimes and offsets.
    """

    kernels: tuple[Kernel, ...]
    storages: tuple[Variable, ...]
    plan: Arranged

    @property
    def layout(self) -> Layout:
        """Lifetimes, what is written in place, and offsets."""
        return self.plan.layout

    @property
    def nbytes(self) -> int:
        """Size of the block."""
        return self.layout.nbytes

    @cached_property
    def offsets(self) -> Mapping[Variable, int]:
        """Byte in the block at which each storage begins."""
        return dict(zip(self.storages, self.layout.offsets, strict=True))


def placed(
    kernels: Sequence[Kernel],
    outside: Collection[Variable],
    kept: Iterable[Variable] = (),
    homes: Mapping[Variable, Variable] = NO_HOMES,
    graph: Graph | None = None,
) -> Placement:
    """Return the order of kernels that needs the smallest block, and where everything lies in it.

    Args:
        kernels: in an order in which they can run; the first one stays first.
        outside: what lies in memory of its own, refusals apart.
        kept: what is still read when the last kernel has run.
        homes: for each variable that is written over another one outside, that one.
        graph: whose operations the kernels carry out: it tells forward, backward and update.
    """
    number: dict[Variable, int] = {}
    for kernel in kernels:
        for variable in kernel.writes:
            if variable is not REFUSAL and variable not in outside:
                number.setdefault(variable, len(number))
    for variable in kept:
        if variable not in outside:
            # Of no elements, or nobody would have to write it.
            number.setdefault(variable, len(number))
    stages = _stages(kernels, number)
    sizes = tuple(variable.nbytes for variable in number)
    held = frozenset(number[v] for v in kept if v in number)
    written = CostGraph(stages, sizes, held, len(stages))
    made = {} if graph is None else dict(zip(graph.operations, passes(graph), strict=True))
    plan = arranged(written, _work(written, kernels, homes, made))
    return Placement(tuple(kernels[at] for at in plan.order.schedule), tuple(number), plan)


def _work(
    graph: CostGraph,
    kernels: Sequence[Kernel],
    homes: Mapping[Variable, Variable],
    made: Mapping[Operation, Pass],
) -> Work:
    """Return what another order of the kernels has to respect, and where updates stand."""
    each = [{made[op] for op in kernel.operations if op in made} for kernel in kernels]
    update = [found == {"update"} for found in each]
    part = [int(bool(found) and "forward" not in found) for found in each]
    return work_on(graph, _after(kernels, homes), update, part)


def _after(kernels: Sequence[Kernel], homes: Mapping[Variable, Variable]) -> list[tuple[int, ...]]:
    """Return which kernels each has to wait for: whatever touches what it writes, and so on."""
    writers: dict[Variable, int] = {}
    readers: dict[Variable, list[int]] = {}
    found: list[tuple[int, ...]] = []
    for at, kernel in enumerate(kernels):
        before = {0} if at else set[int]()
        reads = {homes.get(v, v) for v in kernel.reads} - {REFUSAL}
        writes = {homes.get(v, v) for v in kernel.writes} - {REFUSAL}
        before.update(writers[v] for v in reads | writes if v in writers)
        before.update(each for v in writes for each in readers.get(v, ()))
        for variable in writes:
            writers[variable], readers[variable] = at, []
        for variable in reads:
            readers.setdefault(variable, []).append(at)
        found.append(tuple(sorted(before - {at})))
    return found


def _stages(kernels: Sequence[Kernel], number: Mapping[Variable, int]) -> tuple[Stage, ...]:
    found: list[Stage] = []
    made: set[Variable] = set()
    for kernel in kernels:
        writes = [v for v in kernel.writes if v in number]
        makes = [v for v in writes if v not in made]
        made.update(makes)
        # A part of what an earlier kernel began counts as read: it has to be there.
        reads = [v for v in dict.fromkeys((*kernel.reads, *writes)) if v in number]
        reads = [v for v in reads if v not in makes]
        over = [
            (number[after], number[before]) for after in makes for before in reads
            if before not in writes and overwrites(kernel, before, after)
        ]  # fmt: skip
        found.append(Stage(
            tuple(number[v] for v in reads), tuple(number[v] for v in makes),
            price=kernel.nbytes + kernel.flops, over=tuple(over),
        ))  # fmt: skip
    return tuple(found)


# -- In place --------------------------------------------------------------------------------------


def overwrites(kernel: Kernel, before: Variable, after: Variable) -> bool:
    """Return whether a kernel reads each element of ``before`` only to write it in ``after``."""
    if before.nbytes != after.nbytes or before.dtype.itemsize != after.dtype.itemsize:
        return False
    old = [n for n, operand in enumerate(kernel.operands) if operand.variable is before]
    new = [n for n, operand in enumerate(kernel.operands) if operand.variable is after]
    if any(kernel.operands[n].offset for n in (*old, *new)):
        return False
    if isinstance(kernel.body, Tiled):
        return kernel.body.overwrites(old, new)
    if not isinstance(kernel.body, Loops):
        return False
    nest = kernel.body.nest
    stores = [each for each in nest.stores if each.operand in new]
    loads = [each for each in nest.values if isinstance(each, Load) and each.operand in old]
    if len(stores) != 1:
        return False
    alike = all(each.strides == stores[0].strides for each in loads)
    return alike and _once(kernel.body, stores[0])


def _once(loops: Loops, store: Store) -> bool:
    """Return whether each element is written once, after everything that its place reads."""
    nest, order = loops.nest, loops.order
    along = [s != 0 for n, s in zip(nest.sizes, store.strides, strict=True) if n > 1]
    inner = [each for n, each in zip(nest.sizes, nest.inner, strict=True) if n > 1]
    if store.chunk or not any(inner):
        return not store.chunk and all(along)
    # Written after the last of the inner loops, or in the only one that there is.
    after = not nest.split and all(a != i for a, i in zip(along, inner, strict=True))
    return after or (all(along) and not any(map(order.has_inner, range(1, order.stages))))


# -- Where threads wait for one another ------------------------------------------------------------


def barriers(kernels: Sequence[Kernel], offsets: Mapping[Variable, int]) -> list[bool]:
    """Return which kernels read or overwrite what others touch since the last barrier.

    ``offsets`` tells where variables lie; those that are not in it never change.
    """
    found: list[bool] = []
    reads: list[tuple[int, int]] = []
    writes: list[tuple[int, int]] = []
    for kernel in kernels:
        mine = [_span(v, offsets) for v in kernel.reads if v in offsets]
        made = [_span(v, offsets) for v in kernel.writes if v in offsets]
        waits = _meet(mine, writes) or _meet(made, writes) or _meet(made, reads)
        if waits:
            reads, writes = [], []
        found.append(waits)
        reads += mine
        writes += made
    return found


def _span(variable: Variable, offsets: Mapping[Variable, int]) -> tuple[int, int]:
    return offsets[variable], offsets[variable] + variable.nbytes


def _meet(some: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]) -> bool:
    return any(a < d and c < b for a, b in some for c, d in others)


# -- What is used ----------------------------------------------------------------------------------


def check_used(placement: Placement, pointers: Iterable[tuple[Operand, int]], block: int) -> int:
    """Return the bytes that the kernels' own pointers reach, which are those that were planned.

    Args:
        placement: what was planned.
        pointers: every operand of every kernel with the address that it is given.
        block: where the arena begins.

    Raises:
        GraphError: a byte more, or less, than was planned.
    """
    end, top = block + placement.nbytes, 0
    for operand, address in pointers:
        start = address - operand.offset
        if block <= start < end and operand.variable is not REFUSAL:
            top = max(top, start - block + operand.variable.nbytes)
    used = -(-top // ALIGNMENT) * ALIGNMENT
    if used != placement.nbytes:
        raise GraphError(
            "a program reaches other bytes than were planned",
            expected=f"{placement.nbytes:,} bytes",
            got=f"{used:,} bytes",
        )
    return used
