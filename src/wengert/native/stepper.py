"""Many steps a call: the state stays in the program's memory, batches are fetched natively.

One native call runs as many steps as are asked for. Each step fetches its rows from the user's
arrays, overwrites the state and hands out its metrics; a number that is not finite ends the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wengert.base.errors import UnsupportedError
from wengert.graph.graph import Array, Graph
from wengert.graph.variable import Variable
from wengert.native.host import load
from wengert.native.kernel import REFUSAL, Kernel, Operand
from wengert.native.kernels.rows import Guard
from wengert.native.listing import listing
from wengert.native.patience import patience
from wengert.native.placement import barriers, check_used, placed
from wengert.native.profile import Profile, profiled
from wengert.native.program import aligned, cost_of
from wengert.native.refusal import forget_problem
from wengert.native.residence import Resident, reside
from wengert.native.threads import Poll, team
from wengert.native.walker import Record, Table, Words
from wengert.planning.arena import ALIGNMENT

# Steps in one call: their pointers and metrics are a few hundred kilobytes at most.
MOST = 4096
_ROW = 4
_STOP = Variable((), np.dtype(np.int64), "intermediate", name="stop")


class Memory:
    """The state of training in one block, in its place from the first step to the last.

    Args:
        leaves: arrays of the types that the state has; they are copied.

    Attributes:
        leaves: the state as arrays that change with every step.
        arena_bytes: of the blocks for intermediates; one, where the largest program comes first.
    """

    def __init__(self, leaves: Sequence[Array]) -> None:
        sizes = [-(-leaf.nbytes // ALIGNMENT) * ALIGNMENT for leaf in leaves]
        self._block = aligned(max(sum(sizes), ALIGNMENT))
        self._kept = np.zeros_like(self._block)
        starts = np.cumsum([0, *sizes])
        self.leaves: list[Array] = [
            np.ndarray(leaf.shape, leaf.dtype, self._block, int(start))
            for leaf, start in zip(leaves, starts, strict=False)
        ]
        self._arena, self.arena_bytes = aligned(0), 0
        self.write(leaves)

    def write(self, leaves: Sequence[Array]) -> None:
        """Take over a state."""
        for mine, leaf in zip(self.leaves, leaves, strict=True):
            mine[...] = leaf

    def read(self) -> list[Array]:
        """Return the state as new arrays."""
        return [leaf.copy() for leaf in self.leaves]

    def keep(self) -> None:
        """Remember the state as it is."""
        self._kept[:] = self._block

    def restore(self) -> None:
        """Return to the state that was kept last."""
        self._block[:] = self._kept

    def arena(self, nbytes: int) -> Array:
        """Return a block for intermediates; programs that never run together share one."""
        if len(self._arena) < nbytes:
            # Programs that were made before keep theirs.
            self._arena = aligned(nbytes)
            self.arena_bytes += nbytes
        return self._arena


@dataclass(frozen=True, eq=False, slots=True)
class Taken:
    """Steps that were taken.

    Attributes:
        steps: how many.
        metrics: for each metric its value in each of them, measured before the update.
        failed: whether the next step would make a number that is not finite, or was given one
            that an operator refuses; the state is the one before it.
    """

    steps: int
    metrics: tuple[Array, ...]
    failed: bool


class Stepper:
    """A compiled step ``(state leaves, batch leaves) -> (state leaves, metrics)``.

    Args:
        graph: the step; the first of its metrics is J, all of them are scalars.
        memory: where the state lives; several steppers, for batches of other sizes, share one.
        threads: how many run it together; the results have the same bits for any number.

    Attributes:
        kernels: in the order in which they run.
        arena_bytes: size of the block that holds every intermediate, as it was planned.
        used_bytes: what of it the kernels' pointers reach.
        batch: examples in a step.

    Raises:
        UnsupportedError: a state that changes its type.
    """

    def __init__(self, graph: Graph, memory: Memory, threads: int | None = 1) -> None:
        self._count = len(memory.leaves)
        _check_types(graph, self._count)
        self.graph, self.memory = graph, memory
        self.batch = graph.inputs[self._count].shape[0]
        with patience(f"compiling {graph.name}"):
            self._compile(threads)

    def _compile(self, threads: int | None) -> None:
        self._resident, self.kernels, self._outside = resident_kernels(self.graph, self._count)
        checked = [kernel for kernel in self.kernels if REFUSAL in kernel.writes]
        self._refusals = np.zeros((len(checked) + 1, _ROW), np.int64)
        self._refusal_rows = {kernel: row for row, kernel in enumerate(checked)}
        self._rings = [np.zeros(MOST, ring.dtype) for ring in self._resident.rings]
        self._place()
        self._loaded = load(self.kernels)
        self._team = team(threads)
        self._point()

    # -- Where everything lies --------------------------------------------------------------------

    def _place(self) -> None:
        """Lay out the arena, find every address, and where threads must wait for one another."""
        states = self.graph.inputs[: self._count]
        resident = self._resident
        self.placed = placed(
            self.kernels, self._outside, homes=resident.homes, graph=resident.fused.graph
        )
        self.kernels = self.placed.kernels
        self.arena_bytes = self.placed.nbytes
        self._arena = self.memory.arena(max(self.arena_bytes, ALIGNMENT))
        constants = resident.fused.graph.constants
        self._constants = {v: np.require(x, x.dtype, ["C", "A"]) for v, x in constants.items()}
        base = self._arena.ctypes.data
        moving = {v: base + offset for v, offset in self.placed.offsets.items()}
        moving |= {v: x.ctypes.data for v, x in zip(states, self.memory.leaves, strict=True)}
        moving |= {v: moving[home] for v, home in resident.homes.items()}
        self.barriers = tuple(barriers(self.kernels, moving))
        self._addresses = moving | {v: x.ctypes.data for v, x in self._constants.items()}

    def _point(self) -> None:
        """Lay out the pointers of every kernel: one row, or one for each step of a call."""
        self._slots: dict[Variable, list[Words]] = {}
        tables = [self._pointers(kernel) for kernel in self.kernels]
        pairs = zip(self.kernels, tables, strict=True)
        pointers = ((o, int(t[0, n])) for k, t in pairs for n, o in enumerate(k.operands))
        self.used_bytes = check_used(self.placed, pointers, self._arena.ctypes.data)
        self._table_bytes = sum(table.nbytes for table in tables)
        records = [
            Record(loaded.address, table.ctypes.data, kernel.body.chunks, barrier,
                   nanoseconds=cost_of(kernel), stride=0 if len(table) == 1 else table.strides[0])
            for kernel, loaded, table, barrier in zip(
                self.kernels, self._loaded, tables, self.barriers, strict=True)
        ]  # fmt: skip
        self._table = Table(records, self._team.threads, tables)
        for column in self._slots.pop(_STOP, []):
            column[:] = self._table.stop_address

    def _pointers(self, kernel: Kernel) -> Words:
        order, rings = self._resident.order, self._resident.rings
        each = any(o.variable is order or o.variable in rings for o in kernel.operands)
        table = np.zeros((MOST if each else 1, max(len(kernel.operands), 1)), np.int64)
        for place, operand in enumerate(kernel.operands):
            variable = operand.variable
            if variable is REFUSAL:
                row = self._refusal_rows.get(kernel, 0)
                table[:, place] = self._refusals.ctypes.data + row * _ROW * 8
            elif variable in self._addresses:
                table[:, place] = self._addresses[variable] + operand.offset
            else:
                self._slots.setdefault(variable, []).append(table[:, place])
        return table

    def _aim(self, sources: Sequence[Array], order: Array, ring: int, steps: int) -> None:
        """Let the pointers of the coming steps show where their rows and metrics are."""
        for variable, source in zip(self._resident.sources, sources, strict=True):
            for column in self._slots.get(variable, []):
                column[:] = source.ctypes.data
        count = np.arange(steps)
        for column in self._slots.get(self._resident.order, []):
            column[:steps] = order.ctypes.data + 8 * self.batch * count
        for variable, values in zip(self._resident.rings, self._rings, strict=True):
            for column in self._slots[variable]:
                column[:steps] = values.ctypes.data + values.itemsize * (ring + count)

    # -- Running ----------------------------------------------------------------------------------

    def run(self, sources: Sequence[Array], order: Array, poll: Poll | None = None) -> Taken:
        """Take a step for every ``batch`` row numbers, at most ``MOST`` of them.

        Args:
            sources: whole arrays, one a batch leaf, as :func:`rows_of` returns them.
            order: row numbers, 64-bit integers.
            poll: called between steps about twenty times a second; True ends the run.
        """
        steps = min(len(order) // self.batch, MOST)
        order = np.require(order[: steps * self.batch], np.int64, ["C", "A"])
        self._check_run(sources, order)
        self.memory.keep()
        done = self._go(sources, order, 0, steps, poll)
        failed = self._refused()
        if failed:
            done = self._again(sources, order, done)
        return Taken(done, tuple(ring[:done].copy() for ring in self._rings), failed)

    def _go(
        self, sources: Sequence[Array], order: Array, first: int, steps: int,
        poll: Poll | None = None,
    ) -> int:  # fmt: skip
        if not steps:
            return 0
        self._aim(sources, order[first * self.batch :], first, steps)
        return self._team.run(self._table, steps, poll)

    def _again(self, sources: Sequence[Array], order: Array, done: int) -> int:
        """Return to the kept state and take the same steps up to the one that fails."""
        self.memory.restore()
        # The guard looks at the beginning of a step: at most one more was taken.
        good = self._go(sources, order, 0, max(done - 2, 0))
        while good < done:
            self.memory.keep()
            self._go(sources, order, good, 1)
            if self._refused():
                self.memory.restore()
                break
            good += 1
        return good

    def _refused(self) -> bool:
        found = bool(self._refusals[:, 0].any())
        self._refusals[:] = 0
        if found:
            problems = [forget_problem(kernel) for kernel in self._refusal_rows]
            # Ctrl-C while Python ran is no number that is not finite.
            stopped = (each for each in problems if not isinstance(each, Exception | None))
            for each in stopped:
                self.memory.restore()
                raise each
        return found

    def _check_run(self, sources: Sequence[Array], order: Array) -> None:
        # A row that is not there would be read from somebody else's memory.
        least = min(len(source) for source in sources)
        if order.size and not (0 <= int(order.min()) and int(order.max()) < least):
            raise IndexError(f"rows from {order.min()} to {order.max()} of {least}")
        for source, leaf in zip(sources, self.graph.inputs[self._count :], strict=True):
            same = source.shape[1:] == leaf.shape[1:] and source.dtype == leaf.dtype
            if not (same and source.flags.c_contiguous):
                raise ValueError(f"{leaf.label}: rows of {leaf.dtype} {leaf.shape[1:]} in C order")

    # -- What it is -------------------------------------------------------------------------------

    def beside(self) -> dict[str, int]:
        """Return what lies outside the arena, in bytes: lines of the ledger of their own."""
        state = sum(leaf.nbytes for leaf in self.memory.leaves)
        return {
            "state": state,
            "the state that a bad number returns to": state,
            f"metrics of {MOST:,} steps": sum(ring.nbytes for ring in self._rings),
            "constants": sum(value.nbytes for value in self._constants.values()),
            "pointers": self._table_bytes + self._refusals.nbytes,
        }

    def listing(self) -> str:
        """Return the kernels with shapes, flops, bytes, chunks, barriers and source lines."""
        threads = self._team.threads
        return listing(self.graph.name, self.kernels, self.barriers, self.arena_bytes, threads)

    def profile(self, sources: Sequence[Array], order: Array) -> Profile:
        """Return where the time of these steps goes; the state stays as it is."""
        steps = min(len(order) // self.batch, MOST)
        order = np.require(order[: steps * self.batch], np.int64, ["C", "A"])
        self._check_run(sources, order)
        before = self.memory.read()
        found = profiled(
            self.kernels, self._table, self._team.threads,
            lambda wanted: self._go(sources, order, 0, min(wanted, steps)),
        )  # fmt: skip
        self._refused()
        self.memory.write(before)
        return found


def rows_of(array: Array) -> Array:
    """Return an array whose rows kernels can fetch: itself, or a copy in C order."""
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


def resident_kernels(
    graph: Graph, count: int
) -> tuple[Resident, tuple[Kernel, ...], frozenset[Variable]]:
    """Return the kernels of a step, the guard first, and what of them lies outside the arena.

    The state has ``count`` leaves and memory of its own, and so have the places of the metrics.
    """
    resident = reside(graph, count)
    kernels = resident.fused.kernels
    checked = sum(REFUSAL in kernel.writes for kernel in kernels)
    outside = {*graph.inputs[:count], *resident.homes, *resident.rings, _STOP}
    return resident, (_guard(checked), *kernels), frozenset(outside)


def _guard(count: int) -> Kernel:
    operands = (Operand(REFUSAL), Operand(_STOP, 0, True))
    return Kernel("guard", Guard(count), operands, (), 0, (count,))


def _check_types(graph: Graph, count: int) -> None:
    for before, after in zip(graph.inputs[:count], graph.outputs[:count], strict=True):
        if (before.shape, before.dtype) != (after.shape, after.dtype):
            raise UnsupportedError(
                f"{before.label or 'the state'} changes its type from step to step",
                expected=f"{before.dtype.name} {before.shape}",
                got=f"{after.dtype.name} {after.shape}",
            )
