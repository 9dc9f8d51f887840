"""A graph without movement: every operand becomes a strided view of some storage."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from wengert.base import shapes
from wengert.base.shapes import Shape
from wengert.graph.graph import Array, Graph
from wengert.graph.operation import NO_ATTRIBUTES, Operation
from wengert.graph.variable import Variable
from wengert.native.images import innermost_strides
from wengert.native.llvm import memory_type
from wengert.native.writes import UPDATES, passed_on
from wengert.operators.index import Template, is_basic
from wengert.operators.registry import OPERATORS
from wengert.operators.storage import dense_strides, reshaped_strides
from wengert.rewriting.decompose import CHECK

Strides = tuple[int, ...]
Attributes = Mapping[str, Any]

PRODUCTS = ("matmul", "einsum")
PICKS = ("index", "index_add", "take_along_axis", "add_along_axis", "index_update", "add_at")
REDUCTIONS = ("sum", "prod", "max", "min", "any", "all")


@dataclass(frozen=True, slots=True)
class View:
    """Elements of a storage: where the first lies and how far apart they are, in elements."""

    variable: Variable
    offset: int
    strides: Strides
    shape: Shape

    def broadcast(self, shape: Shape) -> View:
        """Return the view repeated to a larger shape."""
        ahead = len(shape) - len(self.shape)
        sizes, steps = (1,) * ahead + self.shape, (0,) * ahead + self.strides
        strides = tuple(s if n == m else 0 for s, n, m in zip(steps, sizes, shape, strict=True))
        return View(self.variable, self.offset, strides, shape)


def dense(variable: Variable, shape: Shape | None = None) -> View:
    """Return all of a storage in C order."""
    shape = variable.shape if shape is None else shape
    return View(variable, 0, dense_strides(shape, 1), shape)


StepKind = Literal["map", "reduce", "product", "pick", "host", "loop"]


LOOPS = ("scan", "cond", "while_loop")


def innermost(variable: Variable) -> View:
    """Return all of a storage of images in which the batch is the innermost axis."""
    return View(variable, 0, innermost_strides(variable.shape), variable.shape)


@dataclass(frozen=True, eq=False, slots=True)
class Step:
    """Something to compute over one iteration space.

    Attributes:
        kind: "map" (elementwise), "reduce", "product", "pick" (places known at run time) or
            "host" (NumPy does it) or "loop" (kernels of bodies).
        operation: the operation of the graph that it belongs to.
        operator: the scalar formula of a map ("fill" has none), or the reduction.
        shape: the iteration space of a map or a reduction; the result's otherwise.
        operands: views on the iteration space (products and picks: in their own shapes).
        target: where the result lies, on the iteration space (0 along reduced axes).
        reduced: the axes that a reduction sums over.
        also: where further results of a host step lie.
    """

    kind: StepKind
    operation: Operation
    operator: str
    shape: Shape
    operands: tuple[View, ...]
    target: View
    reduced: tuple[int, ...] = ()
    attributes: Attributes = field(default_factory=lambda: NO_ATTRIBUTES)
    also: tuple[View, ...] = ()

    @property
    def targets(self) -> tuple[View, ...]:
        """Where all results lie."""
        return (self.target, *self.also)

    @property
    def in_memory(self) -> list[int]:
        """The axes of the space, from far steps in memory to near ones."""
        leads = self.operands[0] if self.kind == "reduce" else self.target
        axes = list(range(len(self.shape)))
        if all(stride for n, stride in zip(self.shape, leads.strides, strict=True) if n != 1):
            axes.sort(key=lambda k: -abs(leads.strides[k]))
        return axes


@dataclass(frozen=True, eq=False, slots=True)
class Steps:
    """The steps of a graph, and where each of its variables lies."""

    steps: tuple[Step, ...]
    views: Mapping[Variable, View]
    constants: Mapping[Variable, Array]


class Lowered(NamedTuple):
    """An operation as steps: where its result lies, and the constants that the steps brought."""

    result: View
    steps: Sequence[Step]
    constants: Mapping[Variable, Array]


Lower = Callable[[Operation, tuple[View, ...]], Lowered | None]


# Makes the step of a loop or branch whose operands lie so, and the constants that it brings.
LowerLoop = Callable[[Operation, Sequence[View]], tuple[Step, Mapping[Variable, Array]]]


def lower(
    graph: Graph,
    other: Lower | None = None,
    images: Collection[Variable] = (),
    loops: LowerLoop | None = None,
) -> Steps:
    """Return the steps of a decomposed graph, and its constants with those that steps brought.

    ``other`` lowers the operators that are not known here; what it does not know either (it
    returns None), and what no register holds, is left to NumPy. ``images`` are stored with the
    batch innermost; ``loops`` lowers loops and branches.
    """
    work = _Lowering({v: dense(v) for v in (*graph.inputs, *graph.constants)}, other, images)
    work.loops = loops
    work.passed_on = passed_on(graph, _is_native)
    for operation in graph.operations:
        work.add(operation)
    return Steps(tuple(work.steps), work.views, {**graph.constants, **work.constants})


class _Lowering:
    def __init__(
        self, views: dict[Variable, View], other: Lower | None, images: Collection[Variable] = ()
    ) -> None:
        self.views, self.other, self.images = views, other, images
        self.loops: LowerLoop | None = None
        self.passed_on: frozenset[Variable] = frozenset()
        self.steps: list[Step] = []
        self.constants: dict[Variable, Array] = {}

    def add(self, operation: Operation) -> None:
        name = operation.operator
        if _is_view(operation):
            self.views[operation.output] = self._moved(operation)
            return
        if self.loops is not None and name in LOOPS:
            self._loop(operation, self.loops)
            return
        if not _is_native(operation):
            self._host(operation)
            return
        self.views.update((each, dense(each)) for each in operation.outputs)
        if name == CHECK or OPERATORS[name].scalar is not None:
            stored = innermost if operation.output in self.images else dense
            self.views[operation.output] = stored(operation.output)
            self._map(operation, name, operation.inputs, self.views[operation.output])
        elif name in REDUCTIONS:
            self._reduce(operation)
        elif name == "concatenate":
            self._join(operation)
        elif name == "index_add" and is_basic(operation.attributes["template"]):
            self._place(operation)
        elif name in UPDATES:
            self._update(operation)
        elif name in PRODUCTS or name in PICKS:
            self._whole(operation)
        else:
            self._other(operation)

    def _other(self, operation: Operation) -> None:
        operands = tuple(self.views[v] for v in operation.inputs)
        found = None if self.other is None else self.other(operation, operands)
        if found is None:
            self._host(operation)
            return
        self.views[operation.output] = found.result
        self.steps.extend(found.steps)
        self.constants.update(found.constants)

    def _loop(self, operation: Operation, lower_loop: LowerLoop) -> None:
        """Bring operands into C order, rows of stacked ones alone; lay out the bodies."""
        how = operation.attributes
        carries = how.get("carries", 0)
        rows = range(carries, carries + how.get("stacked", 0))
        operands: list[View] = []
        for k, variable in enumerate(operation.inputs):
            view = self.views[variable]
            first = 1 if k in rows else 0
            lies = dense_strides(view.shape[first:], 1)
            pairs = zip(view.shape[first:], view.strides[first:], lies, strict=True)
            ready = all(a == b for n, a, b in pairs if n != 1)
            operands.append(view if ready else dense(self._copied(operation, view)))
        step, constants = lower_loop(operation, operands)
        self.views.update((each, dense(each)) for each in operation.outputs)
        self.steps.append(step)
        self.constants.update(constants)

    def _host(self, operation: Operation) -> None:
        """Leave an operation to NumPy, which reads its operands as they lie."""
        operands = tuple(self.views[v] for v in operation.inputs)
        target, *also = (dense(each) for each in operation.outputs)
        self.views.update(zip(operation.outputs, (target, *also), strict=True))
        self.steps.append(
            Step("host", operation, operation.operator, target.shape, operands, target,
                 attributes=operation.attributes, also=tuple(also))
        )  # fmt: skip

    # -- elementwise -----------------------------------------------------------------------------

    def _map(
        self, operation: Operation, operator: str, inputs: Sequence[Variable], target: View
    ) -> None:
        operands = tuple(self.views[v].broadcast(target.shape) for v in inputs)
        self._append("map", operation, operator, (operands, target))

    def _append(
        self,
        kind: StepKind,
        operation: Operation,
        operator: str,
        views: tuple[tuple[View, ...], View],
        reduced: tuple[int, ...] = (),
    ) -> None:
        operands, target = views
        self.steps.append(
            Step(kind, operation, operator, target.shape, operands, target, reduced,
                 operation.attributes)
        )  # fmt: skip

    def _join(self, operation: Operation) -> None:
        axis: int = operation.attributes["axis"]
        whole = dense(operation.output)
        start = 0
        for variable in operation.inputs:
            offset = start * whole.strides[axis]
            part = View(operation.output, offset, whole.strides, variable.shape)
            self._map(operation, "copy", (variable,), part)
            start += variable.shape[axis]

    def _place(self, operation: Operation) -> None:
        whole = dense(operation.output)
        self._map(operation, "fill", (), whole)
        part = indexed(whole, operation.attributes["template"])
        self._map(operation, "copy", operation.inputs, part)

    def _update(self, operation: Operation) -> None:
        """What is written into is copied, but where it is made for this; then come the values."""
        before, *others = (self.views[v] for v in operation.inputs)
        whole = dense(operation.output)
        if operation.inputs[0] in self.passed_on:
            whole = self.views[operation.output] = before
        else:
            self._append("map", operation, "copy", ((before,), whole))
        template: Template = operation.attributes["template"]
        if not is_basic(template):
            self._append("pick", operation, operation.operator, (tuple(others), whole))
            return
        part = indexed(whole, template)
        operator, operands = "copy", (others[0].broadcast(part.shape),)
        if operation.operator == "add_at":
            operator, operands = "add", (indexed(before, template), *operands)
        self.steps.append(Step("map", operation, operator, part.shape, operands, part))

    # -- reductions ------------------------------------------------------------------------------

    def _reduce(self, operation: Operation) -> None:
        operand = self.views[operation.inputs[0]]
        axis: tuple[int, ...] | None = operation.attributes["axis"]
        axes = tuple(range(len(operand.shape))) if axis is None else axis
        kept = shapes.reduce(operand.shape, axes, True)
        strides = tuple(0 if k in axes else s for k, s in enumerate(dense_strides(kept, 1)))
        target = View(operation.output, 0, strides, operand.shape)
        reduced = tuple(k for k in axes if operand.shape[k] != 1)
        if reduced:
            name = operation.operator
            self._append("reduce", operation, name, ((operand,), target), reduced)
        else:
            self._append("map", operation, "copy", ((operand,), target))

    # -- picks and products ----------------------------------------------------------------------

    def _whole(self, operation: Operation) -> None:
        operands = tuple(self.views[v] for v in operation.inputs)
        kind = "product" if operation.operator in PRODUCTS else "pick"
        if operation.operator in ("index_add", "add_along_axis"):
            self._map(operation, "fill", (), dense(operation.output))
        self._append(kind, operation, operation.operator, (operands, dense(operation.output)))

    # -- movement --------------------------------------------------------------------------------

    def _moved(self, operation: Operation) -> View:
        view = self.views[operation.inputs[0]]
        shape = operation.output.shape
        match operation.operator:
            case "transpose":
                axes: tuple[int, ...] = operation.attributes["axes"]
                strides = tuple(view.strides[k] for k in axes)
                return View(view.variable, view.offset, strides, shape)
            case "broadcast_to":
                return view.broadcast(shape)
            case "index":
                return indexed(view, operation.attributes["template"])
            case "reshape":
                strides = reshaped_strides(view.shape, view.strides, shape)
                if strides is not None:
                    return View(view.variable, view.offset, strides, shape)
                return dense(self._copied(operation, view), shape)
            case _:
                return view

    def _copied(self, operation: Operation, view: View) -> Variable:
        copy = Variable(view.shape, view.variable.dtype, "intermediate")
        kind: StepKind = "map" if _is_native(operation) else "host"
        self._append(kind, replace(operation, operator="identity", attributes={}), "copy",
                     ((view,), dense(copy)))  # fmt: skip
        return copy


def _is_native(operation: Operation) -> bool:
    """Return whether registers hold these numbers, and NumPy's refusals need no looking at."""
    variables = (*operation.inputs, *operation.outputs)
    refusing = operation.operator == "power" and operation.outputs[0].dtype.kind == "i"
    return not refusing and all(memory_type(each.dtype) is not None for each in variables)


