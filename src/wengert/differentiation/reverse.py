"""Reverse mode, graph → graph: the backward pass by the chain rule in reverse order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import numpy as np

from wengert.base.dtypes import is_differentiable
from wengert.base.errors import DifferentiationError
from wengert.differentiation import control, custom
from wengert.differentiation.guards import without_needless_guards
from wengert.graph.check import check
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.graph.walk import ancestors, descendants
from wengert.operators.registry import OPERATORS
from wengert.rewriting.prune import prune
from wengert.tracing.apply import as_variable
from wengert.tracing.names import finished_graph
from wengert.tracing.recorder import Recorder
from wengert.tracing.tracer import Tracer


@dataclass(frozen=True)
class Pullback:
    """A forward graph with its backward pass appended.

    Attributes:
        graph: forward and backward operations; outputs are the forward outputs, then one
            gradient for each variable of ``wrt``.
        connected: whether each variable of ``wrt`` has a path to the result; without one its
            gradient is zero.
    """

    graph: Graph
    connected: tuple[bool, ...]


def pullback(
    graph: Graph, wrt: Sequence[Variable], seeds: Mapping[Variable, Variable] | None = None
) -> Pullback:
    """Append the backward pass: v ↦ Σ over outputs of (∂output/∂v)ᵀ seed(output).

    Args:
        graph: the forward pass.
        wrt: the variables whose gradients become outputs.
        seeds: for each output the variable that holds its incoming gradient (an input added
            by the caller); by default one for the first output, an objective.
    """
    recorder = Recorder.resume(Tracer, graph)
    backward = _Backward(recorder, graph, wrt)
    _refuse_complex(graph, backward.needed)
    if seeds is None:
        seeds = {graph.outputs[0]: _one(recorder, graph.outputs[0])}
    gradients = backward.run(seeds)
    outputs = (*graph.outputs, *gradients)
    constants = recorder.constants
    joint = replace(
        graph,
        operations=tuple(without_needless_guards(op, constants) for op in recorder.operations),
        outputs=outputs,
        constants=constants,
    )
    connected = tuple(variable in backward.found for variable in wrt)
    return Pullback(check(prune(finished_graph(joint, recorder.names))), connected)


def _pulled(graph: Graph, wrt: Sequence[Variable], seeds: Mapping[Variable, Variable]) -> Graph:
    return pullback(graph, wrt, seeds).graph


def _refuse_complex(graph: Graph, needed: Collection[Variable]) -> None:
    """A rule of real numbers alone would be wrong for complex ones."""
    for operation in graph.operations:
        taken = [each for each in operation.inputs if each in needed and each.dtype.kind == "c"]
        carried = any(is_differentiable(each.dtype) for each in operation.outputs)
        if taken and carried and not OPERATORS[operation.operator].for_complex:
            raise DifferentiationError(
                f"the gradient through {operation.operator} of {taken[0].label or 'a value'}",
                expected="real numbers, or an operator that is differentiable in complex ones",
                got=taken[0].dtype.name,
                remedy="np.real, np.imag or np.abs of it first",
                where=operation.location,
            )


def _one(recorder: Recorder, output: Variable) -> Variable:
    return recorder.constant(np.ones(output.shape, output.dtype), of=output)


class _Backward:
    """The incoming gradient of each variable, while the operations are walked in reverse."""

    def __init__(self, recorder: Recorder, graph: Graph, wrt: Sequence[Variable]) -> None:
        self.recorder, self.graph, self.wrt = recorder, graph, wrt
        self.needed = descendants(graph.operations, wrt)
        self.parts: dict[Variable, list[Variable]] = {}
        self.found: dict[Variable, Variable] = {}
        # In reverse order the first reader comes last: then every contribution is there.
        self.last_part: dict[Operation, list[Variable]] = {}
        for variable in wrt:
            readers = graph.consumers[variable]
            if readers and variable not in graph.producer:
                self.last_part.setdefault(readers[0], []).append(variable)

    def run(self, seeds: Mapping[Variable, Variable]) -> list[Variable]:
        for output, seed in seeds.items():
            self.parts.setdefault(output, []).append(seed)
        for operation in reversed(self.graph.operations):
            if any(output in self.parts for output in operation.outputs):
                self._through(operation)
            for variable in self.last_part.get(operation, ()):
                self._finish(variable)
        return [self._finish(variable) or self._zero(variable) for variable in self.wrt]

    def _through(self, operation: Operation) -> None:
        outputs = operation.outputs
        needed = [self._wants(operation, index) for index in range(len(operation.inputs))]
        incoming = [self._finish(output) for output in outputs]
        if not any(incoming) or not any(needed):
            return
        if operation.operator == custom.OPERATOR:
            self._through_custom(operation, incoming[0])
            return
        if operation.operator in control.OPERATORS:
            parts = control.pulled_back(self.recorder, operation, incoming, needed, _pulled)
            for variable, part in zip(operation.inputs, parts, strict=True):
                if part is not None:
                    self._add(variable, part)
            return
        record = OPERATORS[operation.operator]
        g = tuple(None if each is None else self._tracer(each) for each in incoming)
        y = tuple(map(self._tracer, outputs))
        given = (g, y) if record.parts else (g[0], y[0])
        operands = [self._tracer(variable) for variable in operation.inputs]
        with self.recorder.standing_for(operation.location, operation.call, outputs[0]):
            for index, variable in enumerate(operation.inputs):
                rule = record.rule(index)
                if needed[index] and rule is not None:
                    part = rule(*given, *operands, **operation.attributes)
                    self._add(variable, self._fitted(part, variable))

    def _through_custom(self, operation: Operation, incoming: Variable | None) -> None:
        assert incoming is not None
        parts = custom.pulled_back(self.recorder, operation, incoming)
        for index, part in enumerate(parts, 1):
            if self._wants(operation, index):
                self._add(operation.inputs[index], part)

    def _wants(self, operation: Operation, index: int) -> bool:
        variable = operation.inputs[index]
        return (
            custom.has_rule(operation, index)
            and variable in self.needed
            and is_differentiable(variable.dtype)
        )

    def _tracer(self, variable: Variable) -> Tracer:
        return Tracer(self.recorder, variable)

    def _fitted(self, part: object, variable: Variable) -> Variable:
        """Un-broadcast a contribution to its variable, and give it the variable's dtype."""
        found = as_variable(self.recorder, part, variable.dtype)
        if found.shape != variable.shape:
            found = self._summed(found, variable)
        if found.dtype.kind == "c" and variable.dtype.kind == "f":
            # Re(g dx) = Re(g) dx: a real operand of a complex result.
            found = self.recorder.record("real", [found], {})
        if found.dtype != variable.dtype:
            found = self.recorder.record("cast", [found], {"dtype": variable.dtype.name})
        return found

    def _summed(self, part: Variable, variable: Variable) -> Variable:
        ahead = len(part.shape) - len(variable.shape)
        axes = tuple(
            axis
            for axis, size in enumerate(part.shape)
            if axis < ahead or (variable.shape[axis - ahead] == 1 and size != 1)
        )
        if axes:
            part = self.recorder.record("sum", [part], {"axis": axes, "keepdims": False})
        if part.shape != variable.shape:
            smaller = part.size < variable.size
            operator = "broadcast_to" if smaller else "reshape"
            part = self.recorder.record(operator, [part], {"shape": variable.shape})
        return part

    def _finish(self, variable: Variable) -> Variable | None:
        """Add up the contributions; the sum is the gradient of the variable."""
        if variable in self.found:
            return self.found[variable]
        parts = self.parts.get(variable)
        if not parts:
            return None
        with self._standing_for(variable):
            self.found[variable] = self._labelled(self._total(parts), variable)
        return self.found[variable]

    def _add(self, variable: Variable, part: Variable) -> None:
        """Take note of a contribution; of many no more than two wait to be added up."""
        parts = self.parts.setdefault(variable, [])
        if len(parts) > 1:
            with self._standing_for(variable):
                parts[:] = [self._total(parts)]
        parts.append(part)

    def _total(self, parts: Sequence[Variable]) -> Variable:
        total = parts[0]
        for part in parts[1:]:
            total = self.recorder.record("add", [total, part], {})
        return total

    def _standing_for(self, variable: Variable) -> AbstractContextManager[None]:
        maker = self.graph.producer.get(variable)
        where = None if maker is None else maker.location
        return self.recorder.standing_for(where, None if maker is None else maker.call, variable)

    def _labelled(self, gradient: Variable, variable: Variable) -> Variable:
        """Mark a variable as the gradient of another; one that is taken gets an alias."""
        names = self.recorder.names
        if gradient.of is variable:
            return gradient
        if gradient.role != "gradient" or gradient.of is not None or gradient in names.gradients:
            if names.get(variable) is None and variable not in self.wrt:
                return gradient
            gradient = self.recorder.record("identity", [gradient], {})
        names.gradients[gradient] = variable
        return gradient

    def _zero(self, variable: Variable) -> Variable:
        zero = self.recorder.constant(np.zeros((), variable.dtype))
        with self.recorder.standing_for(None, None, variable):
            found = self.recorder.record("broadcast_to", [zero], {"shape": variable.shape})
        self.recorder.names.gradients[found] = variable
        return found


