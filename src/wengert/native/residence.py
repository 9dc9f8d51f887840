"""Where the state of a step lives: each new value in the memory of the old one, where that is safe.

A step is a graph ``(state leaves, batch leaves) -> (state leaves, metrics)``. All here is data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from wengert.base.dtypes import Dtype
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.native.fusion import Fused, fuse
from wengert.native.kernel import FINITE, REFUSAL, Kernel, Operand
from wengert.native.kernels.rows import Copy, Rows, Tell
from wengert.native.llvm import memory_type
from wengert.native.placement import overwrites
from wengert.native.steps import View
from wengert.operators.registry import OPERATORS
from wengert.rewriting.decompose import CHECK, decompose


@dataclass(frozen=True, eq=False, slots=True)
class Resident:
    """The kernels of a step over a state that stays in its place.

    Attributes:
        fused: kernels in order; they fetch the batch first and hand out the metrics.
        homes: for each variable that is written into the memory of the state, whose memory.
        sources: for each batch input what stands for the user's whole array.
        order: what stands for the row numbers of the step.
        rings: for each metric what stands for its place in this step.
    """

    fused: Fused
    homes: Mapping[Variable, Variable]
    sources: tuple[Variable, ...]
    order: Variable
    rings: tuple[Variable, ...]


def reside(graph: Graph, count: int) -> Resident:
    """Return the kernels of a step whose first ``count`` inputs and outputs are the state."""
    graph = guarded(decompose(graph), count)
    fused = fuse(graph)
    sources, order, first = _fetching(graph.inputs[count:])
    rings, last = _telling([fused.views[v] for v in graph.outputs[count:]])
    state = [
        (before, fused.views[after].variable)
        for before, after in zip(graph.inputs[:count], graph.outputs[:count], strict=True)
        if before is not after
    ]
    kernels = _put_off([*fused.kernels, *last], state)
    homes = {
        after: before for before, after in state if before.nbytes and _in_place(
            kernels, before, after)
    }  # fmt: skip
    copies = [_copy(b, a) for b, a in state if b.nbytes and a not in homes]
    whole = replace(fused, kernels=(*first, *kernels, *copies))
    return Resident(whole, homes, sources, order, rings)


# -- The guard -------------------------------------------------------------------------------------


def guarded(graph: Graph, count: int) -> Graph:
    """Return the step with a check on every new number of the state, and on J, the first metric.

    A new value of the state that is a view, or stands there twice, becomes a value of its own.
    """
    added: list[Operation] = []
    outputs = list(graph.outputs)
    seen: set[Variable] = set()
    for at, variable in enumerate(graph.outputs[: count + 1]):
        unchanged = at < count and variable is graph.inputs[at]
        if unchanged or not variable.size:
            continue
        own = at == count or (variable not in seen and _is_made(graph, variable))
        seen.add(variable)
        if own and variable.dtype.kind != "f":
            continue
        operation = _check(variable) if memory_type(variable.dtype) else _copied(variable)
        added.append(operation)
        if not own:
            outputs[at] = operation.output
    return replace(graph, operations=(*graph.operations, *added), outputs=tuple(outputs))


def _check(variable: Variable) -> Operation:
    passed = Variable(variable.shape, variable.dtype, "intermediate")
    low, high = _bounds(variable.dtype)
    attributes = {"operator": FINITE, "low": low, "high": high}
    return Operation(CHECK, (variable,), (passed,), attributes)


def _copied(variable: Variable) -> Operation:
    passed = Variable(variable.shape, variable.dtype, "intermediate")
    return Operation("cast", (variable,), (passed,), {"dtype": variable.dtype.name})


def _bounds(dtype: Dtype) -> tuple[float, float]:
    if dtype.kind == "f":
        return float(np.finfo(dtype).min), float(np.finfo(dtype).max)
    if dtype.kind == "b":
        return 0, 1
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def _is_made(graph: Graph, variable: Variable) -> bool:
    operation = graph.producer.get(variable)
    record = OPERATORS.get(operation.operator) if operation is not None else None
    return record is not None and record.aliases != "view"


# -- Around the step -------------------------------------------------------------------------------


def _fetching(inputs: Sequence[Variable]) -> tuple[tuple[Variable, ...], Variable, list[Kernel]]:
    """Return stand-ins for the user's arrays and the row numbers, and what fetches the batch."""
    order = Variable((), np.dtype(np.int64), "input", name="order")
    sources = tuple(replace(each, name=each.name) for each in inputs)
    kernels: list[Kernel] = []
    for source, target in zip(sources, inputs, strict=True):
        rows = target.shape[0]
        body = Rows(rows, target.nbytes // rows if rows else 0)
        operands = (Operand(source), Operand(order), Operand(target, 0, True))
        kernels.append(Kernel(f"rows of {target.label}", body, operands, (), 0, target.shape))
    return sources, order, kernels


def _telling(views: Sequence[View]) -> tuple[tuple[Variable, ...], list[Kernel]]:
    """Return stand-ins for the places of the metrics, and what writes there."""
    operands: list[Operand] = []
    rings: list[Variable] = []
    for view in views:
        dtype = view.variable.dtype
        ring = Variable((), dtype, "intermediate")
        operands += [Operand(view.variable, view.offset * dtype.itemsize), Operand(ring, 0, True)]
        rings.append(ring)
    body = Tell(tuple(ring.dtype.itemsize for ring in rings))
    kernel = Kernel("metrics", body, tuple(operands), (), 0, (len(rings),))
    return tuple(rings), [kernel] if rings else []


def _copy(before: Variable, after: Variable) -> Kernel:
    operands = (Operand(after), Operand(before, 0, True))
    return Kernel(f"copy of {before.label}", Copy(before.nbytes), operands, (), 0, before.shape)


# -- In place --------------------------------------------------------------------------------------


def _put_off(kernels: list[Kernel], state: Sequence[tuple[Variable, Variable]]) -> list[Kernel]:
    """Let what writes a new value wait for the last reader of the old one, where nobody minds."""
    order = list(kernels)
    for before, after in state:
        writers = [n for n, kernel in enumerate(order) if after in kernel.writes]
        last = max((n for n, kernel in enumerate(order) if before in kernel.reads), default=-1)
        if len(writers) != 1 or writers[0] >= last:
            continue
        made = {*order[writers[0]].writes} - {REFUSAL}
        between = order[writers[0] + 1 : last + 1]
        if not any(made.intersection((*each.reads, *each.writes)) for each in between):
            order.insert(last, order.pop(writers[0]))
    return order


def _in_place(kernels: Sequence[Kernel], before: Variable, after: Variable) -> bool:
    """Return whether nobody reads the old value once the new one is being written over it."""
    writers = [n for n, kernel in enumerate(kernels) if after in kernel.writes]
    readers = [n for n, kernel in enumerate(kernels) if before in kernel.reads]
    if len(writers) != 1 or any(reader > writers[0] for reader in readers):
        return False
    return writers[0] not in readers or overwrites(kernels[writers[0]], before, after)