def _is_view(operation: Operation) -> bool:
    record = OPERATORS.get(operation.operator)
    if record is None or record.aliases != "view":
        return False
    return operation.operator != "index" or is_basic(operation.attributes["template"])


def indexed(view: View, template: Template) -> View:
    """Return the part of a view that integers, slices and new axes pick."""
    offset, axis = view.offset, 0
    strides: list[int] = []
    shape: list[int] = []
    for part in template:
        if part is None:
            strides.append(0)
            shape.append(1)
            continue
        n, step = view.shape[axis], view.strides[axis]
        if isinstance(part, slice):
            start, stop, by = part.indices(n)
            shape.append(len(range(start, stop, by)))
            strides.append(by * step)
            offset += start * step if shape[-1] else 0
        else:
            offset += (int(part) % n) * step
        axis += 1
    return View(
        view.variable, offset, (*strides, *view.strides[axis:]), (*shape, *view.shape[axis:])
    )


def uniform(value: Array) -> bool:
    """Return whether all numbers of a constant are the same bits."""
    if value.size == 0 or value.size > 1 << 20:
        return False
    first = value.reshape(-1)[:1]
    return value.size == 1 or value.tobytes() == np.repeat(first, value.size).tobytes()


def ramp(value: Array) -> tuple[int, Strides] | None:
    """Return (start, steps) of a constant that grows evenly along its axes, as arange does."""
    if value.dtype.kind not in "iu" or value.size == 0:
        return None
    start = int(value.reshape(-1)[0])
    steps = tuple(
        int(np.take(value, 1, axis).reshape(-1)[0]) - start if n > 1 else 0
        for axis, n in enumerate(value.shape)
    )
    wanted: Array = np.full(value.shape, start, np.int64)
    for axis, n in enumerate(value.shape):
        own = [n if k == axis else 1 for k in range(value.ndim)]
        wanted += steps[axis] * np.reshape(np.arange(n, dtype=np.int64), own)
    return (start, steps) if np.array_equal(wanted, value) else None
