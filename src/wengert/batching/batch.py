"""Graph → graph: what is computed for one example, computed for a batch of them at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from wengert.base.errors import UnsupportedError
from wengert.batching import loops
from wengert.batching.rules import Rule, rule_for
from wengert.batching.use import Operand, Use, moved
from wengert.graph.check import check
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.text import parse, to_text
from wengert.graph.variable import Variable
from wengert.operators.record import Operator
from wengert.operators.registry import OPERATORS
from wengert.rewriting.prune import prune
from wengert.tracing.names import finished_graph
from wengert.tracing.recorder import Recorder
from wengert.tracing.spec import Spec
from wengert.tracing.trace import trace
from wengert.tracing.tracer import Tracer, apply

Axis = int | None


def batch(graph: Graph, axes: Sequence[Axis], count: int, out_axes: Sequence[Axis]) -> Graph:
    """Return the graph for ``count`` examples at once.

    Args:
        graph: what is done for one example.
        axes: for each input the axis along which the examples lie, None for one that all
            examples share.
        count: the number of examples.
        out_axes: for each output the axis along which the results are put; None for an output
            that is the same for all examples.

    Raises:
        UnsupportedError: an operator has no rule for a batch; the message names it.
        GraphError: an output with axis None differs between examples.

    >>> from wengert.graph.text import parse
    >>> graph = parse('''graph f -> y
    ...   input x: f64[3]
    ...   y: f64[] = sum(x; axis=(0,), keepdims=False)''')
    >>> print(batch(graph, [0], 5, [0]).operations[0].attributes["axis"])
    (1,)
    """
    work = _Batching(graph, axes, count)
    for operation in graph.operations:
        work.add(operation)
    work.mark_gradients()
    outputs = tuple(
        work.output(variable, axis) for variable, axis in zip(graph.outputs, out_axes, strict=True)
    )
    found = replace(
        graph,
        inputs=work.inputs,
        operations=tuple(work.recorder.operations),
        outputs=outputs,
        constants=work.recorder.constants,
    )
    return check(prune(finished_graph(found, work.recorder.names)))


def batched_outputs(graph: Graph, axes: Sequence[Axis]) -> tuple[bool, ...]:
    """Return for each output whether it differs between examples."""
    reached = {v for v, axis in zip(graph.inputs, axes, strict=True) if axis is not None}
    for operation in graph.operations:
        if reached.intersection(operation.inputs):
            reached.update(operation.outputs)
    return tuple(variable in reached for variable in graph.outputs)


class _Batching:
    """The new tape, and what stands on it for each variable of the old graph."""

    def __init__(self, graph: Graph, axes: Sequence[Axis], count: int) -> None:
        self.recorder = Recorder(Tracer)
        self.count = count
        self.known: dict[Variable, Operand] = {}
        pairs = zip(graph.inputs, axes, strict=True)
        self.inputs = tuple(self._input(variable, axis) for variable, axis in pairs)
        for variable, value in graph.constants.items():
            held = self.recorder.constant(value, variable.formula, variable.name, variable.of)
            self._learn(variable, Tracer(self.recorder, held), False)

    def _input(self, variable: Variable, axis: Axis) -> Variable:
        shape = list(variable.shape)
        if axis is not None:
            shape.insert(axis, self.count)
        given = replace(variable, shape=tuple(shape), name=None, version=1, of=None)
        self.recorder.names.suggest(given, variable.name, -1)
        value = Tracer(self.recorder, given)
        if axis:
            with self.recorder.standing_for(None, None, None):
                value = moved(value, axis, 0)
        self.known[variable] = Operand(value, variable.shape, axis is not None)
        return given

    def _learn(self, variable: Variable, value: Tracer, is_batched: bool) -> None:
        self.known[variable] = Operand(value, variable.shape, is_batched)
        self.recorder.names.suggest(value.variable, variable.name, -1)

    def add(self, operation: Operation) -> None:
        """Record one operation, for all examples where they differ in an operand."""
        origin = None if operation.origin is None else self.known.get(operation.origin)
        stands_for = None if origin is None else origin.value.variable
        operands = [self.known[variable] for variable in operation.inputs]
        with self.recorder.standing_for(operation.location, operation.call, stands_for):
            is_batched = any(each.is_batched for each in operands)
            found = (self._batched if is_batched else self._same)(operation, operands)
            for variable, value in zip(operation.outputs, found, strict=True):
                self._learn(variable, value, is_batched)

    def _same(self, operation: Operation, operands: list[Operand]) -> tuple[Tracer, ...]:
        inputs = [each.value.variable for each in operands]
        found = self.recorder.record_all(operation.operator, inputs, operation.attributes)
        return tuple(Tracer(self.recorder, each) for each in found)

    def _batched(self, operation: Operation, operands: list[Operand]) -> tuple[Tracer, ...]:
        record = OPERATORS[operation.operator]
        attributes = dict(operation.attributes)
        shapes = tuple(each.shape for each in operation.outputs)
        use = Use(record.name, operands, attributes, shapes, self.count)
        rule = _OF_BODIES.get(record.name) or rule_for(record, use)
        if rule is None:
            found = self._of_parts(record, operation, use)
        else:
            found = rule(use) if record.parts else (rule(use),)
        mine = [each.value.variable for each in operands]
        return tuple(apply("identity", x) if x.variable in mine else x for x in found)

    def _of_parts(self, record: Operator, operation: Operation, use: Use) -> tuple[Tracer, ...]:
        """Batch what the operator is made of."""
        rule = record.decomposition
        if rule is None:
            raise UnsupportedError(
                f"vmap has no rule for the operator {record.name}",
                expected="an operator that says how it works on a batch, or what it is made of",
                remedy="write the function for the whole batch, or loop and np.stack the results",
                where=operation.location,
            )
        specs = [Spec(v.shape, v.dtype) for v in operation.inputs]
        parts = trace(lambda *xs: rule(*xs, **use.attributes), *specs)
        whole = self.known
        self.known = dict(zip(parts.inputs, use.operands, strict=True))
        for variable, value in parts.constants.items():
            self._learn(variable, Tracer(self.recorder, self.recorder.constant(value)), False)
        for part in parts.operations:
            self._add_part(part)
        found = tuple(self.known[each].repeated(self.count) for each in parts.outputs)
        self.known = whole
        return found

    def _add_part(self, part: Operation) -> None:
        operands = [self.known[variable] for variable in part.inputs]
        is_batched = any(each.is_batched for each in operands)
        made = (self._batched if is_batched else self._same)(part, operands)
        for variable, value in zip(part.outputs, made, strict=True):
            self.known[variable] = Operand(value, variable.shape, is_batched)

    def mark_gradients(self) -> None:
        """Let what was the gradient of a variable be that of its counterpart."""
        for variable, found in self.known.items():
            # What a gradient is of may have been pruned away.
            if variable.of is not None and variable.of in self.known:
                of = self.known[variable.of].value.variable
                self.recorder.names.gradients[found.value.variable] = of

    def output(self, variable: Variable, axis: Axis) -> Variable:
        """Return the results of all examples, along an axis."""
        found = self.known[variable]
        if axis is None:
            return found.value.variable
        with self.recorder.standing_for(None, None, None):
            value = moved(found.repeated(self.count), 0, axis)
        return value.variable


def _custom_gradient(use: Use) -> Tracer:
    """Batch the user's pullback too; what all examples share gets the sum of their gradients."""
    number: int = use.attributes["count"]
    y, given, others = use.operands[0], use.operands[1 : 1 + number], use.operands[1 + number :]
    graph = parse(use.attributes["pullback"])
    axes = [0, *(0 if each.is_batched else None for each in others)]
    many = batch(graph, axes, use.count, [0] * number)
    pairs = zip(many.outputs, given, strict=True)
    sums = [None if operand.is_batched else _sum(found) for found, operand in pairs]
    whole = replace(
        many,
        operations=(*many.operations, *(each for each in sums if each is not None)),
        outputs=tuple(
            found if total is None else total.output
            for found, total in zip(many.outputs, sums, strict=True)
        ),
    )
    values = [each.value for each in (*given, *others)]
    return apply(use.operator, y.repeated(use.count), *values, pullback=to_text(check(whole)),
                 count=number)  # fmt: skip


def _sum(variable: Variable) -> Operation:
    total = Variable(variable.shape[1:], variable.dtype)
    return Operation("sum", (variable,), (total,), {"axis": (0,), "keepdims": False})


_OF_BODIES: Mapping[str, Rule] = {
    "custom_gradient": _custom_gradient,
    "scan": partial(loops.scan, batch, batched_outputs),
    "cond": partial(loops.cond, batch),
    "while_loop": partial(loops.while_loop, batch, batched_outputs),
}
