"""Composites and statistics as the few operators that a compiler knows.

What remains: operators with a scalar formula, sum, prod, max, min, any, all, movement, picking by
place, matmul and einsum. An operator that refuses numbers (a label that is no class) keeps doing
so: its operand passes through ``check``, an identity that the compiler carries out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from wengert.graph.graph import Array, Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.graph.walk import made_again
from wengert.operators.record import Operator
from wengert.operators.registry import OPERATORS
from wengert.rewriting.prune import prune
from wengert.rewriting.share import frozen, share
from wengert.tracing.spec import Spec
from wengert.tracing.trace import trace_rule

CHECK = "check"
Attributes = Mapping[str, Any]


def _labels(attributes: Attributes) -> Attributes:
    return {"operator": "one_hot", "low": 0, "high": attributes["classes"] - 1}


def _probabilities(attributes: Attributes) -> Attributes:
    return {"operator": "binary_cross_entropy", "low": -0.01, "high": 1.01}


# operator -> the operand whose numbers it checks, and between what they must lie
_CHECKED: dict[str, tuple[int, Callable[[Attributes], Attributes]]] = {
    "one_hot": (0, _labels),
    "binary_cross_entropy": (1, _probabilities),
}


def decompose(graph: Graph) -> Graph:
    """Return the graph with every operator that has no scalar formula taken apart.

    Names of variables stay with the variables that had them; what a part computes has none. What
    is made again on purpose stays so.

    >>> from wengert.graph.text import parse
    >>> graph = parse('''graph f -> y
    ...   input x: f64[2, 3]
    ...   y: f64[2] = mean(x; axis=(1,), keepdims=False)''')
    >>> [operation.operator for operation in decompose(graph).operations]
    ['sum', 'divide']
    """
    work = _Work(dict(graph.constants))
    again = made_again(graph)
    apart: dict[Variable, Variable] = {}
    for operation in graph.operations:
        before = len(work.operations)
        work.add(operation)
        if operation.outputs[0] in again:
            apart.update((part.outputs[0], operation.outputs[0])
                         for part in work.operations[before:])  # fmt: skip
    found = replace(graph, operations=tuple(work.operations), constants=work.constants)
    return prune(share(prune(found), apart))


def is_primitive(record: Operator) -> bool:
    """Return whether the compiler takes an operator as it is."""
    return record.scalar is not None or record.decomposition is None


@dataclass
class _Work:
    """The operations so far; a part traced once serves every operation of the same type."""

    constants: dict[Variable, Array]
    operations: list[Operation] = field(default_factory=list[Operation])
    traced: dict[Any, Graph] = field(default_factory=dict[Any, Graph])

    def add(self, operation: Operation) -> None:
        record = OPERATORS.get(operation.operator)
        checked = _CHECKED.get(operation.operator)
        if checked is not None:
            operation = self._checked(operation, checked[0], checked[1](operation.attributes))
        if record is None or is_primitive(record):
            self.operations.append(operation)
        else:
            self._inline(operation, self._parts(record, operation))

    def _checked(self, operation: Operation, number: int, attributes: Attributes) -> Operation:
        operand = operation.inputs[number]
        passed = Variable(operand.shape, operand.dtype, "intermediate")
        self.operations.append(
            replace(operation, operator=CHECK, inputs=(operand,), outputs=(passed,),
                    attributes=dict(attributes))
        )  # fmt: skip
        inputs = (*operation.inputs[:number], passed, *operation.inputs[number + 1 :])
        return replace(operation, inputs=inputs)

    def _parts(self, record: Operator, operation: Operation) -> Graph:
        types = tuple((variable.shape, variable.dtype) for variable in operation.inputs)
        key = (record.name, types, frozen(operation.attributes))
        if key not in self.traced:
            rule, attributes = record.decomposition, dict(operation.attributes)
            assert rule is not None
            specs = [Spec(shape, dtype) for shape, dtype in types]
            self.traced[key] = trace_rule(lambda *xs: rule(*xs, **attributes), *specs)
        return self.traced[key]

    def _inline(self, operation: Operation, parts: Graph) -> None:
        known = dict(zip(parts.inputs, operation.inputs, strict=True))
        for variable, value in parts.constants.items():
            known[variable] = Variable(variable.shape, variable.dtype, "constant")
            self.constants[known[variable]] = value
        wanted: dict[Variable, Variable] = {}
        repeated: list[tuple[Variable, Variable]] = []
        for result, output in zip(parts.outputs, operation.outputs, strict=True):
            if result in known or result in wanted:
                repeated.append((result, output))
            else:
                wanted[result] = output
        for part in parts.operations:
            inputs = tuple(known[variable] for variable in part.inputs)
            for each in part.outputs:
                known[each] = wanted.get(each) or replace(each, name=None, version=1, of=None)
            outputs = tuple(known[each] for each in part.outputs)
            self._append(operation, part.operator, inputs, outputs, part.attributes)
        for result, output in repeated:
            self._append(operation, "identity", (known[result],), (output,), {})

    def _append(
        self,
        whole: Operation,
        operator: str,
        inputs: tuple[Variable, ...],
        outputs: tuple[Variable, ...],
        attributes: Attributes,
    ) -> None:
        self.add(
            replace(whole, operator=operator, inputs=inputs, outputs=outputs,
                    attributes=attributes)
        )  # fmt: skip
