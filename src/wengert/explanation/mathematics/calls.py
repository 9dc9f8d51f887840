"""Calls that the mathematics tells by name: ϕ(z) with its ϕ′(z), ℓ(o, y) with its ∂ℓ/∂o."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wengert.base.dtypes import is_differentiable
from wengert.graph.graph import Graph
from wengert.graph.operation import Call, Operation
from wengert.graph.variable import Variable
from wengert.graph.walk import ancestors
from wengert.operators.registry import OPERATORS

# Operators that are no composite but work element by element.
_ELEMENTWISE = {
    "relu", "leaky_relu", "sigmoid", "softplus", "gelu", "binary_cross_entropy", "identity",
    "stop_gradient", "barrier", "custom_gradient", "broadcast_to",
}  # fmt: skip
# Operators whose rule is too long to stand in a line: told by name even outside a function.
_LONG = {"gelu"}


@dataclass(frozen=True, eq=False, slots=True)
class Opaque:
    """One call that is told by name.

    Attributes:
        name: the function's name.
        result: what it returns.
        operands: the arrays it reads, in order of first use.
        inside: its forward operations.
        elementwise: whether it is a ϕ (elementwise, one operand) and not an ℓ (scalar).
        parts: for each operand its contributions in the backward pass.
        incoming: the gradient of the result; None where there is no backward pass.
        is_users: whether it is a function of the user's and not an operator of its own.
    """

    name: str
    result: Variable
    operands: tuple[Variable, ...]
    inside: tuple[Operation, ...]
    elementwise: bool
    parts: dict[Variable, tuple[Variable, ...]]
    incoming: Variable | None
    is_users: bool


def opaque_calls(graph: Graph, forward: Sequence[Operation], objective: Variable) -> list[Opaque]:
    """Return the outermost calls that can be told by name, in order."""
    found: list[Opaque] = []
    taken: set[Operation] = set()
    for call in _calls(forward):
        inside = [op for op in forward if op.call is not None and call in op.call.path]
        if taken.isdisjoint(inside):
            one = _opaque(graph, forward, objective, inside, call)
            if one is not None:
                found.append(one)
                taken.update(inside)
    for operation in forward:
        if operation.operator in _LONG and operation not in taken:
            one = _opaque(graph, forward, objective, [operation], None)
            if one is not None:
                found.append(one)
    return found


def _calls(forward: Iterable[Operation]) -> list[Call]:
    """Return every call, outer ones before inner ones."""
    found: dict[Call, None] = {}
    for operation in forward:
        if operation.call is not None:
            found.update(dict.fromkeys(operation.call.path))
    return sorted(found, key=lambda call: len(call.path))


def _opaque(
    graph: Graph,
    forward: Sequence[Operation],
    objective: Variable,
    inside: list[Operation],
    call: Call | None,
) -> Opaque | None:
    made = {out for op in inside for out in op.outputs}
    members = set(inside)
    outside = [op for op in forward if op not in members]
    read = {v for op in outside for v in op.inputs} | set(graph.outputs)
    results = [out for op in inside for out in op.outputs if out in read]
    operands = tuple(
        dict.fromkeys(
            v for op in inside for v in op.inputs
            if v not in made and not (v in graph.constants and v.rank == 0)
        )
    )  # fmt: skip
    if len(results) != 1 or results[0] is objective or not operands:
        return None
    (result,) = results
    elementwise = _is_elementwise(inside, operands, result)
    if not elementwise and not _is_loss(operands, result):
        return None
    backward = _backward(graph, set(forward), inside, result, call)
    parts = _parts(graph, backward, operands)
    incoming = next((v for v in graph.variables if v.of is result), None)
    if incoming is None:
        incoming = _incoming(graph, backward)
    if incoming is None:
        parts = {}
    name = inside[0].operator if call is None else call.function
    users = call is not None
    return Opaque(name, result, operands, tuple(inside), elementwise, parts, incoming, users)


def _is_elementwise(
    inside: Sequence[Operation], operands: Sequence[Variable], result: Variable
) -> bool:
    if len(operands) != 1 or operands[0].shape != result.shape:
        return False
    whole = all(v.shape in ((), result.shape) for op in inside for v in (*op.inputs, *op.outputs))
    return whole and all(_works_elementwise(op) for op in inside)


def _works_elementwise(operation: Operation) -> bool:
    return operation.operator in _ELEMENTWISE or OPERATORS[operation.operator].kind == "elementwise"


def _is_loss(operands: Sequence[Variable], result: Variable) -> bool:
    """A scalar of values that are no parameters; a regulariser is told in full."""
    return (
        result.rank == 0
        and is_differentiable(result.dtype)
        and not any(v.role == "parameter" for v in operands)
        and any(v.rank for v in operands)
    )


def _incoming(graph: Graph, backward: Sequence[Operation]) -> Variable | None:
    """Return the gradient that the rules of a call start from, when it serves others as well."""
    made = {out for op in backward for out in op.outputs}
    for operation in backward:
        for variable in operation.inputs:
            seeds = variable.role == "gradient" or variable.of is not None
            if variable not in made and seeds:
                return variable
    return None


def _backward(
    graph: Graph,
    forward: set[Operation],
    inside: Sequence[Operation],
    result: Variable,
    call: Call | None,
) -> list[Operation]:
    """Return the operations of the backward pass that carry out the rules of a call."""
    made = {out for op in inside for out in op.outputs}
    before = ancestors(graph.operations, [v for v in graph.variables if v.of is result])
    return [
        op for op in graph.operations
        if op.origin in made and not before.intersection(op.outputs) and op not in forward
        and (call is None or (op.call is not None and call in op.call.path))
    ]  # fmt: skip


def _parts(
    graph: Graph, backward: Sequence[Operation], operands: Sequence[Variable]
) -> dict[Variable, tuple[Variable, ...]]:
    """Return for each operand what the backward pass of the call contributes to its gradient."""
    members = set(backward)
    parts: dict[Variable, list[Variable]] = {operand: [] for operand in operands}
    for operation in backward:
        part = operation.outputs[0]
        if part.of in parts:
            assert part.of is not None
            parts[part.of].append(part)
            continue
        for reader in graph.consumers[part]:
            if reader not in members and reader.origin in parts:
                assert reader.origin is not None
                parts[reader.origin].append(part)
                break
    return {operand: tuple(found) for operand, found in parts.items() if found}