def connected(graph: Graph, results: Sequence[Variable]) -> set[Variable]:
    """Return the variables from which a path of derivatives leads to one of the results."""
    found = {variable for variable in results if is_differentiable(variable.dtype)}
    for operation in reversed(graph.operations):
        if found.intersection(operation.outputs):
            found.update(
                variable
                for index, variable in enumerate(operation.inputs)
                if custom.has_rule(operation, index) and is_differentiable(variable.dtype)
            )
    return found


def where_cut(
    graph: Graph, variable: Variable, results: Sequence[Variable] | None = None
) -> tuple[Operation, ...]:
    """Return the operations at which the path from a variable to the results ends.

    ``results`` are by default the first output, an objective. Empty when the variable is not
    used at all for them.
    """
    towards = ancestors(graph.operations, graph.outputs[:1] if results is None else results)
    reached = {variable}
    cuts: list[Operation] = []
    for operation in graph.operations:
        hit = [i for i, each in enumerate(operation.inputs) if each in reached]
        if not hit or not towards.intersection(operation.outputs):
            continue
        carried = [each for each in operation.outputs if is_differentiable(each.dtype)]
        if any(custom.has_rule(operation, i) for i in hit) and carried:
            reached.update(carried)
        else:
            cuts.append(operation)
    return tuple(cuts)
