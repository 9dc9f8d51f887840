"""A compiled graph: one native call over one arena."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.base.errors import DataError, GraphError, WengertError
from wengert.graph.graph import Array, Graph
from wengert.graph.variable import Variable
from wengert.native.fusion import Fused, fuse
from wengert.native.jit import Code, session
from wengert.native.kernel import REFUSAL, Kernel
from wengert.native.listing import listing
from wengert.native.placement import Placement, barriers, check_used, placed
from wengert.native.profile import Profile, profiled
from wengert.native.steps import View
from wengert.native.threads import team
from wengert.native.walker import Record, Table
from wengert.planning.arena import ALIGNMENT
from wengert.rewriting.decompose import decompose

_ROW = 4
_NANOSECONDS_PER_BYTE, _NANOSECONDS_PER_FLOP = 0.05, 0.05


def compile_graph(graph: Graph, threads: int | None = 1) -> Program:
    """Return a program that computes what the graph says.

    Args:
        graph: of any operators.
        threads: how many run it together; the results have the same bits for any number.

    Raises:
        WengertError: an operator or a dtype that no kernel computes, by name.
    """
    return Program(graph, fuse(decompose(graph)), threads)


class Program:
    """A graph as machine code; call it with the arrays of the graph's inputs, leaf by leaf.

    Attributes:
        graph: what is computed.
        kernels: in the order in which they run.
        arena_bytes: size of the one block that holds every intermediate; it is allocated here
            and never again.
    """

    def __init__(self, graph: Graph, fused: Fused, threads: int | None = 1) -> None:
        self.graph, self._views = graph, fused.views
        self._inputs = fused.graph.inputs
        self.placed = place(fused)
        self.kernels = self.placed.kernels
        self.barriers = tuple(barriers(self.kernels, self.placed.offsets))
        self.arena_bytes = self.placed.nbytes
        self._arena = aligned(max(self.arena_bytes, ALIGNMENT))
        self._constants = {v: _dense(value) for v, value in fused.graph.constants.items()}
        self._refusals = np.zeros((len(self.kernels) + 1, _ROW), np.int64)
        self._loaded = session().load([Code(k.body.key, k.body.define) for k in self.kernels])
        self._point()
        self._team = team(threads)
        self._table = Table(self._records(), self._team.threads)
        self._outputs = [self._result(variable) for variable in fused.graph.outputs]

    # -- Pointers ---------------------------------------------------------------------------------

    def _point(self) -> None:
        """Lay out every pointer; those into inputs are set at each call."""
        operands = [operand for kernel in self.kernels for operand in kernel.operands]
        self._pointers = np.zeros(len(operands) + 1, np.uint64)
        rows = [row for row, kernel in enumerate(self.kernels) for _ in kernel.operands]
        inputs = {variable: i for i, variable in enumerate(self._inputs)}
        slots: list[tuple[int, int, int]] = []
        for place, (row, operand) in enumerate(zip(rows, operands, strict=True)):
            variable = operand.variable
            if variable in inputs:
                slots.append((place, inputs[variable], operand.offset))
            else:
                self._pointers[place] = self._address(variable, row) + operand.offset
        pointers = zip(operands, self._pointers.tolist(), strict=False)
        check_used(self.placed, pointers, self._arena.ctypes.data)
        table = np.array(slots, np.int64).reshape(-1, 3)
        self._slots, self._sources = table[:, 0], table[:, 1]
        self._offsets = table[:, 2].astype(np.uint64)

    def _address(self, variable: Variable, row: int) -> int:
        if variable is REFUSAL:
            return self._refusals.ctypes.data + row * _ROW * 8
        if variable in self._constants:
            return self._constants[variable].ctypes.data
        return self._arena.ctypes.data + self.placed.offsets.get(variable, 0)

    def _records(self) -> list[Record]:
        records: list[Record] = []
        at = self._pointers.ctypes.data
        for kernel, loaded, barrier in zip(self.kernels, self._loaded, self.barriers, strict=True):
            cost = cost_of(kernel)
            records.append(
                Record(loaded.address, at, kernel.body.chunks, barrier, nanoseconds=cost)
            )
            at += 8 * len(kernel.operands)
        return records

    def _result(self, variable: Variable) -> Array | View:
        """Return where an output lies in the arena or a constant; its view of an input."""
        view = self._views[variable]
        root = view.variable
        size = root.dtype.itemsize
        strides = tuple(stride * size for stride in view.strides)
        if root in self.placed.offsets:
            start = self.placed.offsets[root] + view.offset * size
            return np.ndarray(view.shape, root.dtype, self._arena, start, strides)
        if root in self._constants:
            return seen(self._constants[root], view)
        return view

    # -- Running ----------------------------------------------------------------------------------

    def __call__(self, *leaves: Any) -> list[Array]:
        """Return the outputs, new arrays, for these inputs.

        Raises:
            GraphError: an input of another shape or dtype than the graph was traced for.
            DataError: a number that an operator refuses, such as a label that is no class.
        """
        arrays = self._checked(leaves)
        if len(self._slots):
            addresses = np.array([each.ctypes.data for each in arrays], np.uint64)
            self._pointers[self._slots] = addresses[self._sources] + self._offsets
        self._team.run(self._table)
        if self._refusals[:, 0].any():
            self._refuse()
        given = dict(zip(self._inputs, arrays, strict=True))
        return [
            seen(given[each.variable], each).copy() if isinstance(each, View) else each.copy()
            for each in self._outputs
        ]

    def _checked(self, leaves: Sequence[Any]) -> list[Array]:
        graph = self.graph
        if len(leaves) != len(graph.inputs):
            raise GraphError(
                f"{graph.name} is run", expected=f"{len(graph.inputs)} arrays", got=str(len(leaves))
            )
        return [
            checked_input(variable, leaf, graph.name)
            for variable, leaf in zip(graph.inputs, leaves, strict=True)
        ]

    def _refuse(self) -> None:
        row = int(np.flatnonzero(self._refusals[:, 0])[0])
        _, code, place, bits = (int(word) for word in self._refusals[row])
        self._refusals[:] = 0
        raise refused(self.kernels[row], code, place, float(np.int64(bits).view(np.float64)))

    # -- What it is -------------------------------------------------------------------------------

    def listing(self) -> str:
        """Return the kernels with shapes, flops, bytes, chunks, barriers and source lines."""
        return listing(self.graph.name, self.kernels, self.barriers, self.arena_bytes)

    def profile(self, *leaves: Any) -> Profile:
        """Return where the time goes for these inputs, kernel by kernel: about half a second."""
        arrays = self._checked(leaves)
        self(*arrays)
        return profiled(
            self.kernels, self._table, self._team.threads,
            lambda steps: self._team.run(self._table, steps),
        )  # fmt: skip


def cost_of(kernel: Kernel) -> float:
    """Return about how many nanoseconds one thread needs for a kernel."""
    return kernel.nbytes * _NANOSECONDS_PER_BYTE + kernel.flops * _NANOSECONDS_PER_FLOP


def checked_input(variable: Variable, leaf: Any, name: str) -> Array:
    """Return an input as kernels read it: C order, aligned, the processor's byte order.

    Raises:
        GraphError: another shape or dtype.
    """
    array: Array = np.asarray(leaf)
    if array.shape != variable.shape or array.dtype.newbyteorder("=") != variable.dtype:
        raise GraphError(
            f"{variable.label or 'an input'} of {name}",
            expected=f"{variable.dtype.name} {variable.shape}",
            got=f"{array.dtype.name} {array.shape}",
            remedy="trace the function again for arrays of this type",
        )
    return np.require(array, variable.dtype, ["C", "A"])


def refused(kernel: Kernel, code: int, place: int, number: float) -> WengertError:
    """Return the error for a number that a kernel refused."""
    check = kernel.checks[code - 1]
    operand = check.operation.inputs[-1]
    named = operand.label or "a value"
    shown = str(int(number)) if number.is_integer() else str(number)
    at = np.unravel_index(place, operand.shape) if operand.shape else ()
    where = "" if not at else f"row {int(at[0])} holds " if len(at) == 1 else (
        f"place {tuple(int(i) for i in at)} holds ")  # fmt: skip
    expected, asked, remedy = _SAID.get(check.operator, _SAID["index"])
    high = f"{check.high:g}"
    return DataError(
        asked.format(classes=int(check.high) + 1),
        expected=expected.format(low=f"{check.low:g}", high=high),
        got=f"{where}{shown}\n{named}: {operand.dtype.name} {operand.shape}",
        remedy=remedy,
        where=check.operation.location,
    )


_SAID: dict[str, tuple[str, str, str | None]] = {
    "one_hot": (
        "integers from 0 to {high}", "a label is out of range for {classes} classes",
        "count classes from 0, or give the logits more columns",
    ),
    "binary_cross_entropy": (
        "labels from 0 to 1", "binary_cross_entropy got a label that is no probability",
        "(labels + 1) / 2 where they are −1 and 1",
    ),
    "index": ("integers from {low} to {high}", "an index lies outside its array", None),
}  # fmt: skip


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


def place(fused: Fused) -> Placement:
    """Return where everything lies that kernels make; outputs last beyond the last kernel."""
    outside = {*fused.graph.inputs, *fused.graph.constants}
    kept = dict.fromkeys(fused.views[variable].variable for variable in fused.graph.outputs)
    return placed(fused.kernels, outside, kept)
