"""A compiled graph: one native call over one arena."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import accumulate
from math import prod
from threading import Lock
from typing import Any

import numpy as np

from wengert.base.dtypes import refuse_other_algebra
from wengert.base.errors import GraphError
from wengert.graph.graph import Array, Graph
from wengert.graph.variable import Variable
from wengert.native.fusion import Fused, fuse
from wengert.native.host import OVERHEAD, Host, load
from wengert.native.kernel import REFUSAL, Kernel
from wengert.native.listing import listing
from wengert.native.outside import Fresh, address_of
from wengert.native.patience import patience
from wengert.native.placement import Placement, barriers, check_used, placed
from wengert.native.profile import Profile, profiled
from wengert.native.refusal import refused
from wengert.native.steps import View
from wengert.native.threads import team
from wengert.native.walker import Record, Table
from wengert.operators.storage import dense_strides
from wengert.planning.arena import ALIGNMENT
from wengert.rewriting.decompose import decompose

_ROW = 4
# NumPy's flags of an array that kernels can read as it is: in C order, and aligned.
_READY = 0x1 | 0x100
_NANOSECONDS_PER_BYTE, _NANOSECONDS_PER_FLOP = 0.05, 0.05


def compile_graph(
    graph: Graph, threads: int | None = 1, arena: Callable[[int], Array] | None = None
) -> Program:
    """Return a program that computes what the graph says.

    Args:
        graph: of any operators.
        threads: how many run it together; the results have the same bits for any number.
        arena: gives a block of so many bytes, which programs that never run together may share;
            by default each has its own.

    Raises:
        WengertError: a graph that the interpreter would refuse too.
    """
    with patience(f"compiling {graph.name}"):
        return Program(graph, fuse(decompose(graph)), threads, arena)


class Program:
    """A graph as machine code; call it with the arrays of the graph's inputs, leaf by leaf.

    Results are written where the caller gets them, so that nothing is copied.

    Attributes:
        graph: what is computed.
        kernels: in the order in which they run.
        arena_bytes: size of the one block that holds every intermediate; it is allocated here
            and never again.
        used_bytes: what of it the kernels' pointers reach: all of it.
    """

    def __init__(
        self,
        graph: Graph,
        fused: Fused,
        threads: int | None = 1,
        arena: Callable[[int], Array] | None = None,
    ) -> None:
        self.graph, self._views = graph, fused.views
        self._inputs = fused.graph.inputs
        self._constants = {v: _dense(value) for v, value in fused.graph.constants.items()}
        self._returned, self._given = fused.graph.outputs, direct(fused)
        self._fresh = [Fresh(self._views[self._returned[at]].shape, root.dtype)
                       for root, at in self._given.items()]  # fmt: skip
        self.placed = place(fused, self._given)
        self.kernels = self.placed.kernels
        # Beyond the arena nothing overlaps; where it lies exactly, no barrier depends on.
        beyond = accumulate((v.nbytes for v in self._given), initial=self.placed.nbytes)
        places = {**self.placed.offsets, **dict(zip(self._given, beyond, strict=False))}
        self.barriers = tuple(barriers(self.kernels, places))
        self.arena_bytes = self.placed.nbytes
        self._arena = (arena or aligned)(max(self.arena_bytes, ALIGNMENT))
        checked = [kernel for kernel in self.kernels if REFUSAL in kernel.writes]
        self._refusals = np.zeros((len(checked) + 1, _ROW), np.int64)
        self._refusal_rows = {kernel: row for row, kernel in enumerate(checked)}
        self._loaded = load(self.kernels)
        # One arena, one table of pointers: calls from several Python threads take turns.
        self._lock = Lock()
        self._point()
        self._team = team(threads)
        self._table = Table(self._records(), self._team.threads)
        self._outputs = [self._result(at) for at in range(len(self._returned))]
        self._rooms = [Fresh(v.shape, v.dtype) for v in self._returned]

    # -- Pointers ---------------------------------------------------------------------------------

    def _point(self) -> None:
        """Lay out every pointer; those into inputs and results are set at each call."""
        self._outside = {v: i for i, v in enumerate((*self._inputs, *self._given))}
        self._aimed: list[int] = []
        self._slots: list[tuple[int, int, int]] = []
        operands = [(kernel, operand) for kernel in self.kernels for operand in kernel.operands]
        self._pointers = np.zeros(len(operands) + 1, np.uint64)
        self._words = self._pointers.data
        for place, (kernel, operand) in enumerate(operands):
            variable = operand.variable
            if variable in self._outside:
                self._slots.append((place, self._outside[variable], operand.offset))
            else:
                self._words[place] = self._address(variable, kernel) + operand.offset
        pointers = zip((each for _, each in operands), self._pointers.tolist(), strict=False)
        self.used_bytes = check_used(self.placed, pointers, address_of(self._arena))

    def _address(self, variable: Variable, kernel: Kernel) -> int:
        if variable is REFUSAL:
            return address_of(self._refusals) + self._refusal_rows[kernel] * _ROW * 8
        if variable in self._constants:
            return address_of(self._constants[variable])
        return address_of(self._arena) + self.placed.offsets.get(variable, 0)

    def _aim(self, arrays: Sequence[Array]) -> None:
        """Let kernels read and write these arrays: the inputs, then the results."""
        addresses = [address_of(array) for array in arrays]
        if addresses != self._aimed:
            words = self._words
            for place, source, offset in self._slots:
                words[place] = addresses[source] + offset
            self._aimed = addresses

    def _records(self) -> list[Record]:
        records: list[Record] = []
        at = address_of(self._pointers)
        for kernel, loaded, barrier in zip(self.kernels, self._loaded, self.barriers, strict=True):
            cost = cost_of(kernel)
            records.append(
                Record(loaded.address, at, kernel.body.chunks, barrier, nanoseconds=cost)
            )
            at += 8 * len(kernel.operands)
        return records

    def _result(self, at: int) -> Array | View | int:
        """Return which array outside the arena an output is, or what it is copied from."""
        view = self._views[self._returned[at]]
        root = view.variable
        if self._given.get(root) == at:
            return len(self._inputs) + list(self._given).index(root)
        size = root.dtype.itemsize
        strides = tuple(stride * size for stride in view.strides)
        if root in self.placed.offsets:
            start = self.placed.offsets[root] + view.offset * size
            return np.ndarray(view.shape, root.dtype, self._arena, start, strides)
        return seen(self._constants[root], view) if root in self._constants else view

    def _taken(self, arrays: Sequence[Array]) -> list[Array]:
        """Return the outputs: the arrays that were written, and copies of what lies elsewhere."""
        found: list[Array] = []
        for source, room in zip(self._outputs, self._rooms, strict=True):
            if isinstance(source, int):
                found.append(arrays[source])
                continue
            if isinstance(source, View):
                source = seen(arrays[self._outside[source.variable]], source)  # noqa: PLW2901
            copy = room()
            copy[...] = source
            found.append(copy)
        return found

    # -- Running ----------------------------------------------------------------------------------

    def __call__(self, *leaves: Any) -> list[Array]:
        """Return the outputs, new arrays, for these inputs.

        Raises:
            GraphError: an input of another shape or dtype than the graph was traced for.
            DataError: a number that an operator refuses, such as a label that is no class.
            LinearAlgebraError: a matrix that an operator refuses.
        """
        arrays = self._checked(leaves)
        with self._lock:
            arrays += [fresh() for fresh in self._fresh]
            self._aim(arrays)
            self._team.run(self._table)
            if self._refusal_rows and self._refusals[:, 0].any():
                self._refuse()
            return self._taken(arrays)

    def _checked(self, leaves: Sequence[Any]) -> list[Array]:
        name = self.graph.name
        if len(leaves) != len(self._inputs):
            raise GraphError(
                f"{name} is run", expected=f"{len(self._inputs)} arrays", got=str(len(leaves))
            )
        return [
            checked_input(variable, leaf, name)
            for variable, leaf in zip(self._inputs, leaves, strict=True)
        ]

    def _refuse(self) -> None:
        row = int(np.flatnonzero(self._refusals[:, 0])[0])
        _, code, place, bits = (int(word) for word in self._refusals[row])
        self._refusals[:] = 0
        kernel = next(each for each, at in self._refusal_rows.items() if at == row)
        raise refused(kernel, code, place, bits)

    # -- What it is -------------------------------------------------------------------------------

    def listing(self) -> str:
        """Return the kernels with shapes, flops, bytes, chunks, barriers and source lines."""
        threads = self._team.threads
        return listing(self.graph.name, self.kernels, self.barriers, self.arena_bytes, threads)

    def profile(self, *leaves: Any) -> Profile:
        """Return where the time goes for these inputs, kernel by kernel: about half a second."""
        arrays = self._checked(leaves)
        self(*arrays)
        with self._lock:
            self._aim([*arrays, *(results := [fresh() for fresh in self._fresh])])
            found = profiled(
                self.kernels, self._table, self._team.threads,
                lambda steps: self._team.run(self._table, steps),
            )  # fmt: skip
            del results
        return found


def cost_of(kernel: Kernel) -> float:
    """Return about how many nanoseconds one thread needs for a kernel."""
    python = OVERHEAD if isinstance(kernel.body, Host) else 0.0
    return python + kernel.nbytes * _NANOSECONDS_PER_BYTE + kernel.flops * _NANOSECONDS_PER_FLOP


def checked_input(variable: Variable, leaf: Any, name: str) -> Array:
    """Return an input as kernels read it: C order, aligned, the processor's byte order.

    Raises:
        GraphError: another shape or dtype.
    """
    if type(leaf) is np.ndarray and leaf.dtype is variable.dtype and leaf.shape == variable.shape:
        if leaf.flags.num & _READY == _READY:
            return leaf
    refuse_other_algebra(leaf, f"{variable.label or 'an input'} of {name}")
    array: Array = np.asarray(leaf)
    if array.shape != variable.shape or array.dtype.newbyteorder("=") != variable.dtype:
        raise GraphError(
            f"{variable.label or 'an input'} of {name}",
            expected=f"{variable.dtype.name} {variable.shape}",
            got=f"{array.dtype.name} {array.shape}",
            remedy="trace the function again for arrays of this type",
        )
    return np.require(array, variable.dtype, ["C", "A"])


def seen(array: Array, view: View) -> Array:
    """Return a view of an array that lies in C order."""
    size = array.dtype.itemsize
    strides = tuple(stride * size for stride in view.strides)
    if array.size == 0:
        return np.empty(view.shape, array.dtype)
    flat = array.reshape(-1)
    return np.ndarray(view.shape, array.dtype, flat.data, view.offset * size, strides)


def aligned(nbytes: int) -> Array:
    """Return a block of bytes that begins on a cache line."""
    block = np.zeros(nbytes + ALIGNMENT, np.uint8)
    skip = -block.ctypes.data % ALIGNMENT
    return block[skip : skip + nbytes]


def _dense(value: Array) -> Array:
    return np.require(value, value.dtype, ["C", "A"])


# -- Where intermediates lie -----------------------------------------------------------------------


def direct(fused: Fused) -> dict[Variable, int]:
    """Return what kernels can write where the caller gets it: the output that is all of it."""
    given: dict[Variable, int] = {}
    ours = {*fused.graph.inputs, *fused.graph.constants}
    for at, variable in enumerate(fused.graph.outputs):
        view = fused.views[variable]
        if view.variable not in ours and _is_whole(view):
            given.setdefault(view.variable, at)
    return given


def _is_whole(view: View) -> bool:
    """Return whether a view is all of its storage in C order."""
    wanted = dense_strides(view.shape, 1)
    same = all(a == b for n, a, b in zip(view.shape, view.strides, wanted, strict=True) if n > 1)
    return same and view.offset == 0 and prod(view.shape) == view.variable.size


def place(fused: Fused, given: Collection[Variable]) -> Placement:
    """Return where everything lies that kernels make, but for what is ``given`` to the caller.

    Outputs that are copied from the arena last beyond the last kernel.
    """
    outside = {*fused.graph.inputs, *fused.graph.constants, *given}
    kept = dict.fromkeys(fused.views[variable].variable for variable in fused.graph.outputs)
    return placed(fused.kernels, outside, kept, graph=fused.graph)
