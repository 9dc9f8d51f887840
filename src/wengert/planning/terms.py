"""Which terms of the backward pass read a storage."""

from __future__ import annotations

from dataclasses import dataclass

from wengert.base.errors import Location
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.planning.labels import write
from wengert.planning.lifetime import Lifetime, reads_bytes
from wengert.planning.plan import Plan


@dataclass(frozen=True, slots=True)
class Term:
    """One backward operation that reads a storage.

    Attributes:
        position: place in the schedule.
        operation: the backward operation, its operands written as in ``Plan.names``.
        gradient: the gradient that its result goes into, ``d(W2)``.
        rule: the forward operation whose rule it carries out, ``o = matmul(W2, h)``.
        operand: which value of that rule is read: ``x0``, ``x1`` … its operands, ``y`` its
            result; None where the rule reads a part or a view of something else.
        formula: the term as mathematics; None where no explanation was attached.
        location: the user's line of the forward operation.
    """

    position: int
    operation: str
    gradient: str
    rule: str
    operand: str | None
    formula: str | None
    location: Location | None

    def __str__(self) -> str:
        head = self.formula or f"{self.gradient} ← {self.operation}"
        where = f"   {self.location}" if self.location else ""
        operand = f" (its {self.operand})" if self.operand else ""
        return f"{head}\n    the rule of {self.rule} reads it{operand}{where}"


def backward_terms(plan: Plan, lifetime: Lifetime) -> tuple[Term, ...]:
    """Return the backward operations that read any view of a storage, in order.

    Making a view of the storage reads no bytes and is no term unless the view is returned;
    what reads the view is one.
    """
    members = set(lifetime.members)
    found: list[Term] = []
    for position in range(lifetime.birth, min(lifetime.death, len(plan.schedule))):
        operation = plan.operation(position)
        reads = any(each in members and _reads(plan, operation, each) for each in operation.inputs)
        if reads and plan.passes[position] == "backward":
            found.append(_term(plan, lifetime, operation, position))
    return tuple(found)


def _reads(plan: Plan, operation: Operation, variable: Variable) -> bool:
    return reads_bytes(plan.graph, plan.storage_of, operation, variable)


def _term(plan: Plan, lifetime: Lifetime, operation: Operation, position: int) -> Term:
    goal = target(plan.graph, operation)
    origin = operation.origin
    return Term(
        position,
        plan.written(position),
        plan.names[goal],
        rule_text(plan, origin) if origin is not None else "the backward pass",
        _operand(plan.graph, origin, lifetime) if origin is not None else None,
        _formula(plan, lifetime, goal),
        operation.location,
    )


def rule_text(plan: Plan, origin: Variable) -> str:
    """Return the forward operation behind a rule, ``o = matmul(W2, h)``."""
    producer = plan.graph.producer.get(origin)
    if producer is None:
        return plan.names[origin]
    return f"{plan.names[origin]} = {write(plan.graph, plan.names, producer)}"


def target(graph: Graph, operation: Operation) -> Variable:
    """Return the gradient that the result of a backward operation goes into.

    That is the gradient of an operand of the rule's forward operation, found by following the
    result; where nothing is named so, the last result that is reached.
    """
    producer = graph.producer.get(operation.origin) if operation.origin is not None else None
    operands = set(producer.inputs) if producer is not None else set[Variable]()
    queue = list(operation.outputs)
    seen = set(queue)
    nearest: Variable | None = None
    while queue:
        variable = queue.pop(0)
        if variable.of is not None:
            if variable.of in operands or not operands:
                return variable
            nearest = nearest or variable
            continue
        following = [out for user in graph.consumers[variable] for out in user.outputs]
        queue += [each for each in following if each not in seen]
        seen.update(following)
    return nearest or operation.outputs[0]


def _operand(graph: Graph, origin: Variable, lifetime: Lifetime) -> str | None:
    if origin in lifetime.members:
        return "result y"
    producer = graph.producer.get(origin)
    inputs = producer.inputs if producer is not None else ()
    places = [f"x{at}" for at, each in enumerate(inputs) if each in lifetime.members]
    return f"operand {' and '.join(places)}" if places else None


def _formula(plan: Plan, lifetime: Lifetime, goal: Variable) -> str | None:
    for member in lifetime.members:
        for owner, text in plan.formulas.get(member, ()):
            if owner is goal or owner is goal.of:
                return text
    return None
