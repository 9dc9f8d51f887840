"""Which terms of the backward pass read a storage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePath

from wengert.base.errors import Location
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.planning.labels import write
from wengert.planning.lifetime import Lifetime, reads_bytes
from wengert.planning.plan import Plan


@dataclass(frozen=True, slots=True)
class Term:
    """One use of a storage by the rule of one forward operation.

    Attributes:
        positions: places in the schedule of the backward operations that read it.
        operations: these operations, their operands written as in ``Plan.names``.
        gradient: the gradient that the result goes into, ``d(W2)``.
        rule: the forward operation whose rule they carry out, ``o = matmul(h, W2)``.
        operand: which value of that rule is read: "operand x0", "operand x1" …, or "result y";
            None where the rule reads a part of something else.
        formulas: the lines ∂J/∂v = … in which the term stands; empty where no explanation was
            attached, or none of the user's variables is near.
        location: the user's line of the forward operation.
        again: whether it is no term but makes the forward result another time.
    """

    positions: tuple[int, ...]
    operations: tuple[str, ...]
    gradient: str
    rule: str
    operand: str | None
    formulas: tuple[str, ...]
    location: Location | None
    again: bool = False

    def __str__(self) -> str:
        heads = self.formulas or (f"{self.gradient} ← {', '.join(self.operations)}",)
        if self.again:
            return f"{', '.join(self.operations)} makes {self.rule} again{place(self.location)}"
        operand = f" (its {self.operand})" if self.operand else ""
        tail = f"    the rule of {self.rule} reads it{operand}{place(self.location)}"
        return "\n".join([*heads, tail])


def place(location: Location | None) -> str:
    """Return the user's file and line for the end of a sentence, "" where there is none."""
    return "" if location is None else f", {PurePath(location.file).name}:{location.line}"


def backward_terms(plan: Plan, lifetime: Lifetime) -> tuple[Term, ...]:
    """Return how the backward pass reads any view of a storage, in order.

    Making a view of the storage reads no bytes and is no term unless the view is returned;
    what reads the view is one. Operations of one rule for one gradient are one term.
    """
    members = set(lifetime.members)
    found: dict[tuple[Variable | None, Variable], Term] = {}
    for position in range(lifetime.birth, min(lifetime.death, len(plan.schedule))):
        operation = plan.operation(position)
        reads = any(each in members and _reads(plan, operation, each) for each in operation.inputs)
        if reads and plan.passes[position] in ("backward", "recompute"):
            goal = target(plan.graph, operation)
            term = _term(plan, lifetime, position, goal)
            before = found.get((operation.origin, goal))
            found[operation.origin, goal] = term if before is None else _joined(before, term)
    return tuple(found.values())


def _reads(plan: Plan, operation: Operation, variable: Variable) -> bool:
    return reads_bytes(plan.graph, plan.storage_of, operation, variable)


def _joined(first: Term, second: Term) -> Term:
    return replace(
        first,
        positions=first.positions + second.positions,
        operations=first.operations + second.operations,
    )


def _term(plan: Plan, lifetime: Lifetime, position: int, goal: Variable) -> Term:
    operation = plan.operation(position)
    origin = operation.origin
    return Term(
        (position,),
        (plan.written(position),),
        plan.names[goal],
        rule_text(plan, origin) if origin is not None else "the backward pass",
        _operand(plan.graph, origin, lifetime) if origin is not None else None,
        _formulas(plan, lifetime, goal),
        operation.location,
        plan.passes[position] == "recompute",
    )


def rule_text(plan: Plan, origin: Variable) -> str:
    """Return the forward operation behind a rule, ``o = matmul(h, W2)``."""
    producer = plan.graph.producer.get(origin)
    if producer is None:
        return plan.names[origin]
    return f"{plan.names[origin]} = {write(plan.graph, plan.names, producer)}"


def target(graph: Graph, operation: Operation) -> Variable:
    """Return the gradient that the result of a backward operation goes into.

    That is the gradient of an operand of the rule's forward operation, found by following the
    result; where there is none, the nearest gradient, or the result itself.
    """
    producer = graph.producer.get(operation.origin) if operation.origin is not None else None
    operands = set(producer.inputs) if producer is not None else set[Variable]()
    nearest: Variable | None = None
    for variable in _onward(graph, operation.outputs):
        if variable.of is not None:
            if variable.of in operands or not operands:
                return variable
            nearest = nearest or variable
    return nearest or operation.outputs[0]


def _onward(
    graph: Graph, start: tuple[Variable, ...], stop: frozenset[Variable] | None = None
) -> list[Variable]:
    """Return what is computed from ``start``, nearest first, and not beyond a finished gradient.

    With ``stop`` the walk ends at these variables instead.
    """
    queue = list(start)
    seen = set(queue)
    found: list[Variable] = []
    while queue:
        variable = queue.pop(0)
        found.append(variable)
        ends = variable.of is not None if stop is None else variable in stop
        if not ends:
            following = [out for user in graph.consumers[variable] for out in user.outputs]
            queue += [each for each in following if each not in seen]
            seen.update(following)
    return found


def _operand(graph: Graph, origin: Variable, lifetime: Lifetime) -> str | None:
    if origin in lifetime.members:
        return "result y"
    producer = graph.producer.get(origin)
    inputs = producer.inputs if producer is not None else ()
    places = [f"x{at}" for at, each in enumerate(inputs) if each in lifetime.members]
    return f"operand {' and '.join(places)}" if places else None


def _formulas(plan: Plan, lifetime: Lifetime, goal: Variable) -> tuple[str, ...]:
    """Return the line of the goal, or where it has none the next lines that it goes into."""
    lines = {
        gradient: text
        for member in lifetime.members
        for gradient, text in plan.formulas.get(member, ())
    }
    if goal in lines:
        return (lines[goal],)
    onward = _onward(plan.graph, (goal,), frozenset(lines)) if lines else []
    return tuple(lines[each] for each in onward if each in lines)
