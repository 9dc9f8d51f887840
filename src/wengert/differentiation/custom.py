"""A gradient that the user wrote: the backward pass takes it over as it stands.

The operation ``custom_gradient(y, *arguments, *others; pullback, count)`` is y. Its derivative by
the ``count`` arguments is the graph whose text is ``pullback``: from the incoming gradient and the
other operands, which it reads, to one gradient for each argument.
"""

from __future__ import annotations

from wengert.differentiation import control
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.text import held
from wengert.graph.variable import Variable
from wengert.operators.registry import OPERATORS
from wengert.tracing.recorder import Recorder

OPERATOR = "custom_gradient"


def pullback_of(operation: Operation) -> Graph:
    """Return the graph of a custom gradient."""
    return held(operation.attributes["pullback"])


def has_rule(operation: Operation, index: int) -> bool:
    """Return whether an operation has a derivative by one of its operands."""
    if operation.operator == OPERATOR:
        return 1 <= index <= operation.attributes["count"]
    if operation.operator in control.OPERATORS:
        return control.has_rule(operation, index)
    return OPERATORS[operation.operator].rule(index) is not None


def pulled_back(recorder: Recorder, operation: Operation, incoming: Variable) -> list[Variable]:
    """Record the pullback of an operation; return the gradients of its arguments."""
    graph = pullback_of(operation)
    others = operation.inputs[1 + operation.attributes["count"] :]
    known = dict(zip(graph.inputs, (incoming, *others), strict=True))
    for variable, value in graph.constants.items():
        known[variable] = recorder.constant(value, variable.formula, variable.name)
    for each in graph.operations:
        with recorder.standing_for(each.location, operation.call, operation.output):
            inputs = [known[variable] for variable in each.inputs]
            found = recorder.record_all(each.operator, inputs, each.attributes)
        for output, stands in zip(each.outputs, found, strict=True):
            known[output] = stands
            recorder.names.suggest(stands, output.name)
    return [known[variable] for variable in graph.outputs]
